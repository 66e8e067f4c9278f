"""Random 3-D training patches: which patient, where, and how it is altered."""

from __future__ import annotations

import numpy as np
import torch

from VertebraFLTLib.segmentation.grid import normalised
from VertebraFLTLib.training.appearance import alter
from VertebraFLTLib.training.augmentation import intensity, spatial
from VertebraFLTLib.training.cases import TrainingCase
from VertebraFLTLib.training.config import AugmentationConfig
from VertebraFLTLib.training.sampling import case_weights, generator, window

_ROOM = 1.2  # how much larger the window is than the patch, so that rotating and shrinking find tissue at its corners
_ON_BONE = 0.8  # share of patches centred near a structure drawn at random
_KEPT_POINTS = 4000


class VolumeSampler:
    """Patches (n, 1, k, j, i) of ``patch`` voxels on a grid of ``spacing_z_mm``; see :class:`Sampler`."""

    def __init__(
        self,
        cases: list[TrainingCase],
        patch: tuple[int, int, int],
        spacing_z_mm: float,
        settings: AugmentationConfig,
        phantom_share: float,
        seed: int,
    ) -> None:
        self.cases, self.patch, self.spacing_z_mm, self.settings, self.seed = cases, patch, spacing_z_mm, settings, seed
        self.weights = case_weights(cases, phantom_share, [int(np.count_nonzero(c.labels % 255)) for c in cases])
        self.spatial, self.intensity = spatial(settings, patch, left_right=2), intensity(settings)
        random = np.random.default_rng(seed)
        self.points = [_points(c.labels, random) for c in cases]

    def batch(self, step: int, size: int) -> tuple[torch.Tensor, torch.Tensor]:
        pairs = [self._patch(generator(self.seed, step, n)) for n in range(size)]
        return torch.stack([p[0] for p in pairs]), torch.stack([p[1] for p in pairs])

    def _patch(self, random: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        which = int(random.choice(len(self.cases), p=self.weights))
        case = self.cases[which]
        wanted = tuple(round(_ROOM * n) for n in self.patch)
        first = self._place(which, wanted, random)
        hu = window(case.hu, first, wanted).astype(np.float32)
        labels = np.ascontiguousarray(window(case.labels, first, wanted))
        hu, labels = alter(hu, labels, self.spacing_z_mm, case.slice_mm, self.settings, random)
        data = {
            "image": torch.from_numpy(normalised(hu))[None],
            "label": torch.from_numpy(labels.astype(np.float32))[None],
        }
        # Two seeds: with one, the same draws would decide of a flip and of a change of intensity.
        self.spatial.set_random_state(int(random.integers(2**31)))
        self.intensity.set_random_state(int(random.integers(2**31)))
        data = self.intensity(self.spatial(data))
        return data["image"].as_tensor().clamp(-1, 1), data["label"].as_tensor()[0].round().long()

    def _place(self, which: int, wanted: tuple[int, ...], random: np.random.Generator) -> tuple[int, ...]:
        """The window's first voxel: around a point of a random structure, or anywhere."""
        shape, points = self.cases[which].labels.shape, self.points[which]
        if points and random.random() < _ON_BONE:
            of_structure = points[int(random.integers(len(points)))]
            centre = of_structure[int(random.integers(len(of_structure)))].astype(float)
            centre += random.uniform(-0.3, 0.3, 3) * self.patch
        else:
            centre = random.uniform(0, 1, 3) * shape
        first = np.rint(centre - np.array(wanted) / 2)
        # A window may leave the volume by a fifth, where it is mirrored; one wider than the volume is centred on it.
        out = np.array([0.2 * w for w in wanted])
        low, high = -out, np.array(shape) - wanted + out
        first = np.where(high > low, np.clip(first, low, high), (np.array(shape) - wanted) / 2)
        return tuple(int(v) for v in first)


def _points(labels: np.ndarray, random: np.random.Generator) -> list[np.ndarray]:
    """For each structure present, some of its voxels."""
    points = []
    for label in (1, 2, 3, 4):
        found = np.flatnonzero(labels == label)
        if len(found):
            some = random.choice(found, min(_KEPT_POINTS, len(found)), replace=False)
            points.append(np.stack(np.unravel_index(some, labels.shape), axis=1))
    return points
