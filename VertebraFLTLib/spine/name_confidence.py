"""How sure the level names are, vertebra by vertebra: some may be, where others lie beyond a doubtful count."""

from __future__ import annotations

from itertools import groupby

from VertebraFLTLib.spine.boundaries import BoundarySet

ALIKE = 0.05  # confidences that differ by less are told as one


def by_level(boundaries: BoundarySet) -> dict[str, float]:
    """Confidence of each vertebra's name, from the lowest up."""
    names = boundaries.names
    sure = boundaries.name_confidence or (boundaries.level_confidence,) * len(names)
    return dict(zip(names, sure, strict=True))


def in_words(boundaries: BoundarySet) -> str:
    """The confidence of all names, and which vertebrae's are surer: ``0.46 (0.91 from L5 to T4)``."""
    everywhere = f"{boundaries.level_confidence:.2f}"
    levels = by_level(boundaries)
    most = max(levels.values(), default=0.0)
    if most < boundaries.level_confidence + ALIKE:
        return everywhere
    runs = [list(run) for sure, run in groupby(levels, lambda name: levels[name] > most - ALIKE) if sure]
    where = " and ".join(run[0] if len(run) == 1 else f"from {run[0]} to {run[-1]}" for run in runs)
    return f"{everywhere} ({most:.2f} {where})"
