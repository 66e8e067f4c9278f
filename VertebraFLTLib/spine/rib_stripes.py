"""Ribs and transverse processes in the CT: stripes of bone that leave the column sideways, and how far they go."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.ndimage import grey_opening, label

from VertebraFLTLib.spine.profile import FloatArray

BEHIND_MM = (10.0, 60.0)  # in this depth behind the column's middle: kidneys, aorta and bowel lie in front of it
START_MM, WIDE_MM = 30, 5  # a stripe starts here beside the column's middle, clear of pedicles and joints, or a bit on
FAR_MM = 90  # no stripe is followed further out: there shoulder blades and arms come near
LEAST_MM = 60  # a side of which the CT shows less than this cannot tell a rib from a transverse process
BONE_HU = 180.0
ABOVE_HU = 100.0  # and brighter by this than what is as high as a kidney (with contrast medium)
KIDNEY_MM = 36.0
GAP_MM = 3  # joints between process and rib, and partial volume, may interrupt a stripe by this
DOWN, UP = 2, 1  # per mm outwards it falls or rises by at most this (mm): ribs fall, the iliac crest rises
EDGE_MM = 4  # what ends this near to the image's side is cut, not short
SAME_MM = 1.5
CROSSED_MM = 58.0  # what a short rib meets before this is a process that it crosses


@dataclass(frozen=True)
class Stripe:
    """One process or rib: ``side`` (-1 right, 1 left), height of its start (LPS z, mm) and ``reach_mm``, how far from
    the column's middle it was followed sideways (30 to 90 mm; 90: it goes on)."""

    side: int
    z_mm: float
    reach_mm: float


@dataclass(frozen=True)
class Ribs:
    """All stripes that a CT shows beside the column, by rising z."""

    stripes: tuple[Stripe, ...]


def find_ribs(
    hu: npt.NDArray[Any], z_mm: npt.NDArray[np.floating], centre: FloatArray, spacing_mm: tuple[float, float]
) -> Ribs | None:
    """The stripes on both sides of the column.

    ``hu``: CT (kji) in LPS order, axial slices; ``z_mm`` (nk,); ``centre`` (nk, 2): the column's middle in every slice
    as voxel index (y, x); ``spacing_mm`` (y, x). None where the CT shows too little beside the column on both sides.

    Seen from behind, as the brightest voxel over the depth in which ribs run, each rib is a stripe that falls as it
    goes outwards; transverse processes are stubs of less than 50 mm.
    """
    order = np.argsort(z_mm, kind="stable")
    hu, z, centre = hu[order], np.asarray(z_mm, np.float64)[order], centre[order]
    if len(z) < 3:
        return None
    step = float((z[-1] - z[0]) / (len(z) - 1))
    out = np.arange(START_MM, FAR_MM + 1, dtype=np.float64)
    found, seen = [], False
    for side in (-1, 1):
        room = _room_mm(centre[:, 1], hu.shape[2], side, spacing_mm[1])
        if room < LEAST_MM:
            continue
        seen = True
        bone = _is_bone(_from_behind(hu, centre, spacing_mm, side, out), step)
        reach = _reach(bone, out)
        heights = z[0] + np.arange(len(reach), dtype=np.float64)
        start = reach[:, : WIDE_MM + 1].max(axis=1)
        pieces, count = label(start > 0)
        starts = [np.flatnonzero(pieces == piece) for piece in range(1, count + 1)]
        for rows, above in zip_longest(starts, starts[1:]):
            far = float(start[rows].max())
            if above is not None and far < FAR_MM and abs(far - start[above].max()) < SAME_MM:
                far = min(far, _meeting_mm(bone, rows, above, out))
            at = heights[rows[start[rows] > start[rows].max() - SAME_MM]].mean()
            found.append(Stripe(side, float(at), float(FAR_MM) if far > min(room, FAR_MM) - EDGE_MM else far))
    if not seen:
        return None
    return Ribs(tuple(sorted(found, key=lambda one: one.z_mm)))


