"""Boundaries of day 28 carried to days -1 and 7 of the same simulated patient, who lies differently on each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import SimpleITK as sitk

from VertebraFLTLib.column import column_of, column_profile, vertebra_mask, without_islands
from VertebraFLTLib.errors import InputError
from VertebraFLTLib.longitudinal.carry import carry, centres_of
from VertebraFLTLib.longitudinal.registration import Registration, Scan, register
from VertebraFLTLib.phantom import PhantomCase, PhantomOptions, Pose, make_phantom
from VertebraFLTLib.pipeline import find_boundaries
from VertebraFLTLib.progress import silent
from VertebraFLTLib.quantification.suv_table import measure
from VertebraFLTLib.result import Options
from VertebraFLTLib.segmentation.protocol import Segmenter
from VertebraFLTLib.spine.boundaries import Boundary, BoundarySet
from VertebraFLTLib.spine.boundary import unit_normal
from VertebraFLTLib.spine.profile import Profile

DAYS = (-1, 7)
HEADER = (
    "| seed | day | masks | boundaries | vertebrae | boundary error: RMSE, max (mm) | wrong names "
    "| SUV mean, same mask: mean, max error | SUV mean, true mask: mean, max error | over 8 % |\n"
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
)
POSES = (
    "| seed | day | shift x, y, z (mm) | turn about x, y, z (degrees) | kyphosis, scoliosis (degrees) "
    "| bones overlap (Dice) | correlation along the spine, elsewhere |\n"
    "| --- | --- | --- | --- | --- | --- | --- |"
)


@dataclass(frozen=True)
class Day:
    """A simulated day with the mask in use: the truth, or the networks'."""

    patient: PhantomCase
    scan: Scan
    profile: Profile

    @staticmethod
    def of(patient: PhantomCase, segmenter: Segmenter | None) -> Day:
        mask = patient.semantic if segmenter is None else segmenter.segment(patient.ct, silent).mask
        column = column_of(mask)
        semantic, _ = without_islands(mask, column)
        profile = column_profile(patient.pet_suv, semantic, column)
        return Day(patient, Scan(patient.ct, semantic, column), profile)


def pose_of(seed: int, day: int) -> Pose:
    """The pose of a patient on a day; day 28 is the usual one."""
    return Pose() if day == 28 else Pose.of_another_day(100 * seed + day + 1)


def three_days(seed: int, size: str) -> dict[int, PhantomCase]:
    """One patient on days -1, 7 and 28."""
    return {day: make_phantom(seed, day, size, PhantomOptions(pose=pose_of(seed, day))) for day in (*DAYS, 28)}


def rows(seed: int, patients: dict[int, PhantomCase], segmenter: Segmenter | None) -> Iterator[tuple[str, str]]:
    """For each day the lines of HEADER, and one of POSES."""
    name = "true" if segmenter is None else "networks"
    reference = Day.of(patients[28], segmenter)
    _, found = find_boundaries(reference.patient.pet_suv, reference.scan.semantic, reference.scan.column, Options())
    for day in DAYS:
        follow_up = Day.of(patients[day], segmenter)
        registration = register(reference.scan, follow_up.scan)
        lines = [
            f"| {seed} | {day} | {name} | {how} | {_errors(follow_up, bounds)} |"
            for how, bounds in _ways(found, registration, follow_up)
        ]
        pose = patients[day].options.pose
        turn = ", ".join(f"{v:g}" for v in pose.turn_deg)
        slide = registration.slide
        yield (
            "\n".join(lines),
            f"| {seed} | {day} | {', '.join(f'{v:g}' for v in pose.shift_mm)} | {turn} "
            f"| {pose.kyphosis_deg:g}, {pose.scoliosis_deg:g} | {registration.rigid.dice:.2f} "
            f"| {slide.overall:.2f}, {slide.rival:.2f} |",
        )


