"""Random 2-D training patches of one view: which patient, which slice, where, and how it is altered (thesis 3.1.4)."""

from __future__ import annotations

import numpy as np
import torch

from VertebraFLTLib.segmentation.grid import normalised
from VertebraFLTLib.segmentation.views import STACK_AXIS, as_stack
from VertebraFLTLib.training.appearance import alter
from VertebraFLTLib.training.augmentation import intensity, spatial
from VertebraFLTLib.training.cases import DISC, TrainingCase
from VertebraFLTLib.training.config import AugmentationConfig
from VertebraFLTLib.training.sampling import case_weights, generator, window

# Millimetres of rows and columns: the thesis's 320 x 320 pixels of about 1 mm; rows run along z but in axial slices.
_PATCH_MM = {"axial": (320.0, 320.0), "sagittal": (288.0, 320.0), "coronal": (288.0, 320.0)}
_MULTIPLE = 16
_ROOM = 1.25  # how much larger the window is than the patch
_THICK = 4  # slices more on either side of an axial slice, out of which thicker ones are simulated


class SliceSampler:
    """Patches of one view: image (n, 2 context + 1, rows, columns), label (n, rows, columns); see :class:`Sampler`."""

    def __init__(
        self,
        cases: list[TrainingCase],
        view: str,
        context: int,
        spacing_mm: tuple[float, float, float],
        settings: AugmentationConfig,
        phantom_share: float,
        seed: int,
    ) -> None:
        self.cases, self.view, self.context, self.settings, self.seed = cases, view, context, settings, seed
        self.spacing_z_mm = spacing_mm[2]
        self.in_plane = tuple(a for a in range(3) if a != STACK_AXIS[view])
        # Spacing of rows and columns: x is last in spacing_mm's order reversed (kji).
        pixel = np.delete(np.array(spacing_mm[::-1]), STACK_AXIS[view])
        rows, columns = (round(mm / s / _MULTIPLE) * _MULTIPLE for mm, s in zip(_PATCH_MM[view], pixel, strict=True))
        self.patch = (int(rows), int(columns))
        self.spatial = spatial(settings, self.patch, left_right=None if view == "sagittal" else 1)
        self.intensity = intensity(settings)
        self.bony = [_bony_slices(c.labels, view) for c in cases]
        self.weights = case_weights(cases, phantom_share, [len(b) for b in self.bony])

    def batch(self, step: int, size: int) -> tuple[torch.Tensor, torch.Tensor]:
        pairs = [self._patch(generator(self.seed, step, n)) for n in range(size)]
        return torch.stack([p[0] for p in pairs]), torch.stack([p[1] for p in pairs])

    def _patch(self, random: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        which = int(random.choice(len(self.cases), p=self.weights))
        case, axis = self.cases[which], STACK_AXIS[self.view]
        every = np.arange(case.labels.shape[axis])
        index = int(random.choice(self.bony[which] if random.random() < 0.85 and len(self.bony[which]) else every))
        around = self.context + (_THICK if self.view == "axial" else 0)
        wanted = [round(_ROOM * n) for n in self.patch]
        first = [*self._corner(as_stack(case.labels, self.view)[index], wanted, random)]
        wanted.insert(axis, 2 * around + 1)
        first.insert(axis, index - around)
        whole_hu = torch.from_numpy(window(case.hu, tuple(first), tuple(wanted)).astype(np.float32))
        whole_labels = torch.from_numpy(np.ascontiguousarray(window(case.labels, tuple(first), tuple(wanted))))
        hu, labels = alter(
            whole_hu, whole_labels, self.spacing_z_mm, case.slice_mm, self.settings, random, self.in_plane
        )
        middle = slice(around - self.context, around + self.context + 1)
        image = normalised(as_stack(hu.numpy(), self.view)[middle])
        data = {
            "image": torch.from_numpy(image),
            "label": torch.from_numpy(as_stack(labels.numpy(), self.view)[around].astype(np.float32))[None],
        }
        # Two seeds: with one, the same draws would decide of a flip and of a change of intensity.
        self.spatial.set_random_state(int(random.integers(2**31)))
        self.intensity.set_random_state(int(random.integers(2**31)))
        data = self.intensity(self.spatial(data))
        return data["image"].as_tensor().clamp(-1, 1), data["label"].as_tensor()[0].round().long()

    def _corner(self, label: np.ndarray, wanted: list[int], random: np.random.Generator) -> tuple[int, int]:
        """The first row and column; 60 % of the windows are around bone, jittered by 20 % of their size."""
        found = np.argwhere((label > 0) & (label < DISC))
        if len(found) and random.random() < 0.6:
            centre = found[random.integers(len(found))].astype(float)
            centre += random.uniform(-0.2, 0.2, 2) * wanted
        else:
            centre = random.uniform(0, 1, 2) * label.shape
        first = centre - np.array(wanted) / 2
        # Stay inside where the slice is larger than the window.
        limit = np.array(label.shape) - wanted
        first = np.where(limit > 0, np.clip(first, 0, np.maximum(limit, 0)), limit / 2)
        return int(first[0]), int(first[1])


def _bony_slices(labels: np.ndarray, view: str) -> np.ndarray:
    return np.flatnonzero(np.isin(as_stack(labels, view), (1, 2, 3, 4)).any(axis=(1, 2)))
