"""What the phantom is made of: shapes given by signed distance, each with its CT and PET material."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .grid import Bounds

Distance = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""``distance(x, y, z)``: signed distance in mm (negative inside), for broadcastable LPS coordinates."""


@dataclass(frozen=True)
class Material:
    """How a solid looks. A rim of ``rim_mm`` under the surface (cortex, fat) surrounds the core (marrow, muscle).

    ``core_suv`` and ``rim_suv`` are true uptake (SUV, dimensionless), divided at ``cold_mm`` under the surface
    (``None``: at the rim), since a CT shows the cortex thicker than it is. ``texture_hu`` is the standard deviation
    of the fine structure of the core (trabeculae).
    """

    core_hu: float
    core_suv: float
    rim_mm: float = 0.0
    rim_hu: float = 0.0
    rim_suv: float = 0.0
    texture_hu: float = 0.0
    cold_mm: float | None = None


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
    column: bool = False  # a vertebral body or a disc


def vec(x: float, y: float, z: float) -> np.ndarray:
    """A displacement (mm, LPS)."""
    return np.array([x, y, z], dtype=np.float64)


def smooth_max(a: np.ndarray, b: np.ndarray, radius: float = 1.5) -> np.ndarray:
    """Intersection of two shapes with an edge rounded over about ``radius`` mm."""
    k = np.float32(radius)
    h = np.maximum(k - np.abs(a - b), 0)
    return np.maximum(a, b) + h * h / (4 * k)


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
