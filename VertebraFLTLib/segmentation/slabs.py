"""A volume streamed through the 3-D network in slabs along the patient, each seen with its surroundings."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable

import numpy as np
import torch
from torch.nn.functional import pad

from VertebraFLTLib.segmentation.network3d import VolumeNet, up_to_multiple
from VertebraFLTLib.segmentation.views import is_out_of_memory

log = logging.getLogger(__name__)


def slab_probabilities(
    network: VolumeNet,
    volume: np.ndarray,
    *,
    slab: int = 192,
    progress: Callable[[float], None] = lambda fraction: None,
    computed: Callable[[int], None] = lambda voxels: None,
) -> np.ndarray:
    """Probability of each class but the background at each voxel: the structures, then the discs.

    volume: kji, normalised as by ``grid.normalised``. Returns uint8 (classes - 1, k, j, i), 255 = 1.

    Slabs of ``slab`` slices are computed with the network's reach above and below, so that where they meet the
    result is that of the whole volume to 1/255. When memory does not suffice the slab is halved, down to one stride;
    then the error is raised.
    """
    depth = volume.shape[0]
    (stride, *in_plane), reach = network.shape.strides, network.shape.reach
    result = np.zeros((network.shape.classes - 1, *volume.shape), np.uint8)
    area = math.prod(up_to_multiple(n, s) for n, s in zip(volume.shape[1:], in_plane, strict=True))
    slab = up_to_multiple(slab, stride)
    start = 0
    while start < depth:
        stop = min(start + slab, depth)
        low, high = max(0, start - reach), min(depth, stop + reach)
        try:
            with torch.inference_mode():
                found = _forward(network, volume[low:high])
        except RuntimeError as error:
            if slab <= stride or not is_out_of_memory(error):
                raise
            slab = up_to_multiple(slab // 2, stride)
            if next(network.parameters()).device.type == "cuda":
                torch.cuda.empty_cache()
            log.warning("not enough memory: going on with slabs of %d slices", slab)
            continue
        computed(up_to_multiple(high - low, stride) * area)
        result[:, start:stop] = found[:, start - low : stop - low]
        start = stop
        progress(start / depth)
    return result


def _forward(network: VolumeNet, part: np.ndarray) -> np.ndarray:
    k, j, i = part.shape
    volume = torch.from_numpy(np.ascontiguousarray(part, dtype=np.float32))[None, None]
    device = next(network.parameters()).device
    volume = pad_to_strides(volume, network.shape.strides).to(device)
    logits = network(volume)
    assert isinstance(logits, torch.Tensor)
    probability = logits.float().softmax(dim=1)
    quantised = probability[0, 1:, :k, :j, :i].mul_(255.0).round_().to(torch.uint8)
    return quantised.cpu().numpy()


def pad_to_strides(volume: torch.Tensor, strides: tuple[int, int, int]) -> torch.Tensor:
    """Volumes (n, c, k, j, i) continued by their far faces to multiples of ``strides``."""
    far = [(-n) % stride for n, stride in zip(volume.shape[2:], strides, strict=True)]
    return pad(volume, (0, far[2], 0, far[1], 0, far[0]), mode="replicate")
