"""Bones, vessels and gut drawn with round strokes: unions of capsules, along curves and across curved sheets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.interpolate import PchipInterpolator

from .grid import Bounds
from .solids import Distance, padded


@dataclass(frozen=True)
class Strokes:
    """A shape drawn with round strokes: capsules with radii, the union of which is the solid.

    ``start``, ``end`` (n, 3) in LPS mm, ``start_radius``, ``end_radius`` (n,) in mm.
    """

    start: np.ndarray
    end: np.ndarray
    start_radius: np.ndarray
    end_radius: np.ndarray

    @staticmethod
    def curve(points: npt.ArrayLike, radii: npt.ArrayLike) -> Strokes:
        """A polyline; one radius for all points or one for each."""
        p = np.asarray(points, dtype=np.float64)
        r = np.broadcast_to(np.asarray(radii, dtype=np.float64), (len(p),))
        return Strokes(p[:-1], p[1:], r[:-1], r[1:])

    @staticmethod
    def balls(points: npt.ArrayLike, radii: npt.ArrayLike) -> Strokes:
        """Balls at ``points`` (n, 3)."""
        p = np.asarray(points, dtype=np.float64)
        r = np.broadcast_to(np.asarray(radii, dtype=np.float64), (len(p),))
        return Strokes(p, p, r, r)

    @staticmethod
    def join(parts: Sequence[Strokes]) -> Strokes:
        """The union of several drawings."""
        return Strokes(
            np.concatenate([p.start for p in parts]),
            np.concatenate([p.end for p in parts]),
            np.concatenate([p.start_radius for p in parts]),
            np.concatenate([p.end_radius for p in parts]),
        )

    def mirrored(self) -> Strokes:
        """The drawing reflected in the sagittal plane x = 0."""
        flip = np.array([-1.0, 1.0, 1.0])
        return Strokes(self.start * flip, self.end * flip, self.start_radius, self.end_radius)

    def placed(self, axes: np.ndarray, origin: np.ndarray) -> Strokes:
        """From local coordinates to LPS: ``origin + local @ axes`` (rows of ``axes`` are the local unit vectors)."""
        return Strokes(self.start @ axes + origin, self.end @ axes + origin, self.start_radius, self.end_radius)

    @property
    def bounds(self) -> Bounds:
        """The box around all strokes."""
        r = max(float(self.start_radius.max()), float(self.end_radius.max()))
        return padded(np.concatenate([self.start, self.end]), r + 2.5)

    def distance(self, reach_mm: float = 0.0) -> Distance:
        """Signed distance to the union, right inside and up to ``reach_mm`` (at least about a voxel) outside.

        Farther out it stays at the reach. Each stroke is evaluated in its own box alone: on axes that must be evenly
        spaced and ascending, or on a lattice that was turned as a whole (three full arrays).
        """
        r0, r1 = self.start_radius.astype(np.float32), self.end_radius.astype(np.float32)
        widest = np.maximum(r0, r1)[:, None]

        def evaluate(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
            if x.ndim == 3 and x.shape == y.shape == z.shape and x.size > 1:
                axes, start, end = _straightened((x, y, z), self.start, self.end)
            else:
                axes = (x.ravel(), y.ravel(), z.ravel())
                start, end = self.start.astype(np.float32), self.end.astype(np.float32)
            low, high = np.minimum(start, end), np.maximum(start, end)
            steps = np.array([a[1] - a[0] if a.size > 1 else 1.0 for a in axes])
            reach = max(reach_mm, 0.6 * float(steps[:2].max()) + 0.2)
            first, sizes = np.array([a[0] for a in axes]), np.array([a.size for a in axes])
            starts = np.clip(np.ceil((low - widest - reach - first) / steps), 0, sizes).astype(int)
            stops = np.clip(np.floor((high + widest + reach - first) / steps) + 1, 0, sizes).astype(int)
            out = np.full((axes[2].size, axes[1].size, axes[0].size), np.float32(reach), dtype=np.float32)
            for i in np.flatnonzero((stops > starts).all(axis=1)):
                (i0, j0, k0), (i1, j1, k1) = starts[i].tolist(), stops[i].tolist()
                block = out[k0:k1, j0:j1, i0:i1]
                d = _capsule(axes[0][i0:i1], axes[1][j0:j1], axes[2][k0:k1], start[i], end[i], r0[i], r1[i])
                np.minimum(block, d, out=block)
            return out

        return evaluate


def _straightened(
    lattice: tuple[np.ndarray, np.ndarray, np.ndarray], start: np.ndarray, end: np.ndarray
) -> tuple[tuple[np.ndarray, ...], np.ndarray, np.ndarray]:
    """A turned lattice's own axes (mm from its first point), and the strokes' ends in that frame: distances stay."""
    points = np.stack(lattice, axis=-1).astype(np.float64)
    first = points[0, 0, 0]
    rows, axes = [], []
    for axis in (2, 1, 0):  # arrays are kji
        count = points.shape[axis]
        across = np.take(points, count - 1, axis=axis)[0, 0] - first if count > 1 else None
        length = 0.0 if across is None else float(np.linalg.norm(across))
        rows.append(None if across is None else across / length)
        axes.append(np.linspace(0.0, length, count, dtype=np.float32))
    for i in range(3):  # a single layer: its normal follows from the other two directions
        if rows[i] is None:
            a, b = rows[(i + 1) % 3], rows[(i + 2) % 3]
            if a is None or b is None:
                raise ValueError("a turned lattice needs two points along two of its axes at least")
            rows[i] = np.cross(a, b)
    turn = np.array(rows)
    return tuple(axes), ((start - first) @ turn.T).astype(np.float32), ((end - first) @ turn.T).astype(np.float32)


def _capsule(
    x: np.ndarray, y: np.ndarray, z: np.ndarray, p: np.ndarray, q: np.ndarray, r0: np.float32, r1: np.float32
) -> np.ndarray:
    """Signed distance to the round stroke from ``p`` (radius ``r0``) to ``q`` (radius ``r1``), kji."""
    dx, dy, dz = x - p[0], (y - p[1])[:, None], (z - p[2])[:, None, None]
    ax, ay, az = q - p
    length2 = ax * ax + ay * ay + az * az
    if length2 < 1e-6:
        return np.sqrt(dx * dx + (dy * dy + dz * dz)) - r0
    t = (dx * ax + (dy * ay + dz * az)) / length2
    np.clip(t, 0, 1, out=t)
    ex = dx - t * ax
    d = ex * ex
    ex = dy - t * ay
    d += ex * ex
    ex = dz - t * az
    d += ex * ex
    np.sqrt(d, out=d)
    d -= r0
    if r1 != r0:
        d -= t * (r1 - r0)
    return d


def smooth_curve(points: npt.ArrayLike, step: float) -> np.ndarray:
    """Points about ``step`` mm apart on the smooth curve through control points; extra columns are carried along."""
    p = np.asarray(points, dtype=np.float64)
    chord = np.concatenate([[0.0], np.cumsum(np.maximum(np.linalg.norm(np.diff(p[:, :3], axis=0), axis=1), 1e-6))])
    n = max(2, int(np.ceil(chord[-1] / step)) + 1)
    return PchipInterpolator(chord, p)(np.linspace(0, chord[-1], n))


def smooth_sheet(rows: npt.ArrayLike, step: float, along_step: float | None = None) -> Strokes:
    """A curved sheet of varying thickness, hatched with strokes.

    ``rows`` are control points (x, y, z, radius), all rows of one length. The sheet runs smoothly through them;
    strokes follow the rows, about ``step`` mm apart, in pieces of ``along_step`` (default three times that) mm.
    """
    grid = np.asarray(rows, dtype=np.float64)
    along = np.linalg.norm(np.diff(grid[..., :3], axis=1), axis=2).sum(axis=1).max()
    across = np.linalg.norm(np.diff(grid[..., :3], axis=0), axis=2).sum(axis=0).max()
    n_along = int(np.ceil(along / (along_step or 3 * step))) + 1
    n_across = int(np.ceil(across / step)) + 1
    fine = PchipInterpolator(np.linspace(0, 1, grid.shape[1]), grid, axis=1)(np.linspace(0, 1, n_along))
    fine = PchipInterpolator(np.linspace(0, 1, grid.shape[0]), fine, axis=0)(np.linspace(0, 1, n_across))
    return Strokes.join([Strokes.curve(line[:, :3], line[:, 3]) for line in fine])
