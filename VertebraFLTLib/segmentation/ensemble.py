"""The thesis's segmenter: three 2-D U-Nets, one a view, and their ensemble (thesis ch. 3)."""

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
from VertebraFLTLib.segmentation.device import choose_device, device_words
from VertebraFLTLib.segmentation.grid import body_box, crop, normalised, sample_ct, whole_grid
from VertebraFLTLib.segmentation.network import UNet2d, UNetShape, fused_for_inference
from VertebraFLTLib.segmentation.onto_ct import mask_on_ct
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
        if model.kind != "unet2d":
            raise InputError(f"{model.folder}: holds a 3-D network, not one a view; leave out --views and --combine")
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
        self.networks: dict[str, UNet2d] = {}
        for view in self.views:
            network = load_network(model, view, self.device)
            assert isinstance(network, UNet2d)
            self.networks[view] = fused_for_inference(network)
        self.crop, self.batch = crop, batch

    def segment(self, ct: sitk.Image, progress: Progress) -> Segmentation:
        """See :class:`Segmenter`. Details include the floating-point operations done and the seconds they took."""
        probabilities, part, work = self.probabilities(ct, progress)
        mask, removed = mask_on_ct(probabilities, self.thresholds, self.combine, part, ct, progress)
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
            assert isinstance(self.model.shape, UNetShape)
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
