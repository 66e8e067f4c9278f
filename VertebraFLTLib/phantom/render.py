"""Laying solids onto a grid, in order, each voxel holding the share of it that a solid fills."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from VertebraFLTLib.progress import Progress, silent

from .grid import Grid
from .solids import Solid

_CHUNK_VOXELS = 1_500_000


@dataclass(frozen=True)
class Coverage:
    """What one solid fills of a block of voxels (``where``, kji): all of it and its core, each 0 to 1."""

    solid: Solid
    where: tuple[slice, slice, slice]
    whole: np.ndarray
    core: np.ndarray


def coverages(solids: Sequence[Solid], grid: Grid, sub_z: int, uptake: bool = False) -> Iterator[Coverage]:
    """The filled shares of each solid in turn, block by block.

    In plane a voxel's share follows from the distance to the surface; along z ``sub_z`` positions are averaged, so
    that thick slices mix what they contain, as an under-sampled CT does. ``uptake`` takes the core as the PET sees it.
    """
    pixel = np.float32((grid.spacing[0] + grid.spacing[1]) / 2)
    for solid in solids:
        box = grid.box(solid.bounds)
        if box is None:
            continue
        sub = 1 if solid.coarse else sub_z
        x = grid.axis(0, box[2].start, box[2].stop)[None, None, :]
        y = grid.axis(1, box[1].start, box[1].stop)[None, :, None]
        per_slice = x.size * y.size * sub
        step = max(1, _CHUNK_VOXELS // per_slice)
        for start in range(box[0].start, box[0].stop, step):
            stop = min(start + step, box[0].stop)
            z = grid.axis(2, start, stop)
            fine = z[:, None] + ((np.arange(sub) + 0.5) / sub - 0.5).astype(np.float32) * np.float32(grid.spacing[2])
            d = solid.distance(x, y, fine.reshape(-1, 1, 1)).astype(np.float32, copy=False)
            d = np.broadcast_to(d, (fine.size, y.size, x.size))
            whole = _share(d, pixel, sub)
            if not whole.any():
                continue
            cold = solid.material.cold_mm
            rim = np.float32(cold if uptake and cold is not None else solid.material.rim_mm)
            core = _share(d + rim, pixel, sub) if rim > 0 else whole
            yield Coverage(solid, (slice(start, stop), box[1], box[2]), whole, core)


def _share(distance: np.ndarray, pixel: np.float32, sub: int) -> np.ndarray:
    share = np.clip(np.float32(0.5) - distance / pixel, 0, 1)
    if sub > 1:
        share = share.reshape(-1, sub, *share.shape[1:]).mean(axis=1)
    return share


@dataclass(frozen=True)
class Drawing:
    """A drawn grid: HU (float32) and the labels of the voxels that a labelled solid fills by half or more."""

    hu: np.ndarray
    semantic: np.ndarray
    vertebrae: np.ndarray


def draw_ct(
    solids: Sequence[Solid], grid: Grid, sub_z: int, rng: np.random.Generator, progress: Progress = silent
) -> Drawing:
    """HU (kji, float32) without noise, and the truth masks on the same grid."""
    hu = np.full(grid.shape, -1000.0, dtype=np.float32)
    semantic = np.zeros(grid.shape, dtype=np.uint8)
    vertebrae = np.zeros(grid.shape, dtype=np.uint8)
    count = {id(s): i for i, s in enumerate(solids)}
    for part in coverages(solids, grid, sub_z):
        material = part.solid.material
        block = hu[part.where]
        block *= 1 - part.whole
        core_hu: np.ndarray | np.float32 = np.float32(material.core_hu)
        if material.texture_hu:
            core_hu = core_hu + _texture(part.core.shape, grid, material.texture_hu, rng)
        if material.rim_mm > 0:
            block += (part.whole - part.core) * np.float32(material.rim_hu) + part.core * core_hu
        else:
            block += part.whole * core_hu
        _label(part, semantic[part.where], vertebrae[part.where])
        progress("phantom CT", count[id(part.solid)] / len(solids))
    return Drawing(hu, semantic, vertebrae)


def draw_labels(solids: Sequence[Solid], grid: Grid, sub_z: int) -> tuple[np.ndarray, np.ndarray]:
    """Semantic and vertebra labels (kji uint8) on any grid."""
    semantic = np.zeros(grid.shape, dtype=np.uint8)
    vertebrae = np.zeros(grid.shape, dtype=np.uint8)
    for part in coverages([s for s in solids if s.label], grid, sub_z):
        _label(part, semantic[part.where], vertebrae[part.where])
    return semantic, vertebrae


def draw_column(solids: Sequence[Solid], grid: Grid, sub_z: int) -> np.ndarray:
    """The spine in one piece, bodies and discs: kji bool, voxels filled by half or more."""
    empty = np.ones(grid.shape, dtype=np.float32)
    for part in coverages([s for s in solids if s.column], grid, sub_z):
        empty[part.where] *= 1 - part.whole
    return empty <= 0.5


def draw_uptake(solids: Sequence[Solid], grid: Grid, sub_z: int = 1, progress: Progress = silent) -> np.ndarray:
    """True uptake (SUV, kji float32) without blur or noise."""
    suv = np.zeros(grid.shape, dtype=np.float32)
    count = {id(s): i for i, s in enumerate(solids)}
    for part in coverages(solids, grid, sub_z, uptake=True):
        material = part.solid.material
        block = suv[part.where]
        block *= 1 - part.whole
        block += (part.whole - part.core) * np.float32(material.rim_suv) + part.core * np.float32(material.core_suv)
        progress("phantom PET", count[id(part.solid)] / len(solids))
    return suv


def _label(part: Coverage, semantic: np.ndarray, vertebrae: np.ndarray) -> None:
    if part.solid.label:
        inside = part.whole >= 0.5
        semantic[inside] = max(part.solid.label, 0)  # -1: a hole in a labelled solid
        vertebrae[inside] = part.solid.code


def _texture(shape: tuple[int, ...], grid: Grid, deviation: float, rng: np.random.Generator) -> np.ndarray:
    """Fine structure of spongy bone: noise of about 2 mm, weaker where thick voxels average it."""
    from scipy.ndimage import gaussian_filter1d

    noise = rng.standard_normal(shape, dtype=np.float32)
    for axis in (1, 2):
        sigma = 1.2 / grid.spacing[0]
        if sigma > 0.3:
            noise = gaussian_filter1d(noise, sigma, axis=axis, mode="nearest", truncate=2.5)
    spread = float(noise.std()) or 1.0
    return noise * np.float32(deviation / spread)
