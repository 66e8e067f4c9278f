"""From true uptake to a PET: the scanner's point spread, sampling, and noise that grows with uptake."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from VertebraFLTLib.progress import Progress, silent

from .grid import Grid
from .options import PhantomOptions, PhantomSize
from .render import draw_uptake
from .solids import Solid

FWHM_PER_SIGMA = 2.0 * float(np.sqrt(2.0 * np.log(2.0)))
NOISE_FWHM_MM = 4.5
"""Correlation of the noise that reconstruction and post-filter leave."""


@dataclass(frozen=True)
class SimulatedPet:
    """PET-grid arrays kji float32: with noise, without noise (both blurred)."""

    suv: np.ndarray
    truth_suv: np.ndarray


def simulate_pet(
    solids: Sequence[Solid], size: PhantomSize, options: PhantomOptions, rng: np.random.Generator,
    progress: Progress = silent,
) -> SimulatedPet:  # fmt: skip
    """The PET of a scene. The content is moved by ``options.pet_shift_mm``; the grid stays."""
    grid = size.pet_grid()
    truth = blurred_uptake(solids, grid, size.pet_subdivision, options, progress)
    return SimulatedPet(add_noise(truth, grid, options.pet_noise, rng), truth)


def blurred_uptake(
    solids: Sequence[Solid], grid: Grid, subdivision: tuple[int, int, int], options: PhantomOptions,
    progress: Progress = silent,
) -> np.ndarray:  # fmt: skip
    """Noise-free SUV on ``grid`` (kji float32) after a Gaussian point spread and averaging over each voxel."""
    back = tuple(-s for s in options.pet_shift_mm)
    fine = grid.subdivided(subdivision)
    uptake = draw_uptake(solids, fine.moved(back), progress=progress)  # type: ignore[arg-type]
    sigma = options.psf_fwhm_mm / FWHM_PER_SIGMA
    if sigma > 0:
        gaussian_filter(uptake, [sigma / s for s in fine.spacing[::-1]], output=uptake, mode="nearest", truncate=3.5)
    fx, fy, fz = subdivision
    nz, ny, nx = grid.shape
    return uptake.reshape(nz, fz, ny, fy, nx, fx).mean(axis=(1, 3, 5), dtype=np.float32)


def add_noise(truth_suv: np.ndarray, grid: Grid, level: float, rng: np.random.Generator) -> np.ndarray:
    """Noise of variance ``level``² x SUV, correlated over about 4.5 mm; values stay at 0 or above."""
    if level == 0:
        return truth_suv.copy()
    noise = rng.standard_normal(truth_suv.shape, dtype=np.float32)
    noise = gaussian_filter(noise, [NOISE_FWHM_MM / FWHM_PER_SIGMA / s for s in grid.spacing[::-1]], mode="wrap")
    noise *= np.float32(level / noise.std())
    noise *= np.sqrt(truth_suv + np.float32(0.02))
    noise += truth_suv
    return np.maximum(noise, 0, out=noise)
