"""The matrix of thick slices against SimpleITK's filter and resampling, and against what it must do by definition."""

import numpy as np
import pytest
import SimpleITK as sitk

from VertebraFLTLib.training.cases import undersampled
from VertebraFLTLib.training.undersampling import thick_slices


@pytest.mark.parametrize("shift", [0.0, 0.3, 0.999])
@pytest.mark.parametrize(
    ("count", "spacing", "native", "thick"), [(40, 2, 1, 5), (11, 3, 3, 6), (1, 2, 2, 4), (90, 1, 5, 5)]
)
def test_rows_sum_to_one_and_are_averages(count, spacing, native, thick, shift):
    matrix = thick_slices(count, spacing, native, thick, shift)
    assert matrix.shape == (count, count) and matrix.min() >= 0
    np.testing.assert_allclose(matrix.sum(axis=1), 1, atol=1e-5)


def test_slices_of_the_native_thickness_change_nothing():
    matrix = thick_slices(30, 2.0, 2.0, 2.0, 0.0)
    np.testing.assert_allclose(matrix, np.eye(30), atol=1e-3)


def test_a_ramp_stays_a_ramp_away_from_the_ends():
    z = np.arange(60) * 2.0
    seen = thick_slices(60, 2.0, 1.0, 5.0, 0.4) @ z
    np.testing.assert_allclose(seen[6:-6], z[6:-6], atol=0.05)


@pytest.mark.parametrize(("slice_mm", "centre"), [(5.0, 2.0), (3.0, 1.0), (7.0, 3.0)])
def test_an_edge_looks_as_in_a_ct_under_sampled_and_resampled(slice_mm, centre):
    fine = np.where(np.arange(121) < 57, -1000, 300).astype(np.int16)
    ct = sitk.GetImageFromArray(np.broadcast_to(fine[:, None, None], (121, 5, 5)).copy())
    back = sitk.Resample(undersampled(ct, slice_mm), ct, sitk.Transform(), sitk.sitkLinear, 0.0, sitk.sitkFloat32)
    expected = sitk.GetArrayFromImage(back)[:, 2, 2]
    # With slices of 1 mm the first thick slice's middle lies ``centre`` mm from the first fine one's.
    found = thick_slices(121, 1.0, 1.0, slice_mm, centre / slice_mm) @ fine.astype(float)
    inner = slice(10, -10)
    assert np.abs(found[inner] - expected[inner]).max() < 15  # of 1300 HU; SimpleITK's Gaussian is recursive
    assert np.abs(np.diff(found)).max() < 1300 / 2  # and the edge is no longer one
