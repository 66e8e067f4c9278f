"""What the CT says about discs, as evidence beside the PET's valleys: a network's discs, else density and mask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d, maximum_filter1d

from VertebraFLTLib.spine.disc_track import DiscTrack
from VertebraFLTLib.spine.profile import FloatArray

CORE_MM = 8.0  # radius around the centre line: away from walls and osteophytes, and a tilted disc stays thin in it
SMOOTH_MM = 10.0  # of the centre line
DARK_HU, BRIGHT_HU = -50.0, 500.0  # fat and gas, metal and sclerosis count no more than this
GRID_MM = 1.0
REACH = 0.26  # the endplates that flank a disc lie within this share of a span, the middle of a body further away
GAP_MM = 2.0
HU_UNIT = 35.0  # dips of this many HU occur inside bodies (texture, veins, noise) about as often as 1 sd of noise
BODY_UNIT = 0.12  # likewise the share of the core that the mask leaves open
MOST = 6.0  # standard deviations: the CT votes, it does not overrule a clear PET
DISC_UNIT = 0.1  # of the network's discs this share is worth a standard deviation
DISC_MOST = 10.0  # and that many are the most that they are worth: they are hardly ever wrong
NO_DISC = 3.0  # standard deviations against a boundary where the network sees no trace of a disc
TRACE = 0.02
DISC_SMOOTH_MM = 1.5


@dataclass(frozen=True, eq=False)
class CtProfile:
    """Along the column, one row per CT slice by rising z (mm): ``hu`` (n,), mean density of its core, NaN where there
    is no CT; ``body`` (n,), the share of the core that the mask calls vertebral body (0 to 1). ``discs``: what a
    network that knows discs says of them, at heights of their own; None where none was asked."""

    z_mm: FloatArray
    hu: FloatArray
    body: FloatArray
    discs: DiscTrack | None = None

    @staticmethod
    def of_discs(discs: DiscTrack) -> CtProfile:
        """Where nothing but the discs is known."""
        return CtProfile(discs.z_mm, np.full(len(discs.z_mm), np.nan), np.ones(len(discs.z_mm)), discs)


def ct_profile(
    column: npt.NDArray[np.bool_],
    bodies: npt.NDArray[np.bool_],
    z_mm: npt.NDArray[np.floating],
    spacing_mm: tuple[float, float],
    hu: npt.NDArray[Any] | None = None,
    discs: DiscTrack | None = None,
) -> CtProfile | None:
    """Density and mask in a core of 8 mm around the column's centre line, slice by slice.

    ``column``: the regularised column, ``bodies``: what the segmentation called vertebral body, ``hu``: the CT, all kji
    on one grid of axial slices; ``z_mm`` (nk,); ``spacing_mm`` (y, x). None where fewer than five slices hold column.
    """
    rows = np.flatnonzero(column.any(axis=(1, 2)))
    if len(rows) < 5:
        return None
    part = column[rows]
    count = part.sum(axis=(1, 2), dtype=np.float64)
    j, i = np.arange(part.shape[1]), np.arange(part.shape[2])
    step = abs(float(z_mm[rows[-1]] - z_mm[rows[0]])) / (len(rows) - 1)
    cy, cx = (
        gaussian_filter1d(np.asarray(total @ index / count, np.float64), SMOOTH_MM / max(step, 1e-6), mode="nearest")
        for total, index in ((part.sum(axis=2), j), (part.sum(axis=1), i))
    )
    density, share = np.full(len(rows), np.nan), np.empty(len(rows))
    for n, k in enumerate(rows):
        box = tuple(
            slice(max(int(c - CORE_MM / s), 0), int(c + CORE_MM / s) + 2)
            for c, s in ((cy[n], spacing_mm[0]), (cx[n], spacing_mm[1]))
        )
        y, x = np.ogrid[box]
        core = ((y - cy[n]) * spacing_mm[0]) ** 2 + ((x - cx[n]) * spacing_mm[1]) ** 2 <= CORE_MM**2
        core = core[: bodies.shape[1] - box[0].start, : bodies.shape[2] - box[1].start]
        share[n] = bodies[k][box][core].mean()
        if hu is not None:
            density[n] = np.clip(hu[k][box][core], DARK_HU, BRIGHT_HU).mean()
    order = np.argsort(z_mm[rows], kind="stable")
    return CtProfile(np.asarray(z_mm, np.float64)[rows][order], density[order], share[order], discs)


class CtEvidence:
    """How much speaks for a disc at every point of a grid, in the unit of the PET's evidence.

    By the network's discs where there are any (``knows_discs``): for a disc where it sees one, and within bounds
    against one where it sees none. Else a disc is a dip between two endplates: bright, dark, bright within a quarter of
    a vertebra. That holds in dense and in porous bones, whose middle is as dark as a disc, and fades where slices are
    too thick to show it; so it never speaks against one.
    """

    def __init__(self, ct: CtProfile, z_mm: FloatArray) -> None:
        self._grid = np.arange(ct.z_mm[0], ct.z_mm[-1] + GRID_MM / 2, GRID_MM)
        self._at = z_mm
        tracks = ((ct.hu, HU_UNIT), (ct.body, BODY_UNIT))
        self._tracks = [
            np.interp(self._grid, ct.z_mm, values) / unit for values, unit in tracks if np.isfinite(values).all()
        ]
        self.knows_discs = ct.discs is not None
        if ct.discs is not None:
            share = np.interp(self._grid, ct.discs.z_mm, ct.discs.share)
            self._share = gaussian_filter1d(share, DISC_SMOOTH_MM / GRID_MM, mode="nearest")

    def score(self, span_mm: float) -> FloatArray:
        """Evidence at the grid's points for vertebrae of this span; 0 where there is no CT."""
        if self.knows_discs:
            found = DISC_MOST * np.tanh(self._share / (DISC_UNIT * DISC_MOST)) - NO_DISC * np.exp(-self._share / TRACE)
        else:
            found = MOST * np.tanh(self._depth(span_mm) / MOST)
        return np.asarray(np.interp(self._at, self._grid, found, left=0.0, right=0.0))

    def middle(self, at_mm: float, span_mm: float) -> float:
        """Where the disc next to ``at_mm`` is clearest (mm): its centre of gravity there."""
        depth = self._share if self.knows_discs else self._depth(span_mm)
        near = np.abs(self._grid - at_mm) <= 0.25 * span_mm
        best = self._grid[near][depth[near].argmax()]
        around = np.abs(self._grid - best) <= 0.15 * span_mm
        weight = depth[around]
        return float(weight @ self._grid[around] / weight.sum()) if weight.sum() > 0 else at_mm

    def _depth(self, span_mm: float) -> FloatArray:
        size = max(round((REACH * span_mm - GAP_MM) / GRID_MM), 2)
        shift = int(GAP_MM / GRID_MM) + size // 2
        total = np.zeros(len(self._grid))
        for track in self._tracks:
            padded = np.pad(track, shift, mode="edge")
            peak = maximum_filter1d(padded, size, mode="nearest")
            total += np.maximum(np.minimum(peak[: len(track)], peak[2 * shift :]) - track, 0.0)
        return total
