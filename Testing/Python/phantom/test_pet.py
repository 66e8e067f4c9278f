"""The simulated PET: sums after the thesis's tables, days, blur, noise, and valleys of uptake at the discs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk

from VertebraFLTLib.anatomy import LEVEL_BY_NAME
from VertebraFLTLib.phantom import PhantomCase, PhantomOptions, PhantomSize, make_phantom
from VertebraFLTLib.phantom.calibration import table_sums
from VertebraFLTLib.phantom.grid import Grid
from VertebraFLTLib.phantom.pet import add_noise, blurred_uptake
from VertebraFLTLib.phantom.solids import Material, Solid, ellipsoid
from VertebraFLTLib.phantom.uptake import TABLE_7_SUMS, TABLE_8_SUMS, nominal_marrow_suv

NOMINAL = PhantomOptions(variation=0.0, pet_noise=0.0, ct_noise_hu=0.0)
COARSE_CT = PhantomSize((48, 48, 84), (8.0, 8.0, 10.0), (96, 96, 209), (4.0, 4.0, 4.0), 45.0, (1, 1, 2))


@pytest.fixture(scope="module")
def nominal() -> PhantomCase:
    return make_phantom(0, 28, COARSE_CT, NOMINAL)


def test_tables_are_those_of_the_thesis() -> None:
    assert sum(TABLE_7_SUMS.values()) == pytest.approx(46038, abs=5)  # 45,932 in the thesis for all patients
    assert TABLE_8_SUMS["column"][28] == pytest.approx(54051, rel=0.01)
    assert TABLE_8_SUMS["pelvis"][28] == pytest.approx(62485, rel=0.015)
    assert TABLE_8_SUMS["sternum"][28] == pytest.approx(5043, rel=0.02)


def test_sums_of_suv_are_those_of_the_tables(nominal: PhantomCase) -> None:
    sums = table_sums(nominal)
    for level, expected in TABLE_7_SUMS.items():
        assert sums[level] == pytest.approx(expected, rel=0.12), level
    assert sum(sums[level] for level in TABLE_7_SUMS) == pytest.approx(sum(TABLE_7_SUMS.values()), rel=0.05)
    for region, days in TABLE_8_SUMS.items():  # the column was not fitted: its cervical part is a continuation
        assert sums[region] == pytest.approx(days[28], rel=0.08), region


def test_earlier_days_are_scaled_by_table_8(nominal: PhantomCase) -> None:
    late = table_sums(nominal)
    for day in (-1, 7):
        early = table_sums(make_phantom(0, day, COARSE_CT, NOMINAL))
        for region, days in TABLE_8_SUMS.items():
            assert early[region] / late[region] == pytest.approx(days[day] / days[28], rel=0.12), (day, region)
    ablated = nominal_marrow_suv("L3", -1)
    assert ablated < nominal_marrow_suv("L3", 7) < nominal_marrow_suv("L3", 28)


def test_measured_means_rise_and_fall_with_true_uptake(small_case: PhantomCase) -> None:
    suv = sitk.GetArrayViewFromImage(small_case.pet_suv)
    clean = sitk.GetArrayViewFromImage(small_case.pet_truth_suv)
    vertebrae = sitk.GetArrayViewFromImage(small_case.pet_vertebrae)
    for level in small_case.levels:
        mask = vertebrae == LEVEL_BY_NAME[level].code
        true = small_case.marrow_suv[level]
        assert suv[mask].mean() == pytest.approx(clean[mask].mean(), rel=0.05), level
        # Blur and the cold rim take away a fifth in the loin and over half in the small bodies of the neck.
        assert (0.6 if level[0] == "L" else 0.3) * true < clean[mask].mean() < 0.95 * true, level


def test_uptake_has_a_valley_at_every_disc(small_case: PhantomCase) -> None:
    suv = sitk.GetArrayViewFromImage(small_case.pet_truth_suv)
    column = small_case.pet_column
    voxels = column.sum(axis=(1, 2))
    profile = np.where(voxels > 0, (suv * column).sum(axis=(1, 2)) / np.maximum(voxels, 1), 0.0)
    for boundary in small_case.boundaries[1:-1]:  # L5/S1 and the joints of the atlas have no column on both sides
        near = round(boundary.pet_slice)
        window = np.arange(near - 2, near + 3)
        lowest = window[np.argmin(profile[window])]
        assert abs(lowest - boundary.pet_slice) <= 1.0, boundary
        assert profile[lowest] < 0.9 * min(profile[near - 3], profile[near + 3]), boundary


def test_other_organs_are_active(nominal: PhantomCase) -> None:
    suv = sitk.GetArrayViewFromImage(nominal.pet_truth_suv)
    assert suv.max() == pytest.approx(28.0, rel=0.1)  # urine in the bladder
    assert np.median(suv[suv > 0.1]) < 0.8  # most of the body is background
    marrow = sitk.GetArrayViewFromImage(nominal.pet_semantic) == 1
    assert suv[marrow].mean() > 8 * np.median(suv[suv > 0.1])


def test_blur_of_a_ball_keeps_its_total_and_has_the_width_asked_for() -> None:
    grid = Grid((40, 40, 40), (2.0, 2.0, 2.0), (-39.0, -39.0, -39.0))
    ball = Solid("ball", *ellipsoid((0.0, 0.0, 0.0), (3.0, 3.0, 3.0)), Material(0.0, 100.0))
    sharp = blurred_uptake([ball], grid, (1, 1, 1), PhantomOptions(psf_fwhm_mm=0.0))
    soft = blurred_uptake([ball], grid, (1, 1, 1), PhantomOptions(psf_fwhm_mm=8.0))
    assert soft.sum() == pytest.approx(sharp.sum(), rel=1e-3)
    x = np.arange(40) * 2.0 - 39.0

    def variance(volume: np.ndarray) -> float:
        line = volume.sum(axis=(0, 1), dtype=np.float64)
        return float((line * x**2).sum() / line.sum())

    added = variance(soft) - variance(sharp)
    assert np.sqrt(added) * 2.3548 == pytest.approx(8.0, rel=0.05)


def test_noise_has_the_level_asked_for_and_grows_with_the_root_of_uptake() -> None:
    grid = Grid((48, 48, 48), (4.0, 4.0, 4.0), (0.0, 0.0, 0.0))
    truth = np.full(grid.shape, 1.0, dtype=np.float32)
    truth[24:] = 9.0
    noisy = add_noise(truth, grid, 0.1, np.random.default_rng(0))
    low, high = noisy[:24], noisy[24:]
    assert low.mean() == pytest.approx(1.0, rel=0.01)
    assert low.std() == pytest.approx(0.1, rel=0.1)
    assert high.std() / low.std() == pytest.approx(3.0, rel=0.1)
    step = noisy[:24] - 1.0
    correlation = np.corrcoef(step[:, :, :-1].ravel(), step[:, :, 1:].ravel())[0, 1]
    assert 0.1 < correlation < 0.6  # neighbours share noise over about 4.5 mm
    assert np.array_equal(add_noise(truth, grid, 0.0, np.random.default_rng(0)), truth)


def test_a_shifted_pet_moves_by_just_that(tiny: PhantomSize, quiet: PhantomOptions) -> None:
    still = make_phantom(2, 28, tiny, quiet)
    moved = make_phantom(2, 28, tiny, replace(quiet, pet_shift_mm=(8.0, 0.0, 16.0)))  # one voxel left, two up
    a, b = (sitk.GetArrayViewFromImage(c.pet_suv) for c in (still, moved))
    inside = slice(4, -4)  # the fields end at different places of the body
    assert np.allclose(b[2:, :, 1:][inside], a[:-2, :, :-1][inside], atol=0.02)
    assert moved.boundaries[5].z_mm == still.boundaries[5].z_mm
    assert moved.boundaries[5].pet_slice == pytest.approx(still.boundaries[5].pet_slice + 2.0)
    assert sitk.Hash(moved.ct) == sitk.Hash(still.ct)
