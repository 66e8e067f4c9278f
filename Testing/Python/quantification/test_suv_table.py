"""The SUV table against hand-worked sums, SimpleITK's label statistics, and itself in other orientations."""

import itertools

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.quantification.completeness import completeness_warnings
from VertebraFLTLib.quantification.masks_on_pet import regions_on_pet
from VertebraFLTLib.quantification.suv_peak import PEAK_RADIUS_MM, sphere_weights
from VertebraFLTLib.quantification.suv_table import COLUMNS, RegionSuv, measure, table_from_csv, table_to_csv

OBLIQUE = np.array(sitk.Euler3DTransform((0, 0, 0), 0.2, -0.15, 0.3).GetMatrix()).reshape(3, 3)


def image(array, spacing=(1.0, 1.0, 1.0), origin=(0.0, 0.0, 0.0), direction=None):
    result = sitk.GetImageFromArray(np.ascontiguousarray(array))
    result.SetSpacing([float(s) for s in spacing])
    result.SetOrigin([float(o) for o in origin])
    result.SetDirection([float(d) for d in np.ravel(np.eye(3) if direction is None else direction)])
    return result


def torso():
    """A stack of five vertebrae (the upper ones tilted into each other's slices), a pelvis and a sternum on a 'CT'."""
    z, y, x = np.indices((40, 50, 56)).astype(float)
    column = (np.abs(x - 28) < 9) & (np.abs(y - 34) < 8) & (z > 8) & (z < 36)
    height = z + 0.25 * (y - 34)
    vertebrae = np.zeros(column.shape, np.uint8)
    for n, code in enumerate((24, 23, 22, 21, 20)):
        vertebrae[column & (height >= 8 + 5.5 * n) & (height < 8 + 5.5 * n + 4.6)] = code
    semantic = column.astype(np.uint8)
    semantic[(z < 14) & (np.hypot(x - 14, y - 28) < 9) & ~column] = 2
    semantic[(z < 14) & (np.hypot(x - 42, y - 28) < 9) & ~column] = 2
    semantic[(z <= 8) & (z > 2) & (np.abs(x - 28) < 5) & (np.abs(y - 36) < 5)] = 4
    semantic[(np.abs(x - 28) < 4) & (np.abs(y - 8) < 3) & (z > 20) & (z < 34)] = 3
    spacing, origin = (1.5, 1.5, 4.0), (-40.0, -30.0, 100.0)
    pet_shape = (44, 19, 21)
    uptake = ndimage.gaussian_filter(np.random.default_rng(3).gamma(2.0, 2.0, pet_shape), 0.7).astype(np.float32)
    pet = image(uptake, (4.4, 4.1, 3.7), (-42.0, -31.0, 99.0))
    return image(semantic, spacing, origin), image(vertebrae, spacing, origin), pet


def test_sums_worked_by_hand():
    # CT and PET share a grid of 2 x 2 x 5 mm voxels (0.02 ml); L5 is one voxel, so its flat cross has five.
    vertebrae = np.zeros((5, 5, 5), np.uint8)
    vertebrae[2, 2, 2] = 24
    uptake = np.arange(125, dtype=np.float32).reshape(5, 5, 5) / 10
    grid = ((2, 2, 5), (0, 0, 0))
    rows = measure(image(uptake, *grid), image((vertebrae > 0).astype(np.uint8), *grid), image(vertebrae, *grid))
    assert [r.roi for r in rows] == ["L5", "vertebral_column"]
    level, column = rows
    cross = [6.2, 5.7, 6.7, 6.1, 6.3]
    assert (level.label, level.voxels, level.volume_ml) == ("24", 5, pytest.approx(0.1))
    assert level.suv_sum == pytest.approx(sum(cross), rel=1e-6)
    assert level.suv_mean == pytest.approx(6.2, rel=1e-6)
    assert level.suv_sd == pytest.approx(np.sqrt(2 * (0.5**2 + 0.1**2) / 5), rel=1e-5)
    assert (level.suv_min, level.suv_max) == (pytest.approx(5.7), pytest.approx(6.7))
    assert level.suv_median == pytest.approx(6.2)
    assert level.suv_p85 == pytest.approx(6.3 + 0.4 * (6.7 - 6.3), rel=1e-5)  # rank 0.85 x 4 = 3.4
    assert level.suv_total_ml == pytest.approx(0.62, rel=1e-6)
    assert (column.label, column.voxels) == ("1", 7)
    assert column.suv_sum == pytest.approx(sum(cross) + 3.7 + 8.7, rel=1e-6)


