"""SNOMED CT terminology of segments in Slicer's own form: the serialised entry, and the context it refers to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from VertebraFLTLib.anatomy import LEVELS, STRUCTURES, VERTEBRAL_BODY, Color, Level, Structure

CONTEXT_NAME = "Segmentation category and type - VertebraFLT"
REGION_CONTEXT_NAME = "Anatomic codes - DICOM master list"
_SCHEMA = "https://raw.githubusercontent.com/qiicr/dcmqi/master/doc/schemas/segment-context-schema.json#"


@dataclass(frozen=True)
class Code:
    """A coded concept; empty strings where a terminology entry states none."""

    scheme: str = ""
    value: str = ""
    meaning: str = ""

    def __str__(self) -> str:
        return f"{self.scheme}^{self.value}^{self.meaning}"


ANATOMICAL_STRUCTURE = Code("SCT", "123037004", "Anatomical Structure")
VERTEBRA = Code("SCT", "51282000", "Vertebra")
"""Stands for T13 and L6, which have no code of their own: the segment's name tells them apart."""


@dataclass(frozen=True)
class Terminology:
    """What a segment is: category and type of a terminology context; modifiers and region stay empty here."""

    category: Code
    type: Code
    type_modifier: Code = Code()
    context: str = CONTEXT_NAME
    region_context: str = REGION_CONTEXT_NAME
    region: Code = Code()
    region_modifier: Code = Code()

    def __str__(self) -> str:
        """As ``vtkSlicerTerminologiesModuleLogic.SerializeTerminologyEntry`` writes it."""
        head = f"{self.context}~{self.category}~{self.type}~{self.type_modifier}"
        return f"{head}~{self.region_context}~{self.region}~{self.region_modifier}"


def parse(text: str) -> Terminology:
    """Read a serialised entry, with or without the ``|`` at its end. Raises ValueError if it is not one."""
    parts = text.rstrip("|").split("~")
    if len(parts) != 7:
        raise ValueError(f"not a terminology entry of 7 parts: {text!r}")
    context, category, kind, modifier, region_context, region, region_modifier = parts
    return Terminology(
        _code(category), _code(kind), _code(modifier), context, region_context, _code(region), _code(region_modifier)
    )


def _code(text: str) -> Code:
    parts = text.split("^")
    if len(parts) != 3:
        raise ValueError(f"not a code of scheme, value and meaning: {text!r}")
    return Code(*parts)


def of_structure(structure: Structure) -> Terminology:
    """Terminology of a class of the semantic segmentation."""
    return Terminology(ANATOMICAL_STRUCTURE, Code("SCT", structure.snomed, structure.snomed_meaning))


def of_level(level: Level) -> Terminology:
    """Terminology of a vertebra; meanings as DICOM writes them (PS3.16, "L5 vertebra")."""
    kind = Code("SCT", level.snomed, f"{level.name} vertebra") if level.snomed else VERTEBRA
    return Terminology(ANATOMICAL_STRUCTURE, kind)


def context_json() -> dict[str, Any]:
    """The content of ``Resources/VertebraFLT.term.json``: every type this product can give a segment."""
    types = [_type_json(of_level(level).type, level.color) for level in LEVELS if level.snomed]
    types += [_type_json(of_structure(structure).type, structure.color) for structure in STRUCTURES]
    types.append(_type_json(VERTEBRA, VERTEBRAL_BODY.color))
    category = {**_code_json(ANATOMICAL_STRUCTURE), "showAnatomy": False, "Type": types}
    return {
        "SegmentationCategoryTypeContextName": CONTEXT_NAME,
        "@schema": _SCHEMA,
        "SegmentationCodes": {"Category": [category]},
    }


def _code_json(code: Code) -> dict[str, Any]:
    return {"CodingSchemeDesignator": code.scheme, "CodeValue": code.value, "CodeMeaning": code.meaning}


def _type_json(code: Code, color: Color) -> dict[str, Any]:
    rgb = [round(255 * part) for part in color]
    return {**_code_json(code), "3dSlicerLabel": code.meaning.lower(), "recommendedDisplayRGBValue": rgb}
