"""Sliding along the spine: made-up bodies and discs, known slides."""

from __future__ import annotations

import numpy as np
import pytest

from VertebraFLTLib.longitudinal.along import slide


def bodies(spans, seed=0):
    """HU every millimetre: bright bodies with brighter endplates, dark discs; each body of its own brightness."""
    rng = np.random.default_rng(seed)
    parts = []
    for span in spans:
        disc = round(0.25 * span)
        body = np.full(span - disc, 180.0 + rng.normal(0, 25))
        body[:2] = body[-2:] = 320.0
        parts += [np.full(disc, 70.0), body]
    return np.concatenate(parts)


SPANS = (36, 36, 35, 34, 32, 30, 28, 27, 26)


@pytest.fixture
def found(straight, banded):
    """``found(true_mm, guess_mm, ...)``: the slide between a spine and the same one elsewhere in its image."""

    def run(true_mm, guess_mm, other=None, pelvis=True, stretch=1.0):
        bands = bodies(SPANS)
        theirs = bands if other is None else other
        theirs = np.interp(np.arange(len(theirs) * stretch) / stretch, np.arange(len(theirs)), theirs)
        ours, line = straight(len(bands)), straight(len(bands), true_mm)
        # Both lines begin 20 mm below their bone: the same place has the same distance along both, plus the slide.
        reference, ct = banded(bands), banded(theirs, 2 * true_mm)
        start = np.full(len(ours.points_mm), true_mm + guess_mm)
        return slide(ours, reference, line, ct, start, pelvis)

    return run


@pytest.mark.parametrize("true_mm", [0.0, 3.4, -7.7])
def test_a_known_slide_is_found(found, true_mm):
    result = found(true_mm, 6.0)
    assert result.visible
    assert result.overall > 0.9
    assert result.rival < result.overall - 0.2
    inner = slice(60, 250)
    assert result.shift_mm[inner] == pytest.approx(np.full(190, true_mm), abs=0.5)
    assert result.likeness[inner].min() > 0.8


def test_discs_that_gave_are_followed(found):
    result = found(0.0, 0.0, stretch=1.01)  # 2.8 mm over the spine
    there = 0.01 * (np.arange(len(result.shift_mm)) - 20.0)
    assert np.abs(result.shift_mm - there)[60:250].max() < 1.0


def test_with_the_pelvis_in_view_no_vertebra_is_slipped(found):
    alike = bodies((30,) * 10, seed=1)  # all vertebrae alike: bands fit at every one of them
    result = found(0.0, 4.0, other=alike)
    assert np.abs(np.median(result.shift_mm)) < 15.0


def test_another_spine_is_not_like_this_one(found):
    rng = np.random.default_rng(5)
    result = found(0.0, 0.0, other=rng.normal(150, 60, 290))
    assert result.overall < 0.5
    assert not result.visible or result.overall - result.rival < 0.15


def test_without_bands_the_guess_stands(found):
    result = found(0.0, 2.5, other=np.full(290, 150.0))
    assert not result.visible
    assert result.shift_mm == pytest.approx(np.full(len(result.shift_mm), 2.5))
    assert not result.likeness.any()
