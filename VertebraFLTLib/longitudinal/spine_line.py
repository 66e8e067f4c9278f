"""The centre line of the vertebral column by its own length, with a frame at each point: the spine's coordinates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d
from scipy.spatial import cKDTree

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.quantification.coverage import Grid

STEP_MM = 1.0
SMOOTH_MM = 14.0  # the line follows the spine's curves, not its vertebrae
ROUNDS = 3  # of sorting voxels into layers across the line: oblique ends need them
SHORTEST_MM = 60.0

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SpineLine:
    """Points of the middle of the column every millimetre of its length, from the lower end up.

    ``points_mm`` (n, 3), LPS; ``frames`` (n, 3, 3): rows are the unit vectors to the left, to the back and along the
    line. ``first`` and ``last``: the part in which there is bone; the line runs on straight beyond it.
    """

    points_mm: Array
    frames: Array
    first: int
    last: int

    @classmethod
    def of(cls, column: npt.NDArray[np.bool_], grid: Grid, back: npt.ArrayLike = (0.0, 1.0, 0.0)) -> SpineLine:
        """From the regularised column (bool, kji); ``back``: where the patient's back points (LPS).

        Raises InputError where the column is too short to have a line.
        """
        k, j, i = np.nonzero(column)
        voxels = grid.to_mm(np.stack([i, j, k], axis=1))
        rising = voxels[np.argsort(voxels[:, 2])]
        if len(voxels) == 0 or np.ptp(rising[:, 2]) < SHORTEST_MM:
            raise InputError("the vertebral column in the CT is too short to be registered to that of another day")
        line = _smoothed(voxels, voxels[:, 2] - rising[0, 2])
        for _ in range(ROUNDS):
            line = _smoothed(voxels, _along(line, voxels))
        along = np.sort(_along(line, voxels))
        share = max(1, len(along) // 500)  # a few voxels of a corner are no end
        first, last = int(along[share]), int(np.ceil(along[-share - 1]))
        return cls(line, _frames(line, np.asarray(back, dtype=np.float64)), max(first, 0), min(last, len(line) - 1))

    def at(self, s_mm: npt.ArrayLike) -> Array:
        """Points (..., 3) at distances along the line; straight on beyond its ends."""
        s = np.asarray(s_mm, dtype=np.float64)
        inside = np.clip(s, 0.0, (len(self.points_mm) - 1) * STEP_MM)
        axis = np.arange(len(self.points_mm)) * STEP_MM
        points = np.stack([np.interp(inside, axis, self.points_mm[:, a]) for a in range(3)], axis=-1)
        return points + (s - inside)[..., None] * self.frame_at(s)[..., 2, :]

    def frame_at(self, s_mm: npt.ArrayLike) -> Array:
        """Frames (..., 3, 3) at distances along the line."""
        index = np.clip(np.rint(np.asarray(s_mm) / STEP_MM).astype(int), 0, len(self.frames) - 1)
        return self.frames[index]

    def nearest(self, points_mm: Array) -> Array:
        """Distances along the line (n,) of the points of it that are nearest to some points (n, 3)."""
        return _along(self.points_mm, np.atleast_2d(points_mm))

    def s_at_height(self, z_mm: npt.ArrayLike) -> Array:
        """Distance along the line where it passes a height; the line rises."""
        heights = np.asarray(z_mm, dtype=np.float64)
        return np.interp(heights, self.points_mm[:, 2], np.arange(len(self.points_mm)) * STEP_MM)


def _smoothed(voxels: Array, along: Array) -> Array:
    """The line through the layers' centres, smoothed by local straight fits, as points 1 mm apart.

    A local mean would pull the ends inwards and the curves flat; a local line does so far less.
    """
    pad = int(2 * SMOOTH_MM)
    layer = np.rint((along - along.min()) / STEP_MM).astype(int) + pad
    n = int(layer.max()) + 1 + pad
    s = np.arange(n) * STEP_MM
    weight = np.bincount(layer, minlength=n).astype(np.float64)
    sums = [np.bincount(layer, voxels[:, a], n) for a in range(3)]

    def blur(values: npt.NDArray[Any]) -> Array:
        return np.asarray(gaussian_filter1d(values, SMOOTH_MM / STEP_MM, mode="constant", truncate=4.0))

    w, ws, wss = blur(weight), blur(weight * s), blur(weight * s * s)
    spread = np.maximum(w * wss - ws * ws, 1e-12)
    line = np.empty((n, 3))
    for a in range(3):
        wy, wsy = blur(sums[a]), blur(sums[a] * s)
        slope = (w * wsy - ws * wy) / spread
        line[:, a] = (wy - slope * ws) / np.maximum(w, 1e-12) + slope * s
    return _evenly(line)


def _evenly(line: Array) -> Array:
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    wanted = np.arange(0.0, length[-1], STEP_MM)
    return np.stack([np.interp(wanted, length, line[:, a]) for a in range(3)], axis=1)


def _along(line: Array, points: Array) -> Array:
    """Distance along the line (mm) of the nearest place on it, with fraction."""
    _, index = cKDTree(line).query(points)
    tangent = np.gradient(line, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    return (index + np.clip(np.sum((points - line[index]) * tangent[index], axis=1), -0.5, 0.5)) * STEP_MM


def _frames(line: Array, patient_back: Array) -> Array:
    """Left, back and along at each point: the patient's back, as far as it is across the line."""
    up = np.gradient(line, axis=0)
    up = gaussian_filter1d(up, 5.0, axis=0, mode="nearest")
    up /= np.linalg.norm(up, axis=1, keepdims=True)
    back = patient_back - (up @ patient_back)[:, None] * up
    back /= np.linalg.norm(back, axis=1, keepdims=True)
    return np.stack([np.cross(back, up), back, up], axis=1)
