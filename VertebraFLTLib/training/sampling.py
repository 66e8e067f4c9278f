"""Random 2-D training patches from the cases: which slice, where, and how it is altered (thesis ch. 3.1.4)."""

from __future__ import annotations

import math

import numpy as np
import torch
from monai.transforms import (
    Compose,
    RandAdjustContrastd,
    RandAffined,
    RandFlipd,
    RandGaussianNoised,
    RandGaussianSmoothd,
    RandScaleIntensityd,
    RandShiftIntensityd,
)

from VertebraFLTLib.segmentation.views import as_stack
from VertebraFLTLib.training.cases import TrainingCase

# Rows x columns. Axial slices: 320 mm square at 2 mm; sagittal and coronal rows run along z (288 mm at 3 mm).
PATCH = {"axial": (160, 160), "sagittal": (96, 160), "coronal": (96, 160)}


def augmentation(view: str) -> Compose:
    """Scale, rotation, shift, flip with mirror padding as the thesis; blur, noise, contrast and brightness beside them.

    Slices are flipped left-right only: a spine seen upside down or from behind does not occur.
    """
    both = ["image", "label"]
    steps: list[object] = [
        RandAffined(
            both,
            prob=0.9,
            rotate_range=math.radians(25),
            shear_range=0.08,
            scale_range=0.2,
            spatial_size=PATCH[view],
            mode=("bilinear", "nearest"),
            padding_mode="reflection",
        ),
        RandAdjustContrastd("image", prob=0.3, gamma=(0.75, 1.4)),
        RandScaleIntensityd("image", factors=0.15, prob=0.4),
        RandShiftIntensityd("image", offsets=0.08, prob=0.4),
        RandGaussianSmoothd("image", sigma_x=(0.3, 0.9), sigma_y=(0.3, 0.9), prob=0.25),
        RandGaussianNoised("image", prob=0.4, std=0.06),
    ]
    if view != "sagittal":
        steps.insert(0, RandFlipd(both, prob=0.5, spatial_axis=1))
    return Compose(steps)


class PatchSampler:
    """Batches of one view: image (n, 2 context + 1, rows, columns) float32 and label (n, rows, columns) int64."""

    def __init__(self, cases: list[TrainingCase], view: str, context: int, seed: int) -> None:
        self.cases, self.view, self.context = cases, view, context
        self.random = np.random.default_rng(seed)
        self.augment = augmentation(view)
        self.augment.set_random_state(seed)
        self.bony = [np.flatnonzero(np.isin(as_stack(c.labels, view), (1, 2, 3, 4)).any(axis=(1, 2))) for c in cases]
        # A longer patient gives more slices, but not so many more that the short ones are never seen.
        weight = np.sqrt([len(b) for b in self.bony])
        self.weight = weight / weight.sum()

    def batch(self, size: int) -> tuple[torch.Tensor, torch.Tensor]:
        pairs = [self._patch() for _ in range(size)]
        return torch.stack([p[0] for p in pairs]), torch.stack([p[1] for p in pairs])

    def _patch(self) -> tuple[torch.Tensor, torch.Tensor]:
        which = self.random.choice(len(self.cases), p=self.weight)
        case = self.cases[which]
        volume = case.samplings[self.random.integers(len(case.samplings))]
        images, labels = as_stack(volume, self.view), as_stack(case.labels, self.view)
        slices = self.bony[which] if self.random.random() < 0.85 else np.arange(len(labels))
        index = int(self.random.choice(slices))
        around = np.clip(index + np.arange(-self.context, self.context + 1), 0, len(images) - 1)
        wanted = [round(1.25 * n) for n in PATCH[self.view]]
        rows, columns = self._window(labels[index], wanted)
        image = _cut(images[around], rows, columns, wanted).astype(np.float32)
        label = _cut(labels[index][None], rows, columns, wanted)
        out = self.augment({"image": torch.from_numpy(image), "label": torch.from_numpy(label.astype(np.float32))})
        image_t, label_t = out["image"].as_tensor(), out["label"].as_tensor()[0]
        image_t, label_t = image_t.clamp(-1, 1), label_t.round().long()
        if self.random.random() < 0.2:
            self._narrow(image_t, label_t)
        return image_t, label_t

    def _narrow(self, image: torch.Tensor, label: torch.Tensor) -> None:
        """A random field of view: scans are cropped to the spine, or end at the edge of the gantry; beyond is air."""
        for axis, n in enumerate(label.shape):
            low, high = (int(v * n) for v in (self.random.uniform(0, 0.35), self.random.uniform(0.65, 1)))
            for part in (slice(0, low), slice(high, n)):
                image.narrow(axis + 1, part.start, part.stop - part.start).fill_(-1.0)
                label.narrow(axis, part.start, part.stop - part.start).fill_(0)

    def _window(self, label: np.ndarray, wanted: list[int]) -> tuple[int, int]:
        """The first row and column; half the windows are centred on bone, jittered by 20 % of their size."""
        found = np.argwhere((label > 0) & (label < 5))
        if len(found) and self.random.random() < 0.6:
            centre = found[self.random.integers(len(found))].astype(float)
            centre += self.random.uniform(-0.2, 0.2, 2) * wanted
        else:
            centre = self.random.uniform(0, 1, 2) * label.shape
        first = centre - np.array(wanted) / 2
        # Stay inside where the slice is larger than the window.
        limit = np.maximum(np.array(label.shape) - wanted, 0)
        first = np.where(limit > 0, np.clip(first, 0, limit), -(wanted - np.array(label.shape)) / 2)
        return int(first[0]), int(first[1])


def _cut(stack: np.ndarray, row: int, column: int, wanted: list[int]) -> np.ndarray:
    """The window from (c, rows, columns), mirrored where it leaves the slice."""
    pads, cuts = [(0, 0)], [slice(None)]
    for start, n, size in zip((row, column), wanted, stack.shape[1:], strict=True):
        pads.append((max(0, -start), max(0, start + n - size)))
        cuts.append(slice(max(0, start), min(size, start + n)))
    return np.pad(stack[tuple(cuts)], pads, mode="symmetric")