def test_against_simpleitk_and_scipy_on_masks_of_several_regions():
    semantic, vertebrae, pet = torso()
    rows = {row.roi: row for row in measure(pet, semantic, vertebrae)}
    assert list(rows) == ["L5", "L4", "L3", "L2", "L1", "vertebral_column", "pelvis", "hips", "sacrum", "sternum"]
    statistics = sitk.LabelStatisticsImageFilter()
    for region in regions_on_pet(pet, semantic, vertebrae):
        row = rows[region.roi]
        whole = np.zeros(sitk.GetArrayViewFromImage(pet).shape, np.uint8)
        whole[region.box] = region.mask
        mask = sitk.GetImageFromArray(whole)
        mask.CopyInformation(pet)
        statistics.Execute(pet, mask)
        assert row.voxels == statistics.GetCount(1)
        assert row.suv_sum == pytest.approx(statistics.GetSum(1), rel=1e-6)
        assert row.suv_mean == pytest.approx(statistics.GetMean(1), rel=1e-6)
        sample_sd = statistics.GetSigma(1)  # divided by n - 1
        assert row.suv_sd == pytest.approx(sample_sd * np.sqrt((row.voxels - 1) / row.voxels), rel=1e-5)
        assert row.suv_min == pytest.approx(statistics.GetMinimum(1))
        assert row.suv_max == pytest.approx(statistics.GetMaximum(1))
        assert row.suv_median == pytest.approx(float(ndimage.median(sitk.GetArrayFromImage(pet), whole, 1)), rel=1e-6)
        assert row.volume_ml == pytest.approx(row.voxels * 4.4 * 4.1 * 3.7 / 1000)
    assert (rows["pelvis"].label, rows["hips"].label) == ("2+4", "2")


def test_vertebrae_share_no_voxel_though_they_share_slices():
    semantic, vertebrae, pet = torso()
    count = np.zeros(sitk.GetArrayViewFromImage(pet).shape, int)
    slices = []
    for region in regions_on_pet(pet, semantic, vertebrae):
        if region.roi.startswith("L"):
            count[region.box] += region.mask
            slices.append({region.box[0].start + int(k) for k in np.flatnonzero(region.mask.any(axis=(1, 2)))})
    assert count.max() == 1
    assert slices[0] & slices[1]  # the case is not an empty one


def test_the_dilated_rim_is_one_voxel_and_vertebrae_do_not_grow_along_the_spine():
    vertebrae = np.zeros((12, 24, 24), np.uint8)
    vertebrae[4:7, 8:16, 8:16] = 20  # 8 x 8 x 12 mm
    semantic = (vertebrae > 0).astype(np.uint8)
    masks = [image(a, (1, 1, 4)) for a in (semantic, vertebrae)]
    pet = image(np.ones((12, 6, 6), np.float32), (4, 4, 4), (1.5, 1.5, 0))
    level, column = regions_on_pet(pet, *masks)
    undilated = 2 * 2 * 3
    assert level.mask.sum() == undilated + 3 * 8  # each of three slices gains eight voxels
    assert column.mask.sum() == undilated + 3 * 8 + 2 * 4  # and the ball two caps of four
    assert level.bone_ml == pytest.approx(8 * 8 * 12 / 1000)
    assert level.bone_on_pet_ml == pytest.approx(level.bone_ml)


def test_a_vertebra_thinner_than_half_a_pet_voxel_keeps_its_place():
    vertebrae = np.zeros((20, 20, 20), np.uint8)
    vertebrae[10:11, 4:16, 4:16] = 7  # 1 mm high under 4 mm slices
    pet = image(np.ones((5, 5, 5), np.float32), (4, 4, 4), (1.5, 1.5, 1.5))
    rows = measure(pet, image((vertebrae > 0).astype(np.uint8)), image(vertebrae))
    assert rows[0].roi == "C7" and rows[0].voxels == 9 + 12


def test_constant_uptake_is_that_constant_everywhere():
    semantic, vertebrae, pet = torso()
    for row in measure(pet * 0 + 3.0, semantic, vertebrae):
        for name in ("suv_mean", "suv_min", "suv_median", "suv_p85", "suv_p98", "suv_max", "suv_peak"):
            assert getattr(row, name) == pytest.approx(3.0, rel=1e-6)
        assert row.suv_sd == pytest.approx(0, abs=1e-6)


