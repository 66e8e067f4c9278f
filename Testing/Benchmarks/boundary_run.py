"""Runs the detectors over simulated patients and real label maps, as the pipeline does, and scores what they find."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from boundary_scores import Score, gave_up, score
from column_conditions import Condition
from column_patients import Case, simulate

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.pipeline import column_on_ct, profile_within, ribs_on_ct, sacrum_top
from VertebraFLTLib.quantification.coverage import Grid
from VertebraFLTLib.spine.centre_line import centre_line
from VertebraFLTLib.spine.confidence import signs
from VertebraFLTLib.spine.detectors import DETECTORS, get_detector
from VertebraFLTLib.spine.detectors.naming import Naming
from VertebraFLTLib.spine.detectors.protocol import finished_set
from VertebraFLTLib.spine.detectors.span_prior import SpanPriorDetector
from VertebraFLTLib.spine.sacrum import doubt_a_sliver


@dataclass(frozen=True)
class Outcome:
    """One detector on one case: of which condition (row of the table), and its score."""

    condition: str
    day: int
    detector: str
    score: Score


@dataclass(frozen=True)
class Given:
    """What a detector is given of a case."""

    profile: Any
    anchor: dict[str, Any]


def given(case: Case) -> Given:
    """Profile, sacrum and CT evidence of a case, by the pipeline's own steps."""
    profile = profile_within(case.pet_suv, case.semantic, case.on_pet)
    anchor = {"sacrum_top_z_mm": sacrum_top(case.semantic, profile), "ct": None, "ribs": None}
    if case.ct is not None:
        anchor["ct"] = column_on_ct(case.semantic, case.column, case.ct)
        line = centre_line(case.column, Grid.of(case.ct).ijk_to_lps)
        anchor["ribs"] = ribs_on_ct(case.ct_beside or case.ct, line)
    return Given(profile, anchor)


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
    profile, sacrum = data.profile, data.anchor["sacrum_top_z_mm"]
    try:
        found = get_detector(detector).detect(profile, **data.anchor)
    except InputError as error:
        return gave_up(truth, profile.extent_mm, profile.spacing_mm, str(error))
    if sacrum is not None:
        found = doubt_a_sliver(found)
    return score(truth, profile.extent_mm, found, profile.spacing_mm, uncertain)


@dataclass(frozen=True)
class Example:
    """One case for the fit of the confidences: features of boundaries, whether each is right; of the names likewise."""

    boundaries: np.ndarray
    right: np.ndarray
    naming: Naming
    names_right: bool
    usual: bool  # a spine of 24 vertebrae


def examples(seeds: Iterable[int], conditions: Iterable[Condition]) -> Iterator[Example]:
    """The default detector on every case, with the features that its confidences rest on."""
    conditions = tuple(conditions)
    for seed in seeds:
        for condition in conditions:
            case = simulate(seed, condition)
            data = given(case)
            detector = SpanPriorDetector()
            names, places, naming = detector.place(data.profile, **data.anchor)
            found = finished_set(data.profile, names, places, detector.name)
            unseen = [p.source == "prior" for p in places]
            sign = signs(names, [p.z_mm for p in places], data.profile, [p.ct for p in places], unseen)
            got = score(case.truth, data.profile.extent_mm, found, data.profile.spacing_mm)
            z = np.array([one[2] for one in case.truth])
            off = np.array([np.abs(z - p.z_mm).min() for p in places])
            asked = np.array([b.above != "C1" and b.below != "S1" for b in found.boundaries])
            anatomy = condition.anatomy
            yield Example(
                sign.features[asked],
                (off <= data.profile.spacing_mm)[asked],
                naming,
                got.names_right,
                anatomy.lumbar == 5 and anatomy.thoracic == 12,
            )
