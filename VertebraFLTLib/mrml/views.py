"""What a scene shows when it is opened: CT with PET over it, centred on the column, and the profile plot beside."""

from __future__ import annotations

from typing import Any

import slicer

from VertebraFLTLib.mrml.case import SceneNodes
from VertebraFLTLib.mrml.layout import LAYOUT_ID, register_layout

_SLICES = {"Red": "Axial", "Green": "Coronal", "Yellow": "Sagittal"}
_FUSION_OPACITY = 0.5
_CAMERA_DISTANCE = 2.2  # in sizes of what is shown, at the camera's view angle of 30 degrees
PLOT_VIEW = "PlotView1"


def show_review(scene: Any, nodes: SceneNodes) -> int:
    """The review's layout with fusion and profile in it; the layout's number, for Slicer's layout manager."""
    register_layout(scene).SetViewArrangement(LAYOUT_ID)
    show(scene, nodes.ct, nodes.pet, nodes.plot.chart)
    return LAYOUT_ID


def prepare_views(scene: Any, nodes: SceneNodes, bounds_ras: tuple[float, ...]) -> None:
    """Give a scene made without Slicer the view nodes that Slicer takes over when it opens it.

    ``bounds_ras``: xmin, xmax, ymin, ymax, zmin, zmax of what the slice views are to show (mm).
    """
    slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(scene)
    logic = slicer.vtkMRMLLayoutLogic()
    logic.SetMRMLScene(scene)  # makes the layout, slice and view nodes under the names that Slicer uses
    logic.GetLayoutNode().SetViewArrangement(slicer.vtkMRMLLayoutNode.SlicerLayoutConventionalPlotView)
    logic.SetMRMLScene(None)
    for name in _SLICES:
        composite = slicer.vtkMRMLSliceCompositeNode()
        composite.SetLayoutName(name)
        composite.SetSingletonTag(name)
        scene.AddNode(composite)
        _centre(scene.GetSingletonNode(name, "vtkMRMLSliceNode"), bounds_ras)
    scene.AddNode(slicer.vtkMRMLSelectionNode())
    _add_camera(scene, bounds_ras)
    show(scene, nodes.ct, nodes.pet, nodes.plot.chart)


def show(scene: Any, ct: Any, pet: Any, chart: Any) -> None:
    """CT and PET in every slice view, the chart in the plot view, its points ready to be dragged along x."""
    for index in range(scene.GetNumberOfNodesByClass("vtkMRMLSliceCompositeNode")):
        composite = scene.GetNthNodeByClass(index, "vtkMRMLSliceCompositeNode")
        composite.SetBackgroundVolumeID(ct.GetID())
        composite.SetForegroundVolumeID(pet.GetID())
        composite.SetForegroundOpacity(_FUSION_OPACITY)
    selection = scene.GetFirstNodeByClass("vtkMRMLSelectionNode")
    if selection is not None:
        selection.SetActiveVolumeID(ct.GetID())
        selection.SetSecondaryVolumeID(pet.GetID())
        selection.SetActivePlotChartID(chart.GetID())
    show_chart(scene, chart)


def show_chart(scene: Any, chart: Any) -> None:
    """A chart in the plot view, its points ready to be dragged where the chart lets them."""
    plot_view = scene.GetSingletonNode(PLOT_VIEW, "vtkMRMLPlotViewNode")
    if plot_view is None:
        return
    modes = slicer.vtkMRMLPlotViewNode
    plot_view.SetPlotChartNodeID(chart.GetID())
    movable = chart.GetEnablePointMoveAlongX()
    plot_view.SetInteractionMode(modes.InteractionModeMovePoints if movable else modes.InteractionModePanView)


def _centre(slice_node: Any, bounds_ras: tuple[float, ...]) -> None:
    orientation = _SLICES[slice_node.GetName()]
    slice_node.SetOrientation(orientation)
    x, y, z = ((bounds_ras[2 * axis] + bounds_ras[2 * axis + 1]) / 2 for axis in range(3))
    slice_node.JumpSliceByCentering(x, y, z)
    width, depth, height = (bounds_ras[2 * axis + 1] - bounds_ras[2 * axis] for axis in range(3))
    extent = {"Axial": max(width, depth), "Coronal": max(width, height), "Sagittal": max(depth, height)}[orientation]
    slice_node.SetFieldOfView(extent, extent, 1.0)


def _add_camera(scene: Any, bounds_ras: tuple[float, ...]) -> None:
    """Look at the column from the front, the whole of it in view."""
    camera = scene.AddNewNodeByClass("vtkMRMLCameraNode", "Camera")  # Slicer copies it to its own of this name
    camera.SetLayoutName("1")
    centre = [(bounds_ras[2 * axis] + bounds_ras[2 * axis + 1]) / 2 for axis in range(3)]
    size = max(bounds_ras[2 * axis + 1] - bounds_ras[2 * axis] for axis in range(3))
    camera.SetFocalPoint(*centre)
    camera.SetPosition(centre[0], centre[1] + _CAMERA_DISTANCE * size, centre[2])
    camera.SetViewUp(0.0, 0.0, 1.0)
