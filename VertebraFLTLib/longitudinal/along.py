"""How far one column must be slid along another: by the bright and dark bands that bodies and discs leave in CT."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk
from scipy import ndimage

from VertebraFLTLib.longitudinal.spine_line import STEP_MM, SpineLine
from VertebraFLTLib.quantification.coverage import Grid

RADIUS_MM = 8.0  # of the disc across the line whose mean HU makes the signature: inside the smallest body's cortex
TREND_MM = 25.0  # what changes more slowly than this is the patient's, not a vertebra's
SOFT_MM = 1.5
LOUDEST = 2.0  # bands are softly limited to this many usual ones
END_MM = 8.0  # the ends of the column are mask as much as spine
WINDOW_HU = (-100.0, 700.0)  # gas and metal would drown the rest
LOCAL_MM = 25.0  # standard deviation of the window in which bands are compared: about two vertebrae
SEARCH_MM = 14.0  # from where the rigid registration puts it, with the pelvis in both views; less than a vertebra
SEARCH_WITHOUT_PELVIS_MM = 40.0
LOCAL_SEARCH_MM = 5.0
GIVE_MM = 60.0  # the spine's length changes no faster than this, and only ...
STIFF = 0.15  # ... where bands that agree (squared correlation) outweigh this
STEP_OF_SEARCH_MM = 0.5
STRAY_MM = 20.0  # a slide of this much costs as much as ...
STRAY_COST = 0.15  # ... this much correlation: bands repeat, the rigid registration does not
RIVAL_MM = 12.0  # nearer than the smallest span, another place is the same place
OVERLAP_MM = 80.0  # of columns that must be in both views
VISIBLE = 0.30  # below this correlation the bands say nothing

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Slide:
    """From distance ``s`` along the reference's line to ``s + shift_mm[s]`` along the follow-up's, every millimetre.

    ``likeness``: local correlation of the two signatures after the slide (0 where there are none); ``bends_mm``: how
    far the local best place lies from the smooth shift. ``overall`` and ``rival``: correlation of the whole signature
    here and at the best other place, a vertebra or more away.
    """

    shift_mm: Array
    likeness: Array
    bends_mm: Array
    overall: float
    rival: float

    @property
    def visible(self) -> bool:
        """Whether the CTs show the same bands: otherwise the slide is the rigid registration's."""
        return self.overall >= VISIBLE


def slide(
    reference: SpineLine, ct_reference: sitk.Image, follow_up: SpineLine, ct: sitk.Image, start: Array, pelvis: bool
) -> Slide:
    """The slide that makes the signatures agree, near ``start``: the rigid registration's shift at each millimetre.

    The same spine keeps its length whatever its curve, so one number fits it all but for what discs give; that is
    followed by a smooth local shift.
    """
    ours, theirs = signature(reference, ct_reference), signature(follow_up, ct)
    inside = np.arange(reference.first, reference.last + 1)
    level = float(np.median(start[inside]))
    n = len(reference.points_mm)
    reach = SEARCH_MM if pelvis else SEARCH_WITHOUT_PELVIS_MM
    tried = np.arange(-reach - 40.0, reach + 40.0 + 1e-6, STEP_OF_SEARCH_MM)
    found = np.array([_correlation(ours, _read(theirs, level + d, n)) for d in tried])
    worth = np.where(np.abs(tried) <= reach, found - STRAY_COST * (tried / STRAY_MM) ** 2, -np.inf)
    best = int(np.argmax(worth))
    overall = max(float(found[best]), 0.0)
    rival = max(float(np.max(found[np.abs(tried - tried[best]) >= RIVAL_MM], initial=0.0)), 0.0)
    if not np.isfinite(worth[best]) or overall < VISIBLE:
        return Slide(np.full(n, level), np.zeros(n), np.zeros(n), overall, rival)
    level += float(tried[best])
    fine = np.arange(-LOCAL_SEARCH_MM, LOCAL_SEARCH_MM + 1e-6, STEP_OF_SEARCH_MM)
    local = np.stack([_local_correlation(ours, _read(theirs, level + d, n)) for d in fine])
    place = _peak(local, fine)
    weight = np.where(inside_mask(reference), np.clip(local.max(axis=0), 0.0, 1.0) ** 2, 0.0)
    smooth = _blur(place * weight, GIVE_MM) / (_blur(weight, GIVE_MM) + STIFF)
    shift = level + smooth
    likeness = _local_correlation(ours, np.interp(np.arange(n) + shift, np.arange(len(theirs)), theirs, np.nan, np.nan))
    return Slide(shift, np.clip(likeness, 0.0, 1.0), np.abs(place - smooth), overall, rival)


