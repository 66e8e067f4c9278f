"""Axis orders, flips and tilts: voxels stay where they are in the patient, and come back exactly."""

from itertools import permutations, product

import numpy as np
import pytest
import SimpleITK as sitk
from scipy.spatial.transform import Rotation

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.io.geometry import (
    OriginalGeometry,
    back_to_original,
    check_overlap,
    check_volume,
    to_lps,
    z_map,
)

ORDERS = [(order, signs) for order in permutations(range(3)) for signs in product((1, -1), repeat=3)]
TILT = Rotation.from_euler("xyz", [11, -7, 16], degrees=True).as_matrix()


def image_with(direction: np.ndarray, size: tuple[int, int, int] = (4, 5, 6)) -> sitk.Image:
    values = np.arange(np.prod(size), dtype=np.int16).reshape(size[::-1])
    image = sitk.GetImageFromArray(values)
    image.SetDirection(direction.ravel().tolist())
    image.SetSpacing((1.5, 2.0, 3.25))
    image.SetOrigin((-10.125, 22.5, -301.0))
    return image


def values_by_position(image: sitk.Image) -> dict[tuple[float, ...], float]:
    return {
        tuple(np.round(image.TransformIndexToPhysicalPoint((i, j, k)), 6)): image[i, j, k]
        for i, j, k in product(*map(range, image.GetSize()))
    }


@pytest.mark.parametrize("tilt", [np.eye(3), TILT], ids=["aligned", "oblique"])
@pytest.mark.parametrize(("order", "signs"), ORDERS)
def test_every_axis_order_becomes_lps_and_returns_exactly(order, signs, tilt):
    image = image_with(tilt @ (np.eye(3)[:, order] * np.array(signs)))
    original = OriginalGeometry.of(image)
    lps = to_lps(image)
    assert values_by_position(lps) == values_by_position(image)
    direction = np.array(lps.GetDirection()).reshape(3, 3)
    assert np.all(np.diag(direction) > 0.9)
    back = back_to_original(lps, original)
    assert OriginalGeometry.of(back) == original
    assert np.array_equal(sitk.GetArrayFromImage(back), sitk.GetArrayFromImage(image))


def test_an_image_tilted_by_45_degrees_still_gets_three_axes():
    image = image_with(Rotation.from_euler("x", 45, degrees=True).as_matrix())
    lps = to_lps(image)
    assert values_by_position(lps) == values_by_position(image)


def test_metadata_survive_reordering():
    image = image_with(np.diag([-1.0, -1.0, 1.0]))
    image.SetMetaData("note", "kept")
    assert to_lps(image).GetMetaData("note") == "kept"


def test_back_to_original_refuses_another_grid():
    image = image_with(np.eye(3))
    with pytest.raises(ValueError, match="grid"):
        back_to_original(image[1:, :, :], OriginalGeometry.of(image))


def test_z_of_an_aligned_image_is_one_value_per_slice():
    z = z_map(image_with(np.eye(3)))
    assert z.shape == (6, 1, 1) and z.dtype == np.float32
    assert z[:, 0, 0] == pytest.approx(-301 + 3.25 * np.arange(6))


def test_z_of_an_oblique_image_is_the_physical_z_of_each_voxel():
    image = to_lps(image_with(TILT))
    z = z_map(image)
    assert z.shape == (6, 5, 4)
    for i, j, k in [(0, 0, 0), (3, 4, 5), (2, 1, 4)]:
        assert z[k, j, i] == pytest.approx(image.TransformIndexToPhysicalPoint((i, j, k))[2], abs=1e-4)


def test_direction_cosines_rounded_by_a_file_format_stay_aligned():
    direction = Rotation.from_euler("x", 1e-4, degrees=True).as_matrix()
    assert z_map(image_with(direction)).shape == (6, 1, 1)


def volume(low_z: float, slices: int, x: float = 0.0) -> sitk.Image:
    image = sitk.Image((20, 20, slices), sitk.sitkFloat32)
    image.SetSpacing((10.0, 10.0, 10.0))
    image.SetOrigin((x - 95, -95, low_z + 5))
    return image


def test_full_overlap_gives_no_warning():
    assert check_overlap(volume(0, 50), volume(-20, 54)) == []


def test_partial_overlap_is_told_in_percent_of_length():
    (warning,) = check_overlap(volume(0, 50), volume(0, 30))
    assert "PET covers only 60 % of the CT's length" in warning


@pytest.mark.parametrize("other", [volume(600, 50), volume(0, 50, x=5000)], ids=["above", "beside"])
def test_no_overlap_is_an_input_error(other):
    with pytest.raises(InputError, match="do not overlap"):
        check_overlap(volume(0, 50), other)


def test_boxes_that_meet_but_volumes_that_do_not_are_no_overlap():
    tilted = volume(0, 50)
    tilted.SetDirection(Rotation.from_euler("y", 45, degrees=True).as_matrix().ravel().tolist())
    aside = volume(0, 4, x=0)
    aside.SetOrigin((600, -95, 5))
    corner = [tilted.TransformIndexToPhysicalPoint(point)[0] for point in [(0, 0, 0), (19, 0, 49)]]
    aside.SetOrigin((corner[0] + 150, -95, tilted.TransformIndexToPhysicalPoint((19, 0, 0))[2] - 40))
    with pytest.raises(InputError, match="do not overlap"):
        check_overlap(tilted, aside)


def ct(values: float = 40.0, air: float = -1000.0, bone: float = 900.0) -> sitk.Image:
    array = np.full((5, 20, 20), values, np.float32)
    array[:, 0], array[:, 1] = air, bone
    return sitk.GetImageFromArray(array)


def test_a_sound_ct_passes_without_warning():
    assert check_volume(ct(), "CT", "CT") == []


def test_a_ct_stored_without_its_intercept_is_not_in_hu():
    with pytest.raises(InputError, match="not in Hounsfield units"):
        check_volume(ct() + 1024, "CT x.nii.gz", "CT")


def test_a_ct_without_air_or_bone_is_doubted():
    warnings = check_volume(ct(air=-120, bone=60), "CT", "CT")
    assert len(warnings) == 2 and "no air" in warnings[0] and "no bone" in warnings[1]


@pytest.mark.parametrize(
    ("fill", "words"), [(0.0, "zero everywhere"), (np.nan, "no numbers"), (np.inf, "no numbers"), (-1.0, "no positive")]
)
def test_a_pet_without_uptake_is_refused(fill, words):
    image = sitk.GetImageFromArray(np.full((5, 20, 20), fill, np.float32))
    with pytest.raises(InputError, match=words):
        check_volume(image, "PET p.nii", "PT")


@pytest.mark.parametrize("size", [(20, 20, 1), (20, 20, 2), (1, 20, 20)])
def test_too_few_slices_are_refused(size):
    with pytest.raises(InputError, match="single slice"):
        check_volume(sitk.Image(size, sitk.sitkInt16), "CT")


def test_flat_and_coloured_images_are_refused():
    with pytest.raises(InputError, match="2-D"):
        check_volume(sitk.Image((20, 20), sitk.sitkInt16), "CT")
    with pytest.raises(InputError, match="colour"):
        check_volume(sitk.Image((20, 20, 20), sitk.sitkVectorUInt8, 3), "CT")


def test_spacing_that_is_no_patients_is_refused():
    image = ct()
    image.SetSpacing((0.001, 0.001, 0.003))  # metres
    with pytest.raises(InputError, match="millimetres"):
        check_volume(image, "CT")
