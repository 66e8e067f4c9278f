"""Vertebrae cut on the PET's slices: the thesis's rule at whole slices, in part between them."""

import numpy as np
import pytest
import SimpleITK as sitk

from VertebraFLTLib.quantification.suv_table import measure, weighted_percentiles
from VertebraFLTLib.quantification.vertebra_slices import ColumnOnPet
from VertebraFLTLib.spine.boundaries import Boundary, BoundarySet
from VertebraFLTLib.spine.instances import pieces_of


@pytest.fixture
def images():
    """A column of 3 x 3 voxels through 20 slices of 4 mm; uptake is the slice's number."""
    pet = np.broadcast_to(np.arange(20.0, dtype=np.float32)[:, None, None], (20, 9, 9)).copy()
    mask = np.zeros((20, 9, 9), np.uint8)
    mask[:, 3:6, 3:6] = 1
    result = []
    for array in (pet, mask):
        image = sitk.GetImageFromArray(array)
        image.SetSpacing((5.0, 5.0, 4.0))
        result.append(image)
    return result


def cut_at(*z_mm):
    names = ("L5", "L4", "L3")
    bounds = tuple(
        Boundary(low, high, z / 4, z, 1.0, 1.0, "user") for low, high, z in zip(names, names[1:], z_mm, strict=False)
    )
    return BoundarySet(bounds, -2.0, 78.0)


def vertebrae(semantic, boundaries):
    """The label map that names which vertebrae there are."""
    array = np.zeros((20, 9, 9), np.uint8)
    z = np.arange(20) * 4.0
    for code, (_, low, high) in zip((24, 23, 22), boundaries.vertebrae(), strict=True):
        array[(z >= low) & (z < high), 3:6, 3:6] = code
    image = sitk.GetImageFromArray(array)
    image.CopyInformation(semantic)
    return image


def rows(images, boundaries):
    pet, semantic = images
    return {r.roi: r for r in measure(pet, semantic, vertebrae(semantic, boundaries), boundaries)}


def test_at_whole_slices_the_boundary_slice_belongs_to_nobody(images):
    found = rows(images, cut_at(24.0, 52.0))  # slices 6 and 13
    # 9 voxels and 12 of the flat cross around them, slices 0-5, 7-12, 14-19.
    assert [found[k].voxels for k in ("L5", "L4", "L3")] == [6 * 21] * 3
    assert found["L5"].suv_mean == pytest.approx(2.5)
    assert found["L4"].suv_mean == pytest.approx(9.5)
    assert found["L3"].suv_sum == pytest.approx(21 * (14 + 15 + 16 + 17 + 18 + 19))
    assert found["L4"].volume_ml == pytest.approx(6 * 21 * 0.1)


def test_between_slices_each_side_counts_what_is_left_to_it(images):
    found = rows(images, cut_at(25.0, 52.0))  # a quarter of a slice above slice 6
    # The layer reaches from 23 to 27 mm: slice 6 (22 to 26) keeps a quarter below it, slice 7 three quarters above.
    below, above = found["L5"], found["L4"]
    assert below.volume_ml == pytest.approx(21 * 0.1 * 6.25)
    assert below.suv_sum == pytest.approx(21 * (0 + 1 + 2 + 3 + 4 + 5 + 0.25 * 6))
    assert above.suv_mean == pytest.approx((0.75 * 7 + 8 + 9 + 10 + 11 + 12) / 5.75)


def test_the_mean_moves_steadily_with_the_boundary(images):
    means = [rows(images, cut_at(24.0 + shift, 52.0))["L4"].suv_mean for shift in np.linspace(0, 4, 17)]
    steps = np.diff(means)
    assert means[-1] - means[0] == pytest.approx(0.5)
    assert np.all(steps > 0) and steps.max() < 0.05


def test_an_oblique_plane_parts_what_lies_on_its_two_sides():
    """A column of 9 x 9 voxels of 4 mm whose upper half, above a plane of 45 degrees, has taken up more."""
    pet = np.ones((20, 15, 15), np.float32)
    k, j, _ = np.indices(pet.shape)
    pet[4.0 * (k - 10) + 4.0 * (j - 7) > 0] = 5.0
    mask = np.zeros(pet.shape, np.uint8)
    mask[:, 3:12, 3:12] = 1
    images = [sitk.GetImageFromArray(array) for array in (pet, mask)]
    for image in images:
        image.SetSpacing((4.0, 4.0, 4.0))

    def means(normal):
        one = Boundary("L5", "L4", 10.0, 40.0, 1.0, 1.0, "user", centre_mm=(28.0, 28.0, 40.0), normal=normal)
        found = measure(*images, images[1], BoundarySet((one,), -2.0, 78.0))
        return {row.roi: (row.suv_mean, row.volume_ml) for row in found}

    slope = float(np.sqrt(0.5))
    oblique, axial = means((0.0, slope, slope)), means((0.0, 0.0, 1.0))
    assert oblique["L5"][0] == pytest.approx(1.0) and oblique["L4"][0] == pytest.approx(5.0)
    assert axial["L5"][0] > 1.3 and axial["L4"][0] < 4.7


def test_the_layer_that_belongs_to_nobody_is_one_slice_thick_square_to_the_plane():
    mask = np.zeros((20, 15, 15), np.uint8)
    mask[:, 3:12, 3:12] = 1
    image = sitk.GetImageFromArray(mask)
    image.SetSpacing((4.0, 4.0, 4.0))
    lean = np.radians(25.0)
    one = Boundary(
        "L5",
        "L4",
        10.0,
        40.0,
        1.0,
        1.0,
        "user",
        centre_mm=(28.0, 28.0, 40.0),
        normal=(0.0, float(np.sin(lean)), float(np.cos(lean))),
    )
    column = ColumnOnPet.of(image, image)
    parts = [column.part(piece) for piece in pieces_of(BoundarySet((one,), -2.0, 78.0))]
    counted = sum(float((part.weight * column.fraction[part.slab]).sum()) for part in parts)
    assert float(column.fraction.sum()) - counted == pytest.approx(81 / np.cos(lean), rel=0.02)


def test_weighted_percentiles():
    random = np.random.default_rng(0)
    values = random.normal(size=50)
    equal = weighted_percentiles(values, np.full(50, 0.3), (0, 25, 50, 98, 100))
    assert np.allclose(equal, np.percentile(values, (0, 25, 50, 98, 100)))
    # A value that hardly counts hardly moves the median.
    assert weighted_percentiles(np.array([1.0, 2.0, 3.0, 90.0]), np.array([1, 1, 1, 0.01]), (50,))[0] < 2.6
    assert weighted_percentiles(np.array([4.0]), np.array([0.2]), (50,))[0] == 4.0
