"""The product's own segmenter: three 2-D U-Nets, one a view, and their ensemble (thesis ch. 3)."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import SimpleITK as sitk
import torch

from VertebraFLTLib.anatomy import STRUCTURES
from VertebraFLTLib.errors import InputError
from VertebraFLTLib.progress import Progress
from VertebraFLTLib.result import COMBINATIONS
from VertebraFLTLib.segmentation.cleanup import clean_up
from VertebraFLTLib.segmentation.combine import margins
from VertebraFLTLib.segmentation.device import choose_device, device_words
from VertebraFLTLib.segmentation.grid import body_box, box_on, crop, normalised, sample_ct, whole_grid
from VertebraFLTLib.segmentation.network import fused_for_inference
from VertebraFLTLib.segmentation.protocol import Segmentation
from VertebraFLTLib.segmentation.views import as_stack, stack_probabilities
from VertebraFLTLib.segmentation.weights import Model, load_network

# A slice of the patient without a single voxel above this holds no bone, and no network is asked about it.
BONE_HU = 120.0


class EnsembleSegmenter:
    """Holds the networks, so that a cohort loads them once.

    views, combine, threshold: as the model's manifest says where None; a threshold given holds for all views and
    structures. crop: whether to leave out air around the patient and slices without bone (the result is the same).
    """

    def __init__(
        self,
        model: Model,
        *,
        device: str = "auto",
        views: tuple[str, ...] | None = None,
        combine: str | None = None,
        threshold: float | None = None,
        crop: bool = True,
        batch: int = 8,
    ) -> None:
        self.model = model
        self.device = choose_device(device)
        self.views = views or model.views
        self.combine = combine or model.combine
        if self.combine not in COMBINATIONS:
            raise InputError(f"--combine {self.combine}: choose one of {', '.join(COMBINATIONS)}")
        missing = [v for v in self.views if v not in model.files]
        if missing:
            raise InputError(
                f"model {model.name} has no weights for the {missing[0]} view; it has {', '.join(model.files)}"
            )
        if self.combine == "vote" and len(self.views) < 2:
            raise InputError("--combine vote needs at least two views")
        self.thresholds = {
            view: [threshold] * len(STRUCTURES) if threshold is not None else model.thresholds[view]
            for view in self.views
        }
        self.networks = {v: fused_for_inference(load_network(model, v, self.device)) for v in self.views}
        self.crop, self.batch = crop, batch

    def segment(self, ct: sitk.Image, progress: Progress) -> Segmentation:
        """See :class:`Segmenter`. Details include the floating-point operations done and the seconds they took."""
        probabilities, part, work = self.probabilities(ct, progress)
        decided = margins(probabilities, self.thresholds, self.combine)
        probabilities.clear()
        progress("segmentation", 0.93)
        mask = to_ct_grid(decided, part, ct)
        progress("segmentation", 0.97)
        mask, removed = clean_up(mask, ct)
        details: dict[str, Any] = {
            "segmenter": "ensemble",
            "model": self.model.name,
            "weights_sha256": self.model.digest,
            "views": list(self.views),
            "combine": self.combine,
            "thresholds": self.thresholds,
            "spacing_mm": list(self.model.spacing_mm),
            "device": device_words(self.device),
            "torch": torch.__version__,
            "removed_by_clean_up_ml": removed,
            **work,
        }
        progress("segmentation", 1.0)
        return Segmentation(mask, details)

    def probabilities(
        self, ct: sitk.Image, progress: Progress
    ) -> tuple[dict[str, np.ndarray], sitk.Image, dict[str, float]]:
        """Per view uint8 probabilities (structures, k, j, i) on a part of the working grid; that part's geometry
        (an image without content); and the work done (FLOP, seconds in the networks)."""
        grid = whole_grid(ct, self.model.spacing_mm)
        box = tuple((0, n) for n in grid.GetSize())
        if self.crop:
            box = body_box(ct, grid, self.model.shape.stride)
        hu = sitk.GetArrayFromImage(sample_ct(ct, grid, box))
        bony = hu > BONE_HU
        volume = normalised(hu)
        del hu
        found: dict[str, np.ndarray] = {}
        flop = 0.0
        began = time.perf_counter()
        for index, view in enumerate(self.views):
            network = self.networks[view]
            wanted = np.asarray(as_stack(bony, view).any(axis=(1, 2))) if self.crop else None
            start = index

            def report(fraction: float, start: int = start) -> None:
                progress("segmentation", 0.03 + 0.87 * (start + fraction) / len(self.views))

            found[view] = stack_probabilities(network, volume, view, wanted=wanted, batch=self.batch, progress=report)
            stack = as_stack(volume, view)
            slices = len(stack) if wanted is None else int(wanted.sum())
            stride = network.shape.stride
            padded = np.prod([-(-n // stride) * stride for n in stack.shape[1:]])
            flop += float(slices * padded) * network.flops_per_pixel()
        seconds = time.perf_counter() - began
        return found, crop(grid, box), {"network_flop": flop, "network_seconds": round(seconds, 3)}


def to_ct_grid(decided: np.ndarray, part: sitk.Image, ct: sitk.Image) -> sitk.Image:
    """Margins (structures, k, j, i) on the working grid ``part`` become labels on the grid of ``ct``.

    Each structure's margin is interpolated linearly inside its own box; where several claim a voxel, the one with
    the largest margin has it.
    """
    labels = np.zeros(ct.GetSize()[::-1], np.uint8)
    best = np.zeros(ct.GetSize()[::-1], np.int16)
    for structure, margin in zip(STRUCTURES, decided, strict=True):
        where = [np.flatnonzero((margin >= 0).any(axis=tuple({0, 1, 2} - {a}))) for a in (2, 1, 0)]
        if not len(where[0]):
            continue
        # One voxel more on each side: the surface lies between a voxel inside and one outside.
        inner = tuple(
            (max(0, int(w[0]) - 1), min(n, int(w[-1]) + 2)) for w, n in zip(where, part.GetSize(), strict=True)
        )
        image = sitk.GetImageFromArray(margin[tuple(slice(a, b) for a, b in reversed(inner))])
        image.CopyInformation(crop(part, inner))
        target = box_on(ct, part, inner)
        on_ct = sitk.Resample(
            image, crop(_geometry(ct), target), sitk.Transform(), sitk.sitkLinear, -255.0, sitk.sitkInt16
        )
        here = tuple(slice(a, b) for a, b in reversed(target))
        value = sitk.GetArrayFromImage(on_ct) + np.int16(1)  # a margin of 0 is inside
        wins = value > best[here]
        labels[here][wins] = structure.label
        best[here][wins] = value[wins]
    mask = sitk.GetImageFromArray(labels)
    mask.CopyInformation(ct)
    return mask


def _geometry(image: sitk.Image) -> sitk.Image:
    """An empty 1-byte image with the same grid: cheaper to crop than the CT itself."""
    empty = sitk.Image(image.GetSize(), sitk.sitkUInt8)
    empty.CopyInformation(image)
    return empty
