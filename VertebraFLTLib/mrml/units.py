"""What a volume node says of its voxels: SUV with its tracer, Hounsfield units, and the display that suits them."""

from __future__ import annotations

from typing import Any

import slicer

SUV_UNIT = "{SUVbw}g/ml"  # UCUM, as Slicer's PET importer writes it
_SUV_QUANTITY = ("126400", "DCM", "Standardized Uptake Value")
_SUV_UNITS = (SUV_UNIT, "UCUM", "Standardized Uptake Value body weight")
_CT_QUANTITY = ("112031", "DCM", "Attenuation Coefficient")
HOUNSFIELD_UNIT = "[hnsf'U]"  # UCUM
_CT_UNITS = (HOUNSFIELD_UNIT, "UCUM", "Hounsfield unit")

TRACER_ATTRIBUTE = "DICOM.RadiopharmaceuticalCodeValue"
# DICOM PS3.16 CID 4020, in the SRT form that scanners and Slicer's importer use.
TRACER_CODES = {"FLT": "C-B1036", "FDG": "C-B1031"}
_TRACER_OF_SCT = {"129502002": "FLT", "35321007": "FDG"}

PET_WINDOW_LEVEL = (4.0, 2.0)  # SUV 0 to 4
CT_BONE_WINDOW_LEVEL = (1500.0, 300.0)
CT_SOFT_WINDOW_LEVEL = (400.0, 40.0)
_GREY = "vtkMRMLColorTableNodeGrey"
_INVERTED_GREY = "vtkMRMLColorTableNodeInvertedGrey"


def _coded(value: str, scheme: str, meaning: str) -> Any:
    entry = slicer.vtkCodedEntry()
    entry.SetValueSchemeMeaning(value, scheme, meaning)
    return entry


def mark_as_suv(node: Any, tracer: str | None) -> None:
    """State that a volume's voxels are SUVbw in g/ml, and of which tracer ("FLT", "FDG") where known."""
    node.SetVoxelValueQuantity(_coded(*_SUV_QUANTITY))
    node.SetVoxelValueUnits(_coded(*_SUV_UNITS))
    code = TRACER_CODES.get((tracer or "").upper())
    if code:
        node.SetAttribute(TRACER_ATTRIBUTE, code)


def mark_as_ct(node: Any) -> None:
    """State that a volume's voxels are Hounsfield units."""
    node.SetVoxelValueQuantity(_coded(*_CT_QUANTITY))
    node.SetVoxelValueUnits(_coded(*_CT_UNITS))


def is_suv(node: Any) -> bool:
    """Whether a volume says of itself that its voxels are SUVbw."""
    units = node.GetVoxelValueUnits()
    return units is not None and units.GetCodeValue() == SUV_UNIT


def tracer_of(node: Any) -> str | None:
    """The tracer a volume states ("FLT", "FDG"), or None."""
    code = node.GetAttribute(TRACER_ATTRIBUTE) or ""
    known = {code: name for name, code in TRACER_CODES.items()} | _TRACER_OF_SCT
    return known.get(code)


def show_as_pet(node: Any) -> None:
    """Inverted grey from SUV 0 to 4: the usual display of FLT, marrow dark on white."""
    display = node.GetDisplayNode()
    display.SetAndObserveColorNodeID(_INVERTED_GREY)
    display.SetAutoWindowLevel(False)
    display.ResetWindowLevelPresets()
    display.AddWindowLevelPreset(*PET_WINDOW_LEVEL)
    display.SetWindowLevel(*PET_WINDOW_LEVEL)


def show_as_ct(node: Any) -> None:
    """Grey in a bone window; the soft-tissue window is the second preset."""
    display = node.GetDisplayNode()
    display.SetAndObserveColorNodeID(_GREY)
    display.SetAutoWindowLevel(False)
    display.ResetWindowLevelPresets()
    for preset in (CT_BONE_WINDOW_LEVEL, CT_SOFT_WINDOW_LEVEL):
        display.AddWindowLevelPreset(*preset)
    display.SetWindowLevel(*CT_BONE_WINDOW_LEVEL)
