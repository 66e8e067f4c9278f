"""The product's detector: all boundaries placed together, valleys weighed against an anatomical prior of spans."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.spine.anchors import LowestLevel, lowest_level, prior
from VertebraFLTLib.spine.boundaries import BoundarySet
from VertebraFLTLib.spine.ct_evidence import CtEvidence
from VertebraFLTLib.spine.detectors.naming import LEFT_OVER, Naming, Row
from VertebraFLTLib.spine.detectors.protocol import NO_CLUES, Clues, Place, check_profile, finished_set
from VertebraFLTLib.spine.detectors.span_program import Placement, SpanProgram
from VertebraFLTLib.spine.levels import THORACIC_COUNTS, order_up, span_of
from VertebraFLTLib.spine.miscount import miscounts
from VertebraFLTLib.spine.profile import FloatArray, Profile
from VertebraFLTLib.spine.rib_evidence import in_view, log_likelihood, words
from VertebraFLTLib.spine.rib_stripes import Ribs
from VertebraFLTLib.spine.signs import is_flat
from VertebraFLTLib.spine.valleys import ValleyEvidence, ValleyPlaces

STEP_MM = 2.0
MOVES = 0.3  # a boundary moves from its place on the grid by at most this share of a span: none passes another
VALLEY = 2.0  # standard deviations from which on a valley, or a disc in the CT, places a boundary
REWARD = 9.0  # what the clearest valley is worth (negative log-likelihood)
PER_BOUNDARY = 0.3  # what a boundary without any valley costs
SHARPNESS = 0.6  # reward per standard deviation of valley evidence, before it levels off
NO_DISC, NO_VALLEY, FLAT = "the CT shows no disc here", "no valley in the PET", "the PET is flat"
FEW = 3  # discs at least by which PET and CT are laid upon each other
TEMPER = 1.5  # costs of rival namings are divided by this: the model knows less than it thinks


class SpanPriorDetector:
    """Globally optimal placement of all boundaries, any number of them, from the first vertebra in view to C1.

    Spans follow ``anatomy.LEVELS`` times one unknown scale that may drift along the column; the ends may be cut by the
    field of view anywhere. The lowest level is what the user or the sacrum says, else the one under which spans, number
    of vertebrae and column ends fit best, with its probability. A flat profile gives boundaries where the prior puts
    them, and says so.
    """

    name = "span-prior"

    def detect(self, profile: Profile, clues: Clues = NO_CLUES) -> BoundarySet:
        """See :class:`~VertebraFLTLib.spine.detectors.protocol.Detector`."""
        names, places, naming = self.place(profile, clues)
        found = finished_set(profile, names, places, self.name)
        sure, reason = naming.confidence([b.confidence for b in found.boundaries], [b.z_mm for b in found.boundaries])
        return replace(found, level_confidence=min(sure), level_reason=reason, name_confidence=sure)

    def place(self, profile: Profile, clues: Clues = NO_CLUES) -> tuple[tuple[str, ...], list[Place], Naming]:
        """Names of the vertebrae from the lowest up, the boundaries between them, and what the names rest on."""
        ct, ribs = clues.ct, clues.ribs
        anchor = lowest_level(profile, clues.lowest, clues.sacrum_top_z_mm)
        check_profile(profile)
        pet = ValleyEvidence(*profile.column(), STEP_MM)
        evidence = _Evidence(pet, None if ct is None else CtEvidence(ct, pet.z_mm))
        bottom, top = profile.extent_mm
        counted = ribs if in_view(ribs, bottom, top) else None
        rivals: dict[Row, Placement] = {}
        for thoracic in _thoracic(anchor, counted):
            order = order_up(thoracic)
            program = SpanProgram(evidence.penalty, order, pet.z_mm, profile.extent_mm, *profile.cut)
            for name in _lowest(anchor, thoracic, order):
                found = program.best(name)
                if found is not None:
                    rivals[Row(name, thoracic)] = found
        if not rivals:
            raise InputError(_nothing_fits(profile, anchor))
        chance = _merged(_posterior(rivals, anchor, counted, pet.z_mm, (bottom, top)), rivals)
        row = max(chance, key=lambda one: chance[one])
        chosen = rivals[row]
        places = _refined(chosen, evidence, ValleyPlaces(*profile.column()))
        left_over = max(chosen.end_shares(places[0].z_mm - bottom, top - places[-1].z_mm))
        if anchor.given and left_over > LEFT_OVER:
            raise InputError(_nothing_fits(profile, anchor))
        said, last_rib = ("", None) if ribs is None else words(counted, chosen.levels, row.thoracic)
        naming = Naming(
            chosen.levels,
            row,
            chance,
            anchor,
            ribs=said,
            last_rib=last_rib,
            left_over=left_over,
            by_pet=sum(not one.source for one in places) / len(places),
            bottom_mm=None if profile.cut[0] else bottom,
        )
        return chosen.levels, places, naming


class _Evidence:
    """What PET and CT say at each point of the grid, in standard deviations; once for spans within 5 %."""

    def __init__(self, pet: ValleyEvidence, ct: CtEvidence | None) -> None:
        self._pet, self.ct, self.z_mm = pet, ct, pet.z_mm
        self._known: dict[int, tuple[FloatArray, FloatArray, FloatArray]] = {}

    def near(self, at: int, span_mm: float) -> tuple[float, float]:
        """The most of either within two points of the grid."""
        pet, ct = (float(score[max(at - 2, 0) : at + 3].max()) for score in self._at(span_mm)[:2])
        return pet, ct

    def penalty(self, span_mm: float) -> FloatArray:
        """Cost of a boundary at every point: negative where there is a valley."""
        return self._at(span_mm)[2]

    def _at(self, span_mm: float) -> tuple[FloatArray, FloatArray, FloatArray]:
        key = round(np.log(span_mm) / 0.05)
        if key not in self._known:
            span = float(np.exp(0.05 * key))
            pet = self._pet.score(span)
            ct = np.zeros(len(self.z_mm)) if self.ct is None else self.ct.score(span)
            self._known[key] = pet, ct, PER_BOUNDARY - REWARD * np.tanh(SHARPNESS * (pet + ct) / REWARD)
        return self._known[key]


def _refined(chosen: Placement, evidence: _Evidence, valleys: ValleyPlaces) -> list[Place]:
    """Sub-slice positions (mm): the middle of the PET's valley; else of the CT's disc; else where the prior has it.

    In a flat PET the CT's disc goes first. Where the PET is not, a disc is moved by as much as valleys and discs lie
    apart elsewhere in the column: tables are taken from the PET.
    """
    pairs = pairwise(chosen.levels)
    spans = [scale * min(map(span_of, pair)) for scale, pair in zip(chosen.scales_mm, pairs, strict=True)]
    found = [evidence.near(at, span) for at, span in zip(chosen.indices, spans, strict=True)]
    planned = [float(evidence.z_mm[at]) for at in chosen.indices]
    middles = [valleys.place(at, span) for at, span in zip(planned, spans, strict=True)]
    discs = [
        evidence.ct.middle(at, span) if evidence.ct is not None and ct >= VALLEY else None
        for at, span, (_, ct) in zip(planned, spans, found, strict=True)
    ]
    flat = is_flat([pet for pet, _ in found])
    seen = [middle if pet >= VALLEY else None for middle, (pet, _) in zip(middles, found, strict=True)]
    apart = 0.0 if flat else _apart(seen, discs)
    knows_discs = evidence.ct is not None and evidence.ct.knows_discs
    places = []
    for i, (pet, ct) in enumerate(found):
        middle, disc = middles[i], discs[i]
        no_disc = (NO_DISC,) if ct < 0 else ()
        if middle is not None and pet >= VALLEY and not flat:
            place = Place(middle, reasons=no_disc)
        elif disc is not None:
            place = Place(disc + apart, "ct", reasons=(f"{FLAT if flat else NO_VALLEY}: placed by the CT",))
        else:
            nearest = planned[i] if middle is None else middle
            place = Place(nearest, "prior", reasons=("placed by the span prior", *no_disc))
        kept = float(np.clip(place.z_mm, planned[i] - MOVES * spans[i], planned[i] + MOVES * spans[i]))
        places.append(replace(place, z_mm=kept, discs=ct) if knows_discs else replace(place, z_mm=kept, ct=ct))
    return places


def _apart(middles: Sequence[float | None], discs: Sequence[float | None]) -> float:
    """How far (mm) the PET's valleys lie above the CT's discs, by the median of those that show in both."""
    both = [
        valley - disc for valley, disc in zip(middles, discs, strict=True) if valley is not None and disc is not None
    ]
    return float(np.median(both)) if len(both) >= FEW else 0.0


def _thoracic(anchor: LowestLevel, ribs: Ribs | None) -> tuple[int, ...]:
    """Numbers of thoracic vertebrae that are considered: without ribs nothing tells another one from the usual one."""
    if anchor.given and anchor.best == "T13":
        return (13,)
    return (12,) if ribs is None else THORACIC_COUNTS


def _lowest(anchor: LowestLevel, thoracic: int, order: Sequence[str]) -> list[str]:
    names = [name for name in anchor.probability if name in order]
    if thoracic == 13 and "T12" in anchor.probability and not anchor.given:
        names.append("T13")
    return names


def _posterior(
    rivals: dict[Row, Placement],
    anchor: LowestLevel,
    ribs: Ribs | None,
    z_mm: FloatArray,
    extent_mm: tuple[float, float],
) -> dict[Row, float]:
    """Probability of each way to count after spans, and ribs, were seen."""
    rows = list(rivals)
    cost = np.array([rivals[row].cost for row in rows]) / TEMPER
    for i, row in enumerate(rows):
        if ribs is None:
            cost[i] -= np.log(max(anchor.probability[row.lowest], 1e-9))
            continue
        levels, z = rivals[row].levels, z_mm[list(rivals[row].indices)].tolist()
        cost[i] -= np.log(max(prior(anchor, *row), 1e-9))
        cost[i] -= log_likelihood(ribs, levels, z, row.thoracic, extent_mm)
        cost[i] -= np.log1p(-np.minimum(miscounts(levels, z), 0.99)).sum()
    weight = np.exp(cost.min() - cost)
    return dict(zip(rows, (weight / weight.sum()).tolist(), strict=True))


def _merged(chance: dict[Row, float], rivals: dict[Row, Placement]) -> dict[Row, float]:
    """Ways to count that differ out of view only give the same names, and are one."""
    kept: dict[Row, float] = {}
    for row in sorted(chance, key=lambda one: -chance[one]):
        same = next((one for one in kept if rivals[one].levels == rivals[row].levels), row)
        kept[same] = kept.get(same, 0.0) + chance[row]
    return kept


def _nothing_fits(profile: Profile, anchor: LowestLevel) -> str:
    bottom, top = profile.extent_mm
    if anchor.given:
        return (
            f"--lowest {anchor.best}: a column of {top - bottom:.0f} mm does not fit the vertebrae from {anchor.best} "
            f"upwards; name the lowest vertebra in view, or leave the option out"
        )
    return f"a column of {top - bottom:.0f} mm fits no row of vertebrae: check the mask and the voxel spacing"
