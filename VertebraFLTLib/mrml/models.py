"""Isosurfaces as model nodes: LPS to RAS, colour and translucence by shell, the large regions shown first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vtkmodules.vtkCommonDataModel import vtkPolyData
from vtkmodules.vtkCommonTransforms import vtkTransform
from vtkmodules.vtkFiltersGeneral import vtkTransformPolyDataFilter

from VertebraFLTLib.mrml.volumes import LPS_TO_RAS, vtk_matrix
from VertebraFLTLib.quantification.surfaces import Surface

OPACITIES = (0.2, 0.4, 0.8)  # outermost to innermost: the outer shells let the core be seen
SHOWN = ("vertebral_column", "pelvis", "sternum")  # a vertebra's own surfaces, and "all", repeat what these show
_REGION, _SHELL, _PERCENTILE, _LEVEL = (f"VertebraFLT.{name}" for name in ("Region", "Shell", "Percentile", "LevelSuv"))


def add_surfaces(scene: Any, surfaces: Sequence[Surface]) -> list[Any]:
    """One model node per surface, in the order given."""
    return [add_model(scene, surface, shell_of(surface, surfaces)) for surface in surfaces]


def shell_of(surface: Surface, surfaces: Sequence[Surface]) -> int:
    """Which of its region's nested surfaces this is, 0 being the outermost."""
    return sorted(other.level_suv for other in surfaces if other.region == surface.region).index(surface.level_suv)


def add_model(scene: Any, surface: Surface, shell: int) -> Any:
    """A new model node with the display that suits its region and shell."""
    node = scene.AddNewNodeByClass("vtkMRMLModelNode", surface_name(surface))
    node.CreateDefaultDisplayNodes()
    update_model(node, surface, shell)
    display = node.GetDisplayNode()
    display.SetColor(*surface.color)
    display.SetOpacity(OPACITIES[min(shell, len(OPACITIES) - 1)])
    display.SetScalarVisibility(False)
    display.SetVisibility(surface.region in SHOWN)
    return node


def update_model(node: Any, surface: Surface, shell: int) -> None:
    """Have a model node be another surface; how it is displayed stays as the user chose."""
    node.SetAndObservePolyData(_turned(surface.polydata))
    node.SetName(surface_name(surface))
    node.SetAttribute(_REGION, surface.region)
    node.SetAttribute(_SHELL, str(shell))
    node.SetAttribute(_PERCENTILE, None if surface.percentile is None else repr(surface.percentile))
    node.SetAttribute(_LEVEL, repr(surface.level_suv))


def place_of(node: Any) -> tuple[str, int]:
    """Region and shell of a model node made here; an empty region for any other."""
    return node.GetAttribute(_REGION) or "", int(node.GetAttribute(_SHELL) or 0)


def surfaces_of(nodes: Sequence[Any]) -> list[Surface]:
    """The surfaces that model nodes show, in their present colours."""
    found = []
    for node in nodes:
        percentile = node.GetAttribute(_PERCENTILE)
        found.append(
            Surface(
                place_of(node)[0],
                None if percentile is None else float(percentile),
                float(node.GetAttribute(_LEVEL)),
                node.GetDisplayNode().GetColor(),
                _turned(node.GetPolyData()),
            )
        )
    return found


def _turned(polydata: vtkPolyData) -> vtkPolyData:
    """From LPS to RAS, or back."""
    turn = vtkTransformPolyDataFilter()
    transform = vtkTransform()
    transform.SetMatrix(vtk_matrix(LPS_TO_RAS))
    turn.SetTransform(transform)
    turn.SetInputData(polydata)
    turn.Update()
    return turn.GetOutput()


def surface_name(surface: Surface) -> str:
    """``vertebral column p85 (SUV 3.21)``, or ``pelvis SUV 2.5`` for a level given in SUV."""
    region = surface.region.replace("_", " ")
    if surface.percentile is None:
        return f"{region} SUV {surface.level_suv:.3g}"
    return f"{region} p{surface.percentile:g} (SUV {surface.level_suv:.3g})"
