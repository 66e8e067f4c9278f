"""Simulated uptake profiles with known boundaries: cold discs in warm bodies, blurred by the scanner, with noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from VertebraFLTLib.spine.levels import order_up, span_of
from VertebraFLTLib.spine.profile import Profile


@dataclass(frozen=True)
class Beads:
    """A simulated column: its profile, its vertebrae from the lowest up and the disc centres between them."""

    profile: Profile
    names: tuple[str, ...]
    z_mm: np.ndarray


def make_beads(
    seed: int = 0,
    *,
    lowest: str = "L5",
    highest: str = "C2",
    thoracic: int = 12,
    l4_mm: float = 36.0,
    spacing_mm: float = 4.0,
    noise: float = 0.02,
    contrast: float = 0.7,
    fwhm_mm: float = 6.0,
    span_sd: float = 0.04,
    uptake_sd: float = 0.12,
    bottom_share: float = 1.0,
    top_share: float = 1.0,
    cut: tuple[bool, bool] = (False, False),
) -> Beads:
    """``noise``: relative, per slice; ``contrast``: of a disc before the blur; shares: of the end vertebrae in view."""
    rng = np.random.default_rng(seed)
    order = order_up(thoracic)
    names = order[order.index(lowest) : order.index(highest) + 1]
    spans = np.array([l4_mm * span_of(n) for n in names]) * np.exp(span_sd * rng.standard_normal(len(names)))
    spans[0] *= bottom_share
    spans[-1] *= top_share
    edges = 137.3 + np.concatenate([[0.0], np.cumsum(spans)]) + rng.uniform(0, spacing_mm)
    step = 0.25
    z = np.arange(edges[0] - 40, edges[-1] + 40, step)
    uptake = np.zeros_like(z)
    warmths = 5 * np.exp(uptake_sd * rng.standard_normal(len(names)))
    for low, high, warmth in zip(edges[:-1], edges[1:], warmths, strict=True):
        uptake[(z >= low) & (z < high)] = warmth
    for edge, span in zip(edges[1:-1], spans[1:], strict=True):
        uptake[np.abs(z - edge) < 0.13 * span] *= 1 - contrast
    # A tilted disc is smeared over the slices it crosses: most in the upper thoracic spine and the neck.
    smeared = gaussian_filter1d(uptake, fwhm_mm / 2.355 / step)
    tilted = gaussian_filter1d(smeared, 2.5 / step)
    neck = np.clip((z - edges[len(names) // 2]) / max(edges[-1] - edges[len(names) // 2], 1), 0, 1)
    smeared = (1 - neck) * smeared + neck * tilted
    half = spacing_mm / 2
    pad = (0 if cut[0] else 4, 0 if cut[1] else 4)
    count = int((edges[-1] - edges[0]) / spacing_mm)
    slices = edges[0] + half + (np.arange(-pad[0], count + pad[1])) * spacing_mm
    inside = (slices > edges[0]) & (slices < edges[-1])
    mean = np.interp(slices, z, smeared) * (1 + noise * rng.standard_normal(len(slices)))
    profile = Profile(
        np.arange(len(slices), dtype=float)[::-1].copy(),
        slices,
        np.where(inside, mean, 0.0),
        np.where(inside, 40, 0).astype(np.int64),
    )
    return Beads(profile, names, edges[1:-1])


@pytest.fixture(name="make_beads")
def make_beads_fixture() -> Callable[..., Beads]:
    return make_beads
