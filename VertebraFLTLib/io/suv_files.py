"""SUV for image files, which have no DICOM header: by the file's own notes, a BIDS sidecar, or the user's word."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from VertebraFLTLib.io.suv_bqml import FLUORINE_18_HALF_LIFE_S, BqmlTerms, suv_factor
from VertebraFLTLib.io.suv_record import OPTIONS, SuvOverrides, SuvRecord, SuvRefused, SuvTerm, unused_options
from VertebraFLTLib.io.suv_times import on_or_before, parse_option
from VertebraFLTLib.io.tracer import tracer_from_text

_OTHER_SUV = re.compile(r"\bSUL\b|SUV[ _-]?(lbm|lean|bsa|ibw)|cm2/ml", re.I)
_SUV = re.compile(r"\bSUV([ _-]?bw)?\b|\bg/ml\b|\bGML\b", re.I)
_BQML = re.compile(r"\bBq/(ml|cc)\b|\bBQML\b", re.I)
_TO_BQ = {"bq": 1.0, "kbq": 1e3, "mbq": 1e6, "gbq": 1e9, "mci": 3.7e7}
_DAY = date(1900, 1, 1)  # stands for the day of the scan where only times of day are known
_LABELS = {
    "weight": "known body weight",
    "dose": "known injected dose",
    "half_life": "known half-life (6586.2 s for fluorine-18)",
    "decay_correction": "known decay correction (give --injection-time, --scan-time and --half-life as well for START)",
    "injection": "known time of injection",
    "reference": "known time to which its values are decay-corrected",
}


def _kind(text: str) -> str | None:
    for kind, pattern in (("other", _OTHER_SUV), ("suv", _SUV), ("bqml", _BQML)):
        if pattern.search(text):
            return kind
    return None


def _stated_units(notes: Mapping[str, Any]) -> tuple[str, SuvTerm] | None:
    """What a file's notes or its sidecar say of the units ("suv" or "bqml"), with the term that records it."""
    said: list[tuple[str, SuvTerm]] = []
    units = (notes.get("Sidecar") or {}).get("Units")
    if isinstance(units, str) and (kind := _kind(units)):
        said.append((kind, SuvTerm("units", units, "", "Units", "sidecar")))
    for key, text in (notes.get("FileNotes") or {}).items():
        if kind := _kind(str(text)):
            said.append((kind, SuvTerm("units", str(text), "", key, "file")))
    kinds = {kind for kind, _ in said}
    if "other" in kinds:
        raise SuvRefused("the file says that its values are SUV, but not by body weight; export the PET as SUVbw")
    if len(kinds) > 1:
        raise SuvRefused(f"the file and its JSON file disagree about the units; give {OPTIONS['units']}")
    return said[0] if said else None


def suv_from_file(
    notes: Mapping[str, Any], where: str, overrides: SuvOverrides | None = None, units: str = "auto"
) -> SuvRecord:
    """How values of an image file become SUVbw. ``notes``: the header of its ImageSource. Raises SuvRefused."""
    overrides = overrides or SuvOverrides()
    sidecar = notes.get("Sidecar") or {}
    tracer = tracer_from_text(sidecar.get("TracerName"), *(notes.get("FileNotes") or {}).values())
    if units == "bqml":
        stated = ("bqml", SuvTerm("units", "Bq/ml", "", None, "option"))
    else:
        found = _stated_units(notes)
        if found is None:
            raise SuvRefused(
                f"{where} does not say whether its values are SUV or Bq/ml; state it with {OPTIONS['units']}"
            )
        stated = found
    kind, term = stated
    if kind == "suv":
        method = "the file says that its values are SUVbw (g/ml)"
        return SuvRecord("SUV", 1.0, method, (term,), tracer, unused_options(overrides))
    terms = _terms(sidecar, overrides)
    made = suv_factor(terms)
    return SuvRecord("BQML", made.factor, made.method, (term, *made.terms), tracer, tuple(terms.warnings))


def _field(sidecar: Mapping[str, Any], key: str) -> float | None:
    value = sidecar.get(key)
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _of(name: str, unit: str, stated: float | None, found: float | None, key: str) -> SuvTerm | None:
    if stated is not None:
        return SuvTerm(name, float(stated), unit, None, "option")
    return SuvTerm(name, found, unit, key, "sidecar") if found else None


def _terms(sidecar: Mapping[str, Any], overrides: SuvOverrides) -> BqmlTerms:
    """The terms from the options, else from the fields of a BIDS PET sidecar."""
    terms = BqmlTerms(_LABELS)
    weight = _field(sidecar, "BodyWeight") or _field(sidecar, "PatientWeight")
    terms.weight = _of("weight", "kg", overrides.weight_kg, weight, "BodyWeight")
    activity = _field(sidecar, "InjectedRadioactivity")
    scale = _TO_BQ.get(str(sidecar.get("InjectedRadioactivityUnits") or "").strip().lower())
    dose = activity * scale if activity and scale else None
    terms.dose = _of("dose", "Bq", overrides.dose_bq, dose, "InjectedRadioactivity")
    terms.fluorine_18 = bool(re.fullmatch(r"\W*(18)?\W*F\W*(18)?\W*", str(sidecar.get("TracerRadionuclide") or "-")))
    half_life = FLUORINE_18_HALF_LIFE_S if terms.fluorine_18 else None
    terms.half_life = _of("half_life", "s", overrides.half_life_s, half_life, "TracerRadionuclide")
    _add_times(terms, sidecar, overrides)
    return terms


def _add_times(terms: BqmlTerms, sidecar: Mapping[str, Any], overrides: SuvOverrides) -> None:
    stated = overrides.decay_correction
    if stated is None and (overrides.scan_time is not None or overrides.injection_time is not None):
        stated = "START"
    if stated is not None:
        terms.decay_correction = SuvTerm("decay_correction", stated.upper(), "", None, "option")
    elif sidecar.get("ImageDecayCorrected") is False:
        terms.decay_correction = SuvTerm("decay_correction", "NONE", "", "ImageDecayCorrected", "sidecar")
    corrected_to, injected = _field(sidecar, "ImageDecayCorrectionTime"), _field(sidecar, "InjectionStart")
    if overrides.scan_time is not None:
        moment, _ = parse_option(overrides.scan_time, OPTIONS["scan_time"], _DAY)
        terms.reference = SuvTerm("reference_time", moment.isoformat(), "", None, "option")
        if overrides.injection_time is not None:
            injection, dated = parse_option(overrides.injection_time, OPTIONS["injection_time"], moment.date())
            injection = injection if dated else on_or_before(injection, moment)
            terms.injection = SuvTerm("injection_time", injection.isoformat(), "", None, "option")
    elif overrides.injection_time is None and corrected_to is not None and injected is not None:
        key = "ImageDecayCorrectionTime - InjectionStart"
        terms.decay_time = SuvTerm("decay_time", corrected_to - injected, "s", key, "sidecar")
        if terms.decay_correction is None and sidecar.get("ImageDecayCorrected") is True:
            terms.decay_correction = SuvTerm("decay_correction", "START", "", "ImageDecayCorrected", "sidecar")
    if terms.decay_time is not None and terms.decay_correction is not None:
        _as_admin(terms)


def _as_admin(terms: BqmlTerms) -> None:
    """Values corrected to the injection itself (both times equal) need no decay of the dose."""
    assert terms.decay_time is not None and terms.decay_correction is not None
    if terms.decay_time.value == 0 and terms.decay_correction.value == "START":
        terms.decay_correction = replace(terms.decay_correction, value="ADMIN")
