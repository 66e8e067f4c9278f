"""Colon with gas, small bowel and rectum, laid inside the abdominal cavity."""

from __future__ import annotations

import numpy as np

from .ovals import Ovals
from .pelvis import Landmarks
from .solids import Material, Solid, ellipsoid, vec
from .spine_shape import SpinePlan
from .strokes import Strokes, smooth_curve

_CLEARANCE_MM = 3.0


def bowel_solids(
    plan: SpinePlan, marks: Landmarks, abdomen: Ovals, materials: dict[str, Material], rng: np.random.Generator
) -> list[Solid]:
    """The bowel; ``rng`` varies its course, calibre and gas."""
    l1, l2, l3, l4, l5 = (plan.body(f"L{i}").centre for i in range(1, 6))
    front = float(l3[1]) - 74.0
    colon = smooth_curve(
        [
            (-88, l5[1] - 20, l5[2] - 10), (-98, l3[1] - 8, l3[2]), (-96, l2[1] - 20, l2[2] + 5),
            (-60, front, l2[2] - 10), (0, front - 8, l3[2] + 5), (60, front, l1[2] - 5),
            (96, l1[1] - 12, l1[2] + 20), (102, l3[1] + 4, l3[2]), (90, l5[1] - 16, l5[2] - 5),
            (45, l5[1] - 30, l5[2] - 55), (0, l5[1] + 5, l5[2] - 70),
        ],
        18.0,
    )  # fmt: skip
    calibre = np.clip(18 + rng.normal(0, 2.5, len(colon)), 13, 23)
    colon = _kept_inside(colon, calibre, abdomen)
    solids = [_tube("colon", Strokes.curve(colon, calibre), materials["bowel_wall"])]
    for i in np.flatnonzero(rng.random(len(colon)) < 0.35):
        # Gas rises to the front of a patient on the back.
        r = calibre[i] * 0.62
        solids.append(
            Solid("bowel gas", *ellipsoid(colon[i] - vec(0, r * 0.5, 0), (r, r * 0.75, r * 1.2)), materials["gas"])
        )
    count = 60
    t = np.linspace(0, 1, count)
    coil = np.stack(
        [
            58 * np.sin(2 * np.pi * 5.3 * t) + rng.normal(0, 6, count),
            float(l4[1]) - 56 + 22 * np.cos(2 * np.pi * 3.7 * t) + rng.normal(0, 4, count),
            np.interp(t, (0, 1), (float(l2[2]) - 10, float(l5[2]) - 55)) + rng.normal(0, 6, count),
        ],
        axis=1,
    )
    calibre = np.clip(12 + rng.normal(0, 1.5, count), 9, 15)
    solids.append(
        _tube("small bowel", Strokes.curve(_kept_inside(coil, calibre, abdomen), calibre), materials["bowel_wall"])
    )
    low = marks.hip * vec(0, 1, 1)
    rectum = Strokes.curve([low + vec(0, 44, 54), low + vec(0, 42, 14), low + vec(0, 34, -26)], [15.0, 14.0, 9.0])
    return [*solids, _tube("rectum", rectum, materials["bowel_wall"])]


def _kept_inside(points: np.ndarray, radii: np.ndarray, cavity: Ovals) -> np.ndarray:
    """Points moved back from the front wall and in from the flanks until tubes of ``radii`` fit."""
    out = points.copy()
    half_width = np.interp(out[:, 2], cavity.z, cavity.half_width) - radii - _CLEARANCE_MM
    out[:, 0] = np.clip(out[:, 0], -half_width, half_width)
    front = np.interp(out[:, 2], cavity.z, cavity.front)
    back = np.interp(out[:, 2], cavity.z, cavity.back)
    # Towards the flanks the oval wall recedes.
    share = np.clip(np.abs(out[:, 0]) / np.interp(out[:, 2], cavity.z, cavity.half_width), 0, 0.98)
    depth = (back - front) / 2 * (1 - share**cavity.exponent) ** (1 / cavity.exponent)
    out[:, 1] = np.maximum(out[:, 1], (front + back) / 2 - depth + radii + _CLEARANCE_MM)
    return out


def _tube(name: str, strokes: Strokes, material: Material) -> Solid:
    return Solid(name, strokes.bounds, strokes.distance(), material)
