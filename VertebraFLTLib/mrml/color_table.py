"""The colour tables that ship for the mask files, as Slicer reads them: label value, name, colour, terminology."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from VertebraFLTLib.anatomy import LEVELS, STRUCTURES, Color
from VertebraFLTLib.mrml.terminology import Terminology, of_level, of_structure

# Two files, since the two masks number their labels apart: 1 is the vertebral bodies in one and C1 in the other.
SEMANTIC_FILE = "VertebraFLT-semantic-colors.csv"
VERTEBRAE_FILE = "VertebraFLT-vertebrae-colors.csv"

_CONCEPTS = ("Category", "Type", "TypeModifier", "Region", "RegionModifier")
_HEADER = (
    *("LabelValue", "Name", "Color_R", "Color_G", "Color_B", "Color_A"),
    *(f"{concept}_{part}" for concept in _CONCEPTS for part in ("CodingScheme", "CodeValue", "CodeMeaning")),
)


def semantic_csv() -> str:
    """The table for ``semantic.nii.gz``."""
    return _csv((s.label, s.name, s.color, of_structure(s)) for s in STRUCTURES)


def vertebrae_csv() -> str:
    """The table for ``vertebrae.nii.gz`` (VerSe numbers)."""
    return _csv((level.code, level.name, level.color, of_level(level)) for level in LEVELS)


def _csv(rows: Iterable[tuple[int, str, Color, Terminology]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_HEADER)
    for value, name, color, entry in sorted(rows, key=lambda row: row[0]):
        codes = (entry.category, entry.type, entry.type_modifier, entry.region, entry.region_modifier)
        rgb = [round(255 * part) for part in color]
        writer.writerow([value, name, *rgb, 255, *(x for c in codes for x in (c.scheme, c.value, c.meaning))])
    return out.getvalue()
