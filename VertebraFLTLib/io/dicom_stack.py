"""Puts slices in order along their normal and proves that they form one regular grid: no gap, no double, no tilt."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.io.dicom_scan import DicomSlice, Stack

# PET headers round positions to 0.01 mm or so; a table may jitter by 0.1 mm. Both are far below a tenth of a slice.
_UNEVEN_STEP = 0.10
_NOTED_STEP = 0.02
_MISSING_STEP = 1.5
_OFF_GRID = 0.25
_SAME_POSITION = 0.01
_NAMED = 3


@dataclass(frozen=True)
class Grid:
    """Slices from the first along the normal, and the grid they form (LPS mm; direction row by row)."""

    slices: list[DicomSlice]
    origin: tuple[float, float, float]
    spacing: tuple[float, float, float]
    direction: tuple[float, ...]
    warnings: list[str]


def _axes(stack: Stack, where: str) -> np.ndarray:
    for one in stack.slices:
        for value, tag in (
            (one.position, "Image Position (Patient) (0020,0032)"),
            (one.orientation, "Image Orientation (Patient) (0020,0037)"),
            (one.pixel_spacing, "Pixel Spacing (0028,0030)"),
        ):
            if value is None:
                raise InputError(f"{where}: {one.name} has no valid {tag}; export the series again")
    mean = np.array([one.orientation for one in stack.slices], dtype=float).mean(axis=0)
    row, column = mean[:3], mean[3:]
    lengths = np.linalg.norm(row), np.linalg.norm(column)
    if not np.allclose(lengths, 1, atol=1e-2) or abs(row @ column) > 1e-2:
        raise InputError(f"{where}: Image Orientation (Patient) (0020,0037) is not two perpendicular directions")
    row = row / lengths[0]
    normal = np.cross(row, column)
    normal /= np.linalg.norm(normal)
    return np.column_stack([row, np.cross(normal, row), normal])


def _place(one: DicomSlice, axes: np.ndarray) -> str:
    """Where a slice lies, in the words of the plane it is nearest to."""
    axis = int(np.argmax(np.abs(axes[:, 2])))
    assert one.position is not None
    return f"{'xyz'[axis]}={one.position[axis]:.1f}"


def _without_copies(stack: Stack, warnings: list[str]) -> list[DicomSlice]:
    unique = {(one.sop_uid, one.position, one.time): one for one in stack.slices}
    copies = len(stack.slices) - len(unique)
    if copies:
        warnings.append(f"{copies} files are copies of others of the series and were left out")
    return list(unique.values())


def order(stack: Stack, where: str) -> Grid:
    """The slices by position along their normal, with the regular grid they lie on. ``where`` names the input.

    Raises InputError naming the place of a missing slice, a doubled position, uneven spacing or a gantry tilt.
    """
    axes = _axes(stack, where)
    warnings: list[str] = []
    slices = _without_copies(stack, warnings)
    along = np.array([np.dot(np.array(one.position), axes[:, 2]) for one in slices])
    ranks = np.argsort(along, kind="stable")
    slices, along = [slices[rank] for rank in ranks], along[ranks]
    _refuse_doubles(slices, along, axes, where)
    if len(slices) < 3:
        raise InputError(f"{where} has only {len(slices)} slices; give the whole series")
    steps = np.diff(along)
    usual = float(np.median(steps))
    _refuse_gaps(slices, steps, usual, axes, where)
    spacing_k = float(along[-1] - along[0]) / (len(slices) - 1)
    off_grid = np.abs(along - (along[0] + spacing_k * np.arange(len(slices))))
    worst = float(np.max(np.abs(steps - usual)))
    if worst > _UNEVEN_STEP * usual or off_grid.max() > _OFF_GRID * usual:
        at = int(np.argmax(np.abs(steps - usual)))
        raise InputError(
            f"{where}: slices are unevenly spaced, {steps.min():.2f} to {steps.max():.2f} mm, furthest from the usual "
            f"{usual:.2f} mm between {_place(slices[at], axes)} and {_place(slices[at + 1], axes)} mm; "
            "give a series of even spacing or resample it first"
        )
    if worst > _NOTED_STEP * usual:
        warnings.append(f"slice spacing varies from {steps.min():.2f} to {steps.max():.2f} mm; {spacing_k:.3f} is used")
    positions = np.array([one.position for one in slices])
    _refuse_tilt(positions, axes, slices[0], where)
    pixel = slices[0].pixel_spacing
    assert pixel is not None
    return Grid(
        slices=slices,
        origin=tuple(float(value) for value in positions[0]),  # type: ignore[arg-type]
        spacing=(pixel[1], pixel[0], spacing_k),  # DICOM gives the distance between rows first
        direction=tuple(float(value) for value in axes.ravel()),
        warnings=warnings,
    )


def _refuse_doubles(slices: list[DicomSlice], along: np.ndarray, axes: np.ndarray, where: str) -> None:
    steps = np.diff(along)
    distinct = steps[steps > _SAME_POSITION]
    close = _SAME_POSITION if not len(distinct) else max(_SAME_POSITION, 0.02 * float(np.median(distinct)))
    doubled = np.flatnonzero(steps <= close)
    if not len(doubled):
        return
    groups = Counter(int(group) for group in np.concatenate([[0], np.cumsum(steps > close)]))
    times = {one.time for one in slices}
    if len(set(groups.values())) == 1 and len(groups) > 1 and len(times) > 1:
        raise InputError(
            f"{where} is a dynamic or gated series: {groups[0]} images at each of {len(groups)} positions; "
            "give a series with one image at each position"
        )
    first, second = slices[doubled[0]], slices[doubled[0] + 1]
    raise InputError(
        f"{where}: two slices at the same position {_place(first, axes)} mm ({first.name} and {second.name}), "
        f"{len(doubled)} such in all; remove the doubles or export the series again"
    )


def _refuse_gaps(slices: list[DicomSlice], steps: np.ndarray, usual: float, axes: np.ndarray, where: str) -> None:
    gaps = np.flatnonzero(steps > _MISSING_STEP * usual)
    if not len(gaps):
        return
    places = ", ".join(f"{_place(slices[g], axes)} and {_place(slices[g + 1], axes)} mm" for g in gaps[:_NAMED])
    lost = int(sum(round(steps[g] / usual) - 1 for g in gaps))
    more = f" and {len(gaps) - _NAMED} more places" if len(gaps) > _NAMED else ""
    count = "slice" if lost == 1 else f"{lost} slices"
    raise InputError(
        f"{where}: {count} missing between {places}{more} (usual spacing {usual:.2f} mm); export the whole series again"
    )


def _refuse_tilt(positions: np.ndarray, axes: np.ndarray, first: DicomSlice, where: str) -> None:
    sideways = (positions - positions[0]) @ axes[:, :2]
    drift = float(np.abs(sideways).max())
    assert first.pixel_spacing is not None
    if drift > 0.5 * min(first.pixel_spacing):
        height = float((positions[-1] - positions[0]) @ axes[:, 2])
        raise InputError(
            f"{where}: slices are shifted sideways by up to {drift:.1f} mm over {height:.0f} mm (tilted gantry?); "
            "resample the series to a rectangular grid first"
        )
