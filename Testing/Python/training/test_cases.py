"""Cases on the working grid, and the same CT at thicker slices: geometry, averages and majorities worked by hand."""

import numpy as np
import pytest
import SimpleITK as sitk

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.training.cases import (
    DISC,
    IGNORED,
    make_case,
    thick_grid,
    undersampled,
    undersampled_labels,
    with_discs,
)
from VertebraFLTLib.training.config import NetworkConfig


def ct_and_labels():
    k, j, i = np.mgrid[0:60, 0:90, 0:90]
    hu = np.where((i - 45) ** 2 + (j - 45) ** 2 < 38**2, 40.0, -1000.0)
    rod = (i - 45) ** 2 + (j - 60) ** 2 < 8**2
    hu[rod] = 300.0
    hu[k % 12 == 0] -= 30
    images = []
    for array in (hu.astype(np.int16), rod.astype(np.uint8)):
        image = sitk.GetImageFromArray(array)
        image.SetSpacing((2.0, 2.0, 1.5))
        image.SetOrigin((-90, -90, 10))
        images.append(image)
    return images


def test_a_case_is_cropped_to_the_body_on_the_working_grid():
    ct, labels = ct_and_labels()
    case = make_case("a", ct, labels, NetworkConfig(spacing_mm=(3.0, 3.0, 3.0)))
    assert case.hu.dtype == np.int16 and case.labels.dtype == np.uint8 and case.hu.shape == case.labels.shape
    assert case.slice_mm == 1.5 and not case.simulated
    assert case.hu.shape[0] == 30 and case.hu.shape[1] < 60  # the length is kept, air beside the body is not
    rod_ml = np.count_nonzero(case.labels == 1) * 27.0
    assert rod_ml == pytest.approx(np.count_nonzero(sitk.GetArrayFromImage(labels)) * 6.0, rel=0.03)
    assert np.median(case.hu[case.labels == 1]) == pytest.approx(300, abs=10)


def test_voxels_that_are_not_scored_stay_so_on_the_working_grid():
    ct, labels = ct_and_labels()
    labels[:, :, :20] = IGNORED
    case = make_case("a", ct, labels, NetworkConfig(spacing_mm=(3.0, 3.0, 3.0)))
    assert (case.labels[:9] == IGNORED).all() and set(np.unique(case.labels[11:])) == {0, 1}


def test_under_sampling_averages_over_the_slice():
    ct, _ = ct_and_labels()
    thick = undersampled(ct, 6.0)
    assert thick.GetSpacing()[2] == 6.0
    fine_array, thick_array = (sitk.GetArrayFromImage(i).astype(float) for i in (ct, thick))
    # The pattern along z of 30 HU in one slice of 12 is mostly gone, its mean is kept.
    inner = (slice(2, -2), 60, 45)
    assert thick_array[inner].std() < 0.6 * fine_array[inner].std()
    assert thick_array[inner].mean() == pytest.approx(fine_array[inner].mean(), abs=2)


@pytest.mark.parametrize("slice_mm", [1.0, 1.5])
def test_thicker_slices_alone_can_be_simulated(slice_mm):
    ct, _ = ct_and_labels()
    with pytest.raises(InputError, match=rf"a CT with slices of 1\.5 mm cannot be given slices of {slice_mm:g} mm"):
        undersampled(ct, slice_mm)


@pytest.mark.parametrize(
    ("slice_mm", "shift", "count"), [(6.0, 0.0, 15), (6.0, 0.5, 14), (7.0, 0.0, 12), (5.0, 0.9, 17)]
)
def test_thick_slices_lie_within_the_volume(slice_mm, shift, count):
    ct, _ = ct_and_labels()  # 90 mm from 9.25 on
    grid = thick_grid(ct, slice_mm, shift)
    assert grid.GetSize() == (90, 90, count) and grid.GetSpacing() == (2.0, 2.0, slice_mm)
    assert grid.GetOrigin() == pytest.approx((-90, -90, 9.25 + (0.5 + shift) * slice_mm))
    assert grid.GetOrigin()[2] + (count - 0.5) * slice_mm <= 99.25 + 1e-6


def column(values, spacing_z):
    image = sitk.GetImageFromArray(np.array(values, np.uint8).T[:, None])  # one column a list of labels, along z
    image.SetSpacing((1.0, 1.0, spacing_z))
    return image


def test_a_thick_voxel_has_the_label_that_fills_most_of_it():
    columns = [[1, 1, 1, 0, 0, 2, 2, 2, 2, 2], [2, 2, 3, 3, 3, 0, 0, 0, 4, 4], [1, 1, 0, 2, 255, 255, 255, 255, 0, 0]]
    thick = undersampled_labels(column(columns, 1.0), 5.0)
    assert sitk.GetArrayFromImage(thick)[:, 0].T.tolist() == [[1, 2], [3, 0], [1, 255]]


def test_slices_that_are_cut_count_by_their_share():
    # Thick slices of 5 mm over fine ones of 2 mm: 2 2 1, then 1 2 2; 0 and 3 tie in one, and 3 lies higher.
    thick = undersampled_labels(column([[1, 0, 1, 2, 0], [0, 3, 1, 1, 4]], 2.0), 5.0)
    assert sitk.GetArrayFromImage(thick)[:, 0].T.tolist() == [[1, 0], [3, 1]]


def test_of_two_labels_with_half_a_slice_each_the_upper_one_has_it():
    # 3 mm from 1.5 mm. A body of four slices that begins and ends within a thick one keeps its length.
    thick = undersampled_labels(column([[0, 1, 1, 1, 1, 0], [0, 1, 1, 0, 2, 2]], 1.5), 3.0)
    assert sitk.GetArrayFromImage(thick)[:, 0].T.tolist() == [[1, 1, 0], [1, 0, 2]]


def test_discs_are_the_background_between_two_bodies():
    labels = np.zeros((20, 12, 12), np.uint8)
    labels[2:8, 3:9, 3:9] = labels[10:16, 3:9, 3:9] = 1
    labels[8:10, 3:9, 3] = 2  # another structure keeps its label
    marked = with_discs(labels.copy(), (2.0, 2.0, 2.0))
    assert set(np.unique(marked[8:10, 4:8, 4:8])) == {DISC}
    assert (marked[labels > 0] == labels[labels > 0]).all()
    assert not (marked[17:] == DISC).any() and not (marked[:1] == DISC).any()
    empty = np.zeros((4, 4, 4), np.uint8)
    assert not with_discs(empty, (2.0, 2.0, 2.0)).any()
