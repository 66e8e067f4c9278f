"""Boundary errors of each detector, SUV errors of each vertebra, given the true mask; some of all conditions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import boundary_tables
import numpy as np
import SimpleITK as sitk
from boundary_run import outcomes
from column_conditions import CONDITIONS

from VertebraFLTLib.column import column_of, vertebra_mask
from VertebraFLTLib.phantom import PhantomCase
from VertebraFLTLib.pipeline import find_boundaries
from VertebraFLTLib.quantification.suv_table import measure
from VertebraFLTLib.result import DETECTORS, Options
from VertebraFLTLib.spine.boundaries import Boundary, BoundarySet
from VertebraFLTLib.spine.profile import Profile

LUMBAR_TO_T4 = ("L5", "L4", "L3", "L2", "L1", "T12", "T11", "T10", "T9", "T8", "T7", "T6", "T5", "T4")
HEADER = (
    "| seed | detector | boundaries L5 to T4: RMSE, max (PET slices) | all named: n, RMSE, max (slices) "
    "| SUV mean, L5 to T4: max error | of all | against the drawn masks |\n| --- | --- | --- | --- | --- | --- | --- |"
)


GLIMPSE = ("4 mm, middle noise", "cement (cold body)", "6 lumbar", "cut below", "mask lacks a vertebra")


def glimpse(patients: int) -> Iterator[str]:
    """The detectors side by side under a few of the conditions of `make boundaries`: a matter of seconds."""
    chosen = [c for c in CONDITIONS if c.name in GLIMPSE]
    groups = boundary_tables.grouped(list(outcomes(range(patients), chosen, DETECTORS)))
    return boundary_tables.side_by_side(groups, DETECTORS)


def rows(patient: PhantomCase) -> Iterator[str]:
    """One table row a detector.

    A boundary is compared with the true one of the same name. A vertebra's mean SUV between detected boundaries is
    compared with that of the noise-free blurred PET, first between the true boundaries by the same rule of cutting
    (what detection and noise cost), then in the vertebra as it was drawn on the CT's 5 mm slices (what the cutting
    itself changes as well).
    """
    column = column_of(patient.semantic)
    true_slices = {(b.below, b.above): b.pet_slice for b in patient.boundaries}
    drawn = {r.roi: r.suv_mean for r in measure(patient.pet_truth_suv, patient.semantic, patient.vertebrae)}
    for detector in DETECTORS:
        profile, found = find_boundaries(patient.pet_suv, patient.semantic, column, Options(detector=detector))
        errors = {
            b.below: b.pet_slice - true_slices[(b.below, b.above)]
            for b in found.boundaries
            if (b.below, b.above) in true_slices
        }
        truth = replace(found, boundaries=tuple(_true(patient, found)))
        measured, expected = (
            _means(patient, pet, column, profile, bounds)
            for pet, bounds in ((patient.pet_suv, found), (patient.pet_truth_suv, truth))
        )
        off, off_drawn = (
            {roi: abs(mean / other[roi] - 1) for roi, mean in measured.items() if roi in other and roi[1:].isdigit()}
            for other in (expected, drawn)
        )
        lower = [errors[level] for level in LUMBAR_TO_T4 if level in errors]
        missing = "" if len(lower) == len(LUMBAR_TO_T4) else f" ({len(LUMBAR_TO_T4) - len(lower)} missing)"
        yield (
            f"| {patient.seed} | {detector} | {_rms(lower):.2f}, {np.max(np.abs(lower)):.2f}{missing} "
            f"| {len(errors)}, {_rms(list(errors.values())):.2f}, {max(abs(e) for e in errors.values()):.2f} "
            f"| {100 * max(off[level] for level in LUMBAR_TO_T4 if level in off):.1f} % "
            f"| {_worst(off)} | {_worst(off_drawn)} |"
        )


def _true(patient: PhantomCase, found: BoundarySet) -> Iterator[Boundary]:
    names = {b.above for b in found.boundaries}
    for b in patient.boundaries:
        if b.below != "S1" and b.above in names:
            yield Boundary(b.below, b.above, b.pet_slice, b.z_mm, 0.0, 1.0, "user", centre_mm=b.centre, normal=b.normal)


def _means(
    patient: PhantomCase, pet: sitk.Image, column: np.ndarray, profile: Profile, boundaries: BoundarySet
) -> dict[str, float]:
    vertebrae = vertebra_mask(patient.semantic, column, boundaries, profile.spacing_mm)
    return {r.roi: r.suv_mean for r in measure(pet, patient.semantic, vertebrae, boundaries)}


def _worst(off: dict[str, float]) -> str:
    roi = max(off, key=lambda name: off[name])
    return f"{100 * off[roi]:.1f} % ({roi})"


def _rms(values: list[float]) -> float:
    return float(np.sqrt(np.mean(np.square(values))))