def _room_mm(centre_x: FloatArray, width: int, side: int, spacing: float) -> float:
    """How far from the column's middle the image reaches on this side in most slices."""
    beyond = centre_x if side < 0 else width - 1 - centre_x
    return float(np.median(beyond) * spacing)


def _from_behind(
    hu: npt.NDArray[Any], centre: FloatArray, spacing_mm: tuple[float, float], side: int, out: FloatArray
) -> FloatArray:
    """(slices, len(out)): brightest density behind the column's middle, by height and distance to the side."""
    seen = np.full((len(hu), len(out)), -1000.0)
    x = np.arange(hu.shape[2])
    for k, (y, middle) in enumerate(centre):
        first, last = (int(np.clip(y + mm / spacing_mm[0], 0, hu.shape[1])) for mm in BEHIND_MM)
        if last > first:
            brightest = hu[k, first:last].max(axis=0)
            seen[k] = np.interp(middle + side * out / spacing_mm[1], x, brightest, left=-1000.0, right=-1000.0)
    return seen


def _is_bone(seen: FloatArray, step_mm: float) -> npt.NDArray[np.bool_]:
    """Where there is bone, on rows of 1 mm: bright, and brighter than anything that is as high as a kidney."""
    size = max(3, 2 * round(KIDNEY_MM / step_mm / 2) + 1)
    bone = (seen > BONE_HU) & (seen - grey_opening(seen, size=(size, 1)) > ABOVE_HU)
    rows = int((len(seen) - 1) * step_mm) + 1
    return np.asarray(bone[np.round(np.arange(rows) / step_mm).astype(int)])


def _reach(bone: npt.NDArray[np.bool_], out: FloatArray) -> FloatArray:
    """From each point of bone, how far outwards a way over bone leads; 0 where there is none.

    ``bone``: rows of 1 mm by columns of 1 mm outwards.
    """
    reach = np.zeros(bone.shape)
    count = len(bone)
    for at in range(len(out) - 1, -1, -1):
        best = np.zeros(count)
        for ahead in range(1, min(GAP_MM + 1, len(out) - 1 - at) + 1):
            onward = reach[:, at + ahead]
            for change in range(-DOWN * ahead, UP * ahead + 1):
                low, high = max(0, -change), min(count, count - change)
                best[low:high] = np.maximum(best[low:high], onward[low + change : high + change])
        reach[:, at] = np.where(bone[:, at], np.maximum(best, out[at]), 0.0)
    return reach


def _meeting_mm(
    bone: npt.NDArray[np.bool_], rows: npt.NDArray[np.intp], above: npt.NDArray[np.intp], out: FloatArray
) -> float:
    """Where the way from ``rows`` meets the one that comes down from ``above``; infinite where they go apart for long.

    A short last rib falls across the process of the vertebra below, and seen from behind the process seems to go on
    as the rib.
    """
    both = (_onward(bone, rows), _onward(bone, above))
    shared = np.flatnonzero((both[0] & both[1]).any(axis=0))
    return float(out[shared[0]]) if len(shared) and out[shared[0]] <= CROSSED_MM else np.inf


def _onward(bone: npt.NDArray[np.bool_], rows: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
    """All bone to which ways lead outwards from these rows of the first columns."""
    led = np.zeros_like(bone)
    led[rows, : WIDE_MM + 1] = bone[rows, : WIDE_MM + 1]
    count = len(bone)
    for at in range(1, bone.shape[1]):
        for back in range(1, min(GAP_MM + 1, at) + 1):
            before = led[:, at - back]
            for change in range(-DOWN * back, UP * back + 1):
                low, high = max(0, -change), min(count, count - change)
                led[low + change : high + change, at] |= before[low:high]
        led[:, at] &= bone[:, at]
    return led
