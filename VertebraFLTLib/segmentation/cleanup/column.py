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
_BESIDE_MM, _LEAN = 15.0, 0.5  # how far the next end may stand beside this one, and per mm of rise (kyphosis)
_OVERLAP_MM = 20.0  # tilted bodies reach past each other along z
_STEEP = 0.6  # a neighbour's middle must rise by this share of its shift aside: less is a rib or transverse process
_SIMILAR = 0.25  # of the other's cross-section; a smaller one is no vertebral body
_LEAST_ML, _LEAST_HEIGHT_MM = 1.5, 6.0  # of what is believed beyond a missed vertebra
_STEP_MM = 5.0  # of the centre line
_SMOOTH_STEPS = 5
_INSIDE = 0.8  # a part of a broken body lies within this share of the body's radius from the line
_HALF = 3.0  # the larger half of a broken body has at most this many times the volume of the smaller
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
    beside = [piece for piece in pieces if piece not in chain and _is_part_of_a_body(piece, chain)]
    return [*reversed(chain), *beside]


def _bend(lower: Piece, upper: Piece) -> float:
    """How much a link between two pieces bends: 0 straight, 1 the most that a spine does; infinite where none is."""
    gap = upper.low[2] - lower.high[2]
    if not -_OVERLAP_MM <= gap <= MISSED_MM:
        return float("inf")
    a, b = _End.of(lower, upwards=True), _End.of(upper, upwards=False)
    if min(a.area, b.area) < _SIMILAR * max(a.area, b.area):
        return float("inf")
    rise = max(0.0, float(b.middle[2] - a.middle[2]))
    step = (b.middle - a.middle)[:2]
    aside = min(float(np.linalg.norm(step - rise * lean)) for lean in (np.zeros(2), a.lean, b.lean))
    bend = aside / (_BESIDE_MM + _LEAN * rise)
    if gap > DISC_MM:
        small = [piece for piece in (lower, upper) if piece.ml < _LEAST_ML or piece.height < _LEAST_HEIGHT_MM]
        return float("inf") if small else bend
    if lower.distance(upper, DISC_MM) <= DISC_MM and rise > 0:
        return min(bend, _STEEP * float(np.linalg.norm(step)) / rise)
    return bend


@dataclass(frozen=True)
class _End:
    """A piece's upper or lower end: middle, mean cross-section (mm^2), lean (x, y per mm up; 0 for a short piece)."""

    middle: Points
    area: float
    lean: npt.NDArray[np.float64]

    @classmethod
    def of(cls, piece: Piece, upwards: bool) -> _End:
        height = min(_END_MM, piece.height)
        z = piece.points[:, 2]
        depth = piece.high[2] - z if upwards else z - piece.low[2]
        near, next_to = depth <= height, (depth > height) & (depth <= 3 * _END_MM)
        middle = piece.points[near].mean(axis=0)
        lean = np.zeros(2)
        if next_to.any() and piece.height >= 2 * _END_MM:
            back = middle - piece.points[next_to].mean(axis=0)
            lean = back[:2] / back[2]
        return cls(middle, piece.ml * 1000.0 * float(near.mean()) / height, lean)


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
    middle = np.stack(
        [np.bincount(row, weights * points[:, a], count)[filled] / area[filled] / step for a in (0, 1)], 1
    )
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


def _is_part_of_a_body(piece: Piece, chain: list[Piece]) -> bool:
    """Whether a piece that the chain passes by lies inside the column: the other half of a broken body."""
    # The half that the chain goes through draws the line aside; the bodies above and below it do not.
    whole = [one for one in chain if one.ml > _HALF * piece.ml or not _same_height(one, piece)]
    line = line_of(whole or chain)
    if not line.low_mm - DISC_MM <= piece.centre[2] <= line.high_mm + DISC_MM:
        return False
    return bool(line.beside(piece.centre[None])[0] <= _INSIDE * line.radius_at(piece.centre[2:])[0])


def _same_height(one: Piece, other: Piece) -> bool:
    return bool(one.low[2] < other.centre[2] < one.high[2])


def trim(pieces: Pieces, line: ColumnLine) -> int:
    """Strike out what hangs on the column but lies far outside its bodies (a rib); returns how many voxels went."""
    kji = np.argwhere(pieces.array == pieces.structure.label)
    points = pieces.to_mm(kji)
    far = line.beside(points) > _OUTSIDE * line.radius_at(points[:, 2]) + _OUTSIDE_MM
    pieces.array[tuple(kji[far].T)] = 0
    return int(far.sum())