def _ways(
    found: BoundarySet, registration: Registration, follow_up: Day
) -> Iterator[tuple[str, BoundarySet | InputError]]:
    """Carried as the product does, by the rigid registration alone, and detected on the day itself."""
    yield "carried", carry(found, registration, follow_up.profile)
    places = registration.rigid.placed(centres_of(found, registration))
    bottom, top = follow_up.profile.extent_mm
    turned = np.array([b.normal for b in found.boundaries]) @ registration.rigid.matrix.T
    rigidly = tuple(
        replace(
            b,
            z_mm=float(at[2]),
            pet_slice=follow_up.profile.axis.slice_at(float(at[2])),
            centre_mm=tuple(float(v) for v in at),
            normal=unit_normal(tuple(float(v) for v in normal)),
        )
        for b, at, normal in zip(found.boundaries, places, turned, strict=True)
        if bottom < at[2] < top
    )
    yield "rigid alone", replace(found, boundaries=rigidly, bottom_z_mm=bottom, top_z_mm=top)
    scan = follow_up.scan
    try:
        yield "that day's own", find_boundaries(follow_up.patient.pet_suv, scan.semantic, scan.column, Options())[1]
    except InputError as refused:
        yield "that day's own", refused


def _errors(day: Day, bounds: BoundarySet | InputError) -> str:
    if isinstance(bounds, InputError):
        return f"refused: {bounds} | | | | |"
    patient = day.patient
    true_z = {(b.below, b.above): b.z_mm for b in patient.boundaries}
    errors = np.array([b.z_mm - true_z[(b.below, b.above)] for b in bounds.boundaries if (b.below, b.above) in true_z])
    half = np.array([_nearest(b.z_mm, true_z) != (b.below, b.above) for b in bounds.boundaries])
    truth = replace(bounds, boundaries=tuple(_true(patient, bounds)))
    measured = _means(patient.pet_suv, day.scan, bounds, day.profile)
    same_mask = _means(patient.pet_truth_suv, day.scan, truth, day.profile)
    true_scan = Scan(patient.ct, patient.semantic, column_of(patient.semantic))
    true_mask = _means(patient.pet_truth_suv, true_scan, truth, day.profile)
    off, off_true = (_off(measured, expected) for expected in (same_mask, true_mask))
    return (
        f"{len(measured)} | {_rms(errors):.1f}, {np.abs(errors).max():.1f} | {int(half.sum())} "
        f"| {_summary(off)} | {_summary(off_true)} | {sum(v > 0.08 for v in off_true.values())}"
    )


def _true(patient: PhantomCase, found: BoundarySet) -> Iterator[Boundary]:
    names = {b.above for b in found.boundaries}
    for b in patient.boundaries:
        if b.below != "S1" and b.above in names:
            yield Boundary(b.below, b.above, b.pet_slice, b.z_mm, 0.0, 1.0, "user", centre_mm=b.centre, normal=b.normal)


def _means(pet: sitk.Image, scan: Scan, bounds: BoundarySet, profile: Profile) -> dict[str, float]:
    """Mean SUV of each vertebra between some boundaries."""
    vertebrae = vertebra_mask(scan.semantic, scan.column, bounds, profile.spacing_mm)
    return {r.roi: r.suv_mean for r in measure(pet, scan.semantic, vertebrae, bounds) if r.roi[1:].isdigit()}


def _nearest(z_mm: float, true_z: dict[tuple[str, str], float]) -> tuple[str, str]:
    return min(true_z, key=lambda pair: abs(true_z[pair] - z_mm))


def _off(measured: dict[str, float], expected: dict[str, float]) -> dict[str, float]:
    return {roi: abs(mean / expected[roi] - 1) for roi, mean in measured.items() if roi in expected}


def _summary(off: dict[str, float]) -> str:
    worst = max(off, key=lambda roi: off[roi])
    return f"{100 * float(np.mean(list(off.values()))):.1f} %, {100 * off[worst]:.1f} % ({worst})"


def _rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def networks() -> Segmenter:
    """The shipped default."""
    from VertebraFLTLib.segmentation.registry import get_segmenter

    return get_segmenter(Options())


def report(seeds: int, size: str, with_networks: bool) -> Iterator[str]:
    """All lines of both tables, as they come; on request with the networks' masks too, for the first patient."""
    poses = []
    yield HEADER
    for seed in range(seeds):
        patients = three_days(seed, size)
        for segmenter in (None, networks()) if with_networks and seed == 0 else (None,):
            for line, pose in rows(seed, patients, segmenter):
                yield line
                if segmenter is None:
                    poses.append(pose)
    yield ""
    yield POSES
    yield from poses
