"""Boundaries as markups planes: lines in the slice views, sheets in the 3-D view, to be dragged and turned in both."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from VertebraFLTLib.mrml.hierarchy import remove
from VertebraFLTLib.mrml.plot import DOUBTFUL_COLOR, SELECTED_COLOR
from VertebraFLTLib.mrml.tables import boundary_name, is_doubtful
from VertebraFLTLib.spine.boundary import Boundary, Vector

SIZE_MM = (62.0, 52.0)  # wider than a lumbar body, so that the line can be seen and held beside it
_SURE_COLOR = (0.95, 0.75, 0.20)
_REVIEWED_COLOR = (0.35, 0.65, 0.90)
_UNMOVED_MM, _UNTURNED = 1e-4, 1e-6


def update_planes(
    scene: Any, nodes: Sequence[Any], boundaries: Sequence[Boundary], selected: int | None = None
) -> list[Any]:
    """One plane node a boundary, from the lowest up: nodes at hand are used again, missing ones made, the rest removed.

    A node is touched only where it says something else than its boundary does.
    """
    kept = list(nodes[: len(boundaries)])
    for node in nodes[len(boundaries) :]:
        remove(scene, node)
    kept += [_add_plane(scene) for _ in boundaries[len(kept) :]]
    for index, (node, boundary) in enumerate(zip(kept, boundaries, strict=True)):
        _show(node, boundary, index == selected)
    return kept


def plane_of(node: Any) -> tuple[Vector, Vector]:
    """A point of a node's plane and its normal, towards the head; LPS mm."""
    x, y, z = node.GetOriginWorld()
    a, b, c = node.GetNormalWorld()
    turn = -1.0 if c < 0 else 1.0
    return (-x, -y, z), (-a * turn, -b * turn, c * turn)


def is_moved(node: Any, boundary: Boundary) -> bool:
    """Whether a node's plane is no longer where its boundary is."""
    (point, normal), (centre, wanted) = plane_of(node), placed(boundary)
    return math.dist(point, centre) > _UNMOVED_MM or math.dist(normal, wanted) > _UNTURNED


def placed(boundary: Boundary) -> tuple[Vector, Vector]:
    """A point of a boundary's plane and its normal (LPS); where no centre is known the plane is axial, and any does."""
    return boundary.centre_mm or (0.0, 0.0, boundary.z_mm), boundary.normal


def boundary_color(boundary: Boundary) -> tuple[float, float, float]:
    """Red where a reader has to look, blue where one has ticked it, yellow otherwise."""
    if is_doubtful(boundary):
        return DOUBTFUL_COLOR
    return _REVIEWED_COLOR if boundary.reviewed else _SURE_COLOR


def _add_plane(scene: Any) -> Any:
    node = scene.AddNewNodeByClass("vtkMRMLMarkupsPlaneNode", "boundary")
    node.CreateDefaultDisplayNodes()
    node.SetPlaneType(node.PlaneTypePointNormal)
    node.SetSizeMode(node.SizeModeAbsolute)
    node.SetSize(*SIZE_MM)
    node.SetOriginWorld(0.0, 0.0, 0.0)
    node.SetFixedNumberOfControlPoints(True)  # Delete over its point in a view would leave a plane without one
    node.AddDefaultStorageNode()  # without one a scene file forgets where the plane is
    display = node.GetDisplayNode()
    display.SetPropertiesLabelVisibility(True)
    display.SetPointLabelsVisibility(False)
    display.SetHandlesInteractive(True)
    display.SetTranslationHandleVisibility(True)
    display.SetRotationHandleVisibility(True)
    display.SetScaleHandleVisibility(False)
    # Along the normal, and about the two axes across it: what else could be done would change nothing.
    display.SetTranslationHandleComponentVisibility((False, False, True, False))
    display.SetRotationHandleComponentVisibility((True, True, False, False))
    display.SetFillOpacity(0.15)
    display.SetOutlineOpacity(0.9)
    return node


def _axes(normal: Vector) -> tuple[list[float], list[float], list[float]]:
    """Axes of a plane node (RAS): its first along the patient's left and right as far as the normal lets it."""
    third = np.asarray(normal)
    first = np.cross((0.0, 1.0, 0.0), third)
    first /= np.linalg.norm(first)
    return first.tolist(), np.cross(third, first).tolist(), third.tolist()


def _show(node: Any, boundary: Boundary, selected: bool) -> None:
    modified = node.StartModify()
    offset = node.GetObjectToBaseMatrix()
    if is_moved(node, boundary) or not offset.IsIdentity():
        (x, y, z), (a, b, c) = placed(boundary)
        offset.Identity()  # where a drag of the sheet, not of its handles, leaves what it did
        node.SetAxesWorld(*_axes((-a, -b, c)))  # SetNormalWorld ignores what turns by less than a degree
        node.SetOriginWorld(-x, -y, z)
    node.SetName(boundary_name(boundary))
    node.SetLocked(boundary.locked)
    node.EndModify(modified)
    display = node.GetDisplayNode()
    color = boundary_color(boundary)
    modified = display.StartModify()
    display.SetColor(*color)
    display.SetSelectedColor(*(SELECTED_COLOR if selected else color))  # that of markups that are not locked away
    # Handles on 24 planes at once would hide the image: the selected one has them.
    display.SetHandlesInteractive(selected and not boundary.locked)
    display.SetLineThickness(0.4 if selected else 0.2)
    display.EndModify(modified)
