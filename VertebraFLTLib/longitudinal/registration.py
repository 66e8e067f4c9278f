"""One spine laid upon itself on another day: rigidly first, then bent along its own centre line."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk
from scipy import ndimage

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.longitudinal.along import OVERLAP_MM, Slide, guess, inside_mask, slide
from VertebraFLTLib.longitudinal.rigid import Rigid, pelvis_in_both, register_rigidly
from VertebraFLTLib.longitudinal.spine_line import STEP_MM, SpineLine
from VertebraFLTLib.progress import Progress, silent
from VertebraFLTLib.quantification.coverage import Grid

FAILED_DICE = 0.5  # of bones or columns: below this the registration has failed
UNLIKE_DICE = 0.72  # of bones, where the CTs do not show the same discs either: another patient
POINTS = 30_000  # voxels of either column that are tried
LOCAL_MM = 15.0
TURN_MM = 15.0

Array = npt.NDArray[np.float64]
Column = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Scan:
    """What registration needs of a day: ``ct`` (HU), ``semantic`` mask on its grid, ``column`` (bool, kji) of it."""

    ct: sitk.Image
    semantic: sitk.Image
    column: Column


@dataclass(frozen=True, eq=False)
class Registration:
    """From the reference's spine to the follow-up's.

    Every millimetre of the reference's line: ``turns`` (n, 3, 3), rotation of the spine; ``overlap`` (n,), local Dice
    of the two columns after bending. ``dice``: of the whole columns where both are in view.
    """

    rigid: Rigid
    reference: SpineLine
    follow_up: SpineLine
    slide: Slide
    turns: Array
    overlap: Array
    dice: float

    def along(self, s_mm: npt.ArrayLike) -> Array:
        """Distances along the follow-up's line for distances along the reference's."""
        s = np.asarray(s_mm, dtype=np.float64)
        return s + np.interp(s, np.arange(len(self.slide.shift_mm)), self.slide.shift_mm)

    def carried(self, points_mm: Array) -> Array:
        """Points (n, 3) of the reference's spine (LPS mm) in the follow-up."""
        points = np.atleast_2d(np.asarray(points_mm, dtype=np.float64))
        s = self.reference.nearest(points)
        return _moved(points, s, self.along(s), self.reference, self.follow_up)

    def turned(self, directions: Array, points_mm: Array) -> Array:
        """Directions (n, 3) at points (n, 3) of the reference's spine, in the follow-up."""
        s = np.rint(self.reference.nearest(np.atleast_2d(points_mm)) / STEP_MM).astype(int)
        return np.einsum("nij,nj->ni", self.turns[np.clip(s, 0, len(self.turns) - 1)], np.atleast_2d(directions))


def register(reference: Scan, follow_up: Scan, progress: Progress = silent) -> Registration:
    """Register two scans of one patient.

    Raises InputError where the columns do not come to lie upon each other: another patient, a failed segmentation, or
    views that share too little.
    """
    progress("registration", 0.0)
    ours = SpineLine.of(reference.column, Grid.of(reference.semantic))
    rigid = register_rigidly(reference.semantic, follow_up.semantic, _start(reference, follow_up, ours))
    progress("registration", 0.6)
    theirs = SpineLine.of(follow_up.column, Grid.of(follow_up.semantic), rigid.matrix @ np.array([0.0, 1.0, 0.0]))
    start = theirs.nearest(rigid.placed(ours.points_mm)) - np.arange(len(ours.points_mm))
    slid = slide(ours, reference.ct, theirs, follow_up.ct, _where_both(ours, theirs, rigid, start), rigid.pelvis)
    progress("registration", 0.8)
    overlap, dice = _overlap(reference, follow_up, ours, theirs, slid.shift_mm)
    _refuse_unlike(rigid, slid, dice)
    progress("registration", 1.0)
    return Registration(rigid, ours, theirs, slid, _turns(ours, theirs, slid.shift_mm), overlap, dice)


def _start(reference: Scan, follow_up: Scan, ours: SpineLine) -> Array | None:
    """How far the patient moved, from the bands along the spine; None where the pelvis tells that, or nothing does."""
    if pelvis_in_both(reference.semantic, follow_up.semantic):
        return None
    theirs = SpineLine.of(follow_up.column, Grid.of(follow_up.semantic))
    shift = guess(ours, reference.ct, theirs, follow_up.ct)
    if shift is None:
        return None
    s = np.arange(max(ours.first, theirs.first - shift), min(ours.last, theirs.last - shift))
    return np.asarray(np.mean(theirs.at(s + shift) - ours.at(s), axis=0)) if len(s) else None


