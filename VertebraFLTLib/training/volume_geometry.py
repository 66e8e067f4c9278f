"""Random placement of a 3-D patch in a patient: rotation, scale, shear, flips, elastic deformation, resampled once.

MONAI's transforms do one patch and one step at a time on the CPU; here a patch is read from the whole volume once, on
whatever device that lies (docs/decisions/augmentation-in-3d.md).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import grid_sample, interpolate, pad

from VertebraFLTLib.segmentation.grid import AIR_HU
from VertebraFLTLib.training.config import AugmentationConfig

_SHEAR = 0.06
_NODES_MM = 40.0  # distance of the nodes of the elastic deformation
_ELASTIC_MM = 5.0  # the most that its nodes are displaced by (standard deviation)


@dataclass(frozen=True)
class Placement:
    """Where the voxels of a patch come from: ``centre`` (k, j, i; voxels of the volume), the linear map ``matrix`` from
    millimetres in the patch to millimetres in the patient, and the displacement of ``nodes`` (3, nk, nj, ni; mm)."""

    centre: np.ndarray
    matrix: np.ndarray
    nodes: np.ndarray | None = None


def random_placement(
    centre: np.ndarray,
    patch: tuple[int, ...],
    spacing_mm: tuple[float, ...],
    settings: AugmentationConfig,
    random: np.random.Generator,
) -> Placement:
    """A placement around ``centre``; without augmentation it only reads the patch there. Axes are k, j, i."""
    matrix = np.eye(3)
    if random.random() < settings.affine:
        matrix = _rotation(np.radians(random.uniform(-settings.rotate_deg, settings.rotate_deg, 3)))
        shear = np.eye(3) + np.where(np.eye(3) == 1, 0.0, random.uniform(-_SHEAR, _SHEAR, (3, 3)))
        # Most of a change of size is the same along all axes: patients differ in size more than in proportion.
        size = random.uniform(-settings.scale, settings.scale)
        matrix = matrix @ shear * np.exp(size + random.uniform(-0.25, 0.25, 3) * settings.scale)
    flips = random.random(3) < 0.5
    matrix = matrix * np.where(flips & np.array([settings.flip_all, settings.flip_all, True]), -1.0, 1.0)
    nodes = None
    if random.random() < settings.elastic:
        counts = [max(2, round(n * s / _NODES_MM) + 1) for n, s in zip(patch, spacing_mm, strict=True)]
        nodes = random.normal(0.0, random.uniform(0.0, _ELASTIC_MM), (3, *counts))
    return Placement(centre, matrix, nodes)


def read_patch(
    image: torch.Tensor,
    labels: torch.Tensor,
    placement: Placement,
    patch: tuple[int, ...],
    spacing_mm: tuple[float, ...],
) -> tuple[torch.Tensor, torch.Tensor]:
    """Image (HU float32, linear) and labels (uint8, nearest) of the patch; beyond the volume lie air and background."""
    spacing = np.array(spacing_mm)
    half = (np.array(patch) - 1) / 2
    reach = np.abs(placement.matrix) @ (half * spacing)
    if placement.nodes is not None:
        reach += np.abs(placement.nodes).max(axis=(1, 2, 3))
    low = np.floor(placement.centre - reach / spacing).astype(int)
    size = np.ceil(placement.centre + reach / spacing).astype(int) - low + 1
    seen, named = (_window(v, low, size, b)[None, None] for v, b in ((image, AIR_HU), (labels, 0.0)))
    grid = _grid(placement, patch, spacing, low, size, image.device)
    seen = grid_sample(seen, grid, mode="bilinear", padding_mode="border", align_corners=True)
    named = grid_sample(named, grid, mode="nearest", padding_mode="border", align_corners=True)
    return seen[0, 0], named[0, 0].to(torch.uint8)


def _grid(
    placement: Placement,
    patch: tuple[int, ...],
    spacing: np.ndarray,
    low: np.ndarray,
    size: np.ndarray,
    device: torch.device,
) -> torch.Tensor:
    """The places to read, as grid_sample wants them: (1, k, j, i, 3) in -1..1 of the window, x first."""
    axes = [(torch.arange(n, device=device) - (n - 1) / 2) * float(s) for n, s in zip(patch, spacing, strict=True)]
    mm = torch.stack(torch.meshgrid(*axes, indexing="ij"))
    places = torch.tensordot(torch.as_tensor(placement.matrix, dtype=torch.float32, device=device), mm, dims=1)
    if placement.nodes is not None:
        nodes = torch.as_tensor(placement.nodes, dtype=torch.float32, device=device)[None]
        places = places + interpolate(nodes, size=tuple(patch), mode="trilinear", align_corners=True)[0]
    column = (3, 1, 1, 1)
    scale = torch.as_tensor(2.0 / (spacing * np.maximum(size - 1, 1)), dtype=torch.float32, device=device)
    origin = 2.0 * (placement.centre - low) / np.maximum(size - 1, 1) - 1.0
    places = places * scale.view(column) + torch.as_tensor(origin, dtype=torch.float32, device=device).view(column)
    return places.flip(0).movedim(0, -1)[None]


def _window(volume: torch.Tensor, low: np.ndarray, size: np.ndarray, beyond: float) -> torch.Tensor:
    """The part of ``volume`` from ``low`` of ``size`` (float32), filled with ``beyond`` where it leaves the volume."""
    margins: list[int] = []
    for axis in range(3):
        length, start, stop = volume.shape[axis], int(low[axis]), int(low[axis] + size[axis])
        first, last = (min(max(n, 0), length) for n in (start, stop))
        volume = volume.narrow(axis, first, last - first)
        margins = [max(0, min(first, stop) - start), max(0, stop - max(last, start)), *margins]
    return pad(volume.float(), margins, value=beyond)


def _rotation(angles: np.ndarray) -> np.ndarray:
    """Rotation by ``angles`` (radians) about the axes k, j and i in turn."""
    matrix = np.eye(3)
    for axis, angle in enumerate(angles):
        a, b = (n for n in range(3) if n != axis)
        turn = np.eye(3)
        turn[a, a] = turn[b, b] = math.cos(angle)
        turn[a, b], turn[b, a] = -math.sin(angle), math.sin(angle)
        matrix = matrix @ turn
    return matrix
