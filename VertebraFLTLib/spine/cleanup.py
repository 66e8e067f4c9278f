"""Making one column of what the networks marked as vertebral bodies: gaps closed, islands removed (thesis 5.1.2)."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from VertebraFLTLib.errors import InputError

BoolArray = npt.NDArray[np.bool_]

DISC_GAP_MM = 14.0
"""Vertical gaps up to this between two pieces are filled: a lumbar disc of 12 mm and a little of the endplates.
A gap of n empty slices is anything from n - 1 to n + 1 spacings high; the least of these counts."""

MISSED_GAP_MM = 70.0
"""Pieces in line with the column up to this far beyond its end are kept: about two vertebrae that a network missed."""

OFFSET_MM = 20.0  # how far such a piece may stand beside the column's end (tilted ends show their front or back only),
LEAN = 0.7  # plus this share of the gap for the curve: 35 degrees, as at L4/L5 or in a kyphotic neck
FACING = 0.3  # share of the cross-section of the bodies around it over which a gap must extend to be filled
SIMILAR = 0.3  # a smaller cross-section than this share of the other is no vertebral body
BODY_HEIGHT_MM = 8.0  # nor is a piece lower than this, beyond a missed vertebra

_EVERY_NEIGHBOUR = np.ones((3, 3, 3), bool)
_BALL = ndimage.generate_binary_structure(3, 1)


def regularise_column(mask: npt.NDArray[Any], spacing_mm: tuple[float, float, float] | None = None) -> BoolArray:
    """The column of vertebral bodies as one regular piece; kji mask in, boolean kji mask of the same shape out.

    The thesis's steps: closing with a ball of radius 1 voxel, then the largest connected piece (26 neighbours). Its
    radius of one voxel stood for its 5 mm slices, where it fills the disc gaps that the networks saw. With
    ``spacing_mm`` (z, y, x), the same is done on any grid: gaps along z of at most ``DISC_GAP_MM`` that extend over a
    good part of the cross-section are filled, whether something bridges them already or not. Pieces in line with the
    column's end but further away, up to ``MISSED_GAP_MM`` (a vertebra the network missed), are kept as they are,
    without inventing bone in between. All else is removed: ribs in front, islands behind or beside.

    Slices must be near to axial (LPS order). Raises InputError when the mask is empty.
    """
    if mask.ndim != 3:
        raise ValueError(f"a volume is needed, not an array of {mask.ndim} dimensions")
    mask = mask.astype(bool, copy=False)
    if not mask.any():
        raise InputError(
            "mask has no column (label 1): no vertebral body was found in the CT (is it one of the trunk? try "
            "--segmenter ensemble or totalsegmentator), or the mask uses other values"
        )
    box = _bounding_box(mask)
    # The margin of one voxel keeps the closing from being clipped at the borders of box and image.
    column = ndimage.binary_closing(np.pad(mask[box], 1), _BALL)
    if spacing_mm is not None:
        column |= _disc_gaps(column, spacing_mm)
    pieces, count = ndimage.label(column, _EVERY_NEIGHBOUR)
    if count > 1:
        sizes = np.bincount(pieces.ravel())
        sizes[0] = 0
        kept = {int(sizes.argmax())} if spacing_mm is None else _in_line(pieces, sizes, spacing_mm)
        column = np.isin(pieces, sorted(kept))
    result = np.zeros(mask.shape, bool)
    result[box] = column[1:-1, 1:-1, 1:-1]
    return result


def _bounding_box(mask: BoolArray) -> tuple[slice, ...]:
    rows = np.flatnonzero(mask.any(axis=(1, 2)))
    shadow = np.asarray(mask[rows[0] : rows[-1] + 1].any(axis=0))
    ends = (rows, np.flatnonzero(shadow.any(axis=1)), np.flatnonzero(shadow.any(axis=0)))
    return tuple(slice(int(found[0]), int(found[-1]) + 1) for found in ends)


def _disc_gaps(column: BoolArray, spacing_mm: tuple[float, float, float]) -> BoolArray:
    """Gaps shaped like a disc: short along z, wide against the bodies around, bridged in part or not at all."""
    candidates = np.zeros(column.shape, bool)
    nk = column.shape[0]
    # Runs of background along z are found on the flattened z-lines of the in-plane positions that hold anything.
    j, i = np.nonzero(column.any(axis=0))
    lines = column[:, j, i].T.ravel()  # line after line, each ending in background (the margin)
    marked = np.flatnonzero(lines)
    start, end = marked[:-1], marked[1:]
    gap = end - start - 1
    runs = (gap > 0) & (start // nk == end // nk) & ((gap - 1) * spacing_mm[0] < DISC_GAP_MM)
    start, gap = start[runs], gap[runs]
    inside = np.repeat(start + 1 - (np.cumsum(gap) - gap), gap) + np.arange(gap.sum())
    candidates[inside % nk, j[inside // nk], i[inside // nk]] = True
    plates, count = ndimage.label(candidates, _BALL)
    areas = np.count_nonzero(column, axis=(1, 2))
    reach = 1 + round(DISC_GAP_MM / spacing_mm[0])
    accepted = np.zeros(count + 1, bool)
    for label, box in enumerate(ndimage.find_objects(plates), start=1):
        width = np.count_nonzero((plates[box] == label).any(axis=0))
        body = areas[max(box[0].start - reach, 0) : box[0].stop + reach].max()
        accepted[label] = width >= FACING * body
    return np.asarray(accepted[plates])


def _median_area(piece: BoolArray) -> float:
    """Median number of voxels of a piece's axial cross-sections."""
    areas = np.count_nonzero(piece, axis=(1, 2))
    return float(np.median(areas[areas > 0]))


