"""Volume nodes as the images a run takes: voxels, place, and what is known of their units."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import SimpleITK as sitk
import slicer

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.io.dicom_header import read_dataset, series_header
from VertebraFLTLib.io.geometry import OriginalGeometry, check_volume, to_lps
from VertebraFLTLib.io.images import ImageSource, LoadedImage, Modality
from VertebraFLTLib.io.units import SUV_MARK
from VertebraFLTLib.mrml.units import is_suv, tracer_of
from VertebraFLTLib.mrml.volumes import image_from_node

_INSTANCES = "DICOM.instanceUIDs"  # set by Slicer's DICOM import: the UIDs of a volume's files


def load_from_node(node: Any, modality: Modality) -> LoadedImage:
    """The CT ("CT") or PET ("PT") of a volume node, where it lies in the world.

    A volume that states SUV is taken at its word; one that Slicer imported from DICOM comes with the header of its
    files, from which SUV is derived. Raises InputError for what cannot be a CT or a PET.
    """
    if node is None:
        raise InputError(f"no {'CT' if modality == 'CT' else 'PET'} is chosen: choose a volume")
    image = _typed(image_from_node(node), modality)
    warnings = check_volume(image, f"volume {node.GetName()}", modality)
    files = _dicom_files(node)
    header = _header(files)
    if modality == "PT" and is_suv(node):
        header, files = _stated_suv(node), []
    source = ImageSource(
        path=node.GetName(),
        kind="dicom" if header and files else "file",
        files=max(len(files), 1),
        sha256=hashlib.sha256(sitk.GetArrayViewFromImage(image).tobytes()).hexdigest(),
        series_uid=header.get("SeriesInstanceUID"),
        modality=header.get("Modality", modality),
        header=header,
    )
    return LoadedImage(to_lps(image), OriginalGeometry.of(image), source, tuple(warnings))


def _typed(image: sitk.Image, modality: Modality) -> sitk.Image:
    kept = (sitk.sitkInt16, sitk.sitkFloat32) if modality == "CT" else (sitk.sitkFloat32,)
    return image if image.GetPixelID() in kept else sitk.Cast(image, sitk.sitkFloat32)


def _stated_suv(node: Any) -> dict[str, Any]:
    notes = {"voxel value units": SUV_MARK}
    tracer = tracer_of(node)
    return {"FileNotes": notes | ({"tracer": tracer} if tracer else {})}


def _dicom_files(node: Any) -> list[Path]:
    """The files a node came from, as Slicer's DICOM database knows them; none without Slicer or database."""
    uids = (node.GetAttribute(_INSTANCES) or "").split()
    database = getattr(slicer, "dicomDatabase", None)
    if database is None:
        return []
    return [Path(name) for name in (database.fileForInstance(uid) for uid in uids) if name]


def _header(files: list[Path]) -> Mapping[str, Any]:
    datasets = [dataset for dataset in map(read_dataset, files) if dataset is not None]
    return series_header(datasets) if datasets else {}
