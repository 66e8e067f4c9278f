"""Random 3-D training patches: which patient, where, and how it is altered; made on the device that trains."""

from __future__ import annotations

import numpy as np
import torch

from VertebraFLTLib.segmentation.grid import HU_WINDOW
from VertebraFLTLib.training.appearance import alter
from VertebraFLTLib.training.cases import TrainingCase
from VertebraFLTLib.training.config import AugmentationConfig
from VertebraFLTLib.training.sampling import case_weights, generator
from VertebraFLTLib.training.volume_geometry import random_placement, read_patch
from VertebraFLTLib.training.volume_intensity import vary_intensity

_STRUCTURES = {1: 0.55, 2: 0.18, 3: 0.15, 4: 0.12}
"""How often a patch is centred near each structure: hips and sacrum are in few volumes, and would hardly be seen."""
_ON_BONE = 0.85  # share of patches centred near a structure
_KEPT_POINTS = 4000


class VolumeSampler:
    """Patches (n, 1, k, j, i) of ``patch`` voxels of ``spacing_mm`` (k, j, i); see :class:`Sampler`."""

    def __init__(
        self,
        cases: list[TrainingCase],
        patch: tuple[int, int, int],
        spacing_mm: tuple[float, float, float],
        settings: AugmentationConfig,
        phantom_share: float,
        seed: int,
        device: torch.device | None = None,
    ) -> None:
        self.cases, self.patch, self.spacing_mm, self.settings, self.seed = cases, patch, spacing_mm, settings, seed
        self.volumes = [(torch.from_numpy(c.hu).to(device), torch.from_numpy(c.labels).to(device)) for c in cases]
        self.anywhere = case_weights(cases, phantom_share, [c.labels.size for c in cases])
        random = np.random.default_rng(seed)
        points = [{label: _points(c.labels == label, random) for label in _STRUCTURES} for c in cases]
        self.points = [{label: p for label, p in each.items() if len(p)} for each in points]
        present = {label: [n for n, each in enumerate(self.points) if label in each] for label in _STRUCTURES}
        self.labels = [label for label, having in present.items() if having]
        share = np.array([_STRUCTURES[label] for label in self.labels])
        self.label_weights = share / share.sum()
        # Within a structure every patient counts the same, however long.
        self.having = {
            label: (present[label], case_weights([cases[n] for n in present[label]], phantom_share))
            for label in self.labels
        }

    def batch(self, step: int, size: int) -> tuple[torch.Tensor, torch.Tensor]:
        pairs = [self._patch(generator(self.seed, step, n)) for n in range(size)]
        return torch.stack([p[0] for p in pairs]), torch.stack([p[1] for p in pairs])

    def _patch(self, random: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        which, centre = self._place(random)
        case = self.cases[which]
        placement = random_placement(centre, self.patch, self.spacing_mm, self.settings, random)
        hu, labels = read_patch(*self.volumes[which], placement, self.patch, self.spacing_mm)
        hu, labels = alter(hu, labels, self.spacing_mm[0], case.slice_mm, self.settings, random)
        low, high = HU_WINDOW
        image = (hu.clamp(low, high) - (low + high) / 2) / ((high - low) / 2)
        return vary_intensity(image, self.settings, random)[None], labels.long()

    def _place(self, random: np.random.Generator) -> tuple[int, np.ndarray]:
        """Which patient, and the patch's centre (voxels): near a point of a random structure, or anywhere."""
        if self.labels and random.random() < _ON_BONE:
            label = self.labels[int(random.choice(len(self.labels), p=self.label_weights))]
            having, weights = self.having[label]
            which = having[int(random.choice(len(having), p=weights))]
            points = self.points[which][label]
            centre = points[int(random.integers(len(points)))] + random.uniform(-0.3, 0.3, 3) * self.patch
        else:
            which = int(random.choice(len(self.cases), p=self.anywhere))
            centre = random.uniform(0, 1, 3) * self.cases[which].labels.shape
        # A patch may leave the volume by a sixth of its own size; in one wider than the volume lies the whole of it.
        shape, patch = np.array(self.cases[which].labels.shape), np.array(self.patch)
        low, high = patch / 3, shape - patch / 3
        return which, np.where(high > low, np.clip(centre, low, high), shape / 2)


def _points(structure: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Some of a structure's voxels (n, 3), as many from each of its slices: by volume the neck would hardly count."""
    found = np.argwhere(structure)
    if not len(found):
        return found
    slices, first, count = np.unique(found[:, 0], return_index=True, return_counts=True)
    chosen = random.integers(len(slices), size=_KEPT_POINTS)
    return found[first[chosen] + (random.random(_KEPT_POINTS) * count[chosen]).astype(int)]
