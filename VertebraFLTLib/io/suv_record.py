"""What is known of a SUV conversion: the terms that went in, the factor that came out, or why it was refused."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from pydicom.datadict import tag_for_keyword
from pydicom.tag import Tag

from VertebraFLTLib.errors import InputError


class SuvRefused(InputError):
    """SUV cannot be derived; the message names the tag that is missing or wrong and the option that can give it."""


@dataclass(frozen=True)
class SuvOverrides:
    """Values the user states where a header lacks them or is wrong; each beats the header and is recorded."""

    weight_kg: float | None = None
    dose_bq: float | None = None  # total injected activity at the time of injection
    injection_time: str | None = None  # ISO 8601 date and time, or HH:MM[:SS]
    scan_time: str | None = None  # to which the values are decay-corrected (START); same forms
    half_life_s: float | None = None
    decay_correction: str | None = None  # "START" or "ADMIN"

    def given(self) -> list[str]:
        """The names of the values that are stated."""
        return [item.name for item in fields(self) if getattr(self, item.name) is not None]


# The options of the command line that give the terms, for messages.
OPTIONS = {
    "weight_kg": "--weight KG",
    "dose_bq": "--dose MBQ",
    "injection_time": "--injection-time HH:MM:SS",
    "scan_time": "--scan-time HH:MM:SS",
    "half_life_s": "--half-life S",
    "decay_correction": "--decay-correction START|ADMIN",
    "units": "--pet-units suv|bqml",
}


def unused_options(overrides: SuvOverrides) -> tuple[str, ...]:
    """A warning where values were stated that cannot enter, because the image is SUV already."""
    names = [OPTIONS[name].split()[0] for name in overrides.given()]
    return (f"{', '.join(names)} not used: the values need no such term",) if names else ()


def tag(keyword: str) -> str:
    """A DICOM element as messages and records name it: ``PatientWeight (0010,1030)``."""
    number = tag_for_keyword(keyword)
    if number is None:
        return keyword
    return f"{keyword} ({Tag(number).group:04X},{Tag(number).element:04X})"


@dataclass(frozen=True)
class SuvTerm:
    """One value of the calculation. ``tag``: DICOM keyword and tag, or field, it was read from, or None.

    ``source``: "header", "option", "file" (a file's own notes), "sidecar" (JSON beside a file) or "computed".
    """

    name: str
    value: float | str
    unit: str
    tag: str | None
    source: str


@dataclass(frozen=True)
class SuvRecord:
    """How values became SUVbw in g/ml: ``SUV = value * factor``, value being the voxel after its rescale slope."""

    units_in: str
    factor: float
    method: str
    terms: tuple[SuvTerm, ...] = ()
    tracer: str | None = None
    warnings: tuple[str, ...] = ()

    def term(self, name: str) -> SuvTerm | None:
        """The term of that name, or None."""
        return next((term for term in self.terms if term.name == name), None)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> SuvRecord:
        """The record that :meth:`to_json` wrote."""
        return cls(
            units_in=data["units_in"],
            factor=float(data["factor"]),
            method=data["method"],
            terms=tuple(SuvTerm(**term) for term in data["terms"]),
            tracer=data["tracer"],
            warnings=tuple(data["warnings"]),
        )

    def to_json(self) -> dict[str, Any]:
        """Plain data for case.json and ``vertebraflt suv --json``, complete enough to recompute the factor."""
        return {
            "units_in": self.units_in,
            "units_out": "SUVbw g/ml",
            "factor": self.factor,
            "formula": "SUV = value * factor",
            "method": self.method,
            "tracer": self.tracer,
            "terms": [asdict(term) for term in self.terms],
            "warnings": list(self.warnings),
        }
