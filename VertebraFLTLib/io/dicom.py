"""Reads one DICOM series from a folder into a volume: found, chosen, ordered, checked, rescaled slice by slice."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import SimpleITK as sitk

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.io.dicom_choice import choose
from VertebraFLTLib.io.dicom_header import get, read_dataset, series_header
from VertebraFLTLib.io.dicom_scan import find_slices, gather
from VertebraFLTLib.io.dicom_stack import Grid, order
from VertebraFLTLib.io.quiet import quiet_itk
from VertebraFLTLib.io.writing import sha256_of
from VertebraFLTLib.progress import Progress, silent

_INT16 = (-32768, 32767)


@dataclass(frozen=True)
class DicomVolume:
    """A series as a volume: its image in the grid of the series, where it came from, and what was noted."""

    image: sitk.Image  # int16 where all values fit without loss, else float32
    files: int
    sha256: str
    series_uid: str
    modality: str
    header: Mapping[str, Any]
    warnings: list[str]


def _pixels(grid: Grid, where: str) -> sitk.Image:
    """The rescaled voxels. Slope and intercept are each slice's own (PET), which needs the output type to be fixed:
    by default ITK takes that of the first slice for all and would round the others to integers."""
    fits = all(
        one.integral and one.stored_range[0] >= _INT16[0] and one.stored_range[1] <= _INT16[1] for one in grid.slices
    )
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames([str(one.path) for one in grid.slices])
    reader.SetOutputPixelType(sitk.sitkInt16 if fits else sitk.sitkFloat32)
    try:
        with quiet_itk():
            image = reader.Execute()
    except RuntimeError:
        image = _pixels_by_pydicom(grid, where)
    image.SetOrigin(grid.origin)
    image.SetSpacing(grid.spacing)
    image.SetDirection(grid.direction)
    for key in image.GetMetaDataKeys():
        image.EraseMetaData(key)
    return image


def _pixels_by_pydicom(grid: Grid, where: str) -> sitk.Image:
    """The rescaled voxels, float32, by the other decoder: GDCM fails on some valid RLE files."""
    planes = []
    try:
        for one in grid.slices:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                dataset = pydicom.dcmread(one.path, force=True)
                stored = dataset.pixel_array
            slope, intercept = get(dataset, "RescaleSlope"), get(dataset, "RescaleIntercept")
            slope, intercept = 1.0 if slope is None else slope, intercept or 0.0
            planes.append((stored * float(slope) + float(intercept)).astype(np.float32))
    except Exception as error:  # each decoder behind pydicom has errors of its own
        raise InputError(
            f"{where}: the pixels of series {grid.slices[0].description!r} cannot be read (damaged files or a "
            "compression that is not supported); export it again uncompressed"
        ) from error
    return sitk.GetImageFromArray(np.stack(planes))


def read_series(
    folder: Path, where: str, modality: str | None = None, series: str | None = None, progress: Progress = silent
) -> DicomVolume:
    """Read the series of ``modality`` below ``folder``; ``where`` is how messages name the input. Raises InputError."""
    slices, others = find_slices(folder, progress)
    if not slices:
        raise InputError(f"{where} holds no DICOM images{_instead(others)}")
    stack, noted = choose(gather(slices), where, modality, series)
    if len({one.patient for one in stack.slices}) > 1:
        raise InputError(f"{where}: the series mixes several patients (Patient ID (0010,0020)); export it again")
    grid = order(stack, where)
    progress("reading", 0.5)
    headers = [read_dataset(one.path) for one in grid.slices]
    header = series_header([one for one in headers if one is not None])
    progress("reading", 0.6)
    image = _pixels(grid, where)
    progress("reading", 0.9)
    return DicomVolume(
        image=image,
        files=len(grid.slices),
        sha256=sha256_of(one.path for one in grid.slices),
        series_uid=grid.slices[0].series_uid,
        modality=grid.slices[0].modality,
        header=header,
        warnings=noted + grid.warnings,
    )


def _instead(others: list[str]) -> str:
    if not others:
        return " (it is empty); give the folder, zip or file that has the images"
    return (
        f"; it has {len(others)} other file{'s' * (len(others) > 1)} ({others[0]}): give that file, or another folder"
    )
