"""Where the column ends above the sacrum: what networks mark below the lowest disc is taken off, doubt is said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from VertebraFLTLib.spine.boundaries import BoundarySet
from VertebraFLTLib.spine.profile import Profile

# The upper end of the sacrum is its posterior edge; the disc under L5 lies up to this far below it (a steep sacrum) or
# above it (a thick disc).
LOWEST_DISC_MM = (-20.0, 12.0)
NEVER_BELOW_MM = 30.0  # no part of L5 lies this far below the sacrum's upper end
RISE = 0.15  # of the height of L5's own peak: below the disc, uptake must rise by this to be the sacrum's
UNSURE = 0.5  # of the level names when the lowest vertebra is a sliver upon the sacrum


def without_sacrum(profile: Profile, sacrum_top_z_mm: float) -> Profile:
    """The profile with rows that belong to the sacrum emptied.

    A network that cannot see the disc under L5 lets the column run on into S1. The sacrum's marrow is then a last
    "vertebra" below a valley near ``sacrum_top_z_mm``, and every name would be one too low. Rows below that valley are
    emptied when uptake rises again beneath it, as it does in marrow; a column that simply ends is left as it is.
    """
    first, last = profile.rows
    z, suv = profile.z_mm, profile.mean_suv
    keep = np.ones(len(z), bool)
    keep[: np.searchsorted(z, sacrum_top_z_mm - NEVER_BELOW_MM)] = False
    low, high = (int(np.searchsorted(z, sacrum_top_z_mm + offset)) for offset in LOWEST_DISC_MM)
    zone = np.arange(max(low, first), min(high, last + 1))
    if len(zone):
        valley = int(zone[np.argmin(suv[zone])])
        beneath = suv[first:valley]
        above = suv[valley : np.searchsorted(z, z[valley] + 30.0)]
        if len(beneath) and beneath.max() > suv[valley] + RISE * (above.max() - suv[valley]):
            keep[:valley] = False
    if keep[first : last + 1].all() or not (profile.voxels[keep] > 0).any():
        return profile
    return replace(profile, mean_suv=np.where(keep, suv, 0.0), voxels=np.where(keep, profile.voxels, 0))


def doubt_a_sliver(boundaries: BoundarySet) -> BoundarySet:
    """Less sure of the names where the lowest vertebra, though the sacrum is in view, is there only in part."""
    vertebrae = boundaries.vertebrae()
    sure = (boundaries.level_confidence, *boundaries.name_confidence)
    if not vertebrae or vertebrae[0].complete or max(sure) <= UNSURE:
        return boundaries
    reason = f"only a part of {vertebrae[0].level} was found above the sacrum: names may be off by one"
    least = min(boundaries.level_confidence, UNSURE)
    return replace(boundaries, level_confidence=least, level_reason=reason, name_confidence=())
