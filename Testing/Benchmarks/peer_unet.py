"""The peer of the bench: a 3-D U-Net as nnU-Net would plan it, run over a CT by sliding window, in its own process.

The network is MONAI's DynUNet with random weights, which cost the same as trained ones. Only forward passes are timed:
resampling, summing of patches, test-time mirroring and ensembles of folds, which such a tool would add, are left out.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from measuring import matrix_flops

from VertebraFLTLib.io.images import read_image
from VertebraFLTLib.peak_memory import peak_memory_mb

SPACING_MM = 1.5
PATCH = (128, 128, 128)
OVERLAP = 0.5
FEATURES = (32, 64, 128, 256, 320, 320)
CLASSES = 5
AIR_HU, BODY_HU = -1024.0, -300.0

Slices = tuple[slice, ...]


def patches_of(size: tuple[int, ...], patch: tuple[int, ...] = PATCH, overlap: float = OVERLAP) -> list[Slices]:
    """Where the window stands on a volume of at least its own size, as MONAI's sliding window has it; the last of each
    axis is moved back to end with the volume (so does nnU-Net)."""
    from monai.data.utils import dense_patch_slices
    from monai.inferers.utils import _get_scan_interval

    interval = _get_scan_interval(size, patch, len(size), (overlap,) * len(size))
    return dense_patch_slices(size, patch, interval)


def holding(patches: list[Slices], body: np.ndarray, step: int = 1) -> list[bool]:
    """Which patches hold a voxel of ``body``, a mask on every ``step``-th voxel of the patches' grid."""
    return [bool(body[tuple(slice(s.start // step, -(-s.stop // step)) for s in p)].any()) for p in patches]


def spread(candidates: list[int], count: int) -> list[int]:
    """``count`` of the candidates, evenly spaced from first to last; all where there are fewer."""
    if count >= len(candidates):
        return list(candidates)
    return [candidates[round(i)] for i in np.linspace(0, len(candidates) - 1, count)]


def on_working_grid(ct: sitk.Image) -> np.ndarray:
    """HU (kji, float32) at 1.5 mm isotropic, filled with air up to one patch where the CT is smaller."""
    size = [max(p, math.ceil(n * s / SPACING_MM)) for n, s, p in zip(ct.GetSize(), ct.GetSpacing(), PATCH, strict=True)]
    corner = ct.TransformContinuousIndexToPhysicalPoint([(SPACING_MM / s - 1) / 2 for s in ct.GetSpacing()])
    spacing = [SPACING_MM] * 3
    image = sitk.Resample(
        ct, size, sitk.Transform(), sitk.sitkLinear, corner, spacing, ct.GetDirection(), AIR_HU, sitk.sitkFloat32
    )
    return sitk.GetArrayFromImage(image)


def largest_body(hu: np.ndarray, step: int) -> np.ndarray:
    """The largest connected part above -300 HU on every ``step``-th voxel: the patient without the couch."""
    dense = sitk.GetImageFromArray((hu[::step, ::step, ::step] > BODY_HU).astype(np.uint8))
    return sitk.GetArrayFromImage(sitk.RelabelComponent(sitk.ConnectedComponent(dense))) == 1


def make_network() -> Any:
    """Six stages, two convolutions each, instance normalisation and leaky ReLU; 31 million weights."""
    from monai.networks.nets import DynUNet

    stages = len(FEATURES)
    return DynUNet(
        spatial_dims=3,
        in_channels=1,
        out_channels=CLASSES,
        kernel_size=[3] * stages,
        strides=[1] + [2] * (stages - 1),
        upsample_kernel_size=[2] * (stages - 1),
        filters=FEATURES,
        norm_name=("INSTANCE", {"affine": True}),
        act_name=("leakyrelu", {"inplace": True, "negative_slope": 0.01}),
    ).eval()


def flop_of_a_patch() -> float:
    """Counted on a device without data: nothing is computed."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with torch.device("meta"):
        network, patch = make_network(), torch.empty(1, 1, *PATCH)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(patch)
    return float(counter.get_total_flops())


def time_patches(hu: np.ndarray, patches: list[Slices]) -> list[float]:
    """Seconds of each patch's forward pass, after one that is not counted."""
    import torch

    network = make_network()  # in torch's own layout: channels_last_3d was not faster
    seconds = []
    with torch.inference_mode():
        for index, where in enumerate([patches[0], *patches]):
            patch = torch.from_numpy(hu[where] / 500.0)[None, None]
            began = time.perf_counter()
            network(patch)
            if index:
                seconds.append(time.perf_counter() - began)
    return seconds


def main() -> None:
    """Print one line of JSON, read by bench_segmentation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ct", type=Path)
    parser.add_argument("--patches", type=int, default=6, help="how many to time; 0: all")
    args = parser.parse_args()

    hu = on_working_grid(read_image(args.ct, modality="CT").image)
    patches = patches_of(hu.shape)
    step = 4
    in_body = holding(patches, largest_body(hu, step), step)
    chosen = list(range(len(patches)))
    if args.patches:  # patches of air cost the same, but those with body are what any tool must run
        chosen = spread([i for i in chosen if in_body[i]], args.patches)
    before = matrix_flops()
    seconds = time_patches(hu, [patches[i] for i in chosen])
    found = {
        "size": hu.shape[::-1],
        "patches": len(patches),
        "body_patches": sum(in_body),
        "seconds": seconds,
        "patch_flop": flop_of_a_patch(),
        "peak_gb": peak_memory_mb() / 1024,
        "matrix_flops": (before + matrix_flops()) / 2,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
