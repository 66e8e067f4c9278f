"""Planes for a contact sheet: bent along the bones, cropped to the patient, and a shadow that hides nothing."""

import numpy as np
import pytest
import SimpleITK as sitk

from VertebraFLTLib.report.mask_planes import MaskPlanes


def patient(angle=0.0, islands=()):
    """A 200 x 160 x 300 mm patient in 300 x 240 x 300 mm of air; a column that leans to the left going up."""
    hu = np.full((100, 80, 100), -1000, np.int16)
    hu[:, 13:66, 17:84] = 40
    mask = np.zeros(hu.shape, np.uint8)
    for k in range(100):
        mask[k, 40:50, 40 + k // 10 : 54 + k // 10] = 1
    for label, k, j, i in islands:
        mask[k, j, i] = label
    images = [sitk.GetImageFromArray(a) for a in (hu, mask)]
    for image in images:
        image.SetSpacing((3.0, 3.0, 3.0))
        c, s = np.cos(angle), np.sin(angle)
        image.SetDirection((1, 0, 0, 0, c, -s, 0, s, c))
    return MaskPlanes.of(*images)


def area(plane, key="vertebral_body"):
    return float((plane.masks[key] >= 0.5).sum())


def test_the_sagittal_plane_follows_a_leaning_column():
    plane = patient().sagittal()
    assert plane.view == "sagittal"
    assert area(plane) == pytest.approx(30 * 300, rel=0.05)  # mm^2: the whole column is on it


def test_air_around_the_patient_is_left_out_but_no_height_and_no_island():
    plain = patient()
    assert plain.sagittal().size_mm[1] == pytest.approx(300, abs=2)
    assert plain.coronals()[0].size_mm[0] == pytest.approx(200 + 16, abs=6)
    out = patient(islands=[(2, 50, 2, 97)])
    assert out.coronals()[0].extent_mm[1] >= 97 * 3 and "hip_bone" in out.masks


@pytest.mark.parametrize("island", [(2, 10, 20, 20), (4, 90, 60, 80)])
def test_the_shadow_shows_a_single_voxel_anywhere(island):
    plane = patient(islands=[island]).shadow()
    seen = plane.masks["hip_bone" if island[0] == 2 else "sacrum"]
    row, column = (index.mean() for index in np.nonzero(seen))
    assert 9 <= seen.sum() <= 25  # a voxel of 3 x 3 mm on pixels of 1 mm
    assert column + plane.extent_mm[0] == pytest.approx(island[3] * 3, abs=1.5)
    assert row + plane.extent_mm[2] == pytest.approx(island[1] * 3, abs=1.5)


def test_the_shadow_of_a_column_is_whole():
    assert area(patient().shadow()) == pytest.approx(42 * 300, rel=0.06)


def test_axial_slices_run_from_the_top_down_inside_the_bones():
    planes = patient().axials(4)
    heights = [float(plane.short.removeprefix("z ")) for plane in planes]
    assert heights == sorted(heights, reverse=True) and heights[0] < 300 and heights[-1] > 0
    assert all(area(plane) == pytest.approx(30 * 42, rel=0.1) for plane in planes)
    assert np.diff(heights) == pytest.approx(np.diff(heights).mean(), abs=1.1)


def test_a_plane_through_the_sternum_where_there_is_one():
    assert len(patient().coronals()) == 1
    sternum = [(3, k, 14, 50) for k in range(60, 90)]
    planes = patient(islands=sternum).coronals()
    assert len(planes) == 2 and area(planes[1], "sternum") > 60


def test_oblique_grids_are_sampled_by_position():
    straight, oblique = patient().sagittal(), patient(angle=0.3).sagittal()
    assert area(oblique) == pytest.approx(area(straight), rel=0.1)


def test_without_mask_the_middle_of_the_ct_is_shown():
    ct = sitk.GetImageFromArray(np.full((10, 20, 30), -1000, np.int16))
    planes = MaskPlanes.of(ct, sitk.Image(30, 20, 10, sitk.sitkUInt8))
    assert planes.sagittal().ct.shape == (10, 20) and planes.shadow().masks == {}
    assert len(planes.axials(4)) == 4