def _in_line(
    pieces: npt.NDArray[np.integer[Any]], sizes: npt.NDArray[np.integer[Any]], spacing_mm: tuple[float, float, float]
) -> set[int]:
    """The largest piece and those that carry it on upwards or downwards."""
    found = {label: _Piece(label, pieces, box, spacing_mm) for label, box in enumerate(ndimage.find_objects(pieces), 1)}
    main = found[int(sizes.argmax())]
    kept = [main]
    for upwards in (True, False):
        end = main
        while True:
            following = [one for one in found.values() if one not in kept and end.carries_on(one, upwards)]
            if not following:
                break
            end = min(following, key=lambda one: abs(one.low_mm - main.low_mm))
            kept.append(end)
    return {one.label for one in kept}


class _Piece:
    """A connected piece: where its two ends lie and how large its cross-section is (mm, mm^2)."""

    def __init__(self, label: int, pieces: npt.NDArray[np.integer[Any]], box: Any, spacing: Any) -> None:
        inside = pieces[box] == label
        self.label = label
        self.low_mm, self.high_mm = box[0].start * spacing[0], box[0].stop * spacing[0]
        self.area = _median_area(inside) * spacing[1] * spacing[2]
        layers = max(1, min(inside.shape[0], round(10.0 / spacing[0])))
        self.low_end, self.high_end = (
            np.add(np.argwhere(part)[:, 1:].mean(axis=0), [box[1].start, box[2].start]) * spacing[1:]
            for part in (inside[:layers], inside[-layers:])
        )

    def carries_on(self, other: _Piece, upwards: bool) -> bool:
        """Whether ``other`` lies in line beyond this piece's upper (or lower) end and could be a vertebral body."""
        lower, upper = (self, other) if upwards else (other, self)
        gap = upper.low_mm - lower.high_mm
        # Tilted ends may reach a little past each other.
        if not -DISC_GAP_MM <= gap <= MISSED_GAP_MM or other.high_mm - other.low_mm < BODY_HEIGHT_MM:
            return False
        middle = (lower.low_mm + lower.high_mm) / 2, (upper.low_mm + upper.high_mm) / 2
        beside = float(np.hypot(*(upper.low_end - lower.high_end)))
        similar = min(self.area, other.area) >= SIMILAR * max(self.area, other.area)
        return similar and middle[1] > middle[0] and beside <= OFFSET_MM + LEAN * max(gap, 0.0)


def gaps_mm(mask: BoolArray, spacing_mm: tuple[float, float, float]) -> list[tuple[float, float]]:
    """Stretches without a voxel between the column's ends, as (start, end) in mm above its first slice."""
    rows = np.flatnonzero(mask.any(axis=(1, 2)))
    return [
        (float(a + 1 - rows[0]) * spacing_mm[0], float(b - rows[0]) * spacing_mm[0])
        for a, b in pairwise(rows)
        if b > a + 1
    ]
