"""Reads one image file (NIfTI, NRRD, MetaImage) and refuses what is truncated, sheared, flat, coloured or in time."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import SimpleITK as sitk

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.io.dicom_header import read_dataset
from VertebraFLTLib.io.quiet import quiet_itk
from VertebraFLTLib.io.writing import sha256_of

READABLE = {
    ".nii": "NIfTI",
    ".nii.gz": "NIfTI",
    ".nrrd": "NRRD",
    ".nhdr": "NRRD",
    ".mha": "MetaImage",
    ".mhd": "MetaImage",
}
_NOTE_KEYS = ("descrip", "ITK_FileNotes", "aux_file", "intent_name", "units", "Units", "content", "DataUnits")


@dataclass(frozen=True)
class ImageFile:
    """An image as stored, with what the file says of itself. ``notes``: see ImageSource.header."""

    image: sitk.Image
    files: int
    sha256: str
    notes: dict[str, Any]
    warnings: list[str]


def readable_suffix(name: str) -> str | None:
    """The suffix of a file name that is read as an image, else None."""
    return next((suffix for suffix in READABLE if name.lower().endswith(suffix)), None)


def read_file(path: Path, where: str) -> ImageFile:
    """Read an image file; ``where`` is how messages name it. Raises InputError."""
    suffix = readable_suffix(path.name)
    if suffix is None:
        _refuse_kind(path, where)
    assert suffix is not None
    if READABLE[suffix] == "MetaImage":
        _refuse_dimensions(path, where)
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    with quiet_itk():
        try:
            reader.ReadImageInformation()
        except RuntimeError as error:
            raise InputError(_why(error, where, suffix)) from error
        frames = _refuse_shape(reader, where)
        if suffix in (".nii", ".nii.gz"):
            _refuse_truncated(reader, path, where)
        try:
            image = reader.Execute()
        except RuntimeError as error:
            raise InputError(_why(error, where, suffix)) from error
    wanted = ("qform_code", "sform_code", *_NOTE_KEYS)
    meta = {key: image.GetMetaData(key).strip() for key in wanted if image.HasMetaDataKey(key)}
    for key in filter(str.isascii, image.GetMetaDataKeys()):
        image.EraseMetaData(key)  # it belongs to the file, not to what is computed from it
    if frames is not None:
        image = image[:, :, :, 0]
    warnings = []
    if meta.get("qform_code") == "0" and meta.get("sform_code") == "0":
        warnings.append(
            f"{where} does not say how it is oriented (qform and sform are 0): left and right may be swapped"
        )
    notes: dict[str, Any] = {}
    texts = {key: meta[key] for key in _NOTE_KEYS if meta.get(key)}
    if texts:
        notes["FileNotes"] = texts
    sidecar = _sidecar(path, suffix, where, warnings)
    if sidecar:
        notes["Sidecar"] = sidecar
    parts = [path, *_detached_data(path, suffix)]
    return ImageFile(image, len(parts), sha256_of(parts), notes, warnings)


def _refuse_kind(path: Path, where: str) -> None:
    known = ", ".join(READABLE)
    if read_dataset(path, ["SOPClassUID"]) is not None:
        raise InputError(f"{where} is a single DICOM file; give the folder (or a zip) of the whole series")
    raise InputError(f"{where} is not an image that is read here ({known}, a folder of DICOM files, or a zip of one)")


def _refuse_dimensions(path: Path, where: str) -> None:
    """MetaIO writes beyond its arrays when a header claims more than ten dimensions."""
    with open(path, "rb") as file:
        claimed = re.search(rb"^\s*NDims\s*=\s*(\d{1,9})\s*$", file.read(4096), re.MULTILINE)
    if claimed is None or not 2 <= int(claimed[1]) <= 10:
        raise InputError(f"{where} cannot be read as MetaImage: its header has no valid NDims; export it again")


def _why(error: RuntimeError, where: str, suffix: str) -> str:
    if "orthonormal" in str(error):
        return (
            f"{where} has sheared axes (no perpendicular directions in its header); resample it to a rectangular grid"
        )
    return (
        f"{where} cannot be read as {READABLE[suffix]}: damaged, incomplete, or another kind of file; export it again"
    )


def _refuse_shape(reader: sitk.ImageFileReader, where: str) -> int | None:
    """None for a 3-D image, 1 for a 4-D image of one frame; all else is refused."""
    size, components = reader.GetSize(), reader.GetNumberOfComponents()
    shape = " x ".join(map(str, size))
    if components > 1:
        raise InputError(
            f"{where} has {components} values per voxel (colour, vectors or complex numbers); give a grey-value image"
        )
    if len(size) == 2:
        raise InputError(f"{where} is a 2-D image ({shape}); give the whole 3-D image")
    if len(size) > 4 or (len(size) == 4 and size[3] > 1):
        raise InputError(f"{where} is a {len(size)}-D image ({shape}: time frames?); give one 3-D image")
    return 1 if len(size) == 4 else None


def _refuse_truncated(reader: sitk.ImageFileReader, path: Path, where: str) -> None:
    """NIfTI readers fill up a cut file with zeros in silence."""
    if not reader.HasMetaDataKey("bitpix"):
        return
    voxels = 1
    for n in reader.GetSize():
        voxels *= n
    offset = float(reader.GetMetaData("vox_offset")) if reader.HasMetaDataKey("vox_offset") else 0.0
    needed = voxels * int(reader.GetMetaData("bitpix")) // 8 + int(max(offset, 0))
    with open(path, "rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
    if not zipped:
        held = path.stat().st_size
    else:
        held = 0
        try:
            with gzip.open(path) as stream:
                while block := stream.read(1 << 20):
                    held += len(block)
        except (OSError, EOFError, zlib.error):
            held = 0  # the stream ends early or its check sum is wrong
    if held < needed:
        raise InputError(
            f"{where} is incomplete or damaged (fewer voxels than its header says); copy or export it again"
        )


def _detached_data(path: Path, suffix: str) -> list[Path]:
    """The voxel file that a header file (.mhd, .nhdr) names, if it is one file beside it."""
    key = {".mhd": "elementdatafile", ".nhdr": "data file"}.get(suffix)
    if key is None:
        return []
    for line in path.read_text(encoding="latin-1").splitlines():
        name, _, value = line.replace(":", "=", 1).partition("=")
        if name.strip().lower() == key and (path.parent / value.strip()).is_file():
            return [path.parent / value.strip()]
    return []


def _sidecar(path: Path, suffix: str, where: str, warnings: list[str]) -> dict[str, Any] | None:
    """The JSON file of the same name beside an image (BIDS), or None."""
    beside = path.with_name(path.name[: -len(suffix)] + ".json")
    if not beside.is_file():
        return None
    try:
        content = json.loads(beside.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        warnings.append(f"{beside.name} beside {where} is not valid JSON and was left out")
        return None
    return content if isinstance(content, dict) else None
