"""Which vertebra is the lowest one in view: what the user, the sacrum or the field of view says, as probabilities; and
how often spines have other than twelve thoracic and five lumbar vertebrae."""

from __future__ import annotations

from dataclasses import dataclass

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.spine.levels import STANDARD_UP, check_level, span_of
from VertebraFLTLib.spine.profile import Profile
from VertebraFLTLib.spine.vertebrae import ADULT_L4_SPAN_MM

VARIANTS = 0.07
"""Share of people in whom counting up from the sacrum is off by one: four or six lumbar vertebrae, transitional ones
(reported in 4 to 12 % of adults). No confidence that rests on the sacrum alone exceeds 1 minus this."""

USUAL_COUNTS = (12, 5)
COUNTS: dict[tuple[int, int], float] = {
    USUAL_COUNTS: 0.870,
    (11, 5): 0.025,
    (12, 4): 0.020,
    (12, 6): 0.035,
    (13, 5): 0.030,
    (11, 6): 0.012,
    (13, 4): 0.008,
}
"""Share of people by number of thoracic and lumbar vertebrae, where the lowest one with ribs is the last thoracic.

Rounded from whole-spine CT of 244 adults (Forseen et al.: lowest ribs at the 18th segment in 3 %, at the 20th in 5 %;
lowest disc under the 23rd in 4 %, the 25th in 8 %; most of the one with the other) and of 226 (Nakajima et al.,
Insights into Imaging 2014: lumbarisation 6.2, sacralisation 2.7, lumbar ribs 5.8 %), and radiographs of 293 adults
(Yan et al., Journal of Orthopaedic Surgery and Research 2018: 11 and 5 in 4.1 %, 11 and 6 in 1.7 %, 12 and 6 in 3.8 %).
"""

TOUCHING_MM = 20.0  # a column that ends within this of the sacrum's upper end stands on it
MASK_STOPS_SHORT = 0.25  # chance that a column mask which ends inside the image ends above L5


@dataclass(frozen=True)
class LowestLevel:
    """Probability of each level to be the lowest in view (they sum to 1), and in words where they come from.

    ``given``: by the user; ``sacrum``: the column stands on the sacrum.
    """

    probability: dict[str, float]
    reason: str
    given: bool = False
    sacrum: bool = False

    @property
    def best(self) -> str:
        """The most probable level."""
        return max(self.probability, key=lambda name: self.probability[name])


def lowest_level(profile: Profile, lowest: str | None, sacrum_top_z_mm: float | None) -> LowestLevel:
    """The probabilities before the pattern of spans is looked at. Raises InputError when ``lowest`` is no level."""
    if lowest is not None:
        name = check_level(lowest)
        if name == STANDARD_UP[-1]:
            raise InputError(f"--lowest {name}: nothing lies above {name}, there is no boundary to find")
        return LowestLevel({name: 1.0}, f"lowest vertebra given as {name}", given=True)
    bottom = profile.extent_mm[0]
    if sacrum_top_z_mm is not None:
        return _above_sacrum(bottom - sacrum_top_z_mm)
    if not profile.cut[0]:
        rest = {name: MASK_STOPS_SHORT * 0.5 ** (i + 1) for i, name in enumerate(STANDARD_UP[1:])}
        rest["L5"] = 1 - sum(rest.values())
        return LowestLevel(rest, "no sacrum in the mask, but the column ends inside the image as it does under L5")
    even = {name: 1 / len(STANDARD_UP) for name in STANDARD_UP}
    return LowestLevel(even, "no sacrum in view and the column is cut below: lowest vertebra inferred from the spans")


def _above_sacrum(gap_mm: float) -> LowestLevel:
    """The column's lower end lies ``gap_mm`` above the upper end of the sacrum (which may overlap it: negative)."""
    if gap_mm <= TOUCHING_MM:
        chances = {"L5": 1 - VARIANTS, "L4": VARIANTS / 2, "L6": VARIANTS / 2}
        return LowestLevel(chances, "counted from the sacrum", sacrum=True)
    # The mask lacks vertebrae above the sacrum: count how many fit into the gap.
    missing, room = 0, gap_mm - TOUCHING_MM / 2
    while missing < len(STANDARD_UP) - 1 and room > 0.6 * ADULT_L4_SPAN_MM * span_of(STANDARD_UP[missing]):
        room -= ADULT_L4_SPAN_MM * span_of(STANDARD_UP[missing])
        missing += 1
    chances = {name: 0.3 ** abs(i - missing) for i, name in enumerate(STANDARD_UP)}
    total = sum(chances.values())
    return LowestLevel(
        {name: chance / total for name, chance in chances.items()},
        f"the column mask ends {gap_mm:.0f} mm above the sacrum: {missing} vertebrae taken to be missing below",
    )


def prior(anchor: LowestLevel, lowest: str, thoracic: int) -> float:
    """Share of people whose column has ``lowest`` at its lower end and counts ``thoracic`` thoracic vertebrae.

    Where the column stands on the sacrum the two go together; elsewhere they are taken as independent.
    """
    if anchor.sacrum:
        return COUNTS.get((thoracic, int(lowest[1:])), 0.0)
    share = sum(part for (count, _), part in COUNTS.items() if count == thoracic)
    return share * anchor.probability["T12" if lowest == "T13" and not anchor.given else lowest]
