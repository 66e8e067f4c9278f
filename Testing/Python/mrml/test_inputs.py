"""What may be chosen as CT and PET, what a PET still needs, and volumes that do not lie where they seem to."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
import vtk

slicer = pytest.importorskip("slicer")

from VertebraFLTLib.errors import InputError  # noqa: E402
from VertebraFLTLib.io.suv_record import SuvOverrides  # noqa: E402
from VertebraFLTLib.mrml import units  # noqa: E402
from VertebraFLTLib.mrml.inputs import fits_ct, fits_pet, load_from_node, pet_status  # noqa: E402
from VertebraFLTLib.mrml.logic import open_review, run_case, start_run  # noqa: E402
from VertebraFLTLib.mrml.sample import add_phantom  # noqa: E402
from VertebraFLTLib.mrml.scene import private_scene  # noqa: E402
from VertebraFLTLib.mrml.volumes import add_volume  # noqa: E402
from VertebraFLTLib.result import Options  # noqa: E402

GIVEN = SuvOverrides(
    weight_kg=70.0,
    dose_bq=3e8,
    injection_time="2020-01-01T09:00:00",
    scan_time="2020-01-01T10:00:00",
    half_life_s=6586.2,
    decay_correction="START",
)


@pytest.fixture
def scene():
    made = private_scene()
    yield made
    made.Clear(1)


def volume(scene, name="a volume", shape=(8, 9, 10)):
    array = (np.random.default_rng(0).random(shape) * 5).astype(np.float32)
    image = sitk.GetImageFromArray(array)
    image.SetSpacing((4.0, 4.0, 4.0))
    return add_volume(scene, image, name)


def test_only_fitting_volumes_fit(scene):
    plain, ct, pet = (volume(scene) for _ in range(3))
    units.mark_as_ct(ct)
    units.mark_as_suv(pet, "FLT")
    assert [fits_ct(node) for node in (plain, ct)] == ["", ""] and "PET" in fits_ct(pet)
    assert [fits_pet(node) for node in (plain, pet)] == ["", ""] and "CT" in fits_pet(ct)
    label = scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "labels")
    empty = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "empty")
    slab = volume(scene, shape=(1, 9, 10))
    for node, why in ((label, "grey"), (empty, "voxels"), (slab, "single slice")):
        assert why in fits_ct(node) and why in fits_pet(node)


def test_a_pet_in_suv_needs_nothing(scene):
    pet = volume(scene)
    units.mark_as_suv(pet, "FLT")
    status = pet_status(pet)
    assert (status.ok, status.missing) == (True, ()) and status.text


def test_a_pet_without_units_names_the_fields_that_help_until_it_needs_no_more(scene):
    pet = volume(scene, "my PET")
    status = pet_status(pet)
    assert not status.ok and "my PET" in status.text and "PET units" in status.text and "--" not in status.text
    asked, given = [], {}
    for _ in range(10):
        status = pet_status(pet, "bqml", SuvOverrides(**given))
        if status.ok:
            break
        assert status.missing and "\n" not in status.text and "--" not in status.text, status.text
        for name in status.missing:
            asked.append(name)
            given[name] = getattr(GIVEN, name)
    assert status.ok
    assert {"weight_kg", "dose_bq", "injection_time"} <= set(asked)


def test_what_is_no_volume_is_told_not_raised(scene):
    assert "no PET is chosen" in pet_status(None).text


def test_a_ct_under_an_acquisition_transform_is_refused_before_a_run_begins(scene):
    ct, pet = volume(scene, "CT of uneven slices"), volume(scene, "PET")
    units.mark_as_suv(pet, "FLT")
    grid = scene.AddNewNodeByClass("vtkMRMLGridTransformNode", "CT of uneven slices acquisition transform")
    displacement = vtk.vtkImageData()
    displacement.SetDimensions(3, 3, 3)
    displacement.AllocateScalars(vtk.VTK_DOUBLE, 3)
    displacement.GetPointData().GetScalars().Fill(1.0)
    warp = slicer.vtkOrientedGridTransform()
    warp.SetDisplacementGridData(displacement)
    grid.SetAndObserveTransformFromParent(warp)
    ct.SetAndObserveTransformNodeID(grid.GetID())
    before = scene.GetNumberOfNodes()
    for begin in (start_run, run_case):
        with pytest.raises(InputError, match="acquisition transform.*harden the transform"):
            begin(scene, ct, pet)
    assert scene.GetNumberOfNodes() == before


def test_a_patient_moved_by_a_transform_is_measured_where_he_lies(scene, phantom, phantom_result):
    """CT and PET under the same rigid transform: same figures, everything shown where the volumes are shown."""
    sample = add_phantom(scene, phantom)
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "couch")
    matrix = vtk.vtkMatrix4x4()
    for axis, shift in enumerate((40.0, -25.0, 111.0)):
        matrix.SetElement(axis, 3, shift)
    transform.SetMatrixTransformToParent(matrix)
    for node in (sample.ct, sample.pet):
        node.SetAndObserveTransformNodeID(transform.GetID())
    loaded = load_from_node(sample.ct, "CT")
    mask = sitk.Image(sample.truth.mask)
    mask.SetOrigin(loaded.image.GetOrigin())
    case = run_case(
        scene, sample.ct, sample.pet, Options(lowest="L5", percentiles=(98.0,)), segmenter=type(sample.truth)(mask)
    )
    for row, expected in zip(case.result.suv_table, phantom_result.suv_table, strict=True):
        assert (row.roi, row.suv_mean) == (expected.roi, pytest.approx(expected.suv_mean, rel=1e-4))
    heights = [b.z_mm for b in case.result.boundaries.boundaries]
    assert heights == pytest.approx([b.z_mm + 111.0 for b in phantom_result.boundaries.boundaries], abs=1e-2)
    assert case.nodes.pet is not sample.pet  # the scene's own is in another frame
    bounds, moved = [0.0] * 6, [0.0] * 6
    case.nodes.segmentation.GetRASBounds(bounds)
    sample.ct.GetRASBounds(moved)
    assert all(moved[2 * axis] - 1 <= bounds[2 * axis] for axis in range(3)) and bounds[5] > 500.0
    plane = case.nodes.planes[0].GetOriginWorld()
    assert plane[2] == pytest.approx(heights[0])
    transform.SetMatrixTransformToParent(vtk.vtkMatrix4x4())  # the CT moves away under the case
    with pytest.raises(InputError, match="was moved"):
        open_review(case.nodes.case)
