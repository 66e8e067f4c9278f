"""SUVbw from a DICOM PET header (a plain mapping): BQML by the formula, GML as it is, CNTS by Philips' factors."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from VertebraFLTLib.io.suv_bqml import BqmlTerms, check_half_life, suv_factor
from VertebraFLTLib.io.suv_record import OPTIONS, SuvOverrides, SuvRecord, SuvRefused, SuvTerm, tag, unused_options
from VertebraFLTLib.io.suv_times import (
    injection_time,
    mean_count_time_s,
    on_or_before,
    parse_date,
    parse_option,
    parse_time,
    reference_time,
    series_day,
)
from VertebraFLTLib.io.tracer import is_fluorine_18, tracer_from_header

PHILIPS_SUV, PHILIPS_BQML = "(7053,1000)", "(7053,1009)"
_LABELS = {
    "weight": tag("PatientWeight"),
    "dose": tag("RadionuclideTotalDose"),
    "half_life": tag("RadionuclideHalfLife"),
    "decay_correction": tag("DecayCorrection"),
}
_SEQUENCE = "RadiopharmaceuticalInformationSequence"
# Decay Factor and reference time disagree when the factor would change by more than this.
_DECAY_FACTOR_TOLERANCE = 0.01


def suv_from_header(header: Mapping[str, Any], overrides: SuvOverrides | None = None, units: str = "auto") -> SuvRecord:
    """How values of a DICOM PET become SUVbw. ``header``: see dicom_header.series_header.

    ``units`` "bqml" states that values are Bq/ml whatever Units (0054,1001) says. Raises SuvRefused.
    """
    overrides = overrides or SuvOverrides()
    if "Units" in header.get("Inconsistent", ()):
        raise SuvRefused(f"{tag('Units')} differs between slices; export the series again")
    stated = str(header.get("Units") or "").upper()
    if units == "bqml":
        record = _bqml(header, overrides, SuvTerm("units", "BQML", "", None, "option"))
    elif stated == "BQML":
        record = _bqml(header, overrides, SuvTerm("units", stated, "", tag("Units"), "header"))
    elif stated == "GML":
        record = _gml(header, overrides)
    elif stated == "CNTS":
        record = _cnts(header, overrides)
    elif not stated:
        raise SuvRefused(f"PET has no {tag('Units')}; say what its values are with {OPTIONS['units']}")
    else:
        raise SuvRefused(f"{tag('Units')} is {stated}, from which SUVbw cannot be derived; export the PET in BQML")
    return replace(record, tracer=tracer_from_header(header), warnings=(*record.warnings, *_corrections(header)))


def _corrections(header: Mapping[str, Any]) -> list[str]:
    stated = header.get("CorrectedImage")
    done = {str(word).upper() for word in (stated if isinstance(stated, list) else [stated] if stated else [])}
    if not done:
        return [f"PET has no {tag('CorrectedImage')}: that it is corrected for attenuation and decay is unproven"]
    missing = [word for word, name in (("attenuation", "ATTN"), ("decay", "DECY")) if name not in done]
    return (
        [f"{tag('CorrectedImage')} does not say that PET is corrected for {' and '.join(missing)}"] if missing else []
    )


def _gml(header: Mapping[str, Any], overrides: SuvOverrides) -> SuvRecord:
    kind = str(header.get("SUVType") or "").upper()
    if kind not in ("", "BW"):
        raise SuvRefused(
            f"{tag('SUVType')} is {kind}: normalised to lean body mass, ideal weight or body surface, not to body "
            "weight; export the PET as SUVbw or in BQML"
        )
    terms = [SuvTerm("units", "GML", "", tag("Units"), "header")]
    if kind:
        terms.append(SuvTerm("suv_type", kind, "", tag("SUVType"), "header"))
    return SuvRecord("GML", 1.0, "values are SUVbw already (g/ml)", tuple(terms), None, unused_options(overrides))


def _private_factor(header: Mapping[str, Any], key: str) -> float | None:
    if key in header.get("Inconsistent", ()):
        raise SuvRefused(f"Philips factor {key} differs between slices; export the PET in BQML")
    try:
        value = float(header.get(key, 0.0))
    except (TypeError, ValueError):
        return None
    return value if math.isfinite(value) and value > 0 else None


def _cnts(header: Mapping[str, Any], overrides: SuvOverrides) -> SuvRecord:
    units = SuvTerm("units", "CNTS", "", tag("Units"), "header")
    to_suv, to_bqml = _private_factor(header, PHILIPS_SUV), _private_factor(header, PHILIPS_BQML)
    # Philips' SUV factor has weight and dose built in; stated ones can only enter by way of Bq/ml.
    if to_suv is not None and not (overrides.given() and to_bqml is not None):
        term = SuvTerm("philips_suv_factor", to_suv, "g/ml per count", f"Philips private {PHILIPS_SUV}", "header")
        method = "SUV = value [counts] * Philips' SUV scale factor"
        return SuvRecord("CNTS", to_suv, method, (units, term), None, unused_options(overrides))
    if to_bqml is not None:
        record = _bqml(header, overrides, units)
        term = SuvTerm("philips_bqml_factor", to_bqml, "Bq/ml per count", f"Philips private {PHILIPS_BQML}", "header")
        method = f"value [Bq/ml] = value [counts] * Philips' activity factor; {record.method}"
        return replace(record, factor=record.factor * to_bqml, method=method, terms=(term, *record.terms))
    raise SuvRefused(
        f"{tag('Units')} is CNTS and Philips' factors {PHILIPS_SUV} and {PHILIPS_BQML} are missing: counts cannot "
        f"become SUV; export the PET in BQML, or state its units with {OPTIONS['units']}"
    )


def _number(
    name: str, unit: str, stated: float | None, header: Mapping[str, Any], keyword: str, inside: str | None = None
) -> SuvTerm | None:
    """A term from the option, else from the header (``inside`` a sequence), None where neither has it."""
    if stated is not None:
        return SuvTerm(name, float(stated), unit, None, "option")
    belongs = inside or keyword
    if belongs in header.get("Inconsistent", ()):
        raise SuvRefused(f"{tag(belongs)} differs between slices; state it by option or export the series again")
    holder = (header.get(inside) or [{}])[0] if inside else header
    try:
        value = float(holder.get(keyword) or 0)
    except (TypeError, ValueError):
        return None
    return SuvTerm(name, value, unit, tag(keyword), "header") if math.isfinite(value) and value != 0 else None


def _bqml(header: Mapping[str, Any], overrides: SuvOverrides, units: SuvTerm) -> SuvRecord:
    items = header.get(_SEQUENCE) or []
    if len(items) > 1 and (overrides.dose_bq is None or overrides.injection_time is None):
        raise SuvRefused(
            f"{tag(_SEQUENCE)} has {len(items)} items: give the dose and time that count with {OPTIONS['dose_bq']} and "
            f"{OPTIONS['injection_time']}"
        )
    terms = BqmlTerms(_LABELS, fluorine_18=is_fluorine_18(header))
    terms.weight = _number("weight", "kg", overrides.weight_kg, header, "PatientWeight")
    terms.dose = _number("dose", "Bq", overrides.dose_bq, header, "RadionuclideTotalDose", _SEQUENCE)
    terms.half_life = _number("half_life", "s", overrides.half_life_s, header, "RadionuclideHalfLife", _SEQUENCE)
    terms.decay_correction = _decay_correction(header, overrides)
    if terms.decay_correction is not None and str(terms.decay_correction.value).upper() == "START":
        half_life_s = float(check_half_life(terms).value)
        reference, terms.reference = _reference(header, overrides, half_life_s, terms.warnings)
        terms.injection = _injection(header, overrides, reference, terms.warnings)
        terms.warnings += _decay_factor_warning(header, reference, half_life_s)
    made = suv_factor(terms)
    return SuvRecord(str(units.value), made.factor, made.method, (units, *made.terms), None, tuple(terms.warnings))


def _decay_correction(header: Mapping[str, Any], overrides: SuvOverrides) -> SuvTerm | None:
    if overrides.decay_correction is not None:
        return SuvTerm("decay_correction", overrides.decay_correction.upper(), "", None, "option")
    if "DecayCorrection" in header.get("Inconsistent", ()):
        raise SuvRefused(f"{tag('DecayCorrection')} differs between slices; export the series again")
    stated = header.get("DecayCorrection")
    return SuvTerm("decay_correction", str(stated), "", tag("DecayCorrection"), "header") if stated else None


def _reference(
    header: Mapping[str, Any], overrides: SuvOverrides, half_life_s: float, warnings: list[str]
) -> tuple[datetime, SuvTerm]:
    if overrides.scan_time is None:
        return reference_time(header, half_life_s, warnings)
    moment, _ = parse_option(overrides.scan_time, OPTIONS["scan_time"], series_day(header))
    return moment, SuvTerm("reference_time", moment.isoformat(), "", None, "option")


def _injection(header: Mapping[str, Any], overrides: SuvOverrides, reference: datetime, warnings: list[str]) -> SuvTerm:
    if overrides.injection_time is None:
        if _SEQUENCE in header.get("Inconsistent", ()):
            raise SuvRefused(f"{tag(_SEQUENCE)} differs between slices; give {OPTIONS['injection_time']}")
        return injection_time(header, reference, warnings)[1]
    moment, dated = parse_option(overrides.injection_time, OPTIONS["injection_time"], reference.date())
    if not dated:
        moment = on_or_before(moment, reference)
    return SuvTerm("injection_time", moment.isoformat(), "", None, "option")


def _decay_factor_warning(header: Mapping[str, Any], reference: datetime, half_life_s: float) -> list[str]:
    """Decay Factor (0054,1321) tells on its own to what time a frame was corrected; it should be the same."""
    frames = [frame for frame in header.get("Frames") or [] if frame.get("DecayFactor") and frame["DecayFactor"] > 0]
    if not frames:
        return []
    frame = min(frames, key=lambda one: one["DecayFactor"])
    clock = parse_time(frame.get("AcquisitionTime"))
    if clock is None:
        return []
    start = datetime.combine(parse_date(frame.get("AcquisitionDate")) or series_day(header), clock)
    back = half_life_s * math.log2(frame["DecayFactor"])
    duration = (frame.get("ActualFrameDuration") or 0) / 1000
    # Some scanners let the factor include the decay within the frame, others do not.
    within = mean_count_time_s(duration, half_life_s) if duration > 0 else 0.0
    apart = min(
        ((start + timedelta(seconds=extra - back)) - reference for extra in (within, 0.0)),
        key=lambda gap: abs(gap.total_seconds()),
    ).total_seconds()
    if abs(2.0 ** (apart / half_life_s) - 1) <= _DECAY_FACTOR_TOLERANCE:
        return []
    return [
        f"{tag('DecayFactor')} says that values are decay-corrected to a time {abs(apart) / 60:.1f} min "
        f"{'after' if apart > 0 else 'before'} the reference time used; if so, SUV is off by "
        f"{100 * abs(2.0 ** (apart / half_life_s) - 1):.0f} % (the time can be given with {OPTIONS['scan_time']})"
    ]
