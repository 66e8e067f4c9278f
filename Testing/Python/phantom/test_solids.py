"""Shapes and their shares of voxels, against volumes and distances known from formulas."""

from __future__ import annotations

import numpy as np
import pytest

from VertebraFLTLib.phantom.grid import Grid
from VertebraFLTLib.phantom.render import draw_ct, draw_labels, draw_uptake
from VertebraFLTLib.phantom.solids import Material, Solid, ellipsoid, smooth_max
from VertebraFLTLib.phantom.strokes import Strokes, smooth_curve, smooth_sheet

GRID = Grid((60, 60, 30), (1.0, 1.0, 2.0), (-29.5, -29.5, -29.0))


def _volume(distance_field: np.ndarray, voxel: float) -> float:
    return float(np.clip(0.5 - distance_field, 0, 1).sum() * voxel)


def _axes() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    line = np.arange(-30, 30.5, 1.0, dtype=np.float32)
    return line[None, None, :], line[None, :, None], line[:, None, None]


def test_ellipsoid_volume_and_surface_distance() -> None:
    _, distance = ellipsoid((0, 0, 0), (20.0, 12.0, 8.0), tilt_deg=30.0)
    assert _volume(distance(*_axes()), 1.0) == pytest.approx(4 / 3 * np.pi * 20 * 12 * 8, rel=0.02)
    _, sphere = ellipsoid((1.0, 2.0, 3.0), (10.0, 10.0, 10.0))
    x, y, z = (np.array([v], dtype=np.float32) for v in (1.0, 2.0, 16.0))
    assert sphere(x, y, z) == pytest.approx(3.0, abs=1e-4)


def test_capsule_volume() -> None:
    stroke = Strokes.curve([(-12.0, 3.0, -5.0), (10.0, -4.0, 8.0)], 6.0)
    length = np.linalg.norm(np.array([22.0, -7.0, 13.0]))
    expected = np.pi * 36 * length + 4 / 3 * np.pi * 216
    assert _volume(stroke.distance()(*_axes()), 1.0) == pytest.approx(expected, rel=0.02)


def test_strokes_touching_no_voxel_are_outside() -> None:
    far = Strokes.balls([(500.0, 0.0, 0.0)], 5.0).distance()
    assert np.all(far(*_axes()) > 0)


def test_mirrored_strokes_are_the_mirror_image() -> None:
    stroke = Strokes.curve(smooth_curve([(4, 0, 0), (12, 5, 3), (18, -4, 9)], 3.0), 3.0)
    a, b = stroke.distance()(*_axes()), stroke.mirrored().distance()(*_axes())
    assert np.allclose(a[:, :, ::-1], b, atol=1e-4)


def test_sheet_is_a_plate_of_its_thickness() -> None:
    rows = [[(x, y, 0.0, 4.0) for x in (-20.0, 0.0, 20.0)] for y in (-15.0, 0.0, 15.0)]
    field = smooth_sheet(rows, 3.0).distance()(*_axes())
    middle = field[:, 30, 30]
    assert middle.min() == pytest.approx(-4.0, abs=0.3)
    assert np.count_nonzero(middle < 0) in (7, 8, 9)


def test_smooth_max_is_the_maximum_away_from_the_edge() -> None:
    a, b = np.array([0.0, 5.0, 1.0]), np.array([4.0, 0.0, 1.0])
    result = smooth_max(a, b, 2.0)
    assert result[:2] == pytest.approx([4.0, 5.0])
    assert result[2] == pytest.approx(1.5)


def test_voxels_hold_the_share_that_a_solid_fills() -> None:
    ball = Solid("ball", *ellipsoid((0, 0, 0), (15.0, 15.0, 15.0)), Material(100.0, 5.0), label=1, code=20)
    drawing = draw_ct([ball], GRID, 4, np.random.default_rng(0))
    volume = 4 / 3 * np.pi * 15**3
    # HU above air, spread over the voxels, adds up to the ball's volume times its contrast.
    assert float((drawing.hu + 1000).sum() * 2.0) == pytest.approx(1100 * volume, rel=0.01)
    assert np.count_nonzero(drawing.semantic) * 2.0 == pytest.approx(volume, rel=0.02)
    assert np.array_equal(drawing.semantic > 0, drawing.vertebrae == 20)
    assert float(draw_uptake([ball], GRID, 4).sum() * 2.0) == pytest.approx(5 * volume, rel=0.01)


def test_rim_and_core_and_later_solids_lie_over_earlier_ones() -> None:
    shell = Material(50.0, 8.0, rim_mm=3.0, rim_hu=700.0, rim_suv=1.0)
    bone = Solid("bone", *ellipsoid((0, 0, 0), (15.0, 15.0, 15.0)), shell, label=2)
    hole = Solid("hole", *ellipsoid((0, 0, 0), (5.0, 5.0, 5.0)), Material(-900.0, 0.0), label=-1)
    drawing = draw_ct([bone, hole], GRID, 2, np.random.default_rng(0))
    row = drawing.hu[15, 30]
    assert row[30] == pytest.approx(-900, abs=5)
    assert row[30 + 9] == pytest.approx(50, abs=5)
    assert row[30 + 13] == pytest.approx(700, abs=80)
    semantic, _ = draw_labels([bone, hole], GRID, 2)
    assert semantic[15, 30, 30] == 0
    assert semantic[15, 30, 39] == 2
    assert draw_uptake([bone], GRID)[15, 30, 39] == pytest.approx(8.0)


def test_thick_slices_average_what_they_contain() -> None:
    # A plate 2 mm thick in slices of 5 mm keeps two fifths of its contrast.
    def plate(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        return np.abs(z) - 1.0 + 0 * x + 0 * y

    grid = Grid((8, 8, 3), (0.01, 0.01, 5.0), (0.0, 0.0, -5.0))
    solid = Solid("plate", ((-1, -1, -3), (1, 1, 3)), plate, Material(0.0, 1.0))
    assert draw_uptake([solid], grid, 50)[1, 4, 4] == pytest.approx(0.4, abs=0.02)


def test_box_and_subdivision_of_a_grid() -> None:
    grid = Grid((10, 10, 10), (2.0, 2.0, 4.0), (1.0, 1.0, 2.0))
    assert grid.box(((-50, -50, -50), (-40, 5, 5))) is None
    assert grid.box(((2.1, 0.0, 0.0), (3.9, 100.0, 3.9))) == (slice(0, 1), slice(0, 10), slice(1, 2))
    fine = grid.subdivided((2, 1, 4))
    assert fine.size == (20, 10, 40)
    assert fine.spacing == (1.0, 2.0, 1.0)
    assert fine.origin == (0.5, 1.0, 0.5)
