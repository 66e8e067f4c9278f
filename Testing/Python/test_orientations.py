"""One physical patient, however its images are stored: 48 axis orders and flips, and oblique, give one result."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import SimpleITK as sitk

from VertebraFLTLib.io.geometry import back_to_original
from VertebraFLTLib.io.images import read_image
from VertebraFLTLib.pipeline import run
from VertebraFLTLib.result import Options
from VertebraFLTLib.segmentation.given import GivenMask

ORDERS = [
    (order, flips) for order in itertools.permutations(range(3)) for flips in itertools.product((False, True), repeat=3)
]
NAMES = ("ct", "pet", "mask")


def stored(image, order, flips):
    """The same image with its axes in another order and direction; each voxel stays where it is in the patient."""
    return sitk.Flip(sitk.PermuteAxes(image, order), flips)


def write(images, folder):
    folder.mkdir(exist_ok=True)
    paths = {}
    for name, image in images.items():
        image = sitk.Image(image)
        if name == "pet":
            image.SetMetaData("ITK_FileNotes", "SUVbw g/ml")
        paths[name] = folder / f"{name}.nii"
        sitk.WriteImage(image, str(paths[name]))
    return paths


def result_of(paths):
    ct, pet = read_image(paths["ct"], modality="CT"), read_image(paths["pet"], modality="PT")
    return run(ct, pet, GivenMask(str(paths["mask"])), Options(percentiles=(85.0,)))


@pytest.fixture(scope="module")
def images(patient):
    return {"ct": patient.ct, "pet": patient.pet_suv, "mask": patient.semantic}


@pytest.fixture(scope="module")
def expected(images, tmp_path_factory):
    return result_of(write(images, tmp_path_factory.mktemp("axial") / "p"))


@pytest.mark.parametrize(("order", "flips"), ORDERS)
def test_reading_brings_every_order_to_one(images, expected, tmp_path, order, flips):
    """What the pipeline computes on is voxel for voxel the same, and its masks return to the order of the file."""
    shown = {name: stored(image, order, flips) for name, image in images.items()}
    paths = write(shown, tmp_path / "p")
    ct, pet = read_image(paths["ct"], modality="CT"), read_image(paths["pet"], modality="PT")
    for loaded, reference in ((ct, expected.ct), (pet, expected.pet)):
        assert np.array_equal(sitk.GetArrayViewFromImage(loaded.image), sitk.GetArrayViewFromImage(reference.image))
        assert np.allclose(loaded.image.GetOrigin(), reference.image.GetOrigin(), atol=1e-3)
        assert np.allclose(loaded.image.GetSpacing(), reference.image.GetSpacing(), atol=1e-5)
    returned = back_to_original(expected.vertebrae, ct.original)
    assert returned.GetSize() == shown["ct"].GetSize()
    assert np.allclose(returned.GetDirection(), shown["ct"].GetDirection(), atol=1e-5)
    wanted = stored(expected.vertebrae, order, flips)
    assert np.array_equal(sitk.GetArrayViewFromImage(returned), sitk.GetArrayViewFromImage(wanted))


@pytest.mark.parametrize(("order", "flips"), [ORDERS[13], ORDERS[38]])
def test_the_whole_run_gives_the_same_tables(images, expected, tmp_path, order, flips):
    found = result_of(write({n: stored(i, order, flips) for n, i in images.items()}, tmp_path / "p"))
    assert_same_boundaries(found, expected, 1e-3)
    for one, other in zip(found.suv_table, expected.suv_table, strict=True):
        assert (one.roi, one.voxels) == (other.roi, other.voxels)
        assert one.suv_mean == pytest.approx(other.suv_mean, rel=1e-6)
    for one, other in zip(found.surfaces, expected.surfaces, strict=True):
        assert one.name == other.name
        assert np.allclose(one.polydata.GetBounds(), other.polydata.GetBounds(), atol=1e-2)


def test_an_oblique_patient_grid_gives_the_same_boundaries(images, expected, tmp_path):
    """Grids turned by 9 and 6 degrees: levels stay, boundaries move by less than a slice."""
    turned = {}
    for name, image in images.items():
        centre = image.TransformContinuousIndexToPhysicalPoint([(n - 1) / 2 for n in image.GetSize()])
        turn = sitk.Euler3DTransform(centre, np.radians(9), np.radians(-6), 0.0)
        grid = sitk.Image([n + 24 for n in image.GetSize()], image.GetPixelID())
        grid.SetSpacing(image.GetSpacing())
        grid.SetDirection(turn.GetMatrix())
        corner = image.TransformContinuousIndexToPhysicalPoint([-12.0] * 3)
        grid.SetOrigin(turn.TransformPoint(corner))
        method = sitk.sitkNearestNeighbor if name == "mask" else sitk.sitkLinear
        outside = -1024.0 if name == "ct" else 0.0
        turned[name] = sitk.Resample(image, grid, sitk.Transform(), method, outside)
    found = result_of(write(turned, tmp_path / "p"))
    assert_same_boundaries(found, expected, 3.0)
    truth = {row.roi: row for row in expected.suv_table}
    for row in found.suv_table:
        if row.roi in ("vertebral_column", "pelvis", "sternum"):
            assert row.suv_mean == pytest.approx(truth[row.roi].suv_mean, rel=0.06)
            assert row.volume_ml == pytest.approx(truth[row.roi].volume_ml, rel=0.12)
    # Where both see a vertebra, they give it the same name.
    back = sitk.Resample(found.vertebrae, expected.vertebrae, sitk.Transform(), sitk.sitkNearestNeighbor)
    one, other = sitk.GetArrayViewFromImage(back), sitk.GetArrayViewFromImage(expected.vertebrae)
    both = (one > 0) & (other > 0)
    assert both.sum() > 0.8 * (other > 0).sum()
    assert (one == other)[both].mean() > 0.97


def assert_same_boundaries(found, expected, tolerance_mm):
    here = {(b.below, b.above): b.z_mm for b in found.boundaries.boundaries}
    there = {(b.below, b.above): b.z_mm for b in expected.boundaries.boundaries}
    assert set(here) == set(there)
    assert max(abs(here[k] - there[k]) for k in here) <= tolerance_mm
