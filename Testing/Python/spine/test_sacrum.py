"""The lower end of the column: sacral marrow below the last disc is no vertebra, and doubt is said."""

import numpy as np
import pytest

from VertebraFLTLib.spine.boundaries import Boundary, BoundarySet, discounted
from VertebraFLTLib.spine.profile import Profile
from VertebraFLTLib.spine.sacrum import UNSURE, doubt_a_sliver, without_sacrum


def profile(suv, voxels=None):
    suv = np.array(suv, float)
    count = np.full(len(suv), 50) if voxels is None else np.array(voxels)
    index = np.arange(len(suv), dtype=float)
    return Profile(index, 4.0 * index, np.where(count > 0, suv, 0.0), count)


def test_marrow_below_the_last_disc_is_taken_off():
    # Sacral marrow in rows 0 to 2, the disc under L5 in row 3, L5 in rows 4 to 9.
    p = profile([2.3, 2.0, 1.5, 0.7, 3, 6, 7, 7, 5, 2, 1, 4, 7])
    found = without_sacrum(p, sacrum_top_z_mm=14.0)
    assert found.voxels[:3].tolist() == [0, 0, 0] and found.voxels[3:].tolist() == [50] * 10
    assert found.extent_mm[0] == pytest.approx(10.0)
    assert np.array_equal(found.mean_suv[3:], p.mean_suv[3:])


def test_a_column_that_ends_at_its_last_endplate_is_left_alone():
    p = profile([0, 1.2, 3, 6, 7, 7, 5, 2, 1, 4, 7], [0, *[50] * 10])
    assert without_sacrum(p, sacrum_top_z_mm=4.0) is p


def test_a_sacrum_far_below_takes_nothing():
    p = profile([3, 6, 7, 7, 5, 2, 1, 4, 7])
    assert without_sacrum(p, sacrum_top_z_mm=-60.0) is p


def test_a_long_tail_into_the_sacrum_goes_even_without_a_valley():
    p = profile([*np.linspace(1, 6, 15), 7, 5, 2, 1, 4, 7])
    found = without_sacrum(p, sacrum_top_z_mm=50.0)
    assert not found.voxels[:5].any() and found.voxels[10:].all()


def test_a_sliver_upon_the_sacrum_makes_names_doubtful():
    bounds = tuple(
        Boundary(low, high, z / 4, z, 3.0, 0.9, "span-prior")
        for low, high, z in (("L5", "L4", 12.0), ("L4", "L3", 48.0), ("L3", "L2", 84.0))
    )
    whole = BoundarySet(bounds, -22.0, 120.0, 0.93, "counted from the sacrum")
    assert doubt_a_sliver(whole) is whole
    sliver = BoundarySet(bounds, 0.0, 120.0, 0.93, "counted from the sacrum")
    doubted = doubt_a_sliver(sliver)
    assert doubted.level_confidence == UNSURE and "off by one" in doubted.level_reason


def test_a_discount_keeps_places_and_says_why():
    one = Boundary("L5", "L4", 3.0, 12.0, 3.0, 0.9, "span-prior", ("shallow valley",))
    found = discounted(BoundarySet((one,), -22.0, 60.0), 0.7, "tracer is FDG").boundaries[0]
    assert found.confidence == pytest.approx(0.63) and found.z_mm == 12.0
    assert found.reasons == ("shallow valley", "tracer is FDG")
