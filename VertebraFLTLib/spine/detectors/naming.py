"""How sure the level names are: the anchors, rival namings, and boundaries that may be one too many or too few."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from VertebraFLTLib.spine.anchors import USUAL_COUNTS, VARIANTS, LowestLevel
from VertebraFLTLib.spine.calibration import LEVEL
from VertebraFLTLib.spine.confidence import logistic
from VertebraFLTLib.spine.miscount import DOUBTFUL, miscounts
from VertebraFLTLib.spine.profile import FloatArray

WITHOUT_SACRUM = 0.8  # the most that names are trusted that nothing but spans and the column's end support
BY_RIBS = 0.88  # the most that names are trusted that count from the lowest ribs: those are not T12's in one of nine
BY_BOTH = 0.97  # the most where sacrum and ribs agree
UNUSUAL_COUNT = 0.5  # four lumbar vertebrae or eleven thoracic, six or thirteen: the count does not tell which
LEFT_OVER = 2.0  # an end piece of more than this share of its vertebra is not explained
UNEXPLAINED = 0.3
SHOWN = 0.9  # a PET that shows fewer of the boundaries than this leaves the count to CT and spans
UNCERTAIN, FALSE = 0.5, 0.3  # a boundary below this confidence may be one that is not there: at none, in three of ten
ALMOST = 1 - 1e-9  # no count is impossible
POSSIBLE = 0.1  # a rival naming is mentioned from this probability on


class Row(NamedTuple):
    """A naming: the lowest vertebra in view, and how many thoracic ones are counted."""

    lowest: str
    thoracic: int = 12

    def __str__(self) -> str:
        return self.lowest if self.thoracic == 12 else f"{self.lowest} with {self.thoracic} thoracic vertebrae"


@dataclass(frozen=True)
class Naming:
    """What the names rest on.

    ``names``: of the vertebrae from the lowest up; ``row``: how they count; ``chance``: probability of each way to
    count by spans, valleys, ribs and ``anchor``; ``ribs``: what the ribs say, in words; ``last_rib``: index of the
    lowest vertebra with ribs, where ribs tell it; ``left_over``: what the larger end piece is of its vertebra's
    expected span; ``by_pet``: share of the boundaries that the PET shows; ``bottom_mm``: the column's lower end where
    the lowest vertebra is whole.
    """

    names: tuple[str, ...]
    row: Row
    chance: dict[Row, float]
    anchor: LowestLevel
    ribs: str = ""
    last_rib: int | None = None
    left_over: float = 1.0
    by_pet: float = 1.0
    bottom_mm: float | None = None

    def features(self, wrong: FloatArray) -> FloatArray:
        """(n, 3), in the order of ``calibration.LEVEL``; ``wrong`` (n,): how many boundaries are expected to be."""
        chance = float(np.clip(self.chance[self.row], 1e-4, 1 - 1e-4))
        odds = np.full(len(wrong), np.log(chance / (1 - chance)))
        open_end = np.full(len(wrong), float(not self.anchor.sacrum and len(self.anchor.probability) > 3))
        return np.column_stack([odds, np.minimum(wrong, 8.0), open_end])

    def confidence(self, confidences: Sequence[float], z_mm: Sequence[float]) -> tuple[tuple[float, ...], str]:
        """That each vertebra's name is right, from the lowest up, and why not more; boundaries at ``z_mm``.

        A name is as sure as the anchor that it is counted from, and as the count between the two: every boundary in
        between may be one too many, every span may hide one.
        """
        off = miscounts(self.names, z_mm, self.bottom_mm)
        known = [0] if self.anchor.given or self.anchor.sacrum else []
        known += [] if self.last_rib is None else [self.last_rib]
        confidence = np.asarray(confidences, dtype=np.float64)
        doubt = 1 - confidence
        false = FALSE * np.clip(1 - confidence / UNCERTAIN, 0.0, 1.0)
        levels = np.arange(len(self.names))
        if known:
            counted = [self._counted(doubt, false, off, levels, at) for at in known]
        else:
            right = float(np.prod(1 - off) * np.prod(1 - false))
            counted = [(np.full(len(levels), doubt.sum()), np.full(len(levels), right))]
        # The fit knows spines of 24 vertebrae only: where ribs make other counts rivals, it cannot judge those.
        most = self.chance[self.row] if any(row.thoracic != USUAL_COUNTS[0] for row in self.chance) else 1.0
        sure, cap = np.zeros(len(levels)), self._cap()
        for wrong, whole in counted:
            base = 1.0 if self.anchor.given else np.minimum(logistic(self.features(wrong), LEVEL), most)
            sure = np.maximum(sure, cap * base * whole)
        if self.anchor.given and len(self.chance) > 1:
            sure = sure * self.chance[self.row]
        if self.left_over > LEFT_OVER and not self.anchor.given:
            sure = sure * UNEXPLAINED
        return tuple(float(one) for one in sure), self._reason(off, z_mm)

    @staticmethod
    def _counted(
        doubt: FloatArray, false: FloatArray, off: FloatArray, levels: np.ndarray, at: int
    ) -> tuple[FloatArray, FloatArray]:
        """Boundaries expected wrong, and the chance of no miscount, between vertebra ``at`` and each vertebra."""
        wrong, real, whole = (
            np.insert(np.cumsum(x), 0, 0.0) for x in (doubt, np.log1p(-false), np.log1p(-np.minimum(off, ALMOST)))
        )
        low, high = np.minimum(levels, at), np.maximum(levels, at)
        # A vertebra that is two shifts its own name and all on its far side from the anchor.
        log_right = np.where(low == high, 0.0, whole[high + 1] - whole[low] + real[high] - real[low])
        return wrong[high] - wrong[low], np.exp(log_right)

    def _cap(self) -> float:
        if self.anchor.given:
            return 1.0
        cap = WITHOUT_SACRUM
        if self.anchor.sacrum:
            cap = 1 - VARIANTS
            if self.last_rib is not None:
                usual = (self.row.thoracic, int(self.row.lowest[1:])) == USUAL_COUNTS
                cap = BY_BOTH if usual else WITHOUT_SACRUM
            elif self.row.lowest in ("L4", "L6"):
                cap *= UNUSUAL_COUNT
        elif self.last_rib is not None:
            cap = BY_RIBS
        return cap if self.by_pet >= SHOWN else min(cap, WITHOUT_SACRUM)

    def _reason(self, off: FloatArray, z_mm: Sequence[float]) -> str:
        if self.anchor.given:
            parts = [self.anchor.reason]
        else:
            by_ribs = self.last_rib is not None and not self.anchor.sacrum
            why = f"{self.anchor.reason}; {self.ribs}" if by_ribs else self.anchor.reason
            parts = [f"lowest vertebra {self.row.lowest}: {why}"]
            if self.anchor.sacrum and self.last_rib is None:
                parts.append(
                    {
                        "L4": "one vertebra fewer than usual was counted: four lumbar, or eleven thoracic",
                        "L6": "one vertebra more than usual was counted: six lumbar, or thirteen thoracic",
                    }.get(self.row.lowest, "four or six lumbar vertebrae are not excluded")
                )
        parts += [self.ribs] if self.ribs and self.ribs not in parts[0] else []
        second = sorted(self.chance, key=lambda row: -self.chance[row])[1:2]
        if second and self.chance[second[0]] > POSSIBLE:
            parts.append(f"{second[0]} is possible ({self.chance[second[0]]:.0%})")
        doubtful = [name for name, chance in zip(self.names, off, strict=True) if chance > DOUBTFUL]
        if doubtful:
            parts.append(
                f"a vertebra may be miscounted at {', '.join(doubtful)} (odd spans): names beyond are less sure"
            )
        if self.anchor.given:
            return "; ".join(parts)
        if self.by_pet < SHOWN:
            parts.append(f"the PET shows only {self.by_pet:.0%} of the boundaries")
        if self.left_over > LEFT_OVER:
            parts.append("a part of the column fits no vertebra")
        return "; ".join(parts)
