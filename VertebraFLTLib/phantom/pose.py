"""How the simulated patient lies in the scanner: moved, turned and bent against the pose of another day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial.transform import Rotation

from VertebraFLTLib.errors import InputError

from .grid import Bounds, Point
from .solids import Solid, padded

PIVOT_MM = (0.0, 26.0, 480.0)
"""The point a rotation leaves in place: inside the lower thoracic spine, so that neither end leaves the field."""
MOST_TURN_DEG, MOST_BEND_DEG, MOST_SHIFT_MM = 15.0, 25.0, 100.0


@dataclass(frozen=True)
class Pose:
    """A pose against the usual one; what is 0 stays as it is.

    ``shift_mm`` (x, y, z: LPS) and ``turn_deg`` about the x, y and z axis, in that order, about ``PIVOT_MM``, move the
    whole patient; the couch follows in height only. ``kyphosis_deg`` and ``scoliosis_deg`` are added to the curves of
    the patient's spine, whose bodies and discs keep their sizes.
    """

    shift_mm: Point = (0.0, 0.0, 0.0)
    turn_deg: Point = (0.0, 0.0, 0.0)
    kyphosis_deg: float = 0.0
    scoliosis_deg: float = 0.0

    def __post_init__(self) -> None:
        for name, values, most in (
            ("shift_mm", self.shift_mm, MOST_SHIFT_MM),
            ("turn_deg", self.turn_deg, MOST_TURN_DEG),
            ("kyphosis_deg", (self.kyphosis_deg,), MOST_BEND_DEG),
            ("scoliosis_deg", (self.scoliosis_deg,), MOST_BEND_DEG),
        ):
            if not all(abs(value) <= most for value in values):
                raise InputError(f"phantom pose {name} is {values}: give numbers from {-most:g} to {most:g}")

    @staticmethod
    def of_another_day(seed: int) -> Pose:
        """A pose as it differs between two examinations of one patient, drawn by ``seed``.

        Up to about 2 cm along and across the couch, a few degrees of turn, and a cushion's worth of curve.
        """
        rng = np.random.default_rng(seed)
        shift = tuple(float(v) for v in np.round(np.clip(rng.normal(0, (8, 8, 12)), -25, 25), 1))
        turn = tuple(float(v) for v in np.round(np.clip(rng.normal(0, (2, 1.5, 3)), -6, 6), 1))
        bend = [float(v) for v in np.round(np.clip(rng.normal(0, (5, 3)), -10, 10), 1)]
        return Pose(shift, turn, *bend)  # type: ignore[arg-type]

    @property
    def matrix(self) -> np.ndarray:
        """(3, 3) rotation from the usual pose to this one."""
        return Rotation.from_euler("xyz", self.turn_deg, degrees=True).as_matrix()

    def placed(self, points: np.ndarray) -> np.ndarray:
        """Points (..., 3) of the usual pose (LPS mm) where they lie in this one."""
        return (points - np.array(PIVOT_MM)) @ self.matrix.T + PIVOT_MM + np.array(self.shift_mm)

    def turned(self, directions: np.ndarray) -> np.ndarray:
        """Directions (..., 3) of the usual pose in this one."""
        return directions @ self.matrix.T

    def laid(self, solid: Solid) -> Solid:
        """The solid in this pose. Where nothing turns, grids stay grids and drawing costs what it did."""
        if not any(self.turn_deg):
            return self._shifted(solid) if any(self.shift_mm) else solid
        back = self.matrix.T.astype(np.float32)
        pivot = np.array(PIVOT_MM, dtype=np.float32)
        start = pivot + np.array(self.shift_mm, dtype=np.float32)
        shape = solid.distance

        def distance(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
            dx, dy, dz = x - start[0], y - start[1], z - start[2]
            return shape(*(row[0] * dx + row[1] * dy + row[2] * dz + p for row, p in zip(back, pivot, strict=True)))

        return replace(solid, bounds=self._box(solid.bounds), distance=distance)

    def _shifted(self, solid: Solid) -> Solid:
        sx, sy, sz = np.array(self.shift_mm, dtype=np.float32)
        shape = solid.distance

        def distance(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
            return shape(x - sx, y - sy, z - sz)

        return replace(solid, bounds=self._box(solid.bounds), distance=distance)

    def _box(self, bounds: Bounds) -> Bounds:
        corners = np.stack(np.meshgrid(*zip(*bounds, strict=True), indexing="ij"), axis=-1).reshape(-1, 3)
        return padded(self.placed(corners), 0.0)


def laid(solids: Sequence[Solid], pose: Pose) -> list[Solid]:
    """All solids in a pose."""
    return [pose.laid(solid) for solid in solids]
