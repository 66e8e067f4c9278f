"""Reads a CT, a PET or a mask from whatever a user has: image file, folder of DICOM files, or a zip of either."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import SimpleITK as sitk

from VertebraFLTLib.errors import InputError, NoSuchSeries
from VertebraFLTLib.io.archive import is_zip, unpacked
from VertebraFLTLib.io.dicom import read_series
from VertebraFLTLib.io.dicom_scan import has_dicom
from VertebraFLTLib.io.files import ImageFile, read_file, readable_suffix
from VertebraFLTLib.io.geometry import OriginalGeometry, check_geometry, check_volume, to_lps
from VertebraFLTLib.progress import Progress, silent

Modality = Literal["CT", "PT"]
AIR_HU = -1024
_INT16_MAX = 32767


@dataclass(frozen=True)
class ImageSource:
    """Where an image came from. ``header``: DICOM keyword -> plain value for DICOM (dicom_header.series_header); for
    files what they say of units (``FileNotes``: free texts of the file, ``Sidecar``: the JSON file beside it)."""

    path: str  # as given by the user
    kind: Literal["file", "dicom"]
    files: int
    sha256: str  # of the file's bytes; of a series: of its files one after the other, in slice order
    series_uid: str | None = None
    modality: str | None = None
    header: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """What case.json says of an input: all but the header."""
        return {key: value for key, value in asdict(self).items() if key != "header"}


@dataclass(frozen=True)
class LoadedImage:
    """A 3-D image in LPS order with what is needed to name it and to return to its own geometry.

    ``image``: CT int16 HU (float32 where a file holds fractions), nothing below -1024; PET float32 in the units its
    header states; masks (read without modality) in the type in which they are stored.
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
    where, location = str(path), Path(path).expanduser()
    progress("reading", 0.0)
    try:
        if location.is_dir():
            loaded = _from_dicom(location, where, modality, series, progress)
        elif not location.is_file():
            raise InputError(f"{where} does not exist; give an image file, a folder of DICOM files, or a zip of one")
        elif is_zip(location):
            with unpacked(location) as folder:
                loaded = _from_unpacked(folder, where, modality, series, progress)
        else:
            loaded = _from_file(read_file(location, where), where, modality, series)
    except OSError as error:
        raise InputError(f"{where} cannot be read: {error.strerror or error}") from error
    progress("reading", 1.0)
    return loaded


def _from_unpacked(
    folder: Path, where: str, modality: Modality | None, series: str | None, progress: Progress
) -> LoadedImage:
    images = sorted(path for path in folder.rglob("*") if path.is_file() and readable_suffix(path.name))
    if not images or has_dicom(folder):
        return _from_dicom(folder, where, modality, series, progress)
    if len(images) > 1:
        names = ", ".join(path.name for path in images[:4])
        raise InputError(f"{where} holds {len(images)} images ({names}); give one of them as a file")
    return _from_file(read_file(images[0], f"{where} ({images[0].name})"), where, modality, series)


def _from_file(file: ImageFile, where: str, modality: Modality | None, series: str | None) -> LoadedImage:
    if series is not None:
        raise NoSuchSeries(f"--series is for DICOM; {where} is an image file")
    source = ImageSource(where, "file", file.files, file.sha256, None, modality, file.notes)
    return _finished(file.image, source, list(file.warnings), modality)


def _from_dicom(
    folder: Path, where: str, modality: Modality | None, series: str | None, progress: Progress
) -> LoadedImage:
    volume = read_series(folder, where, modality, series, progress)
    source = ImageSource(where, "dicom", volume.files, volume.sha256, volume.series_uid, volume.modality, volume.header)
    return _finished(volume.image, source, volume.warnings, modality)


def _finished(image: sitk.Image, source: ImageSource, warnings: list[str], modality: Modality | None) -> LoadedImage:
    name = source.path if modality is None else f"{'PET' if modality == 'PT' else modality} {source.path}"
    check_geometry(image, name)
    original = OriginalGeometry.of(image)
    if modality is not None:
        image = _without_nan(image, AIR_HU if modality == "CT" else 0, name, warnings)
        warnings = warnings + check_volume(image, name, modality)
        image = _hounsfield(image) if modality == "CT" else sitk.Cast(image, sitk.sitkFloat32)
    return LoadedImage(to_lps(image), original, source, tuple(warnings))


def _without_nan(image: sitk.Image, empty: float, name: str, warnings: list[str]) -> sitk.Image:
    """Some exporters mark voxels outside the field of view as NaN; they become ``empty``, with a warning."""
    values = sitk.GetArrayViewFromImage(image)
    if not np.issubdtype(values.dtype, np.floating):
        return image
    missing = sum(int(np.count_nonzero(np.isnan(plane))) for plane in values)
    if missing in (0, values.size):
        return image
    share = 100 * missing / values.size
    warnings.append(f"{name}: {missing} voxels ({share:.1f} %) are NaN and were taken as {empty:g}")
    filled = sitk.GetImageFromArray(np.where(np.isnan(values), np.asarray(empty, values.dtype), values))
    filled.CopyInformation(image)
    return filled


def _hounsfield(image: sitk.Image) -> sitk.Image:
    """CT as int16 where that loses nothing; padding below air (-2000, -3024) becomes air."""
    values = sitk.GetArrayViewFromImage(image)
    if np.issubdtype(values.dtype, np.floating) and any(np.any(plane != np.rint(plane)) for plane in values):
        return sitk.Clamp(image, sitk.sitkFloat32, AIR_HU, _INT16_MAX)
    if values.dtype == np.int16 and values.min() >= AIR_HU:
        return image
    return sitk.Clamp(image, sitk.sitkInt16, AIR_HU, _INT16_MAX)
