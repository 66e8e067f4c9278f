"""The 3-D figure: translucent uptake surfaces in faint bone from the front and from the left, without a display."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import numpy as np
import SimpleITK as sitk
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from scipy import ndimage
from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkObject, vtkVersion
from vtkmodules.vtkCommonDataModel import vtkPolyData
from vtkmodules.vtkFiltersCore import vtkAppendPolyData
from vtkmodules.vtkFiltersHybrid import vtkDepthSortPolyData
from vtkmodules.vtkRenderingCore import (
    vtkActor,
    vtkPolyDataMapper,
    vtkRenderer,
    vtkRenderWindow,
    vtkWindowToImageFilter,
)

from VertebraFLTLib.anatomy import STRUCTURES, Color
from VertebraFLTLib.quantification.coverage import Grid, LabelBoxes, coverage
from VertebraFLTLib.quantification.isosurface import zero_surface
from VertebraFLTLib.quantification.surfaces import WHOLE_BONES, Surface
from VertebraFLTLib.report.style import INK, MUTED, new_figure
from VertebraFLTLib.report.wording import region_name
from VertebraFLTLib.result import Result

_BONE_MM = 3.0
_BONE_COLOR: Color = (0.72, 0.74, 0.78)
_BONE_OPACITY = 0.13
_OPACITIES = (0.28, 0.45, 0.9)  # outermost to innermost
_MOST_PX = 1300
_FIRST_VTK_WITHOUT_DISPLAY = (9, 4)  # chooses EGL or OSMesa by itself; an older one ends the process without X


class CannotRender(RuntimeError):
    """There is no way to draw off-screen here."""


def uptake_3d_figure(result: Result) -> Figure:
    """Both views side by side with a legend of levels. Raises CannotRender where nothing can be drawn off-screen."""
    shown = [s for s in result.surfaces if s.region in WHOLE_BONES]
    bones = bone_surfaces(result.semantic)
    views = [render(bones, shown, view) for view in ("front", "left")]
    height = views[0].shape[0]
    widths = [view.shape[1] for view in views]
    scale = 6.6 / height
    legend_in, top_in, gap_in = 2.5, 0.6, 0.25
    total = sum(widths) * scale + legend_in + 2 * gap_in
    figure = new_figure(total, 6.6 + top_in + 0.1)
    left = gap_in / 2
    for view, width, title in zip(views, widths, ("From the front", "From the left"), strict=True):
        axes = figure.add_axes((left / total, 0.1 / (6.7 + top_in), width * scale / total, 6.6 / (6.7 + top_in)))
        axes.imshow(view)
        axes.set_axis_off()
        axes.set_title(title, fontsize=9, color=INK, loc="left", pad=3)
        left += width * scale + gap_in
    ends = (("R", "L"), ("A", "P"))
    for axes, (start, end) in zip(figure.axes, ends, strict=True):
        axes.text(0.0, 0.99, start, transform=axes.transAxes, fontsize=9, color=MUTED, va="top")
        axes.text(1.0, 0.99, end, transform=axes.transAxes, fontsize=9, color=MUTED, va="top", ha="right")
    figure.text(
        gap_in / 2 / total,
        1 - 0.26 / (6.7 + top_in),
        "Uptake inside the marrow bones",
        fontsize=11,
        weight="bold",
        color=INK,
    )
    _legend(figure, shown, left / total)
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


def render(bones: Sequence[vtkPolyData], surfaces: Sequence[Surface], view: str) -> np.ndarray:
    """An RGB picture (rows, columns, 3) from the ``"front"`` or the ``"left"``, parallel projection, white ground.

    Triangles are painted from the farthest to the nearest, so nested translucent surfaces come out right in one pass;
    on a machine without a graphics card that takes a tenth of the time of depth peeling.
    """
    _check_can_render()
    parts = [_painted(bone, _BONE_COLOR, _BONE_OPACITY) for bone in bones]
    parts += [_painted(s.polydata, s.color, _opacity(s, surfaces)) for s in surfaces]
    together = vtkAppendPolyData()
    for part in parts:
        together.AddInputData(part)
    together.Update()
    if not together.GetOutput().GetNumberOfPolys():
        raise CannotRender("there is no surface to draw")

    bounds = np.array(together.GetOutput().GetBounds()).reshape(3, 2)
    centre, extent = bounds.mean(axis=1), np.ptp(bounds, axis=1) * 1.03
    across = extent[0] if view == "front" else extent[1]
    scale = _MOST_PX / max(across, extent[2])
    size = (max(round(scale * across), 64), max(round(scale * extent[2]), 64))

    renderer = vtkRenderer()
    renderer.SetBackground(1.0, 1.0, 1.0)
    camera = renderer.GetActiveCamera()
    camera.ParallelProjectionOn()
    camera.SetFocalPoint(*centre)
    away = np.array((0.0, -1.0, 0.0) if view == "front" else (1.0, 0.0, 0.0))  # LPS: the front is -y, the left +x
    camera.SetPosition(*(centre + 2000.0 * away))
    camera.SetViewUp(0.0, 0.0, 1.0)
    camera.SetParallelScale(extent[2] / 2)

    # Triangles go from the farthest to the nearest.
    order = vtkDepthSortPolyData()
    order.SetInputConnection(together.GetOutputPort())
    order.SetDirectionToBackToFront()
    order.SetDepthSortModeToParametricCenter()
    order.SetCamera(camera)
    mapper = vtkPolyDataMapper()
    mapper.SetInputConnection(order.GetOutputPort())
    mapper.SetColorModeToDirectScalars()
    mapper.SetScalarModeToUseCellData()
    actor = vtkActor()
    actor.SetMapper(mapper)
    actor.ForceTranslucentOn()
    look = actor.GetProperty()
    look.SetAmbient(0.25)
    look.SetDiffuse(0.75)
    look.SetSpecular(0.1)
    renderer.AddActor(actor)
    renderer.ResetCameraClippingRange()
    return _grab(renderer, size)


def _grab(renderer: vtkRenderer, size: tuple[int, int]) -> np.ndarray:
    loud = vtkObject.GetGlobalWarningDisplay()
    vtkObject.GlobalWarningDisplayOff()  # without a display VTK warns before it takes the other way
    try:
        window = vtkRenderWindow()
        window.SetOffScreenRendering(1)
        window.SetMultiSamples(4)
        window.SetSize(*size)
        window.AddRenderer(renderer)
        window.Render()
        grab = vtkWindowToImageFilter()
        grab.SetInput(window)
        grab.ReadFrontBufferOff()
        grab.Update()
        pixels = grab.GetOutput()
        width, height, _ = pixels.GetDimensions()
        picture = vtk_to_numpy(pixels.GetPointData().GetScalars()).reshape(height, width, -1)[::-1, :, :3].copy()
        window.Finalize()
    finally:
        vtkObject.SetGlobalWarningDisplay(loud)
    if np.ptp(picture) == 0:
        raise CannotRender("the off-screen picture is blank")
    return picture


def _check_can_render() -> None:
    version = (vtkVersion.GetVTKMajorVersion(), vtkVersion.GetVTKMinorVersion())
    if sys.platform.startswith("linux") and not os.environ.get("DISPLAY") and version < _FIRST_VTK_WITHOUT_DISPLAY:
        raise CannotRender("there is no display, and this VTK is too old to draw without one")
    try:
        import vtkmodules.vtkRenderingOpenGL2  # noqa: F401  (registers what render windows are made of)
    except ImportError as error:
        raise CannotRender(f"the graphics library is missing ({error})") from error


def _opacity(surface: Surface, surfaces: Sequence[Surface]) -> float:
    levels = sorted(s.level_suv for s in surfaces if s.region == surface.region)
    place = levels.index(surface.level_suv) / max(len(levels) - 1, 1) * (len(_OPACITIES) - 1)
    return float(np.interp(place, range(len(_OPACITIES)), _OPACITIES))


def _painted(polydata: vtkPolyData, color: Color, opacity: float) -> vtkPolyData:
    """A shallow copy whose cells carry colour and opacity."""
    rgba = np.array([*(255 * c for c in color), 255 * opacity]).round().astype(np.uint8)
    colors = numpy_to_vtk(np.tile(rgba, (polydata.GetNumberOfCells(), 1)), deep=True)
    colors.SetName("color")
    painted = vtkPolyData()
    painted.ShallowCopy(polydata)
    painted.GetCellData().SetScalars(colors)
    return painted


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
