"""Runs the detectors over simulated patients and real label maps, as the pipeline does, and scores what they find."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from boundary_scores import EDGE_MM, Score, gave_up, score
from column_conditions import Condition
from column_patients import Case, simulate

from VertebraFLTLib.column import column_on_ct, line_of, profile_within, ribs_on_ct, sacrum_top
from VertebraFLTLib.errors import InputError
from VertebraFLTLib.spine.detectors import DETECTORS, get_detector
from VertebraFLTLib.spine.detectors.naming import Naming
from VertebraFLTLib.spine.detectors.protocol import Clues, finished_set
from VertebraFLTLib.spine.detectors.span_prior import SpanPriorDetector
from VertebraFLTLib.spine.sacrum import doubt_a_sliver
from VertebraFLTLib.spine.signs import Signs, signs


@dataclass(frozen=True)
class Outcome:
    """One detector on one case: of which condition (row of the table), its score, and the label map if it is real."""

    condition: str
    day: int
    detector: str
    score: Score
    anatomy: str = ""


@dataclass(frozen=True)
class Given:
    """What a detector is given of a case."""

    profile: Any
    clues: Clues


def given(case: Case) -> Given:
    """Profile, sacrum and CT evidence of a case, by the pipeline's own steps."""
    profile = profile_within(case.pet_suv, case.semantic, case.on_pet)
    clues = Clues(sacrum_top_z_mm=sacrum_top(case.semantic, profile))
    if case.ct is not None:
        ct = column_on_ct(case.semantic, case.column, case.ct, case.discs)
        ribs = ribs_on_ct(case.ct_beside or case.ct, line_of(case.semantic, case.column))
        clues = replace(clues, ct=ct, ribs=ribs)
    return Given(profile, clues)


def outcomes(
    seeds: Iterable[int],
    conditions: Iterable[Condition],
    detectors: Iterable[str] = tuple(DETECTORS),
    progress: Callable[[int], None] = lambda seed: None,
) -> Iterator[Outcome]:
    """Every detector on every patient under every condition; the CT is for span-prior only."""
    conditions, detectors = tuple(conditions), tuple(detectors)
    for seed in seeds:
        for condition in conditions:
            case = simulate(seed, condition)
            data = given(case)
            for detector in detectors:
                if condition.with_ct and detector != "span-prior":
                    continue
                yield Outcome(condition.name, condition.day, detector, one_score(detector, data, case.truth))
        progress(seed)


def one_score(detector: str, data: Given, truth: tuple[tuple[str, str, float], ...], uncertain: str = "") -> Score:
    """One detector on one case."""
    profile, sacrum = data.profile, data.clues.sacrum_top_z_mm
    try:
        found = get_detector(detector).detect(profile, data.clues)
    except InputError as error:
        return gave_up(truth, profile.extent_mm, profile.spacing_mm, str(error))
    if sacrum is not None:
        found = doubt_a_sliver(found)
    return score(truth, profile.extent_mm, found, profile.spacing_mm, uncertain)


@dataclass(frozen=True)
class Example:
    """One case for the fit of the confidences: signs of boundaries, whether each is right; of the names likewise.

    ``asked``: which boundaries take part; ``naming``: None where names take no part (24 vertebrae, simulated, do);
    ``anatomy``: that of a real label map, "" for the simulated.
    """

    signs: Signs
    asked: np.ndarray
    right: np.ndarray
    naming: Naming | None
    names_right: bool
    anatomy: str = ""


def examples(seeds: Iterable[int], conditions: Iterable[Condition]) -> Iterator[Example]:
    """Simulated patients for the fit."""
    conditions = tuple(conditions)
    for seed in seeds:
        for condition in conditions:
            usual = condition.anatomy.lumbar == 5 and condition.anatomy.thoracic == 12
            yield example(simulate(seed, condition), names=usual)


def example(case: Case, names: bool = False, anatomy: str = "", uncertain: str = "") -> Example:
    """The default detector on one case, with the signs that its confidences rest on."""
    data = given(case)
    detector = SpanPriorDetector()
    levels, places, naming = detector.place(data.profile, data.clues)
    found = finished_set(data.profile, levels, places, detector.name)
    got = score(case.truth, data.profile.extent_mm, found, data.profile.spacing_mm)
    z = np.array([one[2] for one in case.truth])
    doubtful = np.array([bool(uncertain) and uncertain in one[:2] for one in case.truth])
    off = np.array([np.abs(z - p.z_mm) for p in places])
    low, high = data.profile.extent_mm
    asked = [
        b.above != "C1" and b.below != "S1" and low + EDGE_MM < b.z_mm < high - EDGE_MM and not doubtful[at]
        for b, at in zip(found.boundaries, off.argmin(axis=1), strict=True)
    ]
    right = off.min(axis=1) <= data.profile.spacing_mm
    judged = signs(levels, data.profile, places)
    return Example(judged, np.array(asked), right, naming if names else None, got.names_right, anatomy)
