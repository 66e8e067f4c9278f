"""Contact sheets: every mask of a cohort at a glance, on planes in which a wrong one cannot hide."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from VertebraFLTLib.anatomy import STRUCTURE_BY_LABEL, STRUCTURES
from VertebraFLTLib.errors import InputError
from VertebraFLTLib.report.mask_planes import MaskPlane, MaskPlanes
from VertebraFLTLib.report.style import INK, MUTED, new_figure, save

_WINDOW_HU = (-250.0, 850.0)
_ROW_IN, _TITLE_IN, _GAP_IN, _FOOT_IN = 4.6, 0.5, 0.06, 0.34
_WIDEST_IN = 5.2  # of one panel
_FILL = 0.28  # opacity
_ENDS = {"sagittal": ("A", "P"), "coronal": ("R", "L"), "axial": ("R", "L")}
_OUTLINED = [patheffects.withStroke(linewidth=1.6, foreground="black", alpha=0.75)]


@dataclass(frozen=True)
class SheetCase:
    """What one row of a sheet shows: a CT in HU, a semantic mask on any grid, and a few words under the name."""

    name: str
    ct: sitk.Image
    mask: sitk.Image
    words: str = ""


def write_contact_sheets(cases: Iterable[SheetCase], folder: Path, per_page: int = 1) -> Iterator[Path]:
    """One PNG for every ``per_page`` cases; yields each path once it is written, so that cases may be made lazily.

    A page of one case carries its name, others are numbered. Raises InputError where ``per_page`` is below one or a
    file cannot be written.
    """
    if per_page < 1:
        raise InputError(f"a page holds one case or more, not {per_page}")
    folder.mkdir(parents=True, exist_ok=True)
    waiting = iter(cases)
    number = 0
    while page := list(islice(waiting, per_page)):
        number += 1
        path = folder / (f"{page[0].name}.png" if per_page == 1 else f"page_{number:02d}.png")
        save(contact_sheet(page), path)
        yield path


def contact_sheet(cases: Sequence[SheetCase]) -> Figure:
    """One row a case: sagittal and coronal planes along the bones, the whole mask from the front, four axial slices.

    All panels of a row have one scale, except the axial ones. Raises InputError without cases or where the mask holds
    values that are no structure's.
    """
    if not cases:
        raise InputError("a contact sheet needs a case at least")
    rows = [_row_of(case) for case in cases]
    width = max(panel.x + panel.w for row in rows for panel in row) + _GAP_IN
    step = _ROW_IN + _TITLE_IN
    height = step * len(rows) + _FOOT_IN
    figure = new_figure(width, height)
    for number, (case, row) in enumerate(zip(cases, rows, strict=True), start=1):
        bottom = height - number * step
        _title(figure, case, bottom + _ROW_IN + 0.06, width, height)
        for panel in row:
            place = (panel.x / width, (bottom + panel.y) / height, panel.w / width, panel.h / height)
            _draw(figure.add_axes(place), panel.plane)
    handles = [Line2D([], [], color=s.color, linewidth=3, label=f"{s.label} {s.name}") for s in STRUCTURES]
    figure.legend(handles=handles, loc="lower left", ncols=len(handles), fontsize=8, frameon=False, labelcolor=INK)
    return figure


@dataclass(frozen=True)
class _Panel:
    """A plane and its place in the row, inches from the row's lower left corner."""

    plane: MaskPlane
    x: float
    y: float
    w: float
    h: float


def _row_of(case: SheetCase) -> list[_Panel]:
    values = np.unique(sitk.GetArrayViewFromImage(case.mask))
    if not set(values.tolist()) <= {0, *STRUCTURE_BY_LABEL}:
        raise InputError(f"mask of {case.name} holds values that are no structure's: {values.tolist()[:8]}")
    planes = MaskPlanes.of(case.ct, case.mask)
    upright = [planes.sagittal(), *planes.coronals(), planes.shadow()]
    scale = min(_ROW_IN / upright[0].size_mm[1], _WIDEST_IN / max(p.size_mm[0] for p in upright))
    row: list[_Panel] = []
    left = _GAP_IN
    for plane in upright:
        w, h = (scale * mm for mm in plane.size_mm)
        row.append(_Panel(plane, left, _ROW_IN - h, w, h))
        left += w + _GAP_IN
    axials = planes.axials(4)  # two by two
    scale = min((_ROW_IN - _GAP_IN) / 2 / axials[0].size_mm[1], _WIDEST_IN / 1.6 / axials[0].size_mm[0])
    w, h = (scale * mm for mm in axials[0].size_mm)
    for number, plane in enumerate(axials):
        down, across = divmod(number, 2)
        row.append(_Panel(plane, left + across * (w + _GAP_IN), _ROW_IN - h - down * (h + _GAP_IN), w, h))
    return row


def _title(figure: Figure, case: SheetCase, bottom: float, width: float, height: float) -> None:
    size, spacing = case.ct.GetSize(), case.ct.GetSpacing()
    sampling = " x ".join(f"{mm:.2f}".rstrip("0").rstrip(".") for mm in spacing) + " mm"
    voxels = " x ".join(map(str, size))
    place = {"va": "bottom", "transform": figure.transFigure}
    figure.text(_GAP_IN / width, (bottom + 0.16) / height, case.name, fontsize=11, color=INK, weight="bold", **place)
    words = f"{voxels} voxels of {sampling}" + (f";  {case.words}" if case.words else "")
    figure.text(_GAP_IN / width, bottom / height, words, fontsize=8, color=MUTED, **place)


def _draw(axes: Axes, plane: MaskPlane) -> None:
    upwards = plane.view != "axial"
    left, right, low, high = plane.extent_mm
    axes.imshow(
        plane.ct,
        cmap="gray",
        vmin=_WINDOW_HU[0],
        vmax=_WINDOW_HU[1],
        extent=plane.extent_mm,
        origin="lower",
        interpolation="bilinear",
    )
    for structure in STRUCTURES:
        mask = plane.masks.get(structure.key)
        if mask is None or mask.max() < 0.5:
            continue
        look = {"extent": plane.extent_mm, "origin": "lower"}
        axes.contourf(mask, levels=[0.5, 2.0], colors=[to_rgba(structure.color, _FILL)], **look)
        axes.contour(mask, levels=[0.5], colors=[structure.color], linewidths=0.9, **look)
    axes.set(xlim=(left, right), ylim=(low, high) if upwards else (high, low), xticks=[], yticks=[], aspect="equal")
    for spine in axes.spines.values():
        spine.set_visible(False)
    marks = [(0.01, "left", _ENDS[plane.view][0]), (0.99, "right", _ENDS[plane.view][1]), (0.5, "center", plane.title)]
    for x, side, text in marks:
        axes.text(
            x,
            0.985,
            text,
            transform=axes.transAxes,
            fontsize=7,
            color="white",
            ha=side,
            va="top",
            path_effects=_OUTLINED,
        )
