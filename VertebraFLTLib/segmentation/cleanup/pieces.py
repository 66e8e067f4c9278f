"""The connected pieces of one structure of a mask: where they lie in millimetres, how large and how bright they are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk
from scipy import ndimage
from scipy.spatial import cKDTree

from VertebraFLTLib.anatomy import STRUCTURES, Structure

SPECK_ML = 0.3  # what is smaller is noise
MOST = 150  # pieces of a structure that are looked at, largest first; a column has two dozen bodies, noise thousands
NO_BONE_HU = 90.0  # a piece whose brightest tenth is darker has neither cortex nor trabeculae in it
_SAMPLE = 12_000  # points that stand for a piece: every voxel of a small one, a few mm apart in a hip bone
_ALL_ROUND = np.ones((3, 3, 3), bool)

Points = npt.NDArray[np.float64]  # (n, 3) LPS mm
Slices = tuple[slice, ...]


@dataclass(frozen=True, eq=False)
class Piece:
    """A connected piece: ``part`` its number in the part array, ``ml`` its volume, ``points`` voxels spread evenly.

    ``half_mm``: half a voxel's extent along x, y, z. ``mean_hu``, ``bright_hu``: mean and 90th percentile of the HU at
    those voxels, None without a CT.
    """

    part: int
    ml: float
    points: Points
    half_mm: Points
    mean_hu: float | None = None
    bright_hu: float | None = None

    @cached_property
    def centre(self) -> Points:
        """Middle, LPS mm."""
        return self.points.mean(axis=0)

    @cached_property
    def low(self) -> Points:
        """Lowest x, y, z that the piece reaches."""
        return self.points.min(axis=0) - self.half_mm

    @cached_property
    def high(self) -> Points:
        """Highest x, y, z that the piece reaches."""
        return self.points.max(axis=0) + self.half_mm

    @cached_property
    def height(self) -> float:
        """Extent along z, mm."""
        return float(self.high[2] - self.low[2])

    @cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(self.points)

    def distance(self, other: Piece, enough: float) -> float:
        """Millimetres between the nearest points of two pieces, infinite where it is beyond ``enough``."""
        apart = np.maximum(0.0, np.maximum(self.low - other.high, other.low - self.high))
        if np.linalg.norm(apart) > enough:
            return float("inf")
        few, many = sorted((self, other), key=lambda piece: len(piece.points))
        found, _ = many._tree.query(few.points, distance_upper_bound=enough)
        return float(found.min())


@dataclass(eq=False)
class Pieces:
    """All pieces of one structure, largest first, specks left out, and the array that they may be struck from."""

    structure: Structure
    array: npt.NDArray[np.uint8]  # a view into the mask, kji, of the box around the structure
    parts: npt.NDArray[np.int32]  # the number of each voxel's part in that box, 0 elsewhere
    first: tuple[int, ...]  # kji of the box's corner in the mask
    geometry: sitk.Image = field(repr=False)
    found: list[Piece] = field(default_factory=list)
    count: int = 0  # of all pieces, specks too

    @property
    def voxel_ml(self) -> float:
        """Volume of one voxel."""
        return float(np.prod(self.geometry.GetSpacing())) / 1000.0

    def to_mm(self, kji: npt.NDArray[np.integer]) -> Points:
        """LPS positions of voxels (n, 3) of the box."""
        step = np.asarray(self.geometry.GetDirection()).reshape(3, 3) * np.asarray(self.geometry.GetSpacing())
        return (kji + np.asarray(self.first))[:, ::-1] @ step.T + np.asarray(self.geometry.GetOrigin())

    def keep(self, kept: Iterable[Piece]) -> int:
        """Strike out all other pieces; returns how many voxels went."""
        chosen = np.zeros(int(self.parts.max(initial=0)) + 1, bool)
        chosen[[piece.part for piece in kept]] = True
        chosen[0] = True  # other structures and background are left alone
        gone = ~chosen[self.parts]
        self.array[gone] = 0
        return int(gone.sum())


def pieces_of(
    array: npt.NDArray[np.uint8], mask: sitk.Image, ct: sitk.Image | None, least_ml: float = SPECK_ML
) -> dict[str, Pieces]:
    """The pieces (26 neighbours) of every structure in a mask, by key: the ``MOST`` largest of ``least_ml`` or more.

    array: the mask's own values, kji, which :meth:`Pieces.keep` writes to. ct: HU on the same grid, or None. Raises
    ValueError where the grids differ.
    """
    if ct is not None and ct.GetSize() != mask.GetSize():
        raise ValueError(f"mask of {mask.GetSize()} voxels, CT of {ct.GetSize()}")
    hu = None if ct is None else sitk.GetArrayViewFromImage(ct)
    step = np.abs(np.asarray(mask.GetDirection()).reshape(3, 3) * np.asarray(mask.GetSpacing()))
    half_mm = step.sum(axis=1) / 2
    result: dict[str, Pieces] = {}
    boxes = ndimage.find_objects(array, max_label=len(STRUCTURES))
    for structure in STRUCTURES:
        box = boxes[structure.label - 1]
        if box is None:
            continue
        parts, count = ndimage.label(array[box] == structure.label, _ALL_ROUND)
        pieces = Pieces(structure, array[box], parts, tuple(s.start for s in box), mask, count=count)
        sizes = np.bincount(parts.ravel(), minlength=count + 1)
        places = ndimage.find_objects(parts)
        large = [p for p in range(1, count + 1) if sizes[p] * pieces.voxel_ml >= least_ml]
        values = None if hu is None else hu[box]
        for part in sorted(large, key=lambda p: -sizes[p])[:MOST]:
            pieces.found.append(_piece(pieces, part, int(sizes[part]), places[part - 1], half_mm, values))
        result[structure.key] = pieces
    return result


def _piece(pieces: Pieces, part: int, size: int, place: Slices, half_mm: Points, values: npt.NDArray | None) -> Piece:
    here = pieces.parts[place] == part
    flat = np.flatnonzero(here)
    flat = flat[np.linspace(0, size - 1, min(size, _SAMPLE)).astype(np.int64)]
    kji = np.stack(np.unravel_index(flat, here.shape), axis=1)
    points = pieces.to_mm(kji + np.array([s.start for s in place]))
    if values is None:
        return Piece(part, size * pieces.voxel_ml, points, half_mm)
    hu = values[place][tuple(kji.T)]
    return Piece(part, size * pieces.voxel_ml, points, half_mm, float(hu.mean()), float(np.percentile(hu, 90)))
