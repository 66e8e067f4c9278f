"""From activity concentration (Bq/ml) to SUVbw: the formula, with every term checked for plausibility."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from VertebraFLTLib.io.suv_record import OPTIONS, SuvRefused, SuvTerm
from VertebraFLTLib.io.suv_times import ROUNDED_S

FLUORINE_18_HALF_LIFE_S = 6586.2
_LEAST_DOSE_BQ, _GREATEST_DOSE_BQ = 1e6, 2e10
_LEAST_WEIGHT_KG, _SMALL_WEIGHT_KG, _GREATEST_WEIGHT_KG = 1.0, 20.0, 500.0
_LONGEST_HALF_LIVES, _LONG_HALF_LIVES = 6.0, 2.0
_SOON_S = 300.0


@dataclass
class BqmlTerms:
    """The terms of the formula as far as they are known. ``labels``: what to call a missing one (tag or field)."""

    labels: Mapping[str, str]
    weight: SuvTerm | None = None  # kg
    dose: SuvTerm | None = None  # Bq
    half_life: SuvTerm | None = None  # s
    decay_correction: SuvTerm | None = None  # START or ADMIN
    injection: SuvTerm | None = None  # ISO date and time
    reference: SuvTerm | None = None  # ISO date and time
    decay_time: SuvTerm | None = None  # s, where a source gives it instead of two times
    fluorine_18: bool = False
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class BqmlFactor:
    """g/ml for one Bq/ml, how it came about, and the terms in order."""

    factor: float
    method: str
    terms: tuple[SuvTerm, ...]


def _named(term: SuvTerm) -> str:
    """How a message calls a term: by the option or by the tag it came from."""
    if term.source == "option":
        return next((text.split()[0] for key, text in OPTIONS.items() if key.startswith(term.name)), term.name)
    return term.tag or term.name


def _needed(term: SuvTerm | None, name: str, option: str, labels: Mapping[str, str]) -> SuvTerm:
    if term is None:
        raise SuvRefused(f"PET has no {labels[name]}; give it with {OPTIONS[option]}")
    return term


def _weight(terms: BqmlTerms) -> SuvTerm:
    term = _needed(terms.weight, "weight", "weight_kg", terms.labels)
    value = float(term.value)
    if not _LEAST_WEIGHT_KG <= value <= _GREATEST_WEIGHT_KG:
        hint = "; grams?" if value > _GREATEST_WEIGHT_KG else ""
        raise SuvRefused(f"{_named(term)} is {value:g} kg{hint}: no patient's weight; give it with --weight KG")
    if value < _SMALL_WEIGHT_KG:
        terms.warnings.append(f"{_named(term)} is only {value:g} kg")
    return term


def _dose(terms: BqmlTerms) -> SuvTerm:
    term = _needed(terms.dose, "dose", "dose_bq", terms.labels)
    value = float(term.value)
    if not _LEAST_DOSE_BQ <= value <= _GREATEST_DOSE_BQ:
        hint = "; MBq or kBq?" if value < _LEAST_DOSE_BQ else ""
        raise SuvRefused(f"{_named(term)} is {value:g} Bq{hint}: no injected activity; give it with --dose MBQ")
    return term


def check_half_life(terms: BqmlTerms) -> SuvTerm:
    """The half-life, proven to be in seconds where the nuclide is known. Raises SuvRefused."""
    term = _needed(terms.half_life, "half_life", "half_life_s", terms.labels)
    value = float(term.value)
    wrong_f18 = terms.fluorine_18 and abs(value / FLUORINE_18_HALF_LIFE_S - 1) > 0.05
    if not value > 0 or wrong_f18 or 105 < value < 115:
        raise SuvRefused(
            f"{_named(term)} is {value:g} s, fluorine-18 has {FLUORINE_18_HALF_LIFE_S:g} s; give it with --half-life S"
        )
    if terms.fluorine_18 and abs(value / FLUORINE_18_HALF_LIFE_S - 1) > 0.005:
        terms.warnings.append(f"{_named(term)} is {value:g} s, fluorine-18 has {FLUORINE_18_HALF_LIFE_S:g} s")
    return term


def _decay_time(terms: BqmlTerms, half_life_s: float) -> list[SuvTerm]:
    """The terms that make the decay time, which comes last."""
    if terms.decay_time is not None:
        made = [terms.decay_time]
    else:
        reference = _needed(terms.reference, "reference", "scan_time", terms.labels)
        injection = _needed(terms.injection, "injection", "injection_time", terms.labels)
        elapsed = datetime.fromisoformat(str(reference.value)) - datetime.fromisoformat(str(injection.value))
        made = [injection, reference, SuvTerm("decay_time", elapsed.total_seconds(), "s", None, "computed")]
    seconds = float(made[-1].value)
    if seconds < -ROUNDED_S or seconds > _LONGEST_HALF_LIVES * half_life_s:
        times = f" ({made[0].value} to {made[1].value})" if len(made) > 2 else ""
        when = "after the scan's reference time" if seconds < 0 else f"{seconds / 3600:.1f} h before the scan"
        source = _named(made[0])
        raise SuvRefused(f"{source}: the injection lies {when}{times}; give the true time with --injection-time")
    if seconds > _LONG_HALF_LIVES * half_life_s:
        terms.warnings.append(f"the injection lies {seconds / 3600:.1f} h before the scan: is its time right?")
    elif seconds < _SOON_S:
        terms.warnings.append(
            f"the injection lies {seconds:.0f} s before the time to which the values are decay-corrected: a dynamic "
            "scan, or a wrong injection time"
        )
    return made


def suv_factor(terms: BqmlTerms) -> BqmlFactor:
    """SUVbw of 1 Bq/ml. Warnings are added to ``terms.warnings``. Raises SuvRefused."""
    correction = _needed(terms.decay_correction, "decay_correction", "decay_correction", terms.labels)
    how = str(correction.value).upper()
    if how not in ("START", "ADMIN"):
        raise SuvRefused(
            f"{_named(correction)} is {correction.value!r}, neither START nor ADMIN: the values' decay correction is "
            f"unknown; if you know it, give {OPTIONS['decay_correction']}"
        )
    weight, dose = _weight(terms), _dose(terms)
    used = [replace(correction, value=how), weight, dose]
    if how == "ADMIN":
        activity = float(dose.value)
        method = "SUV = value [Bq/ml] * weight [g] / dose [Bq]; values are decay-corrected to the injection (ADMIN)"
    else:
        half_life = check_half_life(terms)
        made = _decay_time(terms, float(half_life.value))
        activity = float(dose.value) * 2.0 ** (-float(made[-1].value) / float(half_life.value))
        used += [half_life, *made, SuvTerm("decayed_dose", activity, "Bq", None, "computed")]
        method = (
            "SUV = value [Bq/ml] * weight [g] / (dose [Bq] * 2^(-decay_time / half_life)); values are decay-corrected "
            "to the start of the scan (START)"
        )
    factor = float(weight.value) * 1000 / activity
    return BqmlFactor(factor, method, (*used, SuvTerm("suv_per_bqml", factor, "g/Bq", None, "computed")))
