"""Vertebral bodies and discs as solids: waisted, kidney-shaped, with concave endplates and a thin cortex."""

from __future__ import annotations

from typing import Any

import numpy as np

from VertebraFLTLib.anatomy import VERTEBRAL_BODY

from .grid import Bounds
from .solids import Distance, Material, Solid, padded, smooth_max
from .spine_shape import BodyShape, DiscShape
from .strokes import Strokes

# Per region: exponent of the cross section, waist, depth of the posterior wall's hollow, of the endplates' (mm).
_FORM = {
    "cervical": (3.0, 0.05, 0.5, 0.6),
    "thoracic": (2.3, 0.07, 2.0, 1.0),
    "lumbar": (2.5, 0.09, 2.2, 1.8),
}


def body_solid(body: BodyShape, material: Material) -> Solid:
    """The solid of one vertebral body; C2 includes the dens, C1 consists of lateral masses and anterior arch."""
    if body.name == "C1":
        strokes = _atlas(body)
        bounds, distance = strokes.bounds, strokes.distance()
    else:
        bounds, distance = _body_shape(body)
        if body.name == "C2":
            dens = Strokes.curve([(0, -1, 0), (0, -1, body.height / 2 + 7), (0, 0, body.height / 2 + 13)], [6, 5.5, 4])
            bounds, distance = _union((bounds, distance), dens.placed(body.axes, body.centre))
    return Solid(body.name, bounds, distance, material, VERTEBRAL_BODY.label, body.code, column=True)


def disc_solid(disc: DiscShape, material: Material) -> Solid:
    """The solid of one disc; it reaches a little into its neighbours, which are laid over it."""
    exponent = 2.4
    half_height = disc.height / 2 + 2.0
    a, b = disc.half_width + 0.5, disc.half_depth + 0.5
    centre, axes = disc.centre, disc.axes

    def distance(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        u, v, w = _local(axes, centre, x, y, z)
        return np.maximum(_side(u, _hollowed(u, v, a, b, 1.5), a, b, exponent), np.abs(w) - half_height)

    return Solid(
        f"disc {disc.above}/{disc.below}", _box(axes, centre, (a, b, half_height)), distance, material, column=True
    )


def _body_shape(body: BodyShape) -> tuple[Bounds, Distance]:
    region = body.region
    exponent, waist, hollow, dish = (np.float32(f) for f in _FORM[region])
    mean_width, grow_width = np.mean(body.half_width), np.subtract(*body.half_width[::-1])
    mean_depth, grow_depth = np.mean(body.half_depth), np.subtract(*body.half_depth[::-1])
    lower = body.axes @ body.lower_normal
    upper = body.axes @ body.upper_normal
    half = body.height / 2

    def distance(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        u, v, w = _local(body.axes, body.centre, x, y, z)
        t = np.clip(w / np.float32(body.height), -0.5, 0.5)
        narrowing = 1 - waist * (1 - 4 * t * t)
        a = np.float32(mean_width) * narrowing + np.float32(grow_width) * t
        b = np.float32(mean_depth) * narrowing + np.float32(grow_depth) * t
        side = _side(u, _hollowed(u, v, a, b, hollow), a, b, exponent)
        inner = dish * np.maximum(0, 1 - (u / a) ** 2 - (v / b) ** 2)
        bottom = inner - _plane(lower, u, v, w + np.float32(half))
        top = inner + _plane(upper, u, v, w - np.float32(half))
        return smooth_max(smooth_max(side, bottom), top)

    reach = (max(body.half_width), max(body.half_depth), half + 6.0)
    return _box(body.axes, body.centre, reach), distance


def _atlas(body: BodyShape) -> Strokes:
    half_width, front = body.half_width[1], -body.half_depth[1] - 3.0
    arch = [(-17.0, -3.0, 0.0), (-10.0, front + 2, 0.0), (0.0, front, 0.0), (10.0, front + 2, 0.0), (17.0, -3.0, 0.0)]
    masses = [
        Strokes.curve([(s * 16.0, -4.0, 0.5), (s * (half_width - 5.0), 5.0, 0.0)], [6.0, 6.0]) for s in (-1.0, 1.0)
    ]
    return Strokes.join([Strokes.curve(arch, 4.0), *masses]).placed(body.axes, body.centre)


def _union(shape: tuple[Bounds, Distance], strokes: Strokes) -> tuple[Bounds, Distance]:
    (low_a, high_a), first = shape
    low_b, high_b = strokes.bounds
    second = strokes.distance()

    def distance(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        return np.minimum(first(x, y, z), second(x, y, z))

    low: Any = tuple(min(a, b) for a, b in zip(low_a, low_b, strict=True))
    high: Any = tuple(max(a, b) for a, b in zip(high_a, high_b, strict=True))
    return (low, high), distance


def _local(
    axes: np.ndarray, centre: np.ndarray, x: np.ndarray, y: np.ndarray, z: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Coordinates along the local axes (left, back, up), float32."""
    dx, dy, dz = x - np.float32(centre[0]), y - np.float32(centre[1]), z - np.float32(centre[2])
    u, v, w = (np.float32(a[0]) * dx + np.float32(a[1]) * dy + np.float32(a[2]) * dz for a in axes)
    return u, v, w


def _hollowed(u: np.ndarray, v: np.ndarray, a: Any, b: Any, hollow: Any) -> np.ndarray:
    """``v`` pushed outwards near the middle of the back, which dents the back of the shape by ``hollow`` mm."""
    back = np.clip(v / b, 0, 1)
    return v + np.float32(hollow) * back * back * np.exp(-((u / (0.45 * a)) ** 2))


def _side(u: np.ndarray, v: np.ndarray, a: Any, b: Any, exponent: Any) -> np.ndarray:
    """Distance to the superellipse |u/a|^n + |v/b|^n = 1, measured along the ray from its centre."""
    n = np.float32(exponent)
    r = (np.abs(u / a) ** n + np.abs(v / b) ** n) ** (1 / n)
    # Along the ray the distance is (1 - 1/r) |p|; oblique walls are nearer than that by at most a quarter.
    return (1 - 1 / np.maximum(r, np.float32(1e-3))) * np.sqrt(u * u + v * v)


def _plane(normal: np.ndarray, u: np.ndarray, v: np.ndarray, w: np.ndarray) -> np.ndarray:
    return np.float32(normal[0]) * u + np.float32(normal[1]) * v + np.float32(normal[2]) * w


def _box(axes: np.ndarray, centre: np.ndarray, half: tuple[float, float, float]) -> Bounds:
    signs = np.array([(i, j, k) for i in (-1, 1) for j in (-1, 1) for k in (-1, 1)], dtype=np.float64)
    return padded(centre + (signs * np.array(half)) @ axes, 2.0)
