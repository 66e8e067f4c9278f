"""The plan of the spine: curves as asked for, sizes after the published tables, unusual numbers of vertebrae."""

from __future__ import annotations

import numpy as np
import pytest

from VertebraFLTLib.phantom.spine_shape import SpinePlan, frame, plan_spine


def _plan(**changes: object) -> SpinePlan:
    settings: dict = {"kyphosis_deg": None, "scoliosis_deg": None, "thoracic": 12, "lumbar": 5, "variation": 0.0}
    return plan_spine(np.random.default_rng(0), np.array([0.0, 26.0, 236.0]), **(settings | changes))


def _angle(a: np.ndarray, b: np.ndarray, axis: int) -> float:
    """Angle in degrees between two upward normals in the sagittal (axis 1) or coronal (axis 0) plane."""
    return float(np.degrees(np.arctan2(a[axis], a[2]) - np.arctan2(b[axis], b[2])))


def _disc(plan: SpinePlan, above: str) -> np.ndarray:
    return next(d.normal for d in plan.discs if d.above == above)


def test_frame_is_right_handed_and_leans_forwards() -> None:
    axes = frame(30.0, 0.0)
    assert np.allclose(axes @ axes.T, np.eye(3))
    assert np.linalg.det(axes) == pytest.approx(1.0)
    assert axes[2] == pytest.approx([0.0, -0.5, np.sqrt(0.75)])  # up and to the front (-y)


@pytest.mark.parametrize("kyphosis", [20.0, 36.0, 60.0])
def test_kyphosis_is_as_asked(kyphosis: float) -> None:
    plan = _plan(kyphosis_deg=kyphosis)
    # Between the discs below T12 and below T1 the nominal tilts differ by 35 of the 36 degrees.
    assert _angle(_disc(plan, "T12"), _disc(plan, "T1"), 1) == pytest.approx(kyphosis * 35 / 36, abs=0.5)


def test_lordosis_is_that_of_an_adult() -> None:
    plan = _plan()
    lumbar = np.degrees(np.arctan2(-_disc(plan, "L5")[1], _disc(plan, "L5")[2])) + np.degrees(
        np.arctan2(_disc(plan, "L1")[1], _disc(plan, "L1")[2])
    )
    assert 30 < lumbar < 60  # published means of L1 to L5 lie around 45


def test_scoliosis_bends_sideways_by_the_cobb_angle() -> None:
    straight, bent = _plan(scoliosis_deg=0.0), _plan(scoliosis_deg=30.0)
    assert np.allclose([b.centre[0] for b in straight.bodies], 0.0)
    sideways = [np.degrees(np.arctan2(d.normal[0], d.normal[2])) for d in bent.discs]
    assert max(sideways) - min(sideways) == pytest.approx(30.0, abs=3.0)


def test_bodies_grow_from_the_neck_downwards() -> None:
    plan = _plan()
    heights = {b.name: b.height for b in plan.bodies}
    widths = {b.name: b.half_width[1] * 2 for b in plan.bodies}
    assert heights["L3"] == pytest.approx(23.8 * 1.10, rel=0.02)  # Panjabi 1992, scaled
    assert heights["C4"] < heights["T4"] < heights["T10"] < heights["L1"]
    assert widths["C4"] < widths["T10"] < widths["L4"]
    spans = {d.above: d.height + heights[d.above] for d in plan.discs}
    # Thesis figure 28: relative to L4, spans fall to about 0.6 at T1; none is below a third.
    relative = {name: span / spans["L4"] for name, span in spans.items() if name[0] in "LT"}
    assert 0.5 < relative["T1"] < 0.65
    assert min(relative.values()) > 1 / 3


@pytest.mark.parametrize(
    ("thoracic", "lumbar", "lowest", "twelfth"), [(12, 4, "L4", "T12"), (12, 6, "L6", "T12"), (13, 5, "L5", "T13"),
                                                  (11, 5, "L5", "T11")],
)  # fmt: skip
def test_unusual_numbers_of_vertebrae(thoracic: int, lumbar: int, lowest: str, twelfth: str) -> None:
    plan = _plan(thoracic=thoracic, lumbar=lumbar)
    assert len(plan.bodies) == len(plan.discs) == 7 + thoracic + lumbar
    assert plan.bodies[0].name == lowest
    assert plan.bodies[lumbar].name == twelfth
    assert np.all(np.diff([b.centre[2] for b in plan.bodies]) > 8)


def test_endplates_of_neighbours_face_each_other_across_the_disc() -> None:
    plan = _plan()
    for lower, upper, disc in zip(plan.bodies, plan.bodies[1:], plan.discs[1:], strict=False):
        gap = upper.lower - lower.upper
        assert np.linalg.norm(gap) == pytest.approx(disc.height, rel=1e-6)
        assert np.allclose((upper.lower + lower.upper) / 2, disc.centre)
        assert lower.upper_normal @ upper.lower_normal > np.cos(np.radians(12))
