"""The 3-D view of one structure's errors: what was found, found wrongly and missed (thesis figure 15)."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from scipy import ndimage
from vtkmodules.vtkCommonDataModel import vtkPolyData

from VertebraFLTLib.anatomy import STRUCTURE_BY_LABEL, Color
from VertebraFLTLib.errors import InputError
from VertebraFLTLib.evaluation.mask_pair import MaskPair
from VertebraFLTLib.evaluation.metrics import box_around
from VertebraFLTLib.progress import Progress, silent
from VertebraFLTLib.quantification.coverage import Grid
from VertebraFLTLib.quantification.isosurface import zero_surface
from VertebraFLTLib.report.offscreen import CannotRender, Painted
from VertebraFLTLib.report.style import INK, MUTED, save
from VertebraFLTLib.report.two_views import two_views

log = logging.getLogger(__name__)

# Grey, red and blue as in the thesis; of the two, Okabe and Ito's, told apart with any colour vision.
_FOUND: Color = (0.62, 0.64, 0.67)
_FALSE: Color = (0.835, 0.369, 0.0)
_MISSED: Color = (0.0, 0.447, 0.698)
_SMALLEST_ML = 0.05  # specks of a few voxels hide the errors that matter
_NOTE = (
    "Errors cover what was found: the\npicture overstates them, the\nvolumes do not. Thin layers are\n"
    "edges that differ by a voxel.\n"
    f"Specks below {_SMALLEST_ML:g} ml count in the\nvolumes and are not drawn."
)


def write_error_figures(pair: MaskPair, folder: Path | str, progress: Progress = silent) -> list[Path]:
    """``errors_KEY.png`` of every label that occurs (``errors_label_N.png`` where it is no structure's).

    The folder is made where it is missing. Where nothing can be drawn off-screen a warning says so and the list is
    empty. Raises InputError where a file cannot be written.
    """
    names, labels = pair.names(), pair.labels()
    folder = Path(folder)
    written: list[Path] = []
    for done, label in enumerate(labels):
        progress("figures", done / len(labels))
        stem = STRUCTURE_BY_LABEL[label].key if label in names else f"label_{label}"
        try:
            figure = errors_figure(pair, label)
        except CannotRender as reason:
            log.warning("warning: the 3-D views of errors were not drawn: %s", reason)
            return written
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"cannot write {folder}: {error.strerror or error}; choose another folder") from error
        written.append(folder / f"errors_{stem}.png")
        save(figure, written[-1])
    progress("figures", 1.0)
    return written


def errors_figure(pair: MaskPair, label: int) -> Figure:
    """One structure from the front and from the left: true positives translucent, errors over them, Dice in the title.

    Ignored voxels are in none of the three. Raises CannotRender where nothing can be drawn off-screen.
    """
    truth, pred = pair.truth == label, pair.pred == label
    if pair.ignored is not None:
        truth, pred = truth & ~pair.ignored, pred & ~pair.ignored
    masks = {"True positive": truth & pred, "False positive": pred & ~truth, "False negative": truth & ~pred}
    looks = {"True positive": (_FOUND, 0.3), "False positive": (_FALSE, 0.9), "False negative": (_MISSED, 0.9)}
    fewest = _SMALLEST_ML / pair.grid.voxel_ml
    parts = [Painted(mask_surface(masks[key], pair.grid, fewest), *looks[key]) for key in masks]
    both, wrong, missed = (int(np.count_nonzero(mask)) for mask in masks.values())
    dice = 2 * both / (2 * both + wrong + missed)
    name = pair.names().get(label, f"Label {label}")
    figure, left = two_views(parts, f"{name}: Dice {dice:.3f}")
    height, width = figure.get_figheight(), figure.get_figwidth()
    entries = [
        Patch(
            facecolor=looks[key][0],
            alpha=min(1.0, looks[key][1] + 0.2),
            linewidth=0,
            label=f"{key}  {count * pair.grid.voxel_ml:.1f} ml",
        )
        for key, count in zip(masks, (both, wrong, missed), strict=True)
    ]
    figure.legend(
        handles=entries, loc="upper left", bbox_to_anchor=(left, 1 - 1.0 / height), fontsize=8.5, frameon=False,
        labelcolor=INK, handlelength=1.2, borderaxespad=0,
    )  # fmt: skip
    figure.text(left + 0.05 / width, 1 - 1.9 / height, _NOTE, fontsize=7.5, color=MUTED, va="top", linespacing=1.5)
    return figure


def mask_surface(mask: np.ndarray, grid: Grid, fewest: float = 0) -> vtkPolyData:
    """The surface of a boolean mask (kji) in LPS millimetres, on its own voxels so that thin layers stay.

    Pieces (26 neighbours) of less than ``fewest`` voxels are left out.
    """
    if not mask.any():
        return vtkPolyData()
    box = box_around(mask)
    pieces, _ = ndimage.label(mask[box], np.ones((3, 3, 3)))
    large = np.bincount(pieces.ravel()) >= fewest
    large[0] = False
    start = np.array([[s.start for s in reversed(box)]])
    part = Grid(
        size=tuple(s.stop - s.start for s in reversed(box)),
        spacing=grid.spacing,
        origin=tuple(float(v) for v in grid.to_mm(start)[0]),
        direction=grid.direction,
    )
    return zero_surface(large[pieces] - 0.5, part)