def _refuse_unlike(rigid: Rigid, slid: Slide, dice: float) -> None:
    least = min(rigid.dice, dice)
    if least < FAILED_DICE:
        raise InputError(
            f"registration failed: the bones overlap by {least:.2f} (Dice; {FAILED_DICE:g} is the least); check that "
            "both scans are of one patient and show the same part of the body, and both masks"
        )
    if rigid.dice < UNLIKE_DICE and slid.overall < slid.rival:
        raise InputError(
            f"registration failed: the bones overlap by {rigid.dice:.2f} (Dice) and the discs do not match "
            f"(correlation {slid.overall:.2f}, elsewhere {slid.rival:.2f}); check that both scans are of one patient"
        )


def _where_both(ours: SpineLine, theirs: SpineLine, rigid: Rigid, start: Array) -> Array:
    """The rigid shift, trusted only where both columns are in view; beyond, the median of that."""
    s = np.arange(len(ours.points_mm))
    there = s + start
    shared = inside_mask(ours) & (there >= theirs.first) & (there <= theirs.last)
    if shared.sum() < OVERLAP_MM:
        raise InputError(
            f"the two scans share only {int(shared.sum())} mm of spine: no boundary can be carried; check that both "
            "are of one patient and show the same part of the body"
        )
    return np.where(shared, start, np.median(start[shared]))


def _turns(ours: SpineLine, theirs: SpineLine, shift: Array) -> Array:
    """Rotation from the reference's frame to the follow-up's every millimetre, averaged over a vertebra or two.

    The line's ends wander with the mask; a spine bends slowly.
    """
    there = np.arange(len(shift)) + shift
    raw = np.einsum("nji,njk->nik", theirs.frame_at(there), ours.frame_at(np.arange(len(shift))))
    weight = inside_mask(ours, TURN_MM) & (there >= theirs.first + TURN_MM) & (there <= theirs.last - TURN_MM)
    mean = ndimage.gaussian_filter1d(raw * weight[:, None, None], TURN_MM, axis=0, mode="constant", truncate=12.0)
    u, _, vt = np.linalg.svd(mean)
    return u @ vt


def _moved(points: Array, s: Array, s_there: Array, here: SpineLine, there: SpineLine) -> Array:
    local = np.einsum("nij,nj->ni", here.frame_at(s), points - here.at(s))
    return there.at(s_there) + np.einsum("nij,ni->nj", there.frame_at(s_there), local)


def _overlap(reference: Scan, follow_up: Scan, ours: SpineLine, theirs: SpineLine, shift: Array) -> tuple[Array, float]:
    """Local and whole Dice of the columns, from voxels of each that fall into the other."""
    n = len(ours.points_mm)
    axis = np.arange(n)
    there = axis + shift
    shared = inside_mask(ours) & (there >= theirs.first) & (there <= theirs.last)
    hits, counts = np.zeros((2, n)), np.zeros((2, n))
    for way, (scan, other, line, target) in enumerate(
        ((reference, follow_up, ours, theirs), (follow_up, reference, theirs, ours))
    ):
        points = _some_voxels(scan)
        s = line.nearest(points)
        s_there = s + np.interp(s, axis, shift) if way == 0 else np.interp(s, there, axis)
        found = _inside(other, _moved(points, s, s_there, line, target))
        at = np.clip(np.rint(s if way == 0 else s_there).astype(int), 0, n - 1)
        share = scan.column.sum() * np.prod(scan.semantic.GetSpacing()) / len(points)  # mm^3 a point
        hits[way] = np.bincount(at, found, n) * share
        counts[way] = np.bincount(at, minlength=n) * share
    hits, counts = hits * shared, counts * shared
    local_hits, local_counts = (
        ndimage.gaussian_filter1d(x.sum(axis=0), LOCAL_MM, mode="constant") for x in (hits, counts)
    )
    local = local_hits / np.maximum(local_counts, 1e-6)
    return np.where(shared, local, 0.0), float(hits.sum() / max(counts.sum(), 1e-6))


def _some_voxels(scan: Scan) -> Array:
    k, j, i = np.nonzero(scan.column)
    every = max(1, len(k) // POINTS)
    return Grid.of(scan.semantic).to_mm(np.stack([i, j, k], axis=1)[::every])


def _inside(scan: Scan, points: Array) -> npt.NDArray[np.bool_]:
    index = np.rint(Grid.of(scan.semantic).to_index(points)).astype(int)
    size = np.array(scan.column.shape)[::-1]
    seen = np.all((index >= 0) & (index < size), axis=1)
    found = np.zeros(len(points), bool)
    i, j, k = index[seen].T
    found[seen] = scan.column[k, j, i]
    return found
