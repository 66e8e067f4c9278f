"""What the phantom is made of: shapes given by signed distance, each with its CT and PET material."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from .grid import Bounds, Point

Distance = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""``distance(x, y, z)``: signed distance in mm (negative inside), for broadcastable LPS coordinates."""


@dataclass(frozen=True)
class Material:
    """How a solid looks. A rim of ``rim_mm`` under the surface (cortex, fat) surrounds the core (marrow, muscle).

    ``core_suv`` and ``rim_suv`` are true uptake (SUV, dimensionless); ``texture_hu`` is the standard deviation of the
    fine structure of the core (trabeculae).
    """

    core_hu: float
    core_suv: float
    rim_mm: float = 0.0
    rim_hu: float = 0.0
    rim_suv: float = 0.0
    texture_hu: float = 0.0


@dataclass(frozen=True)
class Solid:
    """A shape with a material; ``label`` is its semantic class and ``code`` its VerSe number (0: not labelled)."""

    name: str
    bounds: Bounds
    distance: Distance
    material: Material
    label: int = 0
    code: int = 0
    coarse: bool = False  # varies slowly along z: one sample per slice is enough
    tags: frozenset[str] = field(default_factory=frozenset)


def vec(x: float, y: float, z: float) -> np.ndarray:
    """A displacement (mm, LPS)."""
    return np.array([x, y, z], dtype=np.float64)


def padded(points: np.ndarray, margin: float) -> Bounds:
    """The box of ``points`` (n, 3) widened by ``margin`` mm."""
    low, high = points.min(axis=0) - margin, points.max(axis=0) + margin
    return (tuple(float(v) for v in low), tuple(float(v) for v in high))  # type: ignore[return-value]


def ellipsoid(centre: npt.ArrayLike, radii: npt.ArrayLike, tilt_deg: float = 0.0) -> tuple[Bounds, Distance]:
    """Ellipsoid, turned by ``tilt_deg`` about the anterior-posterior axis; the distance is exact on the surface."""
    cx, cy, cz = np.asarray(centre, dtype=np.float32)
    rx, ry, rz = np.asarray(radii, dtype=np.float32)
    cos, sin = np.float32(np.cos(np.radians(tilt_deg))), np.float32(np.sin(np.radians(tilt_deg)))

    def distance(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        dx, dy, dz = x - cx, y - cy, z - cz
        u, w = cos * dx + sin * dz, -sin * dx + cos * dz
        # |p/r| and its gradient: (k - 1) k / |p/r²| is the first-order distance.
        a2 = (u / rx) ** 2 + (dy / ry) ** 2 + (w / rz) ** 2
        k = np.sqrt(a2)
        g = np.sqrt((u / rx**2) ** 2 + (dy / ry**2) ** 2 + (w / rz**2) ** 2)
        return k * (k - 1) / np.maximum(g, np.float32(1e-4))

    reach = max(rx, rz) if tilt_deg else None
    ext = (reach or rx, ry, reach or rz)
    bounds = (
        tuple(float(c - e - 2) for c, e in zip((cx, cy, cz), ext, strict=True)),
        tuple(float(c + e + 2) for c, e in zip((cx, cy, cz), ext, strict=True)),
    )
    return bounds, distance  # type: ignore[return-value]


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
        return padded(np.concatenate([self.start, self.end]), r + 2.0)

    def distance(self, reach: float = 4.0) -> Distance:
        """Signed distance, right within ``reach`` mm of the surface and never less than ``reach`` farther out."""

        def evaluate(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
            xs, ys, zs = x.ravel(), y.ravel(), z.ravel()
            out = np.full((zs.size, ys.size, xs.size), np.float32(reach), dtype=np.float32)
            for p, q, r0, r1 in zip(self.start, self.end, self.start_radius, self.end_radius, strict=True):
                _draw(out, (xs, ys, zs), p, q, r0, r1, reach)
            return out

        return evaluate


def _draw(
    out: np.ndarray,
    axes: tuple[np.ndarray, np.ndarray, np.ndarray],
    p: np.ndarray,
    q: np.ndarray,
    r0: float,
    r1: float,
    reach: float,
) -> None:
    margin = max(r0, r1) + reach
    cut = []
    for axis, a, b in zip(axes, p, q, strict=True):
        start = int(np.searchsorted(axis, min(a, b) - margin))
        stop = int(np.searchsorted(axis, max(a, b) + margin))
        if stop <= start:
            return
        cut.append(slice(start, stop))
    dx = axes[0][cut[0]] - np.float32(p[0])
    dy = axes[1][cut[1], None] - np.float32(p[1])
    dz = axes[2][cut[2], None, None] - np.float32(p[2])
    axis_vector = (q - p).astype(np.float32)
    length2 = float(axis_vector @ axis_vector)
    if length2 < 1e-6:
        d = np.sqrt(dx * dx + dy * dy + dz * dz) - np.float32(r0)
    else:
        ax, ay, az = axis_vector / np.float32(length2)
        t = np.clip(dx * ax + dy * ay + dz * az, 0, 1)
        d = np.sqrt((dx - t * axis_vector[0]) ** 2 + (dy - t * axis_vector[1]) ** 2 + (dz - t * axis_vector[2]) ** 2)
        d -= np.float32(r0) + t * np.float32(r1 - r0)
    block = out[cut[2], cut[1], cut[0]]
    np.minimum(block, d, out=block)


def smooth_curve(points: npt.ArrayLike, step: float) -> np.ndarray:
    """Points about ``step`` mm apart on the smooth curve through control points; extra columns are carried along."""
    from scipy.interpolate import PchipInterpolator

    p = np.asarray(points, dtype=np.float64)
    chord = np.concatenate([[0.0], np.cumsum(np.maximum(np.linalg.norm(np.diff(p[:, :3], axis=0), axis=1), 1e-6))])
    n = max(2, int(np.ceil(chord[-1] / step)) + 1)
    return PchipInterpolator(chord, p)(np.linspace(0, chord[-1], n))


def smooth_sheet(rows: npt.ArrayLike, step: float) -> tuple[np.ndarray, np.ndarray]:
    """Points and radii of balls that fill a curved sheet.

    ``rows`` are control points (x, y, z, radius), all rows of one length; curves run smoothly along and across rows.
    Returns points (n, 3) and radii (n,).
    """
    from scipy.interpolate import PchipInterpolator

    grid = np.asarray(rows, dtype=np.float64)
    along = np.linalg.norm(np.diff(grid[..., :3], axis=1), axis=2).sum(axis=1).max()
    across = np.linalg.norm(np.diff(grid[..., :3], axis=0), axis=2).sum(axis=0).max()
    n_along, n_across = int(np.ceil(along / step)) + 1, int(np.ceil(across / step)) + 1
    fine = PchipInterpolator(np.linspace(0, 1, grid.shape[1]), grid, axis=1)(np.linspace(0, 1, n_along))
    fine = PchipInterpolator(np.linspace(0, 1, grid.shape[0]), fine, axis=0)(np.linspace(0, 1, n_across))
    flat = fine.reshape(-1, 4)
    return flat[:, :3], flat[:, 3]


def point(values: np.ndarray) -> Point:
    """A numpy vector as a plain tuple."""
    return (float(values[0]), float(values[1]), float(values[2]))
