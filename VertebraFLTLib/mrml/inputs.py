"""Volume nodes as the images a run takes: voxels, place, and what is known of their units."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import SimpleITK as sitk
import slicer

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.io.dicom_header import read_dataset, series_header
from VertebraFLTLib.io.geometry import OriginalGeometry, check_volume, to_lps
from VertebraFLTLib.io.images import ImageSource, LoadedImage, Modality
from VertebraFLTLib.io.suv import suv_record
from VertebraFLTLib.io.suv_record import OPTIONS, SuvOverrides
from VertebraFLTLib.io.units import SUV_MARK
from VertebraFLTLib.mrml.units import HOUNSFIELD_UNIT, is_suv, tracer_of
from VertebraFLTLib.mrml.volumes import grid_from_node, image_from_node

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
        sha256=hashlib.sha256(sitk.GetArrayViewFromImage(image).data).hexdigest(),
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


@dataclass(frozen=True)
class VolumeStamp:
    """A volume node and what it was when a run began: its voxels' own clock and its place in the world."""

    node: Any
    voxels: int
    place: tuple[float, ...]

    @classmethod
    def of(cls, node: Any) -> VolumeStamp:
        """The stamp of a node that :func:`load_from_node` takes."""
        return cls(node, _clock(node), _place(node))

    def check(self, scene: Any, what: str) -> None:
        """Raise InputError where the node was deleted from the scene, or is no longer what it was."""
        if self.node.GetScene() is not scene:
            raise InputError(f"the {what} was deleted while the run went on: choose another and press Apply")
        if (self.voxels, self.place) != (_clock(self.node), _place(self.node)):
            raise InputError(f"the {what} {self.node.GetName()} was changed while the run went on: press Apply again")


def _clock(node: Any) -> int:
    data = node.GetImageData()
    return 0 if data is None else int(data.GetPointData().GetScalars().GetMTime())


def _place(node: Any) -> tuple[float, ...]:
    grid = grid_from_node(node)
    return (*grid.GetOrigin(), *grid.GetSpacing(), *grid.GetDirection())


@dataclass(frozen=True)
class PetStatus:
    """Whether SUV can be derived for a PET; ``text`` says how, or why not and what to do; ``missing``: fields of
    SuvOverrides that would help."""

    ok: bool
    text: str
    missing: tuple[str, ...] = ()


# What the panel's fields are called where the command line has options.
_FIELDS = {
    "weight_kg": "the field Weight",
    "dose_bq": "the field Injected dose",
    "injection_time": "the field Injection time",
    "scan_time": "the field Scan time",
    "half_life_s": "the field Half-life",
    "decay_correction": "the field Decay correction",
    "units": "PET units",
}


def pet_status(node: Any, units: str = "auto", overrides: SuvOverrides | None = None) -> PetStatus:
    """What a run would say of a PET's units, told before it is begun; never raises."""
    try:
        record = suv_record(load_from_node(node, "PT"), units, overrides)
    except InputError as error:
        text, missing = str(error), []
        for name, option in OPTIONS.items():
            if option.split()[0] in text:
                text = text.replace(f"give it with {option}", f"fill in {_FIELDS[name]}")
                text = text.replace(option, _FIELDS[name]).replace(option.split()[0], _FIELDS[name])
                missing.append(name)
        return PetStatus(False, text, tuple(name for name in missing if name != "units"))
    return PetStatus(True, record.method)


def fits_ct(node: Any) -> str:
    """Why a volume node cannot be the CT, in words; empty where it can, as far as the node itself tells."""
    return _misfit(node) or ("its voxels are SUV: it is a PET" if is_suv(node) else "")


def fits_pet(node: Any) -> str:
    """Why a volume node cannot be the PET, in words; empty where it can, as far as the node itself tells."""
    units = node.GetVoxelValueUnits()
    hounsfield = units is not None and units.GetCodeValue() == HOUNSFIELD_UNIT
    return _misfit(node) or ("its voxels are Hounsfield units: it is a CT" if hounsfield else "")


def _misfit(node: Any) -> str:
    if node.GetClassName() != "vtkMRMLScalarVolumeNode":  # label maps and colour images are of other classes
        return "it is no grey volume"
    data = node.GetImageData()
    if data is None:
        return "it has no voxels"
    if min(data.GetDimensions()) < 2:
        return "it is a single slice"
    return ""
