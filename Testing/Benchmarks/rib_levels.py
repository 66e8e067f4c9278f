"""Where ribs end in the real CT, by the CT alone: found between the true boundaries, against the names of the labels.

Prints the table of docs/boundaries.md, section "Names". Needs $VERTEBRAFLT_SHARED.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
import SimpleITK as sitk
from column_labels import Anatomy, anatomies

from VertebraFLTLib.column import column_of, line_of, ribs_on_ct
from VertebraFLTLib.spine.anchors import COUNTS
from VertebraFLTLib.spine.levels import THORACIC_COUNTS, order_up
from VertebraFLTLib.spine.rib_evidence import in_view, log_likelihood
from VertebraFLTLib.spine.rib_stripes import Ribs

SHIFT = 0.15


def main() -> int:
    print("| CT | true names | reach (mm) at T11; T12; L1; L2 | ribs, probability | verdict | seconds |")
    print("| --- | --- | --- | --- | --- | --- |")
    for anatomy in anatomies(Path(os.environ["VERTEBRAFLT_SHARED"])):
        if anatomy.hu is not None:
            print(row(anatomy), flush=True)
    return 0


def row(anatomy: Anatomy) -> str:
    ct, bodies = (sitk.GetImageFromArray(a) for a in (anatomy.hu, (anatomy.levels > 0).astype(np.uint8)))
    for image in (ct, bodies):
        image.CopyInformation(anatomy.image)
    column = column_of(bodies)
    truth = anatomy.truth()
    names, z = [truth[0][0], *(above for _, above, _ in truth)], [at for _, _, at in truth]
    began = time.perf_counter()
    ribs = ribs_on_ct(ct, line_of(bodies, column))
    took = time.perf_counter() - began
    heights = anatomy.image.GetOrigin()[2] + anatomy.image.GetSpacing()[2] * np.flatnonzero(column.any(axis=(1, 2)))
    extent = float(heights[0]), float(heights[-1])
    label = f"| {anatomy.name} | {names[0]} to {names[-1]} |"
    if ribs is None or not in_view(ribs, *extent):
        return f"{label} | none in view | not decided | {took:.2f} |"
    label += f" {_reaches(ribs, names, z)} |"
    chances = _where_ribs_end(ribs, names, z, extent, bool(anatomy.sacrum.any()))
    best = max(chances, key=lambda at: chances[at])
    at = names.index("T12") if "T12" in names[1:] else None
    if best is None or at is None:
        said = "do not end" if best is None else f"end at {names[best]}"
        verdict = "right" if best is at else f"wrong: end at {'T12' if at else 'none in view'}"
    else:
        said = f"end at {names[best]}"
        verdict = "right" if best == at else f"off by {abs(best - at)}"
    return f"{label} {said}, {chances[best]:.2f} | {verdict} | {took:.2f} |"


def _reaches(ribs: Ribs, names: list[str], z: list[float]) -> str:
    """The furthest reach on the right and on the left at each vertebra of the junction that is wholly in view."""
    found = []
    for name in ("T11", "T12", "L1", "L2"):
        at = names.index(name) if name in names[1:-1] else 0
        if not at:
            found.append("-")
            continue
        low, high = z[at - 1], z[at]
        shift = SHIFT * (high - low)  # ribs start a little lower than their bodies there
        mine = [s for s in ribs.stripes if low - shift <= s.z_mm < high - shift]
        sides = [max((s.reach_mm for s in mine if s.side == side), default=0.0) for side in (-1, 1)]
        found.append(", ".join(f"{reach:.0f}" if reach else "none" for reach in sides))
    return "; ".join(found)


def _where_ribs_end(
    ribs: Ribs, names: list[str], z: list[float], extent: tuple[float, float], on_sacrum: bool
) -> dict[int | None, float]:
    """Probability of each vertebra (index) to be the lowest with ribs; None: it is not in view, or the lowest one."""
    weight: dict[int | None, float] = {}
    for thoracic in THORACIC_COUNTS:
        order = order_up(thoracic)
        share = sum(part for (count, _), part in COUNTS.items() if count == thoracic)
        for start in range(len(order) - len(names) + 1):
            called = order[start : start + len(names)]
            if on_sacrum and called[0] not in ("L4", "L5", "L6"):
                continue
            last = f"T{thoracic}"
            at = called.index(last) if last in called[1:] else None
            weight[at] = weight.get(at, 0.0) + share * np.exp(log_likelihood(ribs, called, z, thoracic, extent))
    total = sum(weight.values())
    return {at: part / total for at, part in weight.items()}


if __name__ == "__main__":
    sys.exit(main())
