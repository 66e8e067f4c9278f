"""Labelled CT volumes on the working grid, each in several simulated samplings, kept in memory."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from VertebraFLTLib.io.images import read_image
from VertebraFLTLib.segmentation.grid import body_box, crop, normalised, sample_ct, whole_grid
from VertebraFLTLib.training.config import DataConfig, NetworkConfig

log = logging.getLogger(__name__)

IGNORED = 255


@dataclass(frozen=True)
class TrainingCase:
    """One patient. ``samplings`` are kji float16 volumes, normalised; ``labels`` kji uint8, 255 = do not score."""

    name: str
    samplings: tuple[np.ndarray, ...]
    labels: np.ndarray


def load_case(name: str, data: DataConfig, network: NetworkConfig) -> TrainingCase:
    """Read NAME_ct and NAME_semantic (NAME_ignore, NAME_levels) from the data's root."""

    def read(kind: str) -> sitk.Image:
        return read_image(data.root / f"{name}_{kind}.nii.gz").image

    labels = read("semantic")
    array = sitk.GetArrayFromImage(labels)
    if (data.root / f"{name}_ignore.nii.gz").exists():
        array[sitk.GetArrayFromImage(read("ignore")) > 0] = IGNORED
    if name in data.ignore_levels:
        array[np.isin(sitk.GetArrayFromImage(read("levels")), data.ignore_levels[name])] = IGNORED
    marked = sitk.GetImageFromArray(array.astype(np.uint8))
    marked.CopyInformation(labels)
    return make_case(name, read("ct"), marked, data, network)


def make_case(name: str, ct: sitk.Image, labels: sitk.Image, data: DataConfig, network: NetworkConfig) -> TrainingCase:
    """Bring CT and labels (same grid, LPS) to the working grid, with the under-sampled versions that make sense."""
    grid = whole_grid(ct, network.spacing_mm)
    box = body_box(ct, grid, snap=1)
    thick = [t for t in data.slice_mm if t > 1.25 * ct.GetSpacing()[2]]
    volumes = [ct, *(undersampled(ct, t, shift=0.3 * i) for i, t in enumerate(thick))]
    samplings = tuple(
        normalised(sitk.GetArrayFromImage(sample_ct(volume, grid, box))).astype(np.float16) for volume in volumes
    )
    on_grid = sitk.Resample(sitk.Cast(labels, sitk.sitkUInt8), crop(grid, box), sitk.Transform(), sitk.sitkLabelLinear)
    log.info("%s: %s voxels, %d samplings", name, samplings[0].shape, len(samplings))
    return TrainingCase(name, samplings, sitk.GetArrayFromImage(on_grid))


def undersampled(ct: sitk.Image, slice_mm: float, shift: float = 0.0) -> sitk.Image:
    """The CT as a scanner with slices of ``slice_mm`` would give it: averaged over the slice, sampled at its pitch.

    shift: where the first slice lies, as a share of the slice thickness.
    """
    fine = ct.GetSpacing()[2]
    smooth = sitk.RecursiveGaussian(
        sitk.Cast(ct, sitk.sitkFloat32), sigma=0.35 * math.sqrt(slice_mm**2 - fine**2), direction=2
    )
    length = ct.GetSize()[2] * fine
    count = max(1, int((length - shift * slice_mm) / slice_mm))
    origin = ct.TransformContinuousIndexToPhysicalPoint([0, 0, ((0.5 + shift) * slice_mm) / fine - 0.5])
    size = [ct.GetSize()[0], ct.GetSize()[1], count]
    spacing = [ct.GetSpacing()[0], ct.GetSpacing()[1], slice_mm]
    return sitk.Resample(
        smooth, size, sitk.Transform(), sitk.sitkLinear, origin, spacing, ct.GetDirection(), -1024.0, sitk.sitkInt16
    )


def load_cases(data: DataConfig, network: NetworkConfig) -> tuple[list[TrainingCase], list[TrainingCase]]:
    """(training, validation) cases; simulated patients join the training ones."""
    train = [load_case(name, data, network) for name in data.train]
    for seed in data.phantoms:
        from VertebraFLTLib.phantom import make_phantom

        phantom = make_phantom(seed=seed, size="demo")
        train.append(make_case(f"phantom{seed}", phantom.ct, phantom.semantic, data, network))
    return train, [load_case(name, data, network) for name in data.validation]


def case_files(data: DataConfig) -> list[Path]:
    """Every CT file the config names (for checking before a long job starts)."""
    return [data.root / f"{name}_ct.nii.gz" for name in (*data.train, *data.validation)]
