"""Hip bones and sacrum: two bones of comparable size on either side, one between them below the column."""

from __future__ import annotations

import numpy as np

from VertebraFLTLib.segmentation.cleanup.column import ColumnLine
from VertebraFLTLib.segmentation.cleanup.pieces import Piece

# The hip bone's middle lies well below the lowest lumbar vertebra's top; 45 mm is a body's height and a disc, for
# fields that end at the iliac crest.
_ABOVE_COLUMN_END_MM = 45.0
_BESIDE_MM = 25.0  # least distance of a hip bone's middle from the midline
_COMPARABLE = 0.2  # of the larger hip bone: less, on the other side, is another bone, unless the field cuts it
_FRAGMENT_MM = 15.0  # a part of a hip bone lies this near to it,
_FRAGMENT_ML = 1.0  # is not smaller than this,
_LATERAL_MM = 6.0  # and not so much farther out than the bone at its own height: that is the femur
_SACRUM_ABOVE_MM = 30.0  # the sacrum's middle may lie this far above the column's end where that runs on into S3
_SACRUM_BELOW_MM = 110.0  # its top lies no farther below the column's end: L5 and L4 missed
_SACRUM_BESIDE_MM = 40.0
_SEGMENT_MM = 14.0  # between the segments of a sacrum, from voxel to voxel: a remnant of a disc in thick slices
_INTO_SACRUM_MM = 25.0  # the middle of L5 never lies this far below the sacrum's top


def hips_of(pieces: list[Piece], line: ColumnLine | None, least_ml: float) -> list[Piece]:
    """The hip bones: the largest piece on either side of the column and the fragments that belong to each.

    Without a column (``line`` None) the two largest of comparable size. Nothing where the largest is below
    ``least_ml``.
    """
    if line is not None:
        pieces = [piece for piece in pieces if piece.centre[2] <= line.low_mm + _ABOVE_COLUMN_END_MM]
    if not pieces:
        return []
    midline = _midline(pieces, line)
    if line is not None:
        pieces = [piece for piece in pieces if _is_beside(piece, midline)]
    mains = [piece for piece in pieces if piece.ml >= least_ml]
    if not mains:
        return []
    mains = [mains[0], *(p for p in mains[1:] if _other_side(p, mains[0], midline, line is not None))][:2]
    kept = list(mains)
    for piece in pieces:
        if piece not in kept and any(_is_fragment(piece, main, midline) for main in mains):
            kept.append(piece)
    return kept


def _midline(pieces: list[Piece], line: ColumnLine | None) -> float:
    if line is not None:
        return float(line.at(line.low_mm)[0])
    large = [piece for piece in pieces if piece.ml >= _COMPARABLE * pieces[0].ml][:2]
    return float(np.mean([piece.centre[0] for piece in large]))


def _is_beside(piece: Piece, midline: float) -> bool:
    """Whether a piece lies to one side, or reaches far to both (hips that a leak joins)."""
    both = piece.low[0] < midline - 2 * _BESIDE_MM and piece.high[0] > midline + 2 * _BESIDE_MM
    return both or abs(piece.centre[0] - midline) >= _BESIDE_MM


def _other_side(piece: Piece, main: Piece, midline: float, sure: bool) -> bool:
    if piece.ml < _COMPARABLE * main.ml:
        return False
    if not sure:
        return True
    return (piece.centre[0] - midline) * (main.centre[0] - midline) < 0


def _is_fragment(piece: Piece, main: Piece, midline: float) -> bool:
    """Whether a piece is a part of a hip bone and not of the femur that it holds."""
    if piece.ml < _FRAGMENT_ML or piece.distance(main, _FRAGMENT_MM) > _FRAGMENT_MM:
        return False
    z = main.points[:, 2]
    level = main.points[(z >= piece.low[2]) & (z <= piece.high[2])]
    if not len(level):
        return True
    return bool(_out(piece.centre[None], midline)[0] <= np.median(_out(level, midline)) + _LATERAL_MM)


def _out(points: np.ndarray, midline: float) -> np.ndarray:
    return np.abs(points[:, 0] - midline)


def sacrum_of(pieces: list[Piece], line: ColumnLine | None, hips: list[Piece], least_ml: float) -> list[Piece]:
    """The sacrum: the largest piece below the column and between the hips, with segments that go on from it."""
    if line is not None:
        pieces = [piece for piece in pieces if _is_below(piece, line)]
    if hips:
        pieces = [piece for piece in pieces if _is_between(piece, hips)]
    if not pieces or pieces[0].ml < least_ml:
        return []
    kept, waiting = [pieces[0]], pieces[1:]
    while near := [p for p in waiting if any(p.distance(k, _SEGMENT_MM) <= _SEGMENT_MM for k in kept)]:
        kept += near
        waiting = [piece for piece in waiting if piece not in near]
    return kept


def _is_below(piece: Piece, line: ColumnLine) -> bool:
    aside = abs(float(piece.centre[0] - line.at(line.low_mm)[0]))
    return bool(
        piece.centre[2] <= line.low_mm + _SACRUM_ABOVE_MM
        and piece.high[2] >= line.low_mm - _SACRUM_BELOW_MM
        and aside <= _SACRUM_BESIDE_MM
    )


def _is_between(piece: Piece, hips: list[Piece]) -> bool:
    """Whether a piece's middle lies between the hips from side to side (where both are there), and at their height."""
    low, high = min(hip.low[2] for hip in hips), max(hip.high[2] for hip in hips)
    if not low <= piece.centre[2] <= high + _SACRUM_ABOVE_MM:
        return False
    x = sorted(hip.centre[0] for hip in hips[:2])
    return len(x) < 2 or bool(x[0] <= piece.centre[0] <= x[1])


def above_sacrum(column: list[Piece], sacrum: list[Piece]) -> list[Piece]:
    """The column without pieces that lie inside or below the sacrum."""
    if not sacrum:
        return column
    top = max(piece.high[2] for piece in sacrum)
    return [piece for piece in column if piece.centre[2] >= top - _INTO_SACRUM_MM]
