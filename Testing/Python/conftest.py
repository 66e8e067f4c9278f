"""What several tests need: DICOM series made on the spot, a simulated patient, the real data where it is at hand."""

from __future__ import annotations

import functools
import os
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, PositronEmissionTomographyImageStorage, generate_uid

from VertebraFLTLib.phantom import PhantomCase, PhantomOptions, Pose, make_phantom, write_phantom

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
POSES = {
    -1: Pose((8.0, -5.0, 12.0), (-2.5, 1.5, 4.0), 6.0, -4.0),
    7: Pose((-12.0, 6.0, -9.0), (3.0, -2.0, -3.0), -7.0),
    28: Pose(),
}


def _tracer() -> Dataset:
    item = Dataset()
    item.RadiopharmaceuticalStartTime = "090000"
    item.RadionuclideTotalDose = 370e6
    item.RadionuclideHalfLife = 6586.2
    return item


def _common(modality: str, series_uid: str, frame_uid: str) -> Dataset:
    header = Dataset()
    header.Modality = modality
    header.PatientID = "phantom"
    header.StudyInstanceUID = "1.2.3"
    header.SeriesInstanceUID = series_uid
    header.FrameOfReferenceUID = frame_uid
    header.SeriesNumber = 2 if modality == "CT" else 3
    header.SeriesDescription = f"{modality} whole body"
    header.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    header.SeriesDate = header.AcquisitionDate = "20240131"
    header.SeriesTime = header.AcquisitionTime = "100000"
    if modality == "PT":
        header.Units = "BQML"
        header.DecayCorrection = "START"
        header.CorrectedImage = ["ATTN", "DECY", "SCAT"]
        header.PatientWeight = 70.0
        header.RadiopharmaceuticalInformationSequence = [_tracer()]
    return header


def write_series(
    folder: Path,
    modality: str = "CT",
    *,
    positions: Sequence[float] = (0.0, 3.0, 6.0, 9.0, 12.0),
    stored: np.ndarray | None = None,
    slopes: Sequence[float] | None = None,
    intercept: float | None = None,
    orientation: Sequence[float] = AXIAL,
    corner: Sequence[float] = (-20.0, -30.0, 0.0),
    shift_per_mm: float = 0.0,
    pixel_spacing: Sequence[float] = (2.0, 4.0),
    series_uid: str | None = None,
    names: Sequence[str] | None = None,
    change: Callable[[int, Dataset], None] | None = None,
    **tags: Any,
) -> np.ndarray:
    """Write one slice per position (mm along the normal) and return the rescaled values, kji in order of position.

    Slices are written in a scrambled order of file names and instance numbers.
    """
    folder.mkdir(parents=True, exist_ok=True)
    count = len(positions)
    if stored is None:
        stored = np.random.default_rng(1).integers(0, 2000, (count, 8, 10))
    if intercept is None:
        intercept = -1024.0 if modality == "CT" else 0.0
    slopes = slopes or [1.0] * count
    row, column = np.array(orientation[:3]), np.array(orientation[3:])
    normal = np.cross(row, column)
    series_uid = series_uid or generate_uid()
    sop_class = CTImageStorage if modality == "CT" else PositronEmissionTomographyImageStorage
    scrambled = np.random.default_rng(7).permutation(count)
    for index, along in enumerate(positions):
        meta = FileMetaDataset()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        meta.MediaStorageSOPClassUID = sop_class
        meta.MediaStorageSOPInstanceUID = generate_uid()
        one = FileDataset("", _common(modality, series_uid, "1.2.3.4"), file_meta=meta, preamble=b"\0" * 128)
        one.SOPClassUID = sop_class
        one.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
        one.InstanceNumber = int(scrambled[index]) + 1
        one.ImageOrientationPatient = [float(value) for value in orientation]
        place = np.array(corner) + along * normal + along * shift_per_mm * row
        one.ImagePositionPatient = [float(f"{value:.6f}") for value in place]
        one.PixelSpacing = list(pixel_spacing)
        one.Rows, one.Columns = stored.shape[1:]
        one.SamplesPerPixel, one.PhotometricInterpretation = 1, "MONOCHROME2"
        one.BitsAllocated, one.BitsStored, one.HighBit, one.PixelRepresentation = 16, 12, 11, 0
        one.RescaleSlope, one.RescaleIntercept = float(slopes[index]), float(intercept)
        one.PixelData = stored[index].astype("<u2").tobytes()
        for keyword, value in tags.items():
            setattr(one, keyword, value)
        if change is not None:
            change(index, one)
        name = names[index] if names else f"{scrambled[index]:04d}.dcm"
        one.save_as(folder / name, enforce_file_format=True)
    return stored * np.array(slopes)[:, None, None] + intercept


