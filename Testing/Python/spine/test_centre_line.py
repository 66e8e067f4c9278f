"""The centre line of columns whose curve is known, and planes placed along it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.spine.boundaries import Boundary, BoundarySet
from VertebraFLTLib.spine.boundary import AXIAL
from VertebraFLTLib.spine.centre_line import CentreLine, centre_line
from VertebraFLTLib.spine.levels import names_up
from VertebraFLTLib.spine.planes import height_above, place

RADIUS_MM = 300.0  # of the circle that the column bends along: about 36 degrees over 200 mm


def ijk_to_lps(spacing: tuple[float, float, float], origin: tuple[float, float, float]) -> np.ndarray:
    matrix = np.diag([*spacing, 1.0])
    matrix[:3, 3] = origin
    return matrix


def bent_column(spacing_z: float = 5.0) -> tuple[np.ndarray, np.ndarray]:
    """A tube of 30 mm along an arc in the sagittal plane, from z = 100 to 300 mm; its tangent is upright at z = 200."""
    placed = ijk_to_lps((1.5, 1.5, spacing_z), (-40.0, -40.0, 60.0))
    z = 60.0 + spacing_z * np.arange(int(300 / spacing_z))
    y, x = -40 + 1.5 * np.arange(70), -40 + 1.5 * np.arange(54)
    zz, yy, xx = np.meshgrid(z, y, x, indexing="ij")
    from_axis = np.hypot(np.hypot(yy - RADIUS_MM, zz - 200) - RADIUS_MM, xx)  # centre of the arc at y = RADIUS, z = 200
    return (from_axis < 15) & (zz > 100) & (zz < 300), placed


def true_tangent(z: float) -> tuple[float, float, float]:
    sine = (z - 200) / RADIUS_MM
    return (0.0, math.tan(math.asin(sine)) * math.sqrt(1 - sine**2), math.sqrt(1 - sine**2))


def angle(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    return math.degrees(math.acos(min(1.0, float(np.dot(a, b)))))


@pytest.mark.parametrize("spacing", [2.0, 5.0])
def test_point_and_tangent_of_a_circle(spacing: float):
    line = centre_line(*bent_column(spacing))
    for z in (120.0, 160.0, 200.0, 245.0, 280.0):
        depth = RADIUS_MM - math.sqrt(RADIUS_MM**2 - (z - 200) ** 2)
        assert line.point(z) == pytest.approx((0.0, depth, z), abs=0.8)
        assert angle(line.tangent(z), true_tangent(z)) < 2.0


def test_it_goes_straight_on_beyond_its_ends():
    line = centre_line(*bent_column())
    above = [line.point(z) for z in (line.high_mm, line.high_mm + 20, line.high_mm + 40)]
    assert above[2][1] - above[1][1] == pytest.approx(above[1][1] - above[0][1])
    assert line.tangent(line.high_mm + 500) == line.tangent(line.high_mm)


def test_slices_may_run_downwards_or_be_missing():
    column, placed = bent_column()
    line = centre_line(column, placed)
    down = ijk_to_lps((1.5, 1.5, -5.0), (-40.0, -40.0, 60.0 + 5.0 * (len(column) - 1)))
    other = centre_line(column[::-1], down)
    gap = column.copy()
    gap[25:29] = False
    for z in (130.0, 200.0, 260.0):
        assert other.point(z) == pytest.approx(line.point(z))
        assert angle(centre_line(gap, placed).tangent(z), line.tangent(z)) < 1.0


def test_a_few_slices_have_no_direction_and_none_no_line():
    column, placed = bent_column()
    column[:20] = column[23:] = False
    line = centre_line(column, placed)
    assert line.tangent(170.0) == AXIAL and line.point(170.0)[2] == 170.0
    with pytest.raises(InputError, match="is empty"):
        centre_line(np.zeros_like(column), placed)


# --- planes -----------------------------------------------------------------------------------------------------------


def detected(*z: float) -> BoundarySet:
    names = names_up("L5", len(z) + 1)
    bounds = tuple(Boundary(names[i], names[i + 1], at / 4, at, 1.0, 0.9, "span-prior") for i, at in enumerate(z))
    return BoundarySet(bounds, 100.0, 300.0)


@pytest.fixture(scope="module")
def line() -> CentreLine:
    return centre_line(*bent_column())


def test_oblique_planes_stand_square_to_the_line_and_axial_ones_do_not(line):
    oblique, axial = (place(detected(140.0, 180.0, 220.0), line, cuts) for cuts in ("oblique", "axial"))
    for one, flat in zip(oblique.boundaries, axial.boundaries, strict=True):
        assert angle(one.normal, true_tangent(one.z_mm)) < 2.0
        assert flat.normal == AXIAL
        assert one.centre_mm == flat.centre_mm == line.point(one.z_mm)
        x, y, z = (np.array([c]) for c in line.point(one.z_mm))
        assert height_above(one, (x, y, z)) == pytest.approx(0.0)
        step = 7.0 * np.array(one.normal)
        assert height_above(one, (x + step[0], y + step[1], z + step[2])) == pytest.approx(7.0)
    with pytest.raises(ValueError, match="choose one of oblique, axial"):
        place(detected(140.0), line, "coronal")


def test_planes_that_are_there_already_stay_unless_asked_for_anew(line):
    first = place(detected(140.0, 180.0, 220.0), line, "oblique")
    turned = first.tilt(0, (0.2, 0.0, 1.0)).tilt(1, (0.2, 0.0, 1.0)).lock(1)
    assert place(turned, line, "axial") == turned
    anew = place(turned, line, "axial", anew=True)
    assert [b.normal == AXIAL for b in anew.boundaries] == [True, False, True]
    assert anew.boundaries[1] == turned.boundaries[1]
    assert place(anew, line, "oblique", anew=True) == turned.tilt(0, first.boundaries[0].normal)


def test_a_plane_beside_a_locked_one_does_not_cross_it(line):
    axial = place(detected(140.0, 150.0), line, "axial")
    steep = (0.0, math.sqrt(0.5), math.sqrt(0.5))
    before = replace(axial, boundaries=tuple(replace(one, normal=steep) for one in axial.boundaries)).lock(0)
    placed = place(before, line, "axial", anew=True)
    assert placed == before  # an axial one would meet the locked plane 10 mm from the middle: it is laid parallel
    assert place(before.lock(0, False), line, "axial", anew=True) == axial
