"""Tubes along z with oval cross sections: the skin, the body's cavities, the mediastinum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .grid import Bounds
from .solids import Distance


@dataclass(frozen=True)
class Ovals:
    """A tube of superellipses along z: half-width, front and back y (LPS mm) by height, straight at both ends."""

    z: np.ndarray  # ascending
    half_width: np.ndarray
    front: np.ndarray
    back: np.ndarray
    exponent: float = 2.4
    centre_x: np.ndarray | float = 0.0

    def distance(self, inset: float = 0.0) -> Distance:
        """Signed distance in the axial plane, the wall moved inwards by ``inset`` mm."""

        def evaluate(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
            a = (np.interp(z, self.z, self.half_width) - inset).astype(np.float32)
            front = np.interp(z, self.z, self.front) + inset
            back = np.interp(z, self.z, self.back) - inset
            b = ((back - front) / 2).astype(np.float32)
            middle = ((back + front) / 2).astype(np.float32)
            cx = np.interp(z, self.z, np.broadcast_to(self.centre_x, self.z.shape))
            u, v = x - cx.astype(np.float32), y - middle
            a, b = np.maximum(a, 1), np.maximum(b, 1)
            n = np.float32(self.exponent)
            # On straight axes |u/a|^n and |v/b|^n vary in two axes each: the power is taken on the small arrays.
            r = (np.abs(u / a) ** n + np.abs(v / b) ** n) ** (1 / n)
            reach = np.sqrt((u * u + v * v).astype(np.float32))
            return (1 - 1 / np.maximum(r, np.float32(1e-3))) * reach

        return evaluate

    @property
    def bounds(self) -> Bounds:
        """The box around the tube."""
        x = float(np.max(np.abs(np.asarray(self.half_width)))) + float(np.max(np.abs(self.centre_x)))
        return (
            (-x - 3, float(self.front.min()) - 3, float(self.z[0])),
            (x + 3, float(self.back.max()) + 3, float(self.z[-1])),
        )
