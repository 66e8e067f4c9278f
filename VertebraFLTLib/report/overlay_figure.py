"""The overlay figures: CT with mask outlines beside FLT-PET on CT, with every boundary and level name."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from matplotlib import colormaps, patheffects
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure
from scipy import ndimage

from VertebraFLTLib.anatomy import STRUCTURES, VERTEBRAL_BODY
from VertebraFLTLib.pipeline import LOW_CONFIDENCE
from VertebraFLTLib.quantification.coverage import Grid, LabelBoxes
from VertebraFLTLib.report.reformat import CentreLine, Plane, bent_plane
from VertebraFLTLib.report.style import INK, MUTED, UNSURE, new_figure, say_names_in_doubt
from VertebraFLTLib.result import Result
from VertebraFLTLib.spine.boundaries import BoundarySet

_BONE_WINDOW_HU = (-250.0, 650.0)
_ROOM_MM = {"up": 40.0, "across": 45.0}  # around the marrow bones
_HEAT = "inferno"  # even in lightness, told apart with any colour vision
_HEIGHT_IN = 8.6
_ENDS = {"sagittal": ("A", "P"), "coronal": ("R", "L")}
_OUTLINED = patheffects.withStroke(linewidth=1.6, foreground="black", alpha=0.75)


def overlay_figure(result: Result, view: str) -> Figure:
    """The ``"sagittal"`` or ``"coronal"`` overlay. The plane follows the column: see ``reformat``."""
    ct = result.ct.image
    boxes = LabelBoxes.of(result.semantic)
    masks = {s.key: crop for s in STRUCTURES if (crop := boxes.binary((s.label,))) is not None}
    column = masks.get(VERTEBRAL_BODY.key)
    line = CentreLine.of(ct if column is None else column)
    plane = bent_plane(view, line, ct, result.pet_suv, masks, *_ranges(Grid.of(ct), list(masks.values()), view))
    low, high, bottom, top = plane.extent_mm
    top_suv = _top_suv(result)
    panel_in = (_HEIGHT_IN - 0.85) * (high - low) / (top - bottom)
    width = 2 * panel_in + 1.75
    figure = new_figure(width, _HEIGHT_IN)
    left, step, bottom_in = 0.12, panel_in + 0.18, 0.30
    panels = [
        figure.add_axes(
            (
                (left + n * step) / width,
                bottom_in / _HEIGHT_IN,
                panel_in / width,
                (_HEIGHT_IN - 0.85) / _HEIGHT_IN,
            )
        )
        for n in range(2)
    ]
    for axes in panels:
        _draw_ct(axes, plane)
        _ends(axes, view)
    _draw_outlines(panels[0], plane)
    _scale_bar(panels[0])
    _draw_uptake(panels[1], plane, top_suv)
    for axes in panels:
        _draw_boundaries(axes, view, result.boundaries, line, _half_width(column, view))
    panels[0].set_title("CT and masks", fontsize=9, color=INK, loc="left")
    panels[1].set_title("PET uptake on CT", fontsize=9, color=INK, loc="left")
    figure.text(
        left / width,
        1 - 0.12 / _HEIGHT_IN,
        f"{view.capitalize()} view along the column's centre line",
        fontsize=11,
        color=INK,
        va="top",
        weight="bold",
    )
    bar_axes = figure.add_axes(((left + 2 * step + 0.02) / width, 0.30, 0.14 / width, 0.4))
    bar = figure.colorbar(ScalarMappable(Normalize(0.0, top_suv), _HEAT), cax=bar_axes)
    bar.set_label("SUV (g/ml)", fontsize=8, color=INK)
    bar.ax.tick_params(labelsize=7, colors=MUTED, labelcolor=INK, width=0.6)
    bar.outline.set_linewidth(0)
    _legend(figure, plane, result, (left + 2 * step) / width)
    say_names_in_doubt(figure, result.boundaries)
    return figure


def _ranges(ct: Grid, bones: list[sitk.Image], view: str) -> list[tuple[float, float]]:
    """What to show, mm: from low to high and across, the marrow bones with some room, inside the CT."""
    field = _corners(ct)
    shown = np.concatenate([_corners(Grid.of(bone)) for bone in bones]) if bones else field
    ranges = []
    for axis, room in ((2, _ROOM_MM["up"]), (1 if view == "sagittal" else 0, _ROOM_MM["across"])):
        low = max(shown[:, axis].min() - room, field[:, axis].min())
        high = min(shown[:, axis].max() + room, field[:, axis].max())
        ranges.append((float(low), float(high)))
    return ranges


def _corners(grid: Grid) -> np.ndarray:
    ends = [(-0.5, n - 0.5) for n in grid.size]
    return grid.to_mm(np.array(np.meshgrid(*ends, indexing="ij")).reshape(3, -1).T)


def _top_suv(result: Result) -> float:
    """The colour scale's upper end: marrow uses all of it, liver and bladder may go beyond."""
    highest = [row.suv_p98 for row in result.suv_table if row.roi in ("vertebral_column", "pelvis", "sternum")]
    if not highest:
        highest = [float(np.percentile(sitk.GetArrayViewFromImage(result.pet_suv), 99.9))]
    return max(max(highest), 1e-3)


