"""The sternum: in front of the column, near the midline, above the pelvis; manubrium, body and xiphoid along a line."""

from __future__ import annotations

import numpy as np

from VertebraFLTLib.segmentation.cleanup.column import ColumnLine
from VertebraFLTLib.segmentation.cleanup.pieces import Piece

_IN_FRONT_MM = 30.0  # of the column's middle: the manubrium of a thin neck; the body lies 80 to 150 mm in front
_BESIDE_MM = 45.0  # of the column's middle: scoliosis, a rotated patient
_BEYOND_MM = 60.0  # above or below the column in view
_JOIN_MM = 25.0  # between manubrium, body and xiphoid
_ALONG_MM = 22.0  # how far a piece may stand beside the line of what is kept already: farther out is cartilage
_LEAST_ML = 0.6


def sternum_of(pieces: list[Piece], line: ColumnLine | None, hips: list[Piece], least_ml: float) -> list[Piece]:
    """The largest piece where a sternum can be, and others that lie on from it within ``_JOIN_MM`` along its line."""
    if line is not None:
        pieces = [piece for piece in pieces if _is_in_front(piece, line)]
    if hips:
        top = max(hip.high[2] for hip in hips)
        pieces = [piece for piece in pieces if piece.centre[2] > top]
    if not pieces or pieces[0].ml < least_ml:
        return []
    kept, waiting = [pieces[0]], [piece for piece in pieces[1:] if piece.ml >= _LEAST_ML]
    while near := [piece for piece in waiting if _goes_on(piece, kept)]:
        kept.append(near[0])
        waiting.remove(near[0])
    return kept


def _is_in_front(piece: Piece, line: ColumnLine) -> bool:
    x, y, z = piece.centre
    if not line.low_mm - _BEYOND_MM <= z <= line.high_mm + _BEYOND_MM:
        return False
    middle = line.at(z)
    return bool(y <= middle[1] - _IN_FRONT_MM and abs(x - middle[0]) <= _BESIDE_MM)


def _goes_on(piece: Piece, kept: list[Piece]) -> bool:
    """Whether a piece is near to one that is kept and in line with that one's end."""
    for other in kept:
        if piece.distance(other, _JOIN_MM) > _JOIN_MM:
            continue
        z = other.points[:, 2]
        nearest = other.points[np.abs(z - piece.centre[2]) <= np.abs(z - piece.centre[2]).min() + 15.0]
        if abs(float(nearest[:, 0].mean() - piece.centre[0])) <= _ALONG_MM:
            return True
    return False
