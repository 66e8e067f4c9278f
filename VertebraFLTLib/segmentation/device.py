"""Where the networks run: auto, cpu or cuda, proven by one tiny convolution before any work is given to it."""

from __future__ import annotations

import logging

import torch

from VertebraFLTLib.errors import InputError

log = logging.getLogger(__name__)


def choose_device(wanted: str) -> torch.device:
    """The device for ``wanted`` ("auto", "cpu" or "cuda").

    "auto" takes a working CUDA device, else the CPU. "cuda" without one raises :class:`InputError`.
    """
    if wanted == "cpu":
        return torch.device("cpu")
    if wanted not in ("auto", "cuda"):
        raise InputError(f"--device {wanted}: choose auto, cpu or cuda")
    reason = _cuda_fault()
    if reason is None:
        return torch.device("cuda")
    if wanted == "cuda":
        raise InputError(f"--device cuda: {reason}; use --device cpu or auto")
    log.info("running on the CPU: %s", reason)
    return torch.device("cpu")


def _cuda_fault() -> str | None:
    """Why CUDA cannot be used, or None. A card may be listed and yet be too old for this build of torch."""
    if not torch.cuda.is_available():
        return "no usable CUDA device was found"
    try:
        layer = torch.nn.Conv2d(1, 1, 3, device="cuda")
        layer(torch.zeros(1, 1, 8, 8, device="cuda")).sum().item()
    except RuntimeError as error:
        return f"the CUDA device failed a test convolution ({str(error).splitlines()[0]})"
    return None


def device_words(device: torch.device) -> str:
    """For reports: the kind of device and its name."""
    if device.type == "cuda":
        return f"cuda ({torch.cuda.get_device_name(device)})"
    return f"cpu ({torch.get_num_threads()} threads)"