def zip_folder(folder: Path, target: Path, inside: str = "") -> Path:
    """A zip of all files of a folder, below the folder ``inside`` of the zip."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, f"{inside}{path.relative_to(folder)}")
    return target


@pytest.fixture(name="write_series")
def _write_series() -> Callable[..., np.ndarray]:
    return write_series


@pytest.fixture(name="zip_folder")
def _zip_folder() -> Callable[..., Path]:
    return zip_folder


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data; tests that need it are left out where it is absent."""
    default = Path(__file__).resolve().parents[2].parent / "shared"
    folder = Path(os.environ.get("VERTEBRAFLT_SHARED", default)) / "data"
    if not folder.is_dir():
        pytest.skip("real data are not at hand (VERTEBRAFLT_SHARED)")
    return folder


@pytest.fixture
def read_headers() -> Callable[[Path], list[Dataset]]:
    """pydicom's own reading of all files of a folder, lowest slice first: the independent witness."""

    def read(folder: Path) -> list[Dataset]:
        found = [pydicom.dcmread(path) for path in folder.rglob("*") if path.is_file()]
        return sorted(found, key=lambda one: float(one.ImagePositionPatient[2]))

    return read


@pytest.fixture(scope="session")
def patient(small_phantom: Callable[..., PhantomCase]) -> PhantomCase:
    """A small simulated patient on day 28, with its truth."""
    return small_phantom(3)


@pytest.fixture(scope="session")
def small_phantom() -> Callable[..., PhantomCase]:
    """``small_phantom(seed, day, pose)``: each simulated patient is made once a session."""

    @functools.cache
    def make(seed: int, day: int = 28, pose: Pose = POSES[28]) -> PhantomCase:
        return make_phantom(seed, day, "small", PhantomOptions(pose=pose))

    return make


@pytest.fixture(scope="session")
def days(patient: PhantomCase, small_phantom: Callable[..., PhantomCase]) -> dict[int, PhantomCase]:
    """The small patient on days -1, 7 and 28, lying differently on each."""
    return {day: small_phantom(patient.seed, day, pose) for day, pose in POSES.items()}


@pytest.fixture(scope="session")
def patient_folder(patient: PhantomCase, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same patient as the files that `vertebraflt phantom` writes."""
    folder = tmp_path_factory.mktemp("patient") / "p"
    write_phantom(patient, folder)
    return folder


@pytest.fixture
def read_mrb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Path], Any]]:
    """Reads a bundle into a fresh scene, as Slicer does."""
    slicer = pytest.importorskip("slicer", reason="slicer-core (extra 'standalone') is not installed")
    scenes = []

    def read(path: Path) -> Any:
        from VertebraFLTLib.mrml.scene import private_scene

        scene = private_scene()
        cache, manager = slicer.vtkCacheManager(), slicer.vtkDataIOManager()
        cache.SetRemoteCacheDirectory(str(tmp_path_factory.mktemp("cache")))
        manager.SetCacheManager(cache)
        scene.SetCacheManager(cache)
        scene.SetDataIOManager(manager)
        assert scene.ReadFromMRB(str(path))
        scenes.append((scene, manager, cache))
        return scene

    yield read
    for scene, *_ in scenes:
        scene.Clear(1)
