"""The three planes: a volume as a stack of slices, and stacks streamed through a network in batches."""

from __future__ import annotations

import logging
from collections.abc import Callable

import numpy as np
import torch
from torch.nn.functional import pad

from VertebraFLTLib.segmentation.network import UNet2d

log = logging.getLogger(__name__)

# The axis of a kji array along which the slices of each view are stacked.
STACK_AXIS = {"axial": 0, "coronal": 1, "sagittal": 2}


def as_stack(volume: np.ndarray, view: str) -> np.ndarray:
    """A kji volume as (slices, rows, columns) of the view; a view of the same memory.

    Rows run along z in sagittal and coronal slices, along y in axial ones.
    """
    return np.moveaxis(volume, STACK_AXIS[view], 0)


def stack_probabilities(
    network: UNet2d,
    volume: np.ndarray,
    view: str,
    *,
    wanted: np.ndarray | None = None,
    batch: int = 8,
    progress: Callable[[float], None] = lambda fraction: None,
) -> np.ndarray:
    """Class probabilities of each voxel from one view, background left out.

    volume: kji, normalised as by ``grid.normalised``. wanted: one boolean per slice of the view; the others are
    not computed and stay 0 (slices without bone). Returns uint8 (classes - 1, k, j, i), 255 = 1.

    When the device has not enough memory the batch is halved, down to one slice; then the error is raised.
    """
    stack = as_stack(volume, view)
    classes = network.shape.classes - 1
    result = np.zeros((classes, *volume.shape), np.uint8)
    out = np.moveaxis(result, 1 + STACK_AXIS[view], 1)
    todo = np.arange(len(stack)) if wanted is None else np.flatnonzero(wanted)
    device = next(network.parameters()).device
    done = 0
    while done < len(todo):
        some = todo[done : done + batch]
        try:
            with torch.inference_mode():
                out[:, some] = _forward(network, _gather(stack, some, network.shape.context), device)
        except RuntimeError as error:
            if batch == 1 or not is_out_of_memory(error):
                raise
            batch = max(1, batch // 2)
            if device.type == "cuda":
                torch.cuda.empty_cache()
            log.warning("not enough memory: going on with %d slices at a time", batch)
            continue
        done += len(some)
        progress(done / len(todo))
    return result


def _gather(stack: np.ndarray, indices: np.ndarray, context: int) -> torch.Tensor:
    """Slices with their neighbours as channels; beyond the ends the last slice is repeated."""
    around = np.clip(indices[:, None] + np.arange(-context, context + 1), 0, len(stack) - 1)
    return torch.from_numpy(np.ascontiguousarray(stack[around]))


def _forward(network: UNet2d, slices: torch.Tensor, device: torch.device) -> np.ndarray:
    rows, columns = slices.shape[-2:]
    padded = reflect_to_multiple(slices, network.shape.stride)
    padded = padded.to(device, memory_format=torch.channels_last)
    probability = network(padded).softmax(dim=1)[:, 1:, :rows, :columns]
    quantised = probability.mul_(255.0).round_().to(torch.uint8)
    return quantised.permute(1, 0, 2, 3).cpu().numpy()


def reflect_to_multiple(slices: torch.Tensor, stride: int) -> torch.Tensor:
    """Slices (n, c, rows, columns) padded by reflection at the far sides to multiples of ``stride``."""
    rows, columns = slices.shape[-2:]
    down, right = -rows % stride, -columns % stride
    # Reflection needs more pixels than it pads; a sliver of an image is continued by its edge instead.
    mode = "reflect" if down < rows and right < columns else "replicate"
    return pad(slices, (0, right, 0, down), mode=mode)


def is_out_of_memory(error: RuntimeError) -> bool:
    text = str(error).lower()
    return isinstance(error, torch.OutOfMemoryError) or "out of memory" in text or "can't allocate memory" in text
