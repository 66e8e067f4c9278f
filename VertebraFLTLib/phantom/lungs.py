"""Lungs under the rib cage and above the diaphragm, with vessels that thin out towards the chest wall."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .ovals import Ovals
from .solids import Material, Solid, vec
from .spine_shape import SpinePlan
from .strokes import Strokes
from .thorax import Cage

Height = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""A surface over the axial plane: height z (mm) at (x, y)."""


def lung_solids(plan: SpinePlan, cage: Cage, materials: dict[str, Material], rng: np.random.Generator) -> list[Solid]:
    """Both lungs as one solid (the mediastinum is laid over it), the muscle behind them, and their vessels."""
    dome = diaphragm(plan)
    oval = Ovals(cage.z, cage.half_width - 7, cage.front + 7, cage.back - 5)
    shape = oval.distance()

    def distance(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        return np.maximum(shape(x, y, z), (dome(x, y) - z) * np.float32(0.6))

    low, high = oval.bounds
    bottom, top = float(plan.body("L1").centre[2]), float(plan.body("C7").centre[2])
    bounds = ((low[0], low[1], bottom), (high[0], high[1], top))
    back_muscle = _beside_spinous_processes(plan)
    vessels = _vessels(plan, cage, rng)
    return [
        Solid("lungs", bounds, distance, materials["lung"], coarse=True),
        Solid("back muscle", back_muscle.bounds, back_muscle.distance(), materials["muscle"], coarse=True),
        Solid("lung vessels", vessels.bounds, _both(vessels.distance(), distance), materials["blood"]),
    ]


def diaphragm(plan: SpinePlan, below: float = 0.0) -> Height:
    """Height (mm) of the diaphragm over (x, y): two domes, the right one higher; falls off to the sides and back."""
    t9, t10 = plan.body("T9").centre, plan.body("T10").centre
    front_y = np.float32(t9[1] - 60.0)
    summit = np.float32(t10[2] + 22.0 - below)

    def height(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        off = np.abs(x) - np.float32(62.0)
        outer, inner = np.maximum(off, 0) / np.float32(78.0), np.minimum(off, 0) / np.float32(62.0)
        lower_left = np.float32(7.0) * np.clip(x / np.float32(50.0), -1, 1)
        side = outer * outer * np.float32(55.0) + inner * inner * np.float32(14.0) + lower_left
        along = ((y - front_y) / np.float32(100.0)) ** 2 * np.float32(55.0)
        return (summit - side - along).astype(np.float32)

    return height


def _beside_spinous_processes(plan: SpinePlan) -> Strokes:
    """The muscle that fills the groove beside the spinous processes, which the lungs do not reach."""
    chest = [b for b in plan.bodies if b.name[0] == "T" or b.name == "L1"]
    lines = []
    for side in (-1.0, 1.0):
        line = [b.centre + vec(side * 17.0, float(np.mean(b.half_depth)) + 24.0, 0.0) @ b.axes for b in chest]
        lines.append(Strokes.curve(line, 19.0))
    return Strokes.join(lines)


def _both(
    first: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray],
    second: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray],
) -> Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]:
    def distance(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        return np.maximum(first(x, y, z), second(x, y, z))

    return distance


def _vessels(plan: SpinePlan, cage: Cage, rng: np.random.Generator) -> Strokes:
    t5, t7 = plan.body("T5").centre, plan.body("T7").centre
    parts = []
    for side in (-1.0, 1.0):
        hilum = (t5 + t7) / 2 + vec(side * 34.0, -30.0, 0.0)
        for _ in range(14):
            z = float(rng.uniform(plan.body("T11").centre[2], plan.body("T2").centre[2]))
            half_width, front, back = (float(v) for v in cage.at(z))
            angle = rng.uniform(0.15, 0.9) * np.pi
            reach = rng.uniform(0.7, 0.9)
            middle, deep = (front + back) / 2, (back - front) / 2
            goal = np.array([side * half_width * reach * np.sin(angle), middle + deep * reach * np.cos(angle), z])
            bend = hilum + 0.5 * (goal - hilum) + rng.normal(0, 5, 3)
            parts.append(Strokes.curve([hilum, bend, goal], [4.5, 2.8, 1.0]))
            twig = goal + rng.normal(0, 16, 3)
            parts.append(Strokes.curve([bend, (bend + twig) / 2 + rng.normal(0, 3, 3), twig], [2.2, 1.6, 0.8]))
    return Strokes.join(parts)
