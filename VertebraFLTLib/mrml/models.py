"""Isosurfaces as model nodes: LPS to RAS, colour and translucence by percentile, the large regions shown first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vtkmodules.vtkCommonTransforms import vtkTransform
from vtkmodules.vtkFiltersGeneral import vtkTransformPolyDataFilter

from VertebraFLTLib.mrml.volumes import LPS_TO_RAS, vtk_matrix
from VertebraFLTLib.quantification.surfaces import Surface

_OPACITIES = (0.2, 0.4, 0.8)  # lowest level to highest: the outer shells let the core be seen
_SHOWN = ("vertebral_column", "pelvis", "sternum")  # a vertebra's own surfaces, and "all", repeat what these show


def add_surfaces(scene: Any, surfaces: Sequence[Surface]) -> list[Any]:
    """One model node per surface, in the order given."""
    return [_add_model(scene, surface, _opacity(surface, surfaces)) for surface in surfaces]


def _opacity(surface: Surface, surfaces: Sequence[Surface]) -> float:
    levels = sorted({other.level_suv for other in surfaces if other.region == surface.region})
    if len(levels) == 1:
        return _OPACITIES[1]
    place = levels.index(surface.level_suv) / (len(levels) - 1)
    return _OPACITIES[round(place * (len(_OPACITIES) - 1))]


def _add_model(scene: Any, surface: Surface, opacity: float) -> Any:
    to_ras = vtkTransform()
    to_ras.SetMatrix(vtk_matrix(LPS_TO_RAS))
    turn = vtkTransformPolyDataFilter()
    turn.SetTransform(to_ras)
    turn.SetInputData(surface.polydata)
    turn.Update()
    node = scene.AddNewNodeByClass("vtkMRMLModelNode", surface_name(surface))
    node.SetAndObservePolyData(turn.GetOutput())
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.SetColor(*surface.color)
    display.SetOpacity(opacity)
    display.SetScalarVisibility(False)
    display.SetVisibility(surface.region in _SHOWN)
    return node


def surface_name(surface: Surface) -> str:
    """``vertebral column p85 (SUV 3.21)``, or ``pelvis SUV 2.5`` for a level given in SUV."""
    region = surface.region.replace("_", " ")
    if surface.percentile is None:
        return f"{region} SUV {surface.level_suv:.3g}"
    return f"{region} p{surface.percentile:g} (SUV {surface.level_suv:.3g})"
