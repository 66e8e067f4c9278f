"""The vertebral column: the chain of pieces that carry one another on from the lowest to the highest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from VertebraFLTLib.segmentation.cleanup.pieces import Piece, Pieces, Points

DISC_MM = 15.0
"""Neighbours no farther apart than this are parted by a disc, or by a slice that a network missed."""

MISSED_MM = 50.0
"""A gap up to this, along z, is bridged where the line goes on beyond it: a destroyed or missed vertebra."""

_END_MM = 20.0  # of a piece's end that tell where the column goes on: about a body's height
_BESIDE_MM, _LEAN = 12.0, 0.5  # how far the next end may stand beside this one, and per mm of the gap (kyphosis)
_OVERLAP_MM = 20.0  # tilted bodies reach past each other along z
_STEEP = 0.6  # a neighbour's middle must rise by this share of its shift aside: less is a rib or transverse process
_SIMILAR = 0.25  # of the other's cross-section; a smaller one is no vertebral body
_LEAST_ML, _LEAST_HEIGHT_MM = 1.5, 6.0  # of what is believed beyond a missed vertebra
_STEP_MM = 5.0  # of the centre line
_SMOOTH_STEPS = 5
_INSIDE = 0.8  # a part of a broken body lies within this share of the body's radius from the line
_OUTSIDE, _OUTSIDE_MM = 1.9, 4.0  # what is farther out than this many radii and so much more is no vertebral body
# A column is an anchor for other bones where it is as much as this: about one vertebra; less may itself be false.
_ANCHOR_ML, _ANCHOR_MM = 15.0, 25.0


@dataclass(frozen=True)
class ColumnLine:
    """The column's middle: for rising ``z_mm`` LPS ``xy_mm`` (n, 2) and the ``radius_mm`` of a body there."""

    z_mm: npt.NDArray[np.float64]
    xy_mm: npt.NDArray[np.float64]
    radius_mm: npt.NDArray[np.float64]

    def at(self, z_mm: npt.NDArray[np.float64] | float) -> npt.NDArray[np.float64]:
        """x, y of the middle at heights; constant beyond the ends."""
        return np.stack([np.interp(z_mm, self.z_mm, self.xy_mm[:, axis]) for axis in (0, 1)], axis=-1)

    def beside(self, points: Points) -> npt.NDArray[np.float64]:
        """Distance of points (n, 3) from the line in their own axial plane, mm."""
        return np.linalg.norm(points[:, :2] - self.at(points[:, 2]), axis=1)

    def radius_at(self, z_mm: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Radius of a disc as large as a body's cross-section at heights, mm."""
        return np.interp(z_mm, self.z_mm, self.radius_mm)

    @property
    def low_mm(self) -> float:
        """z of the column's lower end."""
        return float(self.z_mm[0])

    @property
    def high_mm(self) -> float:
        """z of the column's upper end."""
        return float(self.z_mm[-1])


def column_of(pieces: list[Piece]) -> list[Piece]:
    """The chain of pieces with the most volume, and parts of broken bodies that lie on its line.

    A link of the chain leads to a neighbour (``DISC_MM``) that stands above rather than beside, or over a gap of up to
    ``MISSED_MM`` to a piece of similar cross-section in line. Found by dynamic programming over the pieces in order of
    height; links that bend are worth less. Empty where there are no pieces.
    """
    if not pieces:
        return []
    order = sorted(pieces, key=lambda piece: piece.centre[2])
    worth = np.array([piece.ml for piece in order])
    before = np.full(len(order), -1)
    for n, upper in enumerate(order):
        best = 0.0
        for m in range(n):
            bend = _bend(order[m], upper)
            gain = worth[m] - 0.5 * bend * min(order[m].ml, upper.ml) if bend <= 1 else 0.0
            if gain > best:
                best, before[n] = gain, m
        worth[n] += best
    chain = []
    at = int(np.argmax(worth))
    while at >= 0:
        chain.append(order[at])
        at = int(before[at])
    line = line_of(chain)
    beside = [piece for piece in pieces if piece not in chain and _is_part_of_a_body(piece, line)]
    return [*reversed(chain), *beside]


def _bend(lower: Piece, upper: Piece) -> float:
    """How much a link between two pieces bends: 0 straight, 1 the most that a spine does; infinite where none is."""
    gap = upper.low[2] - lower.high[2]
    if not -_OVERLAP_MM <= gap <= MISSED_MM:
        return float("inf")
    (a, area_a), (b, area_b) = _end(lower, upwards=True), _end(upper, upwards=False)
    if min(area_a, area_b) < _SIMILAR * max(area_a, area_b):
        return float("inf")
    aside = float(np.linalg.norm((b - a)[:2]))
    bend = aside / (_BESIDE_MM + _LEAN * max(gap, 0.0))
    if gap > DISC_MM:
        small = [piece for piece in (lower, upper) if piece.ml < _LEAST_ML or piece.height < _LEAST_HEIGHT_MM]
        return float("inf") if small else bend
    if lower.distance(upper, DISC_MM) <= DISC_MM:
        rise = float(b[2] - a[2])
        return min(bend, _STEEP * aside / rise) if rise > 0 else float("inf")
    return bend


def _end(piece: Piece, upwards: bool) -> tuple[Points, float]:
    """The middle of a piece's upper or lower end and its mean cross-section there, mm^2."""
    height = min(_END_MM, piece.height)
    z = piece.points[:, 2]
    near = z >= piece.high[2] - height if upwards else z <= piece.low[2] + height
    return piece.points[near].mean(axis=0), piece.ml * 1000.0 * float(near.mean()) / height


def line_of(chain: list[Piece]) -> ColumnLine:
    """The smooth line through the middle of a chain, at least one piece; medians, so that no leak draws it aside."""
    weights = np.concatenate([np.full(len(piece.points), piece.ml * 1000.0 / len(piece.points)) for piece in chain])
    points = np.concatenate([piece.points for piece in chain])
    low, high = min(piece.low[2] for piece in chain), max(piece.high[2] for piece in chain)
    count = max(1, round((high - low) / _STEP_MM))
    step = (high - low) / count
    row = np.clip(((points[:, 2] - low) / step).astype(int), 0, count - 1)
    area = np.bincount(row, weights, count) / step
    filled = np.flatnonzero(area)
    middle = np.stack([np.bincount(row, weights * points[:, a], count)[filled] / area[filled] / step for a in (0, 1)], 1)
    middle = ndimage.median_filter(middle, (_SMOOTH_STEPS, 1), mode="nearest")
    # A disc or a missed slice makes a row's area small: the upper range of the neighbourhood is the bodies'.
    wide = ndimage.percentile_filter(area[filled], 70, 2 * _SMOOTH_STEPS + 1, mode="nearest")
    return ColumnLine(low + (filled + 0.5) * step, middle, np.sqrt(wide / np.pi))


def anchor_of(column: list[Piece]) -> ColumnLine | None:
    """The column's line where there is enough of it to judge other bones by, else None."""
    if not column or sum(piece.ml for piece in column) < _ANCHOR_ML:
        return None
    tall = max(piece.high[2] for piece in column) - min(piece.low[2] for piece in column)
    return line_of(column) if tall >= _ANCHOR_MM else None


def _is_part_of_a_body(piece: Piece, line: ColumnLine) -> bool:
    if not line.low_mm - DISC_MM <= piece.centre[2] <= line.high_mm + DISC_MM:
        return False
    return bool(line.beside(piece.centre[None])[0] <= _INSIDE * line.radius_at(piece.centre[2:])[0])


def trim(pieces: Pieces, line: ColumnLine) -> int:
    """Strike out what hangs on the column but lies far outside its bodies (a rib); returns how many voxels went."""
    kji = np.argwhere(pieces.array == pieces.structure.label)
    points = pieces.to_mm(kji)
    far = line.beside(points) > _OUTSIDE * line.radius_at(points[:, 2]) + _OUTSIDE_MM
    pieces.array[tuple(kji[far].T)] = 0
    return int(far.sum())
