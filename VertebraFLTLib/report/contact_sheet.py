"""Contact sheets: every mask of a cohort at a glance, on planes in which a wrong one cannot hide."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

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
_SHADOW_WINDOW_HU = (-100.0, 1600.0)  # the brightest voxel of each ray
_ROW_IN, _TITLE_IN, _GAP_IN, _FOOT_IN = 4.6, 0.5, 0.06, 0.34
_WIDEST_IN = 5.2  # of one panel
_NARROWEST_IN = 6.4  # of a sheet: the legend's width
_LEAST_AXIALS_IN = 2.6  # height of two axial panels
_FILL = 0.28  # opacity
_ENDS = {"sagittal": ("A", "P"), "coronal": ("R", "L"), "axial": ("R", "L"), "shadow": ("R", "L")}
_LETTER_IN = 0.062  # of a panel's title
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
    width = max(_NARROWEST_IN, *(panel.x + panel.w + _GAP_IN for row in rows for panel in row))
    heights = [max(panel.down + panel.h for panel in row) for row in rows]
    height = sum(heights) + _TITLE_IN * len(rows) + _FOOT_IN
    figure = new_figure(width, height)
    top = height
    for case, row, tall in zip(cases, rows, heights, strict=True):
        top -= _TITLE_IN
        _title(figure, case, top + 0.06, width, height)
        for panel in row:
            bottom = top - panel.down - panel.h
            axes = figure.add_axes((panel.x / width, bottom / height, panel.w / width, panel.h / height))
            _draw(axes, panel.plane, panel.w)
        top -= tall
    handles = [Line2D([], [], color=s.color, linewidth=3, label=f"{s.label} {s.name}") for s in STRUCTURES]
    figure.legend(handles=handles, loc="lower left", ncols=len(handles), fontsize=8, frameon=False, labelcolor=INK)
    return figure


@dataclass(frozen=True)
class _Panel:
    """A plane, its place in the row (inches from the row's left upper corner) and its size."""

    plane: MaskPlane
    x: float
    down: float
    w: float
    h: float


def _row_of(case: SheetCase) -> list[_Panel]:
    values = np.unique(sitk.GetArrayViewFromImage(case.mask))
    if not set(values.tolist()) <= {0, *STRUCTURE_BY_LABEL}:
        raise InputError(f"mask of {case.name} holds values that are no structure's: {values.tolist()[:8]}")
    planes = MaskPlanes.of(case.ct, case.mask)
    upright = [planes.sagittal(), *planes.coronals(), planes.shadow()]
    scale = min(_ROW_IN / upright[0].size_mm[1], _WIDEST_IN / max(plane.size_mm[0] for plane in upright))
    row: list[_Panel] = []
    left = _GAP_IN
    for plane in upright:
        w, h = (scale * mm for mm in plane.size_mm)
        row.append(_Panel(plane, left, 0.0, w, h))
        left += w + _GAP_IN
    axials = planes.axials(4)  # two by two, as high together as the others where that is enough to see something
    tall = max(row[0].h, _LEAST_AXIALS_IN)
    scale = min((tall - _GAP_IN) / 2 / axials[0].size_mm[1], _WIDEST_IN / axials[0].size_mm[0])
    w, h = (scale * mm for mm in axials[0].size_mm)
    for number, plane in enumerate(axials):
        below, across = divmod(number, 2)
        row.append(_Panel(plane, left + across * (w + _GAP_IN), below * (h + _GAP_IN), w, h))
    return row


def _title(figure: Figure, case: SheetCase, bottom: float, width: float, height: float) -> None:
    size, spacing = case.ct.GetSize(), case.ct.GetSpacing()
    sampling = " x ".join(f"{mm:.2f}".rstrip("0").rstrip(".") for mm in spacing) + " mm"
    voxels = " x ".join(map(str, size))
    place: dict[str, Any] = {"va": "bottom", "transform": figure.transFigure}
    figure.text(_GAP_IN / width, (bottom + 0.16) / height, case.name, fontsize=11, color=INK, weight="bold", **place)
    words = f"{voxels} voxels of {sampling}" + (f";  {case.words}" if case.words else "")
    figure.text(_GAP_IN / width, bottom / height, words, fontsize=8, color=MUTED, **place)


def _draw(axes: Axes, plane: MaskPlane, width_in: float) -> None:
    left, right, low, high = plane.extent_mm
    darkest, brightest = _SHADOW_WINDOW_HU if plane.view == "shadow" else _WINDOW_HU
    place: dict[str, Any] = {"extent": plane.extent_mm, "origin": "lower"}
    axes.imshow(plane.ct, cmap="gray", vmin=darkest, vmax=brightest, interpolation="bilinear", **place)
    for structure in STRUCTURES:
        mask = plane.masks.get(structure.key)
        if mask is None or mask.max() < 0.5:
            continue
        axes.contourf(mask, levels=[0.5, 2.0], colors=[to_rgba(structure.color, _FILL)], **place)
        axes.contour(mask, levels=[0.5], colors=[structure.color], linewidths=0.9, **place)
    front_up = plane.view == "axial"
    axes.set(xlim=(left, right), ylim=(high, low) if front_up else (low, high), xticks=[], yticks=[], aspect="equal")
    for spine in axes.spines.values():
        spine.set_visible(False)
    title = plane.title if len(plane.title) * _LETTER_IN + 0.3 < width_in else plane.short
    ends = _ENDS[plane.view]
    for x, side, text in ((0.01, "left", ends[0]), (0.99, "right", ends[1]), (0.5, "center", title)):
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
            clip_on=True,
        )
