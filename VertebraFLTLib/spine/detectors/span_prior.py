"""The product's detector: all boundaries placed together, valleys weighed against an anatomical prior of spans."""

from __future__ import annotations

import numpy as np

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.spine.anchors import VARIANTS, LowestLevel, lowest_level
from VertebraFLTLib.spine.boundaries import BoundarySet
from VertebraFLTLib.spine.detectors.protocol import check_profile, finished_set
from VertebraFLTLib.spine.detectors.span_program import Placement, SpanProgram
from VertebraFLTLib.spine.detectors.valleys import ValleyEvidence, refined_extremum
from VertebraFLTLib.spine.levels import order_up, span_of
from VertebraFLTLib.spine.profile import FloatArray, Profile

STEP_MM = 1.5
REWARD = 6.0  # what the clearest valley is worth (negative log-likelihood)
PER_BOUNDARY = 0.3  # what a boundary without any valley costs
SHARPNESS = 0.6  # reward per standard deviation of valley evidence, before it levels off
REFINE_SPAN_MM = 24.0  # narrower than a lumbar vertebra: uneven neighbours pull the place less
REFINE_MM = 3.0  # how far a boundary moves from its place on the grid to the valley's centre
TEMPER = 2.0  # costs of rival namings count half: the model knows less than it thinks
LEFT_OVER = 2.0  # an end piece of more than this share of its vertebra is not explained
WITHOUT_SACRUM = 0.8  # the most that names are trusted that nothing but spans and the column's end support


class SpanPriorDetector:
    """Globally optimal placement of all boundaries, any number of them, from the first vertebra in view to C1.

    Spans follow ``anatomy.LEVELS`` times one unknown scale that may drift along the column; the ends may be cut by the
    field of view anywhere. The lowest level is what the user or the sacrum says, else the one under which spans, number
    of vertebrae and column ends fit best, with its probability. A flat profile gives boundaries where the prior puts
    them, and says so.
    """

    name = "span-prior"

    def detect(
        self, profile: Profile, *, lowest: str | None = None, sacrum_top_z_mm: float | None = None
    ) -> BoundarySet:
        """See :class:`~VertebraFLTLib.spine.detectors.protocol.Detector`."""
        anchor = lowest_level(profile, lowest, sacrum_top_z_mm)
        check_profile(profile)
        evidence = ValleyEvidence(*profile.column(), STEP_MM)
        scores = _ScoreCache(evidence)
        order = order_up(13 if anchor.given and anchor.best == "T13" else 12)
        program = SpanProgram(scores.penalty, order, evidence.z_mm, profile.extent_mm, *profile.cut)
        placements = {name: program.best(name) for name in anchor.probability if name in order}
        rivals = {name: found for name, found in placements.items() if found is not None}
        if not rivals:
            raise InputError(_nothing_fits(profile, anchor))
        chance = _posterior(rivals, anchor)
        chosen = rivals[max(chance, key=lambda name: chance[name])]
        positions, doubts = _refined(chosen, evidence, scores)
        bottom, top = profile.extent_mm
        left_over = max(chosen.end_shares(positions[0] - bottom, top - positions[-1]))
        if anchor.given and left_over > LEFT_OVER:
            raise InputError(_nothing_fits(profile, anchor))
        level = _level_confidence(chosen.levels[0], chance, anchor, sacrum_top_z_mm is not None)
        if left_over > LEFT_OVER:
            level = level[0] * 0.3, f"{level[1]}; a part of the column fits no vertebra"
        return finished_set(profile, chosen.levels, positions, self.name, level, doubts)


class _ScoreCache:
    """Valley evidence by span, computed once for spans within 5 % of each other."""

    def __init__(self, evidence: ValleyEvidence) -> None:
        self._evidence = evidence
        self._scores: dict[int, FloatArray] = {}

    def score(self, span_mm: float) -> FloatArray:
        key = round(np.log(span_mm) / 0.05)
        if key not in self._scores:
            self._scores[key] = self._evidence.score(float(np.exp(0.05 * key)))
        return self._scores[key]

    def penalty(self, span_mm: float) -> FloatArray:
        """Cost of a boundary at every point: negative where there is a valley."""
        return PER_BOUNDARY - REWARD * np.tanh(SHARPNESS * self.score(span_mm) / REWARD)


def _refined(
    chosen: Placement, evidence: ValleyEvidence, scores: _ScoreCache
) -> tuple[list[float], list[tuple[float, tuple[str, ...]]]]:
    """Sub-slice positions (mm) and, per boundary, a factor on its confidence with the reason for it."""
    positions: list[float] = []
    doubts: list[tuple[float, tuple[str, ...]]] = []
    reach = round(REFINE_MM / STEP_MM)
    for i, at in enumerate(chosen.indices):
        span = chosen.scales_mm[i] * 0.5 * (span_of(chosen.levels[i]) + span_of(chosen.levels[i + 1]))
        score, wide = scores.score(min(span, REFINE_SPAN_MM)), scores.score(span)
        low = max(at - reach, 0)
        best = low + int(score[low : at + reach + 1].argmax())
        peak = 0 < best < len(score) - 1 and score[best] >= score[best - 1] and score[best] >= score[best + 1]
        place = refined_extremum(score, best) if peak else float(at)
        positions.append(float(evidence.z_mm[0] + place * STEP_MM))
        strength = float(np.interp(place, np.arange(len(wide)), wide))
        if strength < 2.0:
            doubts.append((0.4, ("placed by the span prior",)))
        else:
            doubts.append((1.0, ()))
    return positions, doubts


def _posterior(rivals: dict[str, Placement], anchor: LowestLevel) -> dict[str, float]:
    """Probability of each lowest level after the spans were seen."""
    names = list(rivals)
    cost = np.array([rivals[name].cost for name in names]) / TEMPER
    cost -= np.log([max(anchor.probability[name], 1e-9) for name in names])
    weight = np.exp(cost.min() - cost)
    return dict(zip(names, (weight / weight.sum()).tolist(), strict=True))


def _level_confidence(
    lowest: str, chance: dict[str, float], anchor: LowestLevel, has_sacrum: bool
) -> tuple[float, str]:
    if anchor.given:
        return 1.0, anchor.reason
    confidence = min(chance[lowest], 1 - VARIANTS if has_sacrum else WITHOUT_SACRUM)
    reason = f"lowest vertebra {lowest}: {anchor.reason}"
    if lowest == "L6":  # the count tells that there is one more, not where
        confidence *= 0.5
        reason += "; one vertebra more than usual was counted: six lumbar, or thirteen thoracic"
    second = sorted(chance, key=lambda name: -chance[name])[1:2]
    if second and chance[second[0]] > 0.1:
        reason += f"; {second[0]} is possible ({chance[second[0]]:.0%})"
    return confidence, reason


def _nothing_fits(profile: Profile, anchor: LowestLevel) -> str:
    bottom, top = profile.extent_mm
    if anchor.given:
        return (
            f"--lowest {anchor.best}: a column of {top - bottom:.0f} mm does not fit the vertebrae from {anchor.best} "
            f"upwards; name the lowest vertebra in view, or leave the option out"
        )
    return f"a column of {top - bottom:.0f} mm fits no row of vertebrae: check the mask and the voxel spacing"
