"""Labels and tables that follow an edit of the boundaries at once: only what the edit touches is computed anew."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from VertebraFLTLib.anatomy import VERTEBRAL_BODY
from VertebraFLTLib.quantification.coverage import Box, Grid
from VertebraFLTLib.quantification.masks_on_pet import bones_on_pet, hull
from VertebraFLTLib.quantification.suv_table import RegionSuv, Uptake
from VertebraFLTLib.quantification.vertebra_slices import ColumnOnPet, Part
from VertebraFLTLib.spine.boundaries import BoundarySet
from VertebraFLTLib.spine.instances import Piece, codes_at, corners_of, pieces_of, points_of

_NO_SLICES = slice(0, 0)


@dataclass(frozen=True)
class Changed:
    """What an update changed: ``levels`` whose label or row is new or another, ``gone`` those that are no more."""

    levels: tuple[str, ...]
    gone: tuple[str, ...]


class LiveCase:
    """One case under review. What does not depend on the boundaries is prepared once, here.

    ``semantic``: uint8, CT grid, as the pipeline leaves it; ``column``: bool, kji, of :func:`~.column.column_of`;
    ``pet_suv``: float, PET grid. ``slice_spacing_mm``: of the PET along the patient; from the boundaries' profile, or
    the PET, where it is not given. After each :meth:`update`, ``vertebrae`` and ``table`` equal what
    ``column.vertebra_mask`` and ``suv_table.measure`` would say of the same boundaries.
    """

    def __init__(
        self,
        semantic: sitk.Image,
        column: np.ndarray,
        pet_suv: sitk.Image,
        boundaries: BoundarySet,
        slice_spacing_mm: float | None = None,
    ) -> None:
        if slice_spacing_mm is None:
            profile = boundaries.profile
            slice_spacing_mm = pet_suv.GetSpacing()[2] if profile is None else profile.spacing_mm
        self._spacing = slice_spacing_mm
        bodies = column & (sitk.GetArrayViewFromImage(semantic) == VERTEBRAL_BODY.label)
        self._voxels = np.flatnonzero(bodies)
        self._points = points_of(self._voxels, bodies.shape, Grid.of(semantic).ijk_to_lps)
        self._corners = corners_of(self._points)
        self._column = ColumnOnPet.of(pet_suv, semantic)
        bones = bones_on_pet(pet_suv, semantic)
        boxes: list[Box] = [bone.box for bone in bones]
        if self._column is not None:
            boxes.append(self._column.box)
            self._owners = np.zeros(self._column.fraction.shape, np.uint8)
        self._uptake = Uptake.of(pet_suv, hull(boxes)) if boxes else None
        self._bones = [self._uptake.row(bone) for bone in bones] if self._uptake else []
        self._pieces: list[Piece] = []
        self._parts: dict[tuple[object, ...], Part] = {}
        self._rows: dict[str, RegionSuv] = {}
        self.vertebrae: np.ndarray = np.zeros(bodies.shape, np.uint8)
        """VerSe numbers on the CT grid, kji uint8; changed in place."""
        self.update(boundaries)

    @property
    def table(self) -> list[RegionSuv]:
        """The rows of ``suv.csv``: vertebrae from the lowest up, then the whole bones."""
        return [*(self._rows[p.level] for p in self._pieces if p.level in self._rows), *self._bones]

    def update(self, boundaries: BoundarySet) -> Changed:
        """Make labels and table those of other boundaries of the same column."""
        pieces = pieces_of(boundaries)
        before = {piece.geometry: piece for piece in self._pieces}
        after = {piece.geometry: piece for piece in pieces}
        touched = [piece for key, piece in (before | after).items() if (key in before) != (key in after)]
        if not touched:
            return Changed((), ())
        self._relabel(touched, pieces)
        levels = {piece.level for key, piece in after.items() if key not in before}
        levels |= self._remeasure(touched, pieces)
        gone = tuple(p.level for p in self._pieces if p.level not in {piece.level for piece in pieces})
        self._pieces = pieces
        return Changed(tuple(p.level for p in pieces if p.level in levels), gone)

    def _relabel(self, touched: Sequence[Piece], pieces: Sequence[Piece]) -> None:
        spans = [piece.span_mm(self._corners) for piece in touched]
        low, high = min(s[0] for s in spans), max(s[1] for s in spans)
        z = self._points[2]
        near = np.flatnonzero((z >= low) & (z <= high))
        x, y, z = (axis[near] for axis in self._points)
        self.vertebrae.reshape(-1)[self._voxels[near]] = codes_at((x, y, z), pieces, self._spacing)

    def _remeasure(self, touched: Sequence[Piece], pieces: Sequence[Piece]) -> set[str]:
        """Owners and rows anew in the slices of the touched vertebrae; the levels of which the row is another now."""
        if self._column is None or self._uptake is None:
            return set()
        known = {p.geometry: self._parts[p.geometry] for p in self._pieces}
        parts = {p.geometry: known.get(p.geometry) or self._column.part(p) for p in pieces}
        slab = _hull_of((known | parts)[piece.geometry].slab for piece in touched)
        self._owners[self._column.within(slab)] = self._column.owners(parts.values(), slab)
        rows: dict[str, RegionSuv] = {}
        for key, part in parts.items():
            if key in known and (part.slab.stop <= slab.start or part.slab.start >= slab.stop):
                if part.level in self._rows:
                    rows[part.level] = self._rows[part.level]
                continue
            region = self._column.region(part, self._owners)
            if region is not None:
                rows[part.level] = self._uptake.row(region)
        changed = {level for level in rows.keys() | self._rows.keys() if self._rows.get(level) != rows.get(level)}
        self._parts, self._rows = parts, rows
        return changed


def _hull_of(slabs: Iterable[slice]) -> slice:
    filled = [s for s in slabs if s.stop > s.start]
    return slice(min(s.start for s in filled), max(s.stop for s in filled)) if filled else _NO_SLICES
