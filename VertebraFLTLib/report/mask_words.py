"""What a semantic mask holds, in words and numbers: volumes, islands with their brightness, gaps in the column."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from scipy.spatial import cKDTree

from VertebraFLTLib.anatomy import HIP_BONE, STERNUM, STRUCTURES, VERTEBRAL_BODY, Structure
from VertebraFLTLib.segmentation.cleanup.column import DISC_MM
from VertebraFLTLib.segmentation.cleanup.pieces import NO_BONE_HU, Piece, pieces_of

# Pieces no farther apart belong to one body: discs, the joints of a sternum; elsewhere a cut of a slice or two.
_JOIN_MM = {VERTEBRAL_BODY.key: DISC_MM, STERNUM.key: 25.0}
_JOIN_ELSEWHERE_MM = 8.0
_SOME = 500  # points of an island from which its distance is measured


@dataclass(frozen=True)
class Island:
    """A piece outside a structure's main body; ``mean_hu`` and ``bright_hu`` (90th percentile) of its voxels."""

    structure: Structure
    ml: float
    centre_mm: tuple[float, float, float]  # LPS
    away_mm: float  # from the main body
    mean_hu: float
    bright_hu: float

    @property
    def has_bone(self) -> bool:
        """Whether any bone is in it."""
        return self.bright_hu >= NO_BONE_HU


@dataclass(frozen=True)
class MaskContent:
    """One structure of a mask: its volume, number of pieces, islands (largest first), gaps along z (low, high; mm)."""

    structure: Structure
    ml: float
    pieces: int
    mean_hu: float
    islands: tuple[Island, ...]
    gaps_mm: tuple[tuple[float, float], ...]


def mask_content(mask: sitk.Image, ct: sitk.Image) -> list[MaskContent]:
    """Every structure in a semantic mask (uint8, on the grid of ``ct`` in HU); every piece counts, however small.

    Of more than 150 pieces of a structure only the largest are told apart; volume and number are those of all.

    A structure's main body is its largest piece (of hip bones the two largest) and what follows on within the width of
    a disc or joint. Gaps are named for the column only: heights without a voxel between its ends, wider than a disc.
    Raises ValueError where the grids differ.
    """
    found = pieces_of(sitk.GetArrayFromImage(mask), mask, ct, least_ml=0.0)
    result = []
    for structure in STRUCTURES:
        if structure.key not in found:
            continue
        pieces = found[structure.key].found
        told = sum(piece.ml for piece in pieces)
        body = _main_body(pieces, structure)
        result.append(
            MaskContent(
                structure,
                float(np.count_nonzero(found[structure.key].parts)) * found[structure.key].voxel_ml,
                found[structure.key].count,
                sum(piece.ml * (piece.mean_hu or 0.0) for piece in pieces) / told,
                _islands(pieces, body, structure),
                _gaps(pieces) if structure is VERTEBRAL_BODY else (),
            )
        )
    return result


def describe_mask(mask: sitk.Image, ct: sitk.Image, most: int = 12) -> list[str]:
    """:func:`mask_content` in words, a line each for structures, gaps and the ``most`` largest islands of each."""
    lines = []
    for content in mask_content(mask, ct):
        name = content.structure.name
        lines.append(
            f"{name}: {content.ml:.1f} ml, mean {content.mean_hu:.0f} HU, {_count(content.pieces, 'piece')}, "
            f"{_count(len(content.islands), 'island')}, "
            f"{sum(not island.has_bone for island in content.islands)} of them without bone"
        )
        lines += [f"{name}: gap of {high - low:.0f} mm, z {low:.0f} to {high:.0f} mm" for low, high in content.gaps_mm]
        for island in content.islands[:most]:
            x, y, z = island.centre_mm
            lines.append(
                f"{name}: island of {island.ml:.2f} ml at L {x:.0f}, P {y:.0f}, S {z:.0f} mm, {island.away_mm:.0f} mm "
                f"from the main body, mean {island.mean_hu:.0f} HU" + ("" if island.has_bone else ", no bone in it")
            )
        if len(content.islands) > most:
            rest = content.islands[most:]
            more = sum(island.ml for island in rest)
            lines.append(f"{name}: {_count(len(rest), 'smaller island')} more, {more:.2f} ml together")
    return lines


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _main_body(pieces: list[Piece], structure: Structure) -> list[Piece]:
    join = _JOIN_MM.get(structure.key, _JOIN_ELSEWHERE_MM)
    body = pieces[: 2 if structure is HIP_BONE else 1]
    fresh, waiting = body, pieces[len(body) :]
    while fresh:
        fresh = [piece for piece in waiting if any(piece.distance(one, join) <= join for one in fresh)]
        body = body + fresh
        waiting = [piece for piece in waiting if piece not in fresh]
    return body


def _islands(pieces: list[Piece], body: list[Piece], structure: Structure) -> tuple[Island, ...]:
    near = cKDTree(np.concatenate([piece.points for piece in body]))
    islands = []
    for piece in pieces:
        if piece in body:
            continue
        some = piece.points[:: max(1, len(piece.points) // _SOME)]
        x, y, z = (float(value) for value in piece.centre)
        away = float(near.query(some)[0].min())
        islands.append(Island(structure, piece.ml, (x, y, z), away, piece.mean_hu or 0.0, piece.bright_hu or 0.0))
    return tuple(islands)


def _gaps(pieces: list[Piece]) -> tuple[tuple[float, float], ...]:
    """Heights wider than a disc that no piece reaches, between the lowest and the highest."""
    gaps = []
    end = np.inf
    for piece in sorted(pieces, key=lambda p: p.low[2]):
        low, high = float(piece.low[2]), float(piece.high[2])
        if low - end > DISC_MM:
            gaps.append((float(end), low))
        end = high if end == np.inf else max(end, high)
    return tuple(gaps)
