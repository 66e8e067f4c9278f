"""Boundary errors of each detector and SUV errors of each vertebra, given the true mask."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from VertebraFLTLib.phantom import PhantomCase
from VertebraFLTLib.pipeline import column_of, find_boundaries, vertebra_mask
from VertebraFLTLib.quantification.suv_table import measure
from VertebraFLTLib.result import DETECTORS, Options

LUMBAR_TO_T4 = ("L5", "L4", "L3", "L2", "L1", "T12", "T11", "T10", "T9", "T8", "T7", "T6", "T5", "T4")
HEADER = (
    "| seed | detector | boundaries L5 to T4: RMSE, max (PET slices) | all named: n, RMSE, max (slices) "
    "| SUV mean of L5 to T4: max error | of all |\n| --- | --- | --- | --- | --- | --- |"
)


def rows(patient: PhantomCase) -> Iterator[str]:
    """One table row a detector. A boundary is compared with the true one of the same name, a vertebra's mean with the
    mean of the noise-free blurred PET in the true vertebra, under the same rules of dilation."""
    column = column_of(patient.semantic)
    true_slices = {(b.below, b.above): b.pet_slice for b in patient.boundaries}
    truth = {r.roi: r.suv_mean for r in measure(patient.pet_truth_suv, patient.semantic, patient.vertebrae)}
    for detector in DETECTORS:
        profile, found = find_boundaries(patient.pet_suv, patient.semantic, column, Options(detector=detector))
        errors = {
            b.below: b.pet_slice - true_slices[(b.below, b.above)]
            for b in found.boundaries
            if (b.below, b.above) in true_slices
        }
        vertebrae = vertebra_mask(patient.semantic, column, found, profile.spacing_mm)
        measured = {r.roi: r.suv_mean for r in measure(patient.pet_suv, patient.semantic, vertebrae)}
        off = {roi: abs(measured[roi] / truth[roi] - 1) for roi in measured if roi in truth and roi[1:].isdigit()}
        lower = [errors[level] for level in LUMBAR_TO_T4 if level in errors]
        missing = "" if len(lower) == len(LUMBAR_TO_T4) else f" ({len(LUMBAR_TO_T4) - len(lower)} missing)"
        worst = max(off, key=lambda roi: off[roi])
        yield (
            f"| {patient.seed} | {detector} | {_rms(lower):.2f}, {np.max(np.abs(lower)):.2f}{missing} "
            f"| {len(errors)}, {_rms(list(errors.values())):.2f}, {max(abs(e) for e in errors.values()):.2f} "
            f"| {100 * max(off[level] for level in LUMBAR_TO_T4 if level in off):.1f} % "
            f"| {100 * off[worst]:.1f} % ({worst}) |"
        )


def _rms(values: list[float]) -> float:
    return float(np.sqrt(np.mean(np.square(values))))
