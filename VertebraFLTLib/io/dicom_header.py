"""DICOM headers as plain Python values: one dictionary per series with all that SUV and reports need, no names."""

from __future__ import annotations

import hashlib
import secrets
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pydicom
from pydicom.dataset import Dataset
from pydicom.tag import Tag

# Of a series, from its lowest slice. Nothing here identifies the patient.
_SERIES_KEYWORDS = [
    "Modality",
    "Manufacturer",
    "ManufacturerModelName",
    "StudyDescription",
    "SeriesDescription",
    "ProtocolName",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "FrameOfReferenceUID",
    "SeriesNumber",
    "StudyDate",
    "StudyTime",
    "SeriesDate",
    "SeriesTime",
    "TimezoneOffsetFromUTC",
    "Units",
    "SUVType",
    "DecayCorrection",
    "CorrectedImage",
    "CountsSource",
    "PatientWeight",
    "PatientSize",
    "PatientSex",
    "PatientPosition",
    "SeriesType",
    "ImageType",
    "ConvolutionKernel",
    "SliceThickness",
    "RescaleType",
    "GantryDetectorTilt",
]
_TRACER_KEYWORDS = [
    "Radiopharmaceutical",
    "RadiopharmaceuticalStartTime",
    "RadiopharmaceuticalStartDateTime",
    "RadionuclideTotalDose",
    "RadionuclideHalfLife",
]
_TRACER_SEQUENCE = "RadiopharmaceuticalInformationSequence"
_CODE_SEQUENCES = ("RadionuclideCodeSequence", "RadiopharmaceuticalCodeSequence")
_CODE_KEYWORDS = ("CodeValue", "CodingSchemeDesignator", "CodeMeaning")
# One entry for each bed position or frame.
_FRAME_KEYWORDS = ["AcquisitionDate", "AcquisitionTime", "FrameReferenceTime", "ActualFrameDuration", "DecayFactor"]
# Header key -> group, private creator, element within the creator's block.
_PRIVATE = {
    "(0009,100D)": (0x0009, "GEMS_PETD_01", 0x0D),
    "(7053,1000)": (0x7053, "Philips PET Private Group", 0x00),
    "(7053,1009)": (0x7053, "Philips PET Private Group", 0x09),
}
# These must be one for the whole series; those that are not are listed under "Inconsistent".
_CONSTANT = [
    "Units",
    "SUVType",
    "DecayCorrection",
    "PatientWeight",
    "SeriesDate",
    "SeriesTime",
    _TRACER_SEQUENCE,
    "(7053,1000)",
    "(7053,1009)",
    "FrameOfReferenceUID",
]
_KEY = secrets.token_bytes(16)


def read_dataset(path: Path, tags: Sequence[str] | None = None) -> Dataset | None:
    """The header of a file without its pixels, or None where the file is not DICOM. ``tags``: only these keywords."""
    try:
        with open(path, "rb") as file:
            start = file.read(132)
        part_10 = start[128:132] == b"DICM"
        # Files of old archives lack the preamble and begin with group 0008 (or 0002) in little endian.
        if not part_10 and start[:2] not in (b"\x08\x00", b"\x02\x00"):
            return None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = pydicom.dcmread(
                path, stop_before_pixels=True, force=not part_10, specific_tags=None if tags is None else list(tags)
            )
    except Exception:  # a parser fed with foreign bytes may fail in any way: then it is not a DICOM image
        return None
    return found if "SOPClassUID" in found else None


def plain(value: Any) -> Any:
    """A pydicom value as str, int, float, or list of these; None where it is empty."""
    if value is None or (isinstance(value, str | bytes) and not value):
        return None
    if isinstance(value, bytes):
        return value.decode("latin-1").strip("\0 ") or None
    if isinstance(value, bool | int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, str):
        return str(value).strip() or None
    if hasattr(value, "__iter__"):
        return [plain(item) for item in value] or None
    return plain(str(value))


def element(dataset: Dataset, keyword: str) -> Any:
    """pydicom's value of an element, None where it is absent or malformed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return dataset.get(keyword)
    except Exception:  # each value representation of a damaged header fails in its own way
        return None


def get(dataset: Dataset, keyword: str) -> Any:
    """The plain value of an element, None where it is absent, empty or malformed."""
    try:
        return plain(element(dataset, keyword))
    except (ValueError, TypeError, OverflowError):
        return None


def _private(dataset: Dataset, group: int, creator: str, offset: int) -> Any:
    try:
        return plain(dataset.private_block(group, creator)[offset].value)
    except (KeyError, NotImplementedError, ValueError):
        elements = [tag for tag in dataset.keys() if tag.group == group]  # noqa: SIM118
        if not elements or any(tag.is_private_creator for tag in elements):
            return None
        found = dataset.get(Tag(group, 0x1000 + offset))  # the creator was stripped
        return None if found is None else plain(found.value)


def _tracer(dataset: Dataset) -> list[dict[str, Any]] | None:
    items = []
    for item in element(dataset, _TRACER_SEQUENCE) or []:
        entry = {keyword: get(item, keyword) for keyword in _TRACER_KEYWORDS}
        for sequence in _CODE_SEQUENCES:
            entry[sequence] = [
                {keyword: get(code, keyword) for keyword in _CODE_KEYWORDS} for code in element(item, sequence) or []
            ]
        items.append({keyword: value for keyword, value in entry.items() if value})
    return items or None


def patient_key(dataset: Dataset) -> str | None:
    """Tells whether two images are of one patient while the program runs; worthless outside of it, and so harmless."""
    patient = get(dataset, "PatientID")
    return None if patient is None else hashlib.blake2b(str(patient).encode(), key=_KEY, digest_size=8).hexdigest()


def _one(dataset: Dataset, keywords: Sequence[str]) -> dict[str, Any]:
    entries: dict[str, Any] = {}
    for keyword in keywords:
        if keyword in _PRIVATE:
            entries[keyword] = _private(dataset, *_PRIVATE[keyword])
        elif keyword == _TRACER_SEQUENCE:
            entries[keyword] = _tracer(dataset)
        else:
            entries[keyword] = get(dataset, keyword)
    return {keyword: value for keyword, value in entries.items() if value is not None}


def series_header(datasets: Sequence[Dataset]) -> Mapping[str, Any]:
    """Plain header of a series, from the headers of all its slices (lowest first).

    Keys are DICOM keywords, for private elements the tag as ``(gggg,eeee)``; empty elements are left out. ``Frames``
    lists the distinct timings of the slices, ``Inconsistent`` the keywords whose values differ between slices though
    they belong to the series.
    """
    header = _one(datasets[0], [*_SERIES_KEYWORDS, _TRACER_SEQUENCE, *_PRIVATE])
    each = [_one(dataset, _CONSTANT) for dataset in datasets]
    frames: list[dict[str, Any]] = []
    for dataset in datasets:
        frame = {keyword: get(dataset, keyword) for keyword in _FRAME_KEYWORDS}
        frame = {keyword: value for keyword, value in frame.items() if value is not None}
        if frame and frame not in frames:
            frames.append(frame)
    header["Frames"] = frames
    key = patient_key(datasets[0])
    if key is not None:
        header["PatientKey"] = key
    differing = [keyword for keyword in _CONSTANT if any(one.get(keyword) != header.get(keyword) for one in each)]
    if differing:
        header["Inconsistent"] = differing
    return header
