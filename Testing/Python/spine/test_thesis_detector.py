"""The thesis's detector against a profile worked by hand, MATLAB's findpeaks, and columns it cannot handle."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import find_peaks

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.spine.detectors import get_detector
from VertebraFLTLib.spine.detectors.protocol import Clues
from VertebraFLTLib.spine.detectors.thesis import ThesisDetector, find_peaks_matlab, span_factor
from VertebraFLTLib.spine.profile import Profile


def profile_from(values, spacing: float = 4.0, below: int = 3, above: int = 3, bottom: float = 100.0) -> Profile:
    """The values are the column; empty slices below and above it."""
    values = np.concatenate([np.zeros(below), np.asarray(values, float), np.zeros(above)])
    z = bottom + spacing * np.arange(len(values))
    return Profile(np.arange(len(values), dtype=float), z, values, np.where(values > 0, 50, 0))


def test_findpeaks_of_matlab():
    # index               0  1  2  3  4  5  6  7  8  9 10 11 12 13
    signal = np.array([9, 1, 3, 2, 5, 5, 4, 6, 1, 2, 2, 2, 0, 8], float)
    assert find_peaks_matlab(signal, 0) == [2, 4, 7, 9]  # flat tops at their first sample; the ends are no peaks
    assert find_peaks_matlab(signal, 2) == [4, 7]  # 7 (height 6) removes 9, then 4 (height 5) removes 2
    assert find_peaks_matlab(signal, 3) == [2, 7]  # 7 removes 4 (exactly 3 away); 2 is left
    assert find_peaks_matlab(np.array([0.0, 2, 0, 0, 2, 0]), 3) == [1]  # of equal ones the first wins
    assert find_peaks_matlab(np.arange(9.0), 2) == [] and find_peaks_matlab(np.ones(9), 2) == []
    assert find_peaks_matlab(np.array([1.0, 2, 3, 3]), 1) == []  # flat up to the end


def test_findpeaks_agrees_with_scipy_where_both_are_defined():
    rng = np.random.default_rng(0)
    for _ in range(50):
        signal = rng.permutation(80).astype(float)  # no ties, no plateaus
        for distance in (1, 3, 5):
            expected, _ = find_peaks(signal, distance=distance + 1)
            assert find_peaks_matlab(signal, distance) == expected.tolist()


def test_a_profile_worked_by_hand():
    dips = {8: 4, 17: 4}  # steps 1, 2: L5/L4 and L4/L3; x = 9
    dips |= {26: 4}  # L3: window 17 + 3 .. 17 + 9 = 20 .. 26, its last slice
    dips |= {33: 4}  # L2: 29 .. 35
    dips |= {41: 4, 43: 1}  # L1: 36 .. 42; the deeper 43 lies beyond it
    dips |= {50: 4}  # T12: 44 .. 50; 43 is nearer than floor(9 / 3) and does not count
    dips |= {58: 4, 59: 1}  # T11, x = ceil(4/5 9) = 8: 52 .. 58; with x = 9 it would be 59
    dips |= {65: 4, 72: 4, 79: 4, 86: 4}  # T10 60 .. 66, T9 67 .. 73, T8 74 .. 80, T7 81 .. 87
    dips |= {93: 4, 94: 1}  # T6, x = ceil(3/4 9) = 7: 88 .. 93; with x = 8 it would be 94
    dips |= {99: 4, 105: 4}  # T5: 95 .. 100, T4: 101 .. 106
    dips |= {111: 4, 112: 1}  # T3, x = ceil(3/5 9) = 6: 107 .. 111; with x = 7 it would be 112
    dips |= {116: 4, 121: 4}  # T2: 113 .. 117, T1: 118 .. 122
    dips |= {126: 1, 131: 1}  # the neck, which the method leaves out
    values = np.full(150, 10.0)
    values[list(dips)] = list(dips.values())
    # The first slices of the column rise, as the blur makes them.
    found = ThesisDetector(exact_window=True).detect(profile_from(values, below=5))
    expected = [8, 17, 26, 33, 41, 50, 58, 65, 72, 79, 86, 93, 99, 105, 111, 116, 121]
    assert [b.pet_slice - 5 for b in found.boundaries] == expected
    assert [b.z_mm for b in found.boundaries] == [100.0 + 4 * (5 + i) for i in expected]
    assert found.names[0] == "L5" and found.names[-2:] == ("T1", "C7")
    assert len(found.boundaries) == 17 and found.bottom_z_mm == 100 + 4 * 5 - 2  # with the bottom of L5 18
    assert found.boundaries[0].depth_suv == pytest.approx(6.0)
    assert all(b.source == "thesis" for b in found.boundaries)
    assert [v.level for v in found.vertebrae()][-1] == "T1"


def test_a_fall_is_followed_beyond_the_window_to_its_foot():
    # Valleys at 8, 16 (x = 8) and 25: L3 spans 9 slices, its valley lies one slice beyond the window 18 .. 24.
    z = np.arange(60)
    valleys = (8, 16, 25, 33, 41)
    values = 10.0 - sum(8 * np.exp(-0.5 * ((z - at) / 1.5) ** 2) for at in valleys)
    exact = ThesisDetector(exact_window=True).detect(profile_from(values))
    assert [b.pet_slice - 3 for b in exact.boundaries[:4]] == [8, 16, 24, 32]  # as printed: points on the slopes
    found = get_detector("thesis").detect(profile_from(values))
    assert tuple(b.pet_slice - 3 for b in found.boundaries[:5]) == valleys
    assert "valley just beyond the search window" in found.boundaries[2].reasons
    assert "valley just beyond the search window" not in found.boundaries[3].reasons


def test_the_first_of_equal_minima_is_taken():
    values = np.full(60, 10.0)
    values[[8, 17, 24, 25]] = 4
    found = get_detector("thesis").detect(profile_from(values))
    assert found.boundaries[2].pet_slice - 3 == 24


def test_five_slices_stand_for_20_mm():
    def second_peak(spacing: float, at: int) -> float:
        values = np.full(70, 10.0)
        values[10], values[at], values[34] = 2, 4, 4
        return get_detector("thesis").detect(profile_from(values, spacing)).boundaries[1].pet_slice - 3

    # At 4 mm a valley 5 slices from a deeper one is dropped, one of 6 slices is kept.
    assert second_peak(4.0, 15) == 34 and second_peak(4.0, 16) == 16
    # At 2 mm that is 10 slices, at 3.3 mm 20 / 3.3 rounds to 6.
    assert second_peak(2.0, 20) == 34 and second_peak(2.0, 21) == 21
    assert second_peak(3.3, 16) == 34 and second_peak(3.3, 17) == 17


def test_span_factors_change_at_the_published_levels():
    assert [span_factor(n) for n in ("L3", "T12", "T11", "T7", "T6", "T4", "T3", "T1")] == [
        1.0, 1.0, 0.8, 0.8, 0.75, 0.75, 0.6, 0.6,
    ]  # fmt: skip


def test_another_lowest_vertebra_starts_the_count_there(make_beads):
    beads = make_beads(4, lowest="T9", highest="C2", noise=0.0, span_sd=0.0)
    found = get_detector("thesis").detect(beads.profile, Clues(lowest="T9"))
    assert found.names[0] == "T9" and found.level_confidence == 1.0
    z = np.array([b.z_mm for b in found.boundaries[:8]])
    np.testing.assert_allclose(z, beads.z_mm[:8], atol=4.0)


def test_it_stops_where_the_column_ends(make_beads):
    beads = make_beads(5, highest="T6", noise=0.0, cut=(False, True), top_share=0.8)
    found = get_detector("thesis").detect(beads.profile)
    assert found.names == beads.names
    np.testing.assert_allclose([b.z_mm for b in found.boundaries], beads.z_mm, atol=4.0)
    assert not found.vertebrae()[-1].complete


def test_naming_without_a_sacrum_is_said_to_be_taken_for_granted(make_beads):
    beads = make_beads(0)
    without = get_detector("thesis").detect(beads.profile)
    anchored = get_detector("thesis").detect(beads.profile, Clues(sacrum_top_z_mm=beads.profile.extent_mm[0] - 6))
    assert without.level_confidence < 0.9 < anchored.level_confidence < 1
    assert "no sacrum" in without.level_reason


def test_profiles_without_valleys_are_answered_in_words():
    with pytest.raises(InputError, match="span-prior"):
        get_detector("thesis").detect(profile_from(np.full(60, 5.0)))
    one = np.full(20, 10.0)
    one[9] = 4
    found = get_detector("thesis").detect(profile_from(one))
    assert len(found.boundaries) == 1 and found.boundaries[0].confidence < 0.5
    assert "only one valley found" in found.boundaries[0].reasons
