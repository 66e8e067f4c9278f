"""Uptake over the days: finished runs of one patient, region by region, as one long table (``timeline.csv``)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any

from VertebraFLTLib.anatomy import LEVEL_BY_NAME
from VertebraFLTLib.errors import InputError


@dataclass(frozen=True)
class DayRun:
    """A finished run and its day relative to the transplant. ``case``: the content of its case.json."""

    day: float
    folder: str
    case: Mapping[str, Any]


@dataclass(frozen=True)
class DayRow:
    """One region on one day; figures as in ``suv.csv``.

    ``complete``: 0 where only a part of the vertebra was seen. ``confidence``: of a vertebra, that of the less sure of
    its boundaries; of whole bones empty. ``source``: how its boundaries were found (``carried`` from another day).
    """

    roi: str
    day: float
    suv_mean: float
    suv_sd: float
    suv_median: float
    suv_p98: float
    suv_max: float
    suv_peak: float
    suv_sum: float
    volume_ml: float
    suv_total_ml: float
    complete: int
    confidence: float | None
    source: str
    run: str


COLUMNS = tuple(f.name for f in fields(DayRow))
_FIGURES = (
    "suv_mean",
    "suv_sd",
    "suv_median",
    "suv_p98",
    "suv_max",
    "suv_peak",
    "suv_sum",
    "volume_ml",
    "suv_total_ml",
)


def timeline(runs: Sequence[DayRun]) -> list[DayRow]:
    """The rows of all runs, by region as in ``suv.csv`` (vertebrae from the lowest up), then by day.

    Raises InputError where the runs are not of one patient as far as their records tell, days repeat, or no vertebra
    is on all of them.
    """
    if len(runs) < 2:
        raise InputError("a timeline needs two runs or more")
    for earlier, later in pairwise(sorted(runs, key=lambda run: run.day)):
        if earlier.day == later.day:
            raise InputError(f"--days: day {earlier.day:g} is given twice, for {earlier.folder} and {later.folder}")
    pets = [run.case["inputs"]["pet"]["sha256"] for run in runs]
    if len(set(pets)) < len(pets):
        raise InputError("two of the runs are of the same PET; give one run for each day")
    _refuse_other_references(runs)
    by_run = {run.folder: {row.roi: row for row in _rows(run)} for run in runs}
    common = set.intersection(*({roi for roi in rows if roi in LEVEL_BY_NAME} for rows in by_run.values()))
    if not common:
        named = "; ".join(f"{folder}: {_span(rows)}" for folder, rows in by_run.items())
        raise InputError(f"no vertebra is in all runs ({named})")
    order = [*reversed(LEVEL_BY_NAME), *("vertebral_column", "pelvis", "hips", "sacrum", "sternum")]
    days = sorted(runs, key=lambda run: run.day)
    return [by_run[run.folder][roi] for roi in order for run in days if roi in by_run[run.folder]]


def doubts_of(runs: Sequence[DayRun]) -> list[str]:
    """What a reader must know before comparing the days."""
    found = []
    for run in runs:
        if run.case.get("carried") is None:
            continue
        lender = _lender(run, runs)
        if lender and run.case["carried"]["reference_boundaries_sha256"] != lender.case["boundaries_sha256"]:
            found.append(
                f"boundaries of {lender.folder} were changed after they were carried to {run.folder}: "
                f"'vertebraflt follow --reference {lender.folder}' again"
            )
    own = [run for run in runs if run.case.get("carried") is None]
    if len(own) > 1:
        days = ", ".join(f"{run.day:g}" for run in own)
        found.append(
            f"on days {days} boundaries were found separately, not carried: a vertebra may end elsewhere, or have "
            "another name, on each; nothing in the records proves that these runs are of one patient"
        )
    for run in runs:
        names = run.case["boundaries"]["level_confidence"]
        if names < 0.9:
            found.append(f"day {run.day:g}: level names are an inference (confidence {names:.2f})")
        if run.case["suv"].get("tracer") not in (None, "FLT"):
            found.append(f"day {run.day:g}: the tracer is {run.case['suv']['tracer']}, not FLT")
    weights = {(r.case["segmentation"].get("segmenter"), r.case["segmentation"].get("weights_sha256")) for r in runs}
    if len(weights) > 1:
        found.append("masks were made by different segmenters or weights: SUV may differ between days for that")
    return found


def to_csv(rows: Iterable[DayRow]) -> str:
    """The text of ``timeline.csv``; floats with seven significant digits."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        cells = (getattr(row, name) for name in COLUMNS)
        writer.writerow(["" if c is None else f"{c:.7g}" if isinstance(c, float) else c for c in cells])
    return out.getvalue()


def _rows(run: DayRun) -> Iterable[DayRow]:
    items = run.case["boundaries"]["items"]
    complete = {v["level"]: bool(v["complete"]) for v in run.case["boundaries"]["vertebrae"]}
    sides: dict[str, list[Mapping[str, Any]]] = {}
    for item in items:
        for level in (item["below"], item["above"]):
            sides.setdefault(level, []).append(item)
    for region in run.case["regions"]:
        roi = region["roi"]
        around = sides.get(roi, [])
        sources = sorted({item["source"] for item in around})
        yield DayRow(
            roi=roi,
            day=float(run.day),
            **{name: float(region[name]) for name in _FIGURES},
            complete=int(complete.get(roi, True)),
            confidence=min((float(item["confidence"]) for item in around), default=None),
            source="+".join(sources),
            run=run.folder,
        )


def _refuse_other_references(runs: Sequence[DayRun]) -> None:
    """Runs that lend to each other must lend within the patient: the reference's CT is known by its hash."""
    lenders = {run.folder: run.case["carried"]["reference_ct_sha256"] for run in runs if run.case.get("carried")}
    own = {run.folder: run.case["inputs"]["ct"]["sha256"] for run in runs if not run.case.get("carried")}
    if len(set(lenders.values())) > 1:
        raise InputError(
            f"the runs {', '.join(lenders)} were carried from different references; give runs of one patient"
        )
    for folder, ct in own.items():
        if lenders and ct not in lenders.values():
            first = next(iter(lenders))
            raise InputError(
                f"{folder} is not the run that {first} was carried from, nor carried from it: another patient? "
                "Give the reference of all, or 'vertebraflt follow' it too"
            )


def _lender(run: DayRun, runs: Sequence[DayRun]) -> DayRun | None:
    wanted = run.case["carried"]["reference_ct_sha256"]
    return next((r for r in runs if not r.case.get("carried") and r.case["inputs"]["ct"]["sha256"] == wanted), None)


def _span(rows: Mapping[str, DayRow]) -> str:
    levels = [roi for roi in rows if roi in LEVEL_BY_NAME]
    return f"{levels[0]} to {levels[-1]}" if levels else "no vertebra"
