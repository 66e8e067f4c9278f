"""The benchmark of oblique cuts reads the plane between two bodies from their labels."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "Benchmarks"))

from bench_oblique import middle_plane

from VertebraFLTLib.quantification.coverage import Grid


def test_the_plane_halfway_between_two_tilted_bodies():
    grid = Grid((40, 40, 50), (1.0, 1.0, 1.0), (-20.0, -20.0, 0.0), (1, 0, 0, 0, 1, 0, 0, 0, 1))
    k, j, i = np.indices(grid.shape)
    normal = np.array([0.1, -0.3, 1.0]) / np.linalg.norm([0.1, -0.3, 1.0])
    height = (i - 20) * normal[0] + (j - 20) * normal[1] + (k - 25) * normal[2]
    round_ = np.hypot(i - 20, j - 20) < 14
    found = middle_plane(round_ & (height < -2), round_ & (height > 2), grid)
    assert found is not None
    centre, direction = found
    assert direction == pytest.approx(normal, abs=0.02)
    assert abs(float((centre - (0.0, 0.0, 25.0)) @ normal)) < 0.3
    assert middle_plane(round_ & (i < 19), round_ & (i > 21), grid) is None  # side by side they do not face each other
