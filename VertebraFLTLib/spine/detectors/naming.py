"""How sure the level names are: the anchor, rival namings, and boundaries that may be one too many or too few."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from VertebraFLTLib.spine.anchors import VARIANTS, LowestLevel
from VertebraFLTLib.spine.calibration import LEVEL
from VertebraFLTLib.spine.confidence import logistic
from VertebraFLTLib.spine.profile import FloatArray

WITHOUT_SACRUM = 0.8  # the most that names are trusted that nothing but spans and the column's end support
UNUSUAL_COUNT = 0.5  # four lumbar vertebrae or eleven thoracic, six or thirteen: the count does not tell which
LEFT_OVER = 2.0  # an end piece of more than this share of its vertebra is not explained
UNEXPLAINED = 0.3
SHOWN = 0.9  # a PET that shows fewer of the boundaries than this leaves the count to CT and spans
POSSIBLE = 0.1  # a rival naming is mentioned from this probability on


@dataclass(frozen=True)
class Naming:
    """What the names rest on. ``chance``: probability of each lowest level by spans, valleys and ``anchor``;
    ``left_over``: what the larger end piece is of its vertebra's expected span; ``by_pet``: share of the boundaries
    that the PET shows."""

    lowest: str
    chance: dict[str, float]
    anchor: LowestLevel
    has_sacrum: bool
    left_over: float
    by_pet: float = 1.0

    def features(self, confidences: Sequence[float]) -> FloatArray:
        """(1, 3), in the order of ``calibration.LEVEL``; ``confidences``: of the boundaries."""
        chance = float(np.clip(self.chance[self.lowest], 1e-4, 1 - 1e-4))
        wrong = min(float(np.sum(1 - np.asarray(confidences))), 8.0)
        open_end = float(not self.has_sacrum and len(self.anchor.probability) > 3)
        return np.array([[np.log(chance / (1 - chance)), wrong, open_end]])

    def confidence(self, confidences: Sequence[float]) -> tuple[float, str]:
        """That all names are right, and why not more."""
        if self.anchor.given:
            return 1.0, self.anchor.reason
        sure = float(logistic(self.features(confidences), LEVEL)[0])
        sure *= 1 - VARIANTS if self.has_sacrum else WITHOUT_SACRUM
        reason = f"lowest vertebra {self.lowest}: {self.anchor.reason}"
        if self.has_sacrum and self.lowest in ("L4", "L6"):
            sure *= UNUSUAL_COUNT
            reason += {
                "L4": "; one vertebra fewer than usual was counted: four lumbar, or eleven thoracic",
                "L6": "; one vertebra more than usual was counted: six lumbar, or thirteen thoracic",
            }[self.lowest]
        second = sorted(self.chance, key=lambda name: -self.chance[name])[1:2]
        if second and self.chance[second[0]] > POSSIBLE:
            reason += f"; {second[0]} is possible ({self.chance[second[0]]:.0%})"
        if self.by_pet < SHOWN:
            sure = min(sure, WITHOUT_SACRUM)
            reason += f"; the PET shows only {self.by_pet:.0%} of the boundaries"
        if self.left_over > LEFT_OVER:
            sure *= UNEXPLAINED
            reason += "; a part of the column fits no vertebra"
        return sure, reason