def _half_width(column: sitk.Image | None, view: str) -> float:
    """Half the extent of a large vertebral body across the view, mm."""
    if column is None:
        return 15.0
    grid = Grid.of(column)
    array = sitk.GetArrayViewFromImage(column).astype(bool)
    axis = int(np.argmax(np.abs(grid.index_to_mm[1 if view == "sagittal" else 0])))
    across = array.any(axis=1 if axis == 0 else 2).sum(axis=1)
    return float(np.percentile(across[across > 0], 85)) * grid.spacing[axis] / 2


def _draw_ct(axes: Axes, plane: Plane) -> None:
    axes.imshow(
        plane.ct,
        cmap="gray",
        vmin=_BONE_WINDOW_HU[0],
        vmax=_BONE_WINDOW_HU[1],
        extent=plane.extent_mm,
        origin="lower",
        aspect="equal",
        interpolation="bilinear",
    )
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_autoscale_on(False)


def _draw_uptake(axes: Axes, plane: Plane, top_suv: float) -> None:
    colors = colormaps[_HEAT](np.linspace(0, 1, 256))
    colors[:, 3] = np.clip(np.linspace(-0.05, 1.35, 256), 0, 0.92)  # no uptake shows the CT
    axes.imshow(
        np.ma.masked_invalid(plane.suv),
        cmap=ListedColormap(colors),
        vmin=0.0,
        vmax=top_suv,
        extent=plane.extent_mm,
        origin="lower",
        aspect="equal",
        interpolation="bilinear",
    )


def _draw_outlines(axes: Axes, plane: Plane) -> None:
    for structure in STRUCTURES:
        mask = plane.masks.get(structure.key)
        if mask is not None and mask.max() >= 0.5:
            axes.contour(
                ndimage.gaussian_filter(mask, 2.0),  # thick CT slices would leave steps
                levels=[0.5],
                colors=[structure.color],
                linewidths=1.0,
                extent=plane.extent_mm,
                origin="lower",
            )


def _draw_boundaries(axes: Axes, view: str, boundaries: BoundarySet, line: CentreLine, half_mm: float) -> None:
    middle_at = line.y_at if view == "sagittal" else line.x_at
    reach = half_mm + 6.0
    for boundary in boundaries.boundaries:
        middle = float(middle_at(np.array([boundary.z_mm]))[0])
        sure = boundary.confidence >= LOW_CONFIDENCE
        slope = -boundary.normal[1 if view == "sagittal" else 0] / boundary.normal[2]
        half = reach / float(np.hypot(1.0, slope))  # tilted lines are as long as level ones
        axes.plot(
            [middle - half, middle + half],
            [boundary.z_mm - slope * half, boundary.z_mm + slope * half],
            color="white" if sure else UNSURE,
            linewidth=1.0 if sure else 1.4,
            linestyle="-" if sure else (0, (2.5, 1.5)),
            path_effects=[_OUTLINED],
            solid_capstyle="butt",
        )
    for vertebra in boundaries.vertebrae():
        z = (vertebra.z_low_mm + vertebra.z_high_mm) / 2
        axes.text(
            float(middle_at(np.array([z]))[0]) + reach + 4.0,
            z,
            vertebra.level,
            fontsize=6.5,
            color="white",
            va="center",
            ha="left",
            path_effects=[_OUTLINED],
        )


def _ends(axes: Axes, view: str) -> None:
    for text, x, align in zip(_ENDS[view], (0.02, 0.98), ("left", "right"), strict=True):
        axes.text(
            x,
            0.985,
            text,
            transform=axes.transAxes,
            fontsize=9,
            color="white",
            ha=align,
            va="top",
            path_effects=[_OUTLINED],
        )


def _scale_bar(axes: Axes) -> None:
    low, high = axes.get_xlim()
    bottom, _ = axes.get_ylim()
    length = 100.0 if high - low > 260.0 else 50.0
    start, height = low + 0.05 * (high - low), bottom + 14.0
    axes.plot([start, start + length], [height] * 2, color="white", linewidth=2.0, path_effects=[_OUTLINED])
    axes.text(
        start + length / 2,
        height + 5.0,
        f"{length / 10:g} cm",
        color="white",
        fontsize=7,
        ha="center",
        va="bottom",
        path_effects=[_OUTLINED],
    )


def _legend(figure: Figure, plane: Plane, result: Result, left: float) -> None:
    from matplotlib.lines import Line2D

    entries = [Line2D([], [], color=s.color, linewidth=2, label=s.name) for s in STRUCTURES if s.key in plane.masks]
    entries.append(Line2D([], [], color="#999999", linewidth=1.2, label="Boundary"))
    if any(b.confidence < LOW_CONFIDENCE for b in result.boundaries.boundaries):
        entries.append(Line2D([], [], color=UNSURE, linewidth=1.4, linestyle=(0, (2.5, 1.5)), label="Low confidence"))
    figure.legend(
        handles=entries,
        loc="lower left",
        bbox_to_anchor=(left - 0.01, 0.03),
        fontsize=7,
        frameon=False,
        labelcolor=INK,
        handlelength=1.4,
    )
