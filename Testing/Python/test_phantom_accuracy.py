"""Twenty simulated patients on day 28, true mask: boundaries and SUV against the truth they were made from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from VertebraFLTLib.column import column_of, vertebra_mask
from VertebraFLTLib.pipeline import find_boundaries
from VertebraFLTLib.quantification.suv_table import measure
from VertebraFLTLib.result import Options
from VertebraFLTLib.spine.boundaries import Boundary

SEEDS = range(20)
LUMBAR_TO_T4 = ("L5", "L4", "L3", "L2", "L1", "T12", "T11", "T10", "T9", "T8", "T7", "T6", "T5", "T4")


def detected(patient, detector):
    column = column_of(patient.semantic)
    profile, boundaries = find_boundaries(patient.pet_suv, patient.semantic, column, Options(detector=detector))
    return column, profile, boundaries


def suv_means(patient, pet, column, profile, boundaries):
    vertebrae = vertebra_mask(patient.semantic, column, boundaries, profile.spacing_mm)
    rows = measure(pet, patient.semantic, vertebrae, boundaries)
    return {row.roi: row.suv_mean for row in rows}


def true_set(patient, found):
    """The true disc planes as a boundary set of the same column."""
    truth = [
        Boundary(b.below, b.above, b.pet_slice, b.z_mm, 0.0, 1.0, "user", centre_mm=b.centre, normal=b.normal)
        for b in patient.boundaries
        if b.below != "S1" and b.above in {f.above for f in found.boundaries}
    ]
    return replace(found, boundaries=tuple(truth))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_thesis_detector_and_suv_from_l5_to_t4(small_phantom, seed):
    patient = small_phantom(seed)
    column, profile, found = detected(patient, "thesis")
    truth = {(b.below, b.above): b.pet_slice for b in patient.boundaries}
    errors = {b.below: abs(b.pet_slice - truth[(b.below, b.above)]) for b in found.boundaries}
    assert max(errors[level] for level in LUMBAR_TO_T4) <= 1.0, errors
    measured = suv_means(patient, patient.pet_suv, column, profile, found)
    expected = suv_means(patient, patient.pet_truth_suv, column, profile, true_set(patient, found))
    off = {level: abs(measured[level] / expected[level] - 1) for level in LUMBAR_TO_T4}
    assert max(off.values()) <= 0.05, off


@pytest.mark.parametrize("seed", SEEDS)
def test_the_default_measures_every_vertebra(small_phantom, seed):
    """Means of the noisy PET between detected boundaries against the noise-free blurred PET between the true ones."""
    patient = small_phantom(seed)
    column, profile, found = detected(patient, "span-prior")
    truth = true_set(patient, found)
    assert [b.below for b in truth.boundaries] == [b.below for b in found.boundaries]
    measured = suv_means(patient, patient.pet_suv, column, profile, found)
    expected = suv_means(patient, patient.pet_truth_suv, column, profile, truth)
    levels = [roi for roi in expected if roi[1:].isdigit()]
    assert set(LUMBAR_TO_T4) <= set(levels)
    off = {level: abs(measured[level] / expected[level] - 1) for level in levels if level != "C1"}
    assert max(off.values()) <= 0.05, off
    # The whole bones do not depend on boundaries at all: only noise is left.
    whole = {roi: abs(measured[roi] / expected[roi] - 1) for roi in ("vertebral_column", "pelvis", "sternum")}
    assert max(whole.values()) <= 0.01, whole


def test_the_total_is_that_of_the_published_patients(small_phantom):
    """Sums over dilated PET voxels of L5 to T1: the thesis's 22 patients have 45,932 on average."""
    totals = []
    for seed in SEEDS:
        patient = small_phantom(seed)
        rows = measure(patient.pet_suv, patient.semantic, patient.vertebrae)
        totals.append(sum(r.suv_sum for r in rows if r.roi[0] in "LT" and r.roi[1:].isdigit()))
    assert np.mean(totals) == pytest.approx(45932, rel=0.1)
