"""Uptake profile (thesis eq. 19): hand-worked means, slice order, oblique grids, what is cut, and the CSV."""

from __future__ import annotations

import numpy as np
import pytest

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.spine.profile import Profile, uptake_profile


def test_means_of_a_hand_worked_volume():
    pet = np.array([[[1, 2], [3, 4]], [[5, 6], [7, 8]], [[9, 9], [9, 9]]], dtype=np.float32)
    column = np.array([[[1, 0], [0, 1]], [[0, 1], [1, 1]], [[0, 0], [0, 0]]], dtype=bool)
    z = np.array([10.0, 14.0, 18.0]).reshape(3, 1, 1)
    profile = uptake_profile(pet, column, z)
    assert profile.mean_suv.tolist() == [2.5, 7.0, 0.0]
    assert profile.voxels.tolist() == [2, 3, 0]
    assert profile.z_mm.tolist() == [10.0, 14.0, 18.0]
    assert profile.spacing_mm == 4.0
    assert profile.extent_mm == (8.0, 16.0)
    assert profile.cut == (True, False)


def test_slices_from_the_head_down_give_the_same_profile_in_patient_coordinates():
    rng = np.random.default_rng(1)
    pet, column = rng.random((9, 4, 4)), rng.random((9, 4, 4)) > 0.4
    z = (100.0 + 3.3 * np.arange(9)).reshape(9, 1, 1)
    up = uptake_profile(pet, column, z)
    down = uptake_profile(pet[::-1], column[::-1], z[::-1])
    np.testing.assert_allclose(down.z_mm, up.z_mm)
    np.testing.assert_allclose(down.mean_suv, up.mean_suv)
    assert down.pet_slice.tolist() == list(range(8, -1, -1))
    assert down.axis.step_mm == pytest.approx(-3.3)
    assert down.axis.slice_at(100.0) == pytest.approx(8.0)


def test_voxels_that_are_no_number_do_not_count():
    pet = np.array([[[np.nan, 2.0, 4.0]], [[np.inf, np.nan, np.nan]], [[1.0, 1.0, 1.0]]])
    profile = uptake_profile(pet, np.ones(pet.shape, bool), np.arange(3.0).reshape(3, 1, 1))
    assert profile.mean_suv.tolist() == [3.0, 0.0, 1.0]
    assert profile.voxels.tolist() == [2, 0, 3]
    assert profile.column()[1].tolist() == [3.0, 2.0, 1.0]  # the empty slice is interpolated


def test_rows_outside_the_other_image_are_left_out_and_the_column_counts_as_cut():
    column = np.zeros((10, 2, 2), bool)
    column[2:8] = True
    z = (4.0 * np.arange(10)).reshape(10, 1, 1)
    profile = uptake_profile(np.ones(column.shape), column, z, coverage_z_mm=(-5.0, 22.0))
    assert profile.z_mm.tolist() == [0.0, 4.0, 8.0, 12.0, 16.0, 20.0]
    assert profile.cut == (False, True)


def test_an_oblique_grid_shows_the_patients_layers():
    # Uptake is a wave along the patient; the grid leans by 10 degrees. The profile must follow z, not the slices.
    nk, nj, ni, spacing, lean = 80, 24, 24, 4.0, np.deg2rad(10)
    k, j, i = np.meshgrid(np.arange(nk), np.arange(nj), np.arange(ni), indexing="ij")
    z = k * spacing * np.cos(lean) + (j - nj // 2) * spacing * np.sin(lean)
    y = -k * spacing * np.sin(lean) + (j - nj // 2) * spacing * np.cos(lean)
    pet = 5 + 3 * np.cos(2 * np.pi * z / 40.0)
    column = (np.abs(y + 30) < 16) & (np.abs(i - ni // 2) < 4) & (z > 60) & (z < 200)
    profile = uptake_profile(pet, column, z.astype(np.float32))
    inner = (profile.z_mm > 66) & (profile.z_mm < 194)
    expected = 5 + 3 * np.cos(2 * np.pi * profile.z_mm[inner] / 40.0)
    np.testing.assert_allclose(profile.mean_suv[inner], expected, atol=0.25)
    assert profile.extent_mm == pytest.approx((60, 200), abs=4.0)
    assert profile.cut == (False, False)
    assert profile.spacing_mm == pytest.approx(spacing * np.cos(lean))
    # The middle of the grid keeps its slice numbers.
    np.testing.assert_allclose(profile.z_mm, profile.pet_slice * spacing * np.cos(lean), atol=1e-3)


def test_an_oblique_column_that_leaves_the_image_counts_as_cut():
    nk, nj = 30, 12
    z = 4.0 * np.arange(nk).reshape(-1, 1, 1) + 0.7 * np.arange(nj).reshape(1, -1, 1) + np.zeros((1, 1, 5))
    column = np.zeros(z.shape, bool)
    column[:20, 4:8] = True
    profile = uptake_profile(np.ones(z.shape), column, z)
    assert profile.cut == (True, False)


def test_mask_and_pet_without_a_common_voxel_are_refused():
    with pytest.raises(InputError, match="share no voxel"):
        uptake_profile(np.ones((3, 2, 2)), np.zeros((3, 2, 2), bool), np.arange(3.0).reshape(3, 1, 1))
    with pytest.raises(InputError, match="share no voxel"):
        uptake_profile(
            np.ones((3, 2, 2)), np.ones((3, 2, 2), bool), np.arange(3.0).reshape(3, 1, 1), coverage_z_mm=(50, 60)
        )


def test_csv_round_trip_is_exact():
    rng = np.random.default_rng(3)
    profile = Profile(np.arange(7.0)[::-1], -311.7 + 3.27 * np.arange(7), rng.random(7), rng.integers(0, 90, 7))
    text = profile.to_csv()
    assert text.splitlines()[0] == "pet_slice,z_mm,mean_suv,voxels"
    back = Profile.from_csv(text)
    for name in ("pet_slice", "z_mm", "mean_suv", "voxels"):
        np.testing.assert_array_equal(getattr(back, name), getattr(profile, name))
    assert back.to_csv() == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("pet_slice,z_mm,mean_suv,voxels\n1,2,3,4\n2,x,3,4\n", "row 3, column z_mm"),
        ("pet_slice,z_mm,mean_suv,voxels\n1,2,3,4\n2,2,3,4\n", "row 3, column z_mm: must be above"),
        ("pet_slice,z_mm,mean_suv,voxels\n1,2,3,4.5\n", "row 2, column voxels"),
        ("pet_slice,z_mm,mean_suv\n1,2,3\n", "column voxels"),
        ("pet_slice,z_mm,mean_suv,voxels\n", "no rows"),
        ("", "row 1"),
    ],
)
def test_csv_errors_name_row_and_column(text: str, words: str):
    with pytest.raises(InputError, match=words) as caught:
        Profile.from_csv(text)
    assert "\n" not in str(caught.value)