def guess(reference: SpineLine, ct_reference: sitk.Image, follow_up: SpineLine, ct: sitk.Image) -> float | None:
    """The slide at which two whole signatures agree best, wherever that is; None where they agree nowhere.

    A long stretch that agrees well counts for more than a short one that agrees better (Fisher's z times the square
    root of its length).
    """
    ours, theirs = signature(reference, ct_reference), signature(follow_up, ct)
    n = len(ours)
    tried = np.arange(-n, len(theirs), 2.0 * STEP_OF_SEARCH_MM)
    found, worth = np.full(len(tried), -1.0), np.full(len(tried), -np.inf)
    for at, shift in enumerate(tried):
        there = _read(theirs, float(shift), n)
        found[at] = _correlation(ours, there)
        shared = np.count_nonzero(np.isfinite(ours) & np.isfinite(there))
        worth[at] = np.arctanh(np.clip(found[at], -0.999, 0.999)) * np.sqrt(shared)
    best = int(np.argmax(np.where(found >= VISIBLE, worth, -np.inf)))
    return float(tried[best]) if found[best] >= VISIBLE else None


def inside_mask(line: SpineLine, margin_mm: float = 0.0) -> npt.NDArray[np.bool_]:
    """Where along the line there is bone, at least ``margin_mm`` from its ends."""
    s = np.arange(len(line.points_mm)) * STEP_MM
    return (s >= line.first + margin_mm) & (s <= line.last - margin_mm)


def signature(line: SpineLine, ct: sitk.Image) -> Array:
    """Mean HU across the line every millimetre, less its trend, outliers limited; NaN where column or CT ends."""
    steps = np.arange(-RADIUS_MM, RADIUS_MM + 1e-6, 2.0)
    u, v = (grid[np.hypot(*np.meshgrid(steps, steps)) <= RADIUS_MM] for grid in np.meshgrid(steps, steps))
    across = u[:, None] * line.frames[:, None, 0] + v[:, None] * line.frames[:, None, 1]
    points = line.points_mm[:, None] + across
    grid = Grid.of(ct)
    index = grid.to_index(points.reshape(-1, 3))
    hu = ndimage.map_coordinates(
        sitk.GetArrayViewFromImage(ct), index[:, ::-1].T, output=np.float64, order=1, mode="nearest"
    )
    seen = np.all((index >= -0.5) & (index <= np.array(grid.size) - 0.5), axis=1).reshape(points.shape[:2])
    mean = np.clip(hu, *WINDOW_HU).reshape(points.shape[:2]).mean(axis=1)
    s = np.arange(len(mean)) * STEP_MM
    usable = seen.all(axis=1) & (s >= line.first + END_MM) & (s <= line.last - END_MM)
    weight = usable.astype(float)
    trend = _blur(np.where(usable, mean, 0.0), TREND_MM) / np.maximum(_blur(weight, TREND_MM), 1e-9)
    bands = _blur(np.where(usable, mean - trend, 0.0), SOFT_MM)
    usual = 1.4826 * float(np.median(np.abs(bands[usable]))) if usable.any() else 0.0
    if usual > 0:  # one sclerotic body, or cement, must not speak for all
        bands = LOUDEST * usual * np.tanh(bands / (LOUDEST * usual))
    return np.where(usable, bands, np.nan)


def _blur(values: Array, sigma_mm: float) -> Array:
    return np.asarray(ndimage.gaussian_filter1d(values, sigma_mm / STEP_MM, mode="constant"))


def _read(signature_mm: Array, shift: float, n: int) -> Array:
    """Another signature as it stands after a slide, at each of n millimetres."""
    return np.interp(np.arange(n) + shift, np.arange(len(signature_mm)), signature_mm, np.nan, np.nan)


def _correlation(a: Array, b: Array) -> float:
    both = np.isfinite(a) & np.isfinite(b)
    if both.sum() * STEP_MM < OVERLAP_MM:
        return -1.0
    a, b = a[both] - a[both].mean(), b[both] - b[both].mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size > 0 else -1.0


def _local_correlation(a: Array, b: Array) -> Array:
    """Correlation in a Gaussian window around each millimetre; 0 where nothing is shared."""
    both = np.isfinite(a) & np.isfinite(b)
    a, b = np.where(both, a, 0.0), np.where(both, b, 0.0)
    product, aa, bb = (_blur(x, LOCAL_MM) for x in (a * b, a * a, b * b))
    size = np.sqrt(np.maximum(aa * bb, 0.0))
    return np.where(size > 1e-6, product / np.maximum(size, 1e-6), 0.0)


def _peak(local: Array, tried: Array) -> Array:
    """Where each column of ``local`` is highest, refined by a parabola."""
    at = np.clip(local.argmax(axis=0), 1, len(tried) - 2)
    columns = np.arange(local.shape[1])
    low, mid, high = (local[at + d, columns] for d in (-1, 0, 1))
    bend = low - 2 * mid + high
    offset = np.where(bend < -1e-9, 0.5 * (low - high) / np.minimum(bend, -1e-9), 0.0)
    return tried[at] + np.clip(offset, -1.0, 1.0) * STEP_OF_SEARCH_MM
