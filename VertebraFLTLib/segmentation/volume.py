"""``--segmenter volume``: 3-D networks on a grid of their own, their probabilities averaged."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import SimpleITK as sitk
import torch

from VertebraFLTLib.anatomy import STRUCTURES
from VertebraFLTLib.errors import InputError
from VertebraFLTLib.progress import Progress
from VertebraFLTLib.segmentation.device import choose_device, device_words
from VertebraFLTLib.segmentation.grid import body_box, crop, normalised, sample_ct, whole_grid
from VertebraFLTLib.segmentation.network3d import VolumeNet, VolumeNetShape, fused_volume_net
from VertebraFLTLib.segmentation.onto_ct import mask_on_ct
from VertebraFLTLib.segmentation.protocol import Segmentation
from VertebraFLTLib.segmentation.second_look import moved, moved_back
from VertebraFLTLib.segmentation.slabs import slab_probabilities
from VertebraFLTLib.segmentation.weights import Model, load_network

VOLUME = "volume"  # the key of a 3-D model's thresholds, and of its structures' probabilities
DISCS = "discs"  # and of those of the discs, which become no mask: they tell where one vertebra ends


class VolumeSegmenter:
    """Holds the networks, so that a cohort loads them once. threshold: one for all structures, or the model's own."""

    def __init__(
        self, model: Model, *, device: str = "auto", threshold: float | None = None, mirror: bool | None = None
    ) -> None:
        if model.kind != "unet3d":
            raise InputError(f"{model.folder}: holds 2-D networks, one a view; use --segmenter ensemble")
        self.model = model
        self.device = choose_device(device)
        self.thresholds = [threshold] * len(STRUCTURES) if threshold is not None else model.thresholds[VOLUME]
        self.mirror = model.mirror if mirror is None else mirror
        self.networks: dict[str, VolumeNet] = {}
        for name in model.files:
            network = load_network(model, name, self.device)
            assert isinstance(network, VolumeNet)
            self.networks[name] = fused_volume_net(network)

    def looks(self) -> list[tuple[VolumeNet, bool]]:
        """Each network, and whether it sees the patient mirrored and moved (second_look.py)."""
        networks = list(self.networks.values())
        if self.mirror and len(networks) == 1:
            return [(networks[0], False), (networks[0], True)]
        return [(network, self.mirror and index % 2 == 1) for index, network in enumerate(networks)]

    def segment(self, ct: sitk.Image, progress: Progress) -> Segmentation:
        """See :class:`Segmenter`. Details include the floating-point operations done and the seconds they took."""
        probability, part, work = self.probabilities(ct, progress)
        discs = sitk.GetImageFromArray(probability.pop(DISCS))
        discs.CopyInformation(part)
        mask, removed = mask_on_ct(probability, {VOLUME: self.thresholds}, "average", part, ct, progress)
        details: dict[str, Any] = {
            "segmenter": VOLUME,
            "model": self.model.name,
            "weights_sha256": self.model.digest,
            "networks": list(self.networks),
            "mirror": self.mirror,
            "thresholds": {VOLUME: self.thresholds},
            "spacing_mm": list(self.model.spacing_mm),
            "device": device_words(self.device),
            "torch": torch.__version__,
            "removed_by_clean_up_ml": removed,
            **work,
        }
        progress("segmentation", 1.0)
        return Segmentation(mask, details, discs=discs)

    def probabilities(
        self, ct: sitk.Image, progress: Progress
    ) -> tuple[dict[str, np.ndarray], sitk.Image, dict[str, float]]:
        """``{"volume": uint8 (structures, k, j, i), "discs": uint8 (k, j, i)}`` on a part of the working grid, 255 = 1;
        that part's geometry (an image without content); and the work done (FLOP, seconds in the networks)."""
        grid = whole_grid(ct, self.model.spacing_mm)
        assert isinstance(self.model.shape, VolumeNetShape)
        box = body_box(ct, grid, self.model.shape.strides[2])
        volume = normalised(sitk.GetArrayFromImage(sample_ct(ct, grid, box)))
        began = time.perf_counter()
        total = np.zeros((len(STRUCTURES) + 1, *volume.shape), np.uint16)
        flop = 0.0
        looks = self.looks()
        for index, (network, second) in enumerate(looks):

            def report(fraction: float, index: int = index) -> None:
                progress("segmentation", 0.03 + 0.87 * (index + fraction) / len(looks))

            voxels: list[int] = []
            seen = moved(volume) if second else volume
            found = slab_probabilities(network, seen, progress=report, computed=voxels.append)
            total += moved_back(found) if second else found
            flop += sum(voxels) * network.flops_per_voxel()
        seconds = time.perf_counter() - began
        mean = ((total + len(looks) // 2) // len(looks)).astype(np.uint8)
        work = {"network_flop": flop, "network_seconds": round(seconds, 3)}
        return {VOLUME: mean[:-1], DISCS: mean[-1]}, crop(grid, box), work
