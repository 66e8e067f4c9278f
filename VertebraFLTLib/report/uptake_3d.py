"""The 3-D figure: translucent uptake surfaces in faint bone from the front and from the left, without a display."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import SimpleITK as sitk
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from scipy import ndimage
from vtkmodules.vtkCommonDataModel import vtkPolyData

from VertebraFLTLib.anatomy import STRUCTURES, Color
from VertebraFLTLib.quantification.coverage import Grid, LabelBoxes, coverage
from VertebraFLTLib.quantification.isosurface import zero_surface
from VertebraFLTLib.quantification.surfaces import WHOLE_BONES, Surface
from VertebraFLTLib.report.offscreen import Painted
from VertebraFLTLib.report.style import INK, MUTED
from VertebraFLTLib.report.two_views import two_views
from VertebraFLTLib.report.wording import region_name
from VertebraFLTLib.result import Result

_BONE_MM = 3.0
_BONE_COLOR: Color = (0.72, 0.74, 0.78)
_BONE_OPACITY = 0.13
_OPACITIES = (0.28, 0.45, 0.9)  # outermost to innermost


def uptake_3d_figure(result: Result) -> Figure:
    """Both views side by side with a legend of levels. Raises CannotRender where nothing can be drawn off-screen."""
    shown = [s for s in result.surfaces if s.region in WHOLE_BONES]
    parts = [Painted(bone, _BONE_COLOR, _BONE_OPACITY) for bone in bone_surfaces(result.semantic)]
    parts += [Painted(s.polydata, s.color, _opacity(s, shown)) for s in shown]
    figure, legend_left = two_views(parts, "Uptake inside the marrow bones")
    _legend(figure, shown, legend_left)
    return figure


def bone_surfaces(semantic: sitk.Image) -> list[vtkPolyData]:
    """The smoothed surface of each structure of a semantic mask, on a 3 mm grid, in LPS millimetres."""
    surfaces = []
    boxes = LabelBoxes.of(semantic)
    for structure in STRUCTURES:
        mask = boxes.binary((structure.label,))
        if mask is None:
            continue
        given = Grid.of(mask)
        size = tuple(int(np.ceil(n * s / _BONE_MM)) + 2 for n, s in zip(given.size, given.spacing, strict=True))
        half_step = given.index_to_mm @ (1 / np.asarray(given.spacing)) * _BONE_MM / 2
        first = given.to_mm(np.full((1, 3), -0.5))[0] - half_step
        grid = Grid(size, (_BONE_MM,) * 3, tuple(float(v) for v in first), given.direction)
        surfaces.append(zero_surface(ndimage.gaussian_filter(coverage(mask, grid), 0.7) - 0.5, grid))
    return surfaces


def _opacity(surface: Surface, surfaces: Sequence[Surface]) -> float:
    levels = sorted(s.level_suv for s in surfaces if s.region == surface.region)
    place = levels.index(surface.level_suv) / max(len(levels) - 1, 1) * (len(_OPACITIES) - 1)
    return float(np.interp(place, range(len(_OPACITIES)), _OPACITIES))


def _legend(figure: Figure, surfaces: Sequence[Surface], left: float) -> None:
    """Colours by percentile, and what SUV that is in each bone."""
    steps: dict[Color, list[Surface]] = {}
    for surface in surfaces:
        steps.setdefault(surface.color, []).append(surface)
    height = figure.get_figheight()
    top = 1 - 1.2 / height
    for color, members in reversed(steps.items()):
        percentile = members[0].percentile
        title = "SUV level" if percentile is None else f"{percentile:g}th percentile"
        figure.legend(
            handles=[Patch(facecolor=color, edgecolor="none", label=title)], loc="upper left",
            bbox_to_anchor=(left, top), fontsize=8.5, frameon=False, labelcolor=INK, handlelength=1.2, borderaxespad=0,
        )  # fmt: skip
        lines = [f"{region_name(s.region).split(' (')[0]}: SUV {s.level_suv:.2f}" for s in members]
        figure.text(
            left + 0.33 / figure.get_figwidth(), top - 0.24 / height, "\n".join(lines), fontsize=7.5, color=MUTED,
            va="top", linespacing=1.5,
        )  # fmt: skip
        top -= (0.42 + 0.185 * len(lines)) / height
    if any(s.percentile == 50.0 for s in surfaces):
        note = (
            "Each level is a percentile of\nthe bone's own uptake: yellow\n"
            "encloses the half of the bone\nwith the highest uptake."
        )
        figure.text(left, top - 0.1 / height, note, fontsize=7.5, color=MUTED, va="top", linespacing=1.5)
