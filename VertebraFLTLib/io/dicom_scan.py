"""Finds the DICOM images below a folder and gathers them into stacks: one series, one orientation, one matrix."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from VertebraFLTLib.io.dicom_header import get, read_dataset
from VertebraFLTLib.progress import Progress

_TAGS = [
    "SOPClassUID",
    "SOPInstanceUID",
    "Modality",
    "SeriesInstanceUID",
    "SeriesNumber",
    "SeriesDescription",
    "ImageType",
    "Rows",
    "Columns",
    "SamplesPerPixel",
    "NumberOfFrames",
    "PixelSpacing",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "AcquisitionDate",
    "AcquisitionTime",
    "CorrectedImage",
    "PatientID",
    "BitsStored",
    "PixelRepresentation",
    "RescaleSlope",
    "RescaleIntercept",
    "FrameReferenceTime",
    "TriggerTime",
]
# Enhanced CT and PET and their legacy-converted forms.
_MULTI_FRAME_CLASSES = {
    "1.2.840.10008.5.1.4.1.1.2.1",
    "1.2.840.10008.5.1.4.1.1.2.2",
    "1.2.840.10008.5.1.4.1.1.128.1",
    "1.2.840.10008.5.1.4.1.1.130",
}
_SAME_DIRECTION = 2e-3


@dataclass(frozen=True)
class DicomSlice:
    """One file: a slice, with what orders and groups it. ``position``, ``orientation``: LPS mm and direction cosines;
    None where the header lacks them. ``stored_range``: least and greatest value the stored bits can hold, rescaled."""

    path: Path
    name: str  # path below the folder given, for messages
    sop_class: str
    sop_uid: str
    series_uid: str
    modality: str
    number: int | None
    description: str
    image_type: tuple[str, ...]
    matrix: tuple[int, int]
    samples: int
    frames: int
    pixel_spacing: tuple[float, float] | None
    position: tuple[float, float, float] | None
    orientation: tuple[float, ...] | None
    time: tuple[Any, ...]
    corrected: tuple[str, ...]
    patient: str
    integral: bool
    stored_range: tuple[float, float]

    @property
    def multi_frame(self) -> bool:
        """Whether the file holds a whole stack (Enhanced CT or PET) and not one slice."""
        return self.frames > 1 or self.sop_class in _MULTI_FRAME_CLASSES


@dataclass
class Stack:
    """The slices of one series that share orientation, matrix and pixel spacing."""

    slices: list[DicomSlice] = field(default_factory=list)

    @property
    def first(self) -> DicomSlice:
        """Any slice, for what all share."""
        return self.slices[0]


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(str(item) for item in (value if isinstance(value, list) else [value])) if value is not None else ()


def _floats(value: Any, count: int) -> tuple[float, ...] | None:
    try:
        numbers = tuple(float(item) for item in value)
    except (TypeError, ValueError):
        return None
    return numbers if len(numbers) == count and bool(np.all(np.isfinite(numbers))) else None


def _number(value: Any, default: float) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return default
    return number if math.isfinite(number) else default


def _slice(path: Path, name: str) -> DicomSlice | None:
    dataset = read_dataset(path, _TAGS)
    if dataset is None:
        return None
    value = {keyword: get(dataset, keyword) for keyword in _TAGS}
    matrix = int(_number(value["Rows"], 0)), int(_number(value["Columns"], 0))
    if 0 in matrix:
        return None  # structure sets, reports, presentation states
    bits = min(int(_number(value["BitsStored"], 16)), 32)
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if value["PixelRepresentation"] == 1 else (0, 2**bits - 1)
    slope, intercept = _number(value["RescaleSlope"], 1.0), _number(value["RescaleIntercept"], 0.0)
    return DicomSlice(
        path=path,
        name=name,
        sop_class=str(value["SOPClassUID"]),
        sop_uid=str(value["SOPInstanceUID"] or name),
        series_uid=str(value["SeriesInstanceUID"] or ""),
        modality=str(value["Modality"] or ""),
        number=int(value["SeriesNumber"]) if isinstance(value["SeriesNumber"], int) else None,
        description=str(value["SeriesDescription"] or ""),
        image_type=_texts(value["ImageType"]),
        matrix=matrix,
        samples=int(_number(value["SamplesPerPixel"], 1)),
        frames=int(_number(value["NumberOfFrames"], 1)),
        pixel_spacing=_floats(value["PixelSpacing"], 2),  # type: ignore[arg-type]
        position=_floats(value["ImagePositionPatient"], 3),  # type: ignore[arg-type]
        orientation=_floats(value["ImageOrientationPatient"], 6),
        time=(value["AcquisitionDate"], value["AcquisitionTime"], value["FrameReferenceTime"], value["TriggerTime"]),
        corrected=_texts(value["CorrectedImage"]),
        patient=str(value["PatientID"] or ""),
        integral=slope == int(slope) and intercept == int(intercept),
        stored_range=(min(low * slope, high * slope) + intercept, max(low * slope, high * slope) + intercept),
    )


def _files(folder: Path) -> list[Path]:
    """All files below a folder, at any depth and in a fixed order; hidden ones are passed over."""
    paths = []
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "__MACOSX")
        paths += [Path(root, name) for name in sorted(names) if not name.startswith(".")]
    return paths


def has_dicom(folder: Path) -> bool:
    """Whether any file below the folder is DICOM."""
    return any(read_dataset(path, ["SOPClassUID"]) is not None for path in _files(folder))


def find_slices(folder: Path, progress: Progress) -> tuple[list[DicomSlice], list[str]]:
    """The DICOM images below a folder, at any depth, and the names of all other files."""
    paths = _files(folder)
    found, others = [], []
    for index, path in enumerate(paths):
        if index % 50 == 0:
            progress("reading", 0.4 * index / len(paths))
        name = str(path.relative_to(folder))
        one = _slice(path, name)
        if one is not None:
            found.append(one)
        elif path.name.upper() != "DICOMDIR":
            others.append(name)
    return found, others


def gather(slices: list[DicomSlice]) -> list[Stack]:
    """The slices as stacks: by series, matrix, spacing, orientation. A localiser inside a series stands apart."""
    stacks: list[Stack] = []
    by_key: dict[tuple[Any, ...], list[Stack]] = {}
    for one in slices:
        spacing = one.pixel_spacing and tuple(round(step, 3) for step in one.pixel_spacing)
        key = (one.series_uid, one.modality, one.matrix, one.samples, spacing, one.multi_frame)
        for stack in by_key.setdefault(key, []):
            if _same_orientation(stack.first.orientation, one.orientation):
                stack.slices.append(one)
                break
        else:
            stacks.append(Stack([one]))
            by_key[key].append(stacks[-1])
    return stacks


def _same_orientation(one: tuple[float, ...] | None, other: tuple[float, ...] | None) -> bool:
    if one is None or other is None:
        return one is other
    return bool(np.allclose(one, other, atol=_SAME_DIRECTION))
