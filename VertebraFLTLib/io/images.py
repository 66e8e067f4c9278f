"""Reads a CT, a PET or a mask from whatever a user has: image file, folder of DICOM files, or a zip of either."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import SimpleITK as sitk

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.io.geometry import OriginalGeometry, to_lps
from VertebraFLTLib.progress import Progress, silent

Modality = Literal["CT", "PT"]


@dataclass(frozen=True)
class ImageSource:
    """Where an image came from. ``header``: DICOM keyword -> plain value for DICOM; for files what they say of units
    (``FileNotes``: free text of the file, ``Sidecar``: content of a JSON file beside it)."""

    path: str  # as given by the user
    kind: Literal["file", "dicom"]
    files: int
    sha256: str  # of the file's bytes; of a series: of its files one after the other, from the lowest slice up
    series_uid: str | None = None
    modality: str | None = None
    header: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class LoadedImage:
    """A 3-D image in LPS order with what is needed to name it and to return to its own geometry.

    ``image``: CT int16 HU (float32 where a file holds fractions); PET float32 in the units its header states;
    masks (read without modality) in the type in which they are stored.
    """

    image: sitk.Image
    original: OriginalGeometry
    source: ImageSource
    warnings: tuple[str, ...] = ()


def read_image(
    path: str | Path, *, modality: Modality | None = None, series: str | None = None, progress: Progress = silent
) -> LoadedImage:
    """Read a NIfTI, NRRD or MetaImage file, a folder of DICOM files, or a zip of one of these.

    ``modality`` chooses the series in DICOM and turns on the checks for a CT or a PET; without it the voxels come as
    stored (masks). ``series`` names a DICOM series: UID, end of the UID, or series number. Raises InputError.
    """
    image = sitk.ReadImage(str(path))  # provisional: files only
    if image.GetDimension() != 3:
        raise InputError(f"{path} is not a 3-D image")
    from VertebraFLTLib.io.writing import sha256_of

    source = ImageSource(str(path), "file", 1, sha256_of([path]), None, modality)
    return LoadedImage(to_lps(image), OriginalGeometry.of(image), source)
