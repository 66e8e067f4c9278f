"""Which tracer was injected, from the codes or the words of a PET header."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

# DICOM CID 4021 "PET Radiopharmaceutical": SRT and SNOMED CT codes.
_CODES = {
    "C-B1036": "FLT",
    "129502002": "FLT",
    "C-B1031": "FDG",
    "35321007": "FDG",
    "C-B1032": "NaF",
    "129501009": "NaF",
}
_WORDS = (
    (
        "FLT",
        re.compile(r"(?<![a-z])(\[?18\]?f[-_ ]?)?(flt(?![a-z])|(alovudine|fluoro[- ]?(l-)?thymidine|thymidine))", re.I),
    ),
    ("FDG", re.compile(r"(?<![a-z])(\[?18\]?f[-_ ]?)?(fdg(?![a-z])|fluo?r?o?[- ]?d(es|e)?oxy[- ]?d?-?glucose)", re.I)),
    ("NaF", re.compile(r"(?<![a-z])(na(\[?18\]?)?f(?![a-z])|sodium[- ]fluoride)", re.I)),
)
_F18_CODES = {"C-111A1", "77004003"}
_F18_WORDS = re.compile(r"18[^a-z0-9]*f|f[^a-z0-9]*18|fluorine", re.I)


def _words(text: str) -> str | None:
    return next((tracer for tracer, pattern in _WORDS if pattern.search(text)), None)


def tracer_from_text(*texts: Any) -> str | None:
    """The tracer that the first telling text names ("FLT", "FDG", "NaF"), else None."""
    return next((found for text in texts if isinstance(text, str) and (found := _words(text))), None)


def tracer_from_header(header: Mapping[str, Any]) -> str | None:
    """The tracer by Radiopharmaceutical Code Sequence, else by its name, else by the descriptions of the series."""
    for item in header.get("RadiopharmaceuticalInformationSequence") or []:
        codes = item.get("RadiopharmaceuticalCodeSequence") or []
        for code in codes:
            if code.get("CodeValue") in _CODES:
                return _CODES[code["CodeValue"]]
        named = tracer_from_text(item.get("Radiopharmaceutical"), *(code.get("CodeMeaning") for code in codes))
        if named:
            return named
    return tracer_from_text(*(header.get(key) for key in ("SeriesDescription", "ProtocolName", "StudyDescription")))


def is_fluorine_18(header: Mapping[str, Any]) -> bool:
    """Whether the header's radionuclide code says fluorine-18."""
    codes = [
        code
        for item in header.get("RadiopharmaceuticalInformationSequence") or []
        for code in item.get("RadionuclideCodeSequence") or []
    ]
    return any(
        code.get("CodeValue") in _F18_CODES or _F18_WORDS.search(str(code.get("CodeMeaning") or "")) for code in codes
    )