def test_every_axis_order_and_flip_and_an_oblique_patient_give_the_same_table():
    semantic, vertebrae, pet = torso()
    expected = measure(pet, semantic, vertebrae)
    cases = list(itertools.product(itertools.permutations(range(3)), itertools.product((False, True), repeat=3)))
    for n, (order, flips) in enumerate(cases):
        turned_pet = sitk.Flip(sitk.PermuteAxes(pet, order), flips, False)
        other = cases[(7 * n + 5) % len(cases)]  # the masks in another order than the PET
        masks = [sitk.Flip(sitk.PermuteAxes(m, other[0]), other[1], False) for m in (semantic, vertebrae)]
        assert table_to_csv(measure(turned_pet, *masks)) == table_to_csv(expected)
    turned = []
    for one in (pet, semantic, vertebrae):
        moved = sitk.Image(one)
        moved.SetOrigin((OBLIQUE @ one.GetOrigin()).tolist())
        moved.SetDirection((OBLIQUE @ np.reshape(one.GetDirection(), (3, 3))).ravel().tolist())
        turned.append(moved)
    assert table_to_csv(measure(*turned)) == table_to_csv(expected)


def test_absent_masks_give_no_rows():
    _, vertebrae, pet = torso()
    assert measure(pet, vertebrae * 0, vertebrae * 0) == []
    far = image(np.ones((4, 4, 4), np.uint8), origin=(900, 900, 900))
    assert measure(pet, far, far) == []


def test_peak_of_a_point_is_the_parts_sphere_and_may_leave_the_region():
    uptake = np.zeros((21, 21, 21), np.float32)
    uptake[10, 10, 10] = 1.0  # 2 mm voxels: 0.008 ml of the sphere's millilitre
    vertebrae = np.zeros((21, 21, 21), np.uint8)
    vertebrae[10, 10, 8] = 20  # its cross ends at i = 9, one voxel beside the point
    grid = ((2, 2, 2),)
    row = measure(image(uptake, *grid), image((vertebrae > 0).astype(np.uint8), *grid), image(vertebrae, *grid))[0]
    assert row.suv_max == 0
    assert row.suv_peak == pytest.approx(0.008, rel=0.01)


@pytest.mark.parametrize("spacing", [(2.0, 2.0, 2.0), (5.47, 5.47, 4.0), (4.0, 4.0, 3.27), (8.0, 8.0, 8.0)])
def test_the_peak_sphere_holds_one_millilitre(spacing):
    weights = sphere_weights(np.diag(spacing))
    assert weights.sum() * np.prod(spacing) / 1000 == pytest.approx(1.0, rel=0.02)
    assert pytest.approx(6.2, abs=0.05) == PEAK_RADIUS_MM
    turned = sphere_weights(OBLIQUE @ np.diag(spacing))
    np.testing.assert_allclose(turned, weights, atol=0.02)


def test_csv_has_the_agreed_columns_and_reads_back():
    rows = measure(*(torso()[i] for i in (2, 0, 1)))
    text = table_to_csv(rows)
    assert text.splitlines()[0] == (
        "roi,label,voxels,volume_ml,suv_sum,suv_mean,suv_sd,suv_min,suv_median,suv_p85,suv_p98,suv_max,suv_peak"
    )
    again = table_from_csv(text)
    assert [r.roi for r in again] == [r.roi for r in rows]
    for name in COLUMNS[2:]:
        assert [getattr(r, name) for r in again] == pytest.approx([getattr(r, name) for r in rows], rel=1e-6)


def test_csv_numbers_are_plain_and_short():
    row = RegionSuv("L5", "24", 1, 0.1, 12345678.9, 1 / 3, 0.0, -0.00001234567, 1.0, 2.5, 1e9, 100.0, 7.0)
    cells = table_to_csv([row]).splitlines()[1].split(",")
    assert cells[4:7] == ["12345680", "0.3333333", "0"]
    assert cells[7] == "-0.00001234567" and cells[8:11] == ["1", "2.5", "1000000000"]


@pytest.mark.parametrize(
    "text", ["", "roi,label\n", ",".join(COLUMNS) + "\nL5,24,x" + ",1" * 10, ",".join(COLUMNS) + "\nL5,24"]
)
def test_a_broken_csv_is_refused_by_name(text):
    with pytest.raises(InputError, match=r"table\.csv"):
        table_from_csv(text, "table.csv")


def test_bones_shown_in_part_are_named():
    semantic, vertebrae, pet = torso()
    assert completeness_warnings(regions_on_pet(pet, semantic, vertebrae), semantic) == [
        "the pelvis reaches the border of the CT: its volume and SUV sum may be of a part only"
    ]
    lower = pet[:, :, :20]
    lines = completeness_warnings(regions_on_pet(lower, semantic, vertebrae), semantic)
    assert any("of the vertebral column lies outside the PET" in line for line in lines)
    assert any(line.startswith("the sternum lies outside the PET") for line in lines)
    assert "no sternum was found" in completeness_warnings([], semantic * 0)[2]
