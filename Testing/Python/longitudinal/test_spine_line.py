"""The centre line against a column whose course is a circle's arc."""

from __future__ import annotations

import numpy as np
import pytest

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.longitudinal.spine_line import SpineLine
from VertebraFLTLib.quantification.coverage import Grid

RADIUS_MM, THICK_MM = 350.0, 17.0
GRID = Grid((80, 80, 90), (2.0, 2.0, 5.0), (-80.0, -80.0, 0.0), (1, 0, 0, 0, 1, 0, 0, 0, 1))


@pytest.fixture(scope="module")
def arc():
    """A round tube along an arc in the sagittal plane, 60 degrees of it, ends cut square to it."""
    k, j, i = np.indices(GRID.shape)
    points = GRID.to_mm(np.stack([i, j, k], axis=-1).reshape(-1, 3)).reshape(*GRID.shape, 3)
    y, z = points[..., 1] + RADIUS_MM - 20.0, points[..., 2] - 225.0
    angle, off = np.arctan2(z, y), np.hypot(y, z) - RADIUS_MM
    return (np.hypot(points[..., 0], off) < THICK_MM) & (np.abs(angle) < np.radians(30))


@pytest.fixture(scope="module")
def line(arc):
    return SpineLine.of(arc, GRID)


def on_arc(degrees):
    angle = np.radians(degrees)
    zero = np.zeros_like(angle)
    return np.stack([zero, RADIUS_MM * np.cos(angle) - RADIUS_MM + 20.0, RADIUS_MM * np.sin(angle) + 225.0], axis=1)


def test_it_runs_through_the_middle(line):
    truth = on_arc(np.linspace(-26, 26, 14))
    assert np.linalg.norm(line.at(line.nearest(truth)) - truth, axis=1).max() < 1.0


def test_distances_along_it_are_those_of_the_arc(line):
    degrees = np.linspace(-24, 24, 9)
    found = line.nearest(on_arc(degrees))
    assert np.diff(found) == pytest.approx(np.full(8, np.radians(6) * RADIUS_MM), abs=0.5)
    assert line.last - line.first == pytest.approx(np.radians(60) * RADIUS_MM, abs=12.0)  # voxels are 5 mm high


def test_frames_stand_on_it(line):
    s = line.nearest(on_arc(np.array([-20.0, 0.0, 20.0])))
    frames = line.frame_at(s)
    assert frames @ frames.transpose(0, 2, 1) == pytest.approx(np.broadcast_to(np.eye(3), (3, 3, 3)), abs=1e-9)
    tilt = np.degrees(np.arctan2(-frames[:, 2, 1], frames[:, 2, 2]))
    assert tilt == pytest.approx([-20.0, 0.0, 20.0], abs=1.5)
    assert frames[:, 0, 0] == pytest.approx(np.ones(3), abs=1e-3)  # left is left


def test_the_patients_back_may_point_elsewhere(arc):
    turned = SpineLine.of(arc, GRID, (np.sin(0.2), np.cos(0.2), 0.0))
    assert turned.frame_at(150.0)[0] @ np.array([np.cos(0.2), -np.sin(0.2), 0.0]) > 0.995


def test_beyond_its_ends_it_goes_straight_on(line):
    last = len(line.points_mm) - 1
    assert line.at(last + 30.0) == pytest.approx(line.at(last) + 30.0 * line.frame_at(last)[2])


def test_heights_and_distances_agree(line):
    s = np.array([60.0, 200.0, 320.0])
    assert line.s_at_height(line.at(s)[:, 2]) == pytest.approx(s, abs=0.1)


def test_a_stump_has_no_line(arc):
    with pytest.raises(InputError, match="too short"):
        SpineLine.of(arc & (np.arange(90) < 14)[:, None, None] & (np.arange(90) > 8)[:, None, None], GRID)
    with pytest.raises(InputError, match="too short"):
        SpineLine.of(np.zeros_like(arc), GRID)
