"""All detectors: known columns, columns cut anywhere, flat ones, nonsense; confidence that means something."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.spine.boundaries import BoundarySet
from VertebraFLTLib.spine.confidence import judge
from VertebraFLTLib.spine.detectors import DETECTORS, get_detector
from VertebraFLTLib.spine.detectors.protocol import Clues
from VertebraFLTLib.spine.profile import Profile
from VertebraFLTLib.spine.signs import Place, signs

NAMES = list(DETECTORS)


def sacrum_below(beads) -> float:
    return beads.profile.extent_mm[0] - 8.0


def errors_in_slices(found: BoundarySet, beads) -> np.ndarray:
    """Error of each true boundary by its name, in PET slices; NaN where it was not found."""
    at = {(b.below, b.above): b.z_mm for b in found.boundaries}
    pairs = zip(beads.names[:-1], beads.names[1:], strict=True)
    return np.array([at.get(p, np.nan) - z for p, z in zip(pairs, beads.z_mm, strict=True)]) / beads.profile.spacing_mm


def test_the_registry_knows_its_detectors():
    assert NAMES[0] == "span-prior" and set(NAMES) == {"span-prior", "thesis", "kalman"}
    assert [get_detector(name).name for name in NAMES] == NAMES
    with pytest.raises(InputError, match="--detector magic: no such detector; valid are span-prior"):
        get_detector("magic")


@pytest.mark.parametrize("name", ["span-prior", "kalman"])
@pytest.mark.parametrize(
    "condition",
    [
        {},
        {"spacing_mm": 2.0},
        {"spacing_mm": 5.0},
        {"noise": 0.08},
        {"contrast": 0.35},
        {"l4_mm": 30.0},
        {"l4_mm": 42.0},
    ],
)
def test_every_boundary_from_l5_to_the_neck(make_beads, name: str, condition: dict):
    for seed in range(2):
        beads = make_beads(seed, **condition)
        found = get_detector(name).detect(beads.profile, Clues(sacrum_top_z_mm=sacrum_below(beads)))
        errors = np.abs(errors_in_slices(found, beads))
        limit = 1.0 if condition.get("spacing_mm", 4) >= 4 else 2.0  # 4 mm
        assert np.nanmax(errors) <= limit
        assert not np.isnan(errors).any()
        assert found.level_confidence > 0.85


def test_positions_are_finer_than_slices(make_beads):
    errors = []
    for seed in range(4):
        beads = make_beads(seed)
        found = get_detector("span-prior").detect(beads.profile, Clues(sacrum_top_z_mm=sacrum_below(beads)))
        errors.append(errors_in_slices(found, beads))
    assert np.sqrt(np.mean(np.concatenate(errors) ** 2)) < 0.2  # rounding to slices alone would make 0.29


@pytest.mark.parametrize(
    ("lowest", "highest", "bottom_share", "top_share", "cut"),
    [
        ("L5", "T6", 1.0, 0.5, (False, True)),
        ("L3", "C2", 0.6, 1.0, (True, False)),
        ("T10", "C5", 0.4, 0.7, (True, True)),
        ("L2", "T8", 0.15, 0.9, (True, True)),
    ],
)
def test_columns_cut_anywhere_with_the_lowest_given(make_beads, lowest, highest, bottom_share, top_share, cut):
    for seed in range(2):
        beads = make_beads(
            seed, lowest=lowest, highest=highest, bottom_share=bottom_share, top_share=top_share, cut=cut
        )
        found = get_detector("span-prior").detect(beads.profile, Clues(lowest=lowest))
        errors = np.abs(errors_in_slices(found, beads))
        assert np.nanmax(errors) <= 1.0 and np.isnan(errors).sum() == 0
        assert found.level_confidence > 0.999 and "given" in found.level_reason
        assert (found.bottom_cut, found.top_cut) == cut
        vertebrae = {v.level: v for v in found.vertebrae()}
        assert all(vertebrae[n].complete for n in beads.names[1:-1])
        assert not cut[0] or lowest not in vertebrae or not vertebrae[lowest].complete


def test_a_lowest_level_nobody_knows_is_never_named_surely(make_beads):
    for seed in range(3):
        beads = make_beads(seed, lowest="T10", highest="C5", bottom_share=0.4, top_share=0.7, cut=(True, True))
        for name in NAMES:
            found = get_detector(name).detect(beads.profile)
            assert found.level_confidence < 0.6
            assert "cut below" in found.level_reason


def test_without_a_sacrum_the_names_say_so(make_beads):
    beads = make_beads(1)
    found = get_detector("span-prior").detect(beads.profile)
    assert found.names == beads.names
    assert found.level_confidence <= 0.8 and "no sacrum" in found.level_reason


def test_one_vertebra_too_many_is_noticed_and_not_named_surely(make_beads):
    beads = make_beads(3, lowest="L6", highest="C1", noise=0.01)
    found = get_detector("span-prior").detect(beads.profile, Clues(sacrum_top_z_mm=sacrum_below(beads)))
    assert found.names == beads.names
    assert found.level_confidence < 0.5 and "thirteen thoracic" in found.level_reason


def test_vertebrae_missing_above_the_sacrum_are_counted(make_beads):
    beads = make_beads(2, lowest="L3")
    sacrum = beads.profile.extent_mm[0] - 2 * 36.0 - 4
    found = get_detector("span-prior").detect(beads.profile, Clues(sacrum_top_z_mm=sacrum))
    assert found.names[0] == "L3" and "missing below" in found.level_reason and found.level_confidence < 0.95


def test_supernumerary_and_impossible_lowest_levels(make_beads):
    beads = make_beads(0)
    six = get_detector("span-prior").detect(beads.profile, Clues(lowest="L6"))
    assert six.names[:3] == ("L6", "L5", "L4")
    with pytest.raises(InputError, match="--lowest C4: a column of"):
        get_detector("span-prior").detect(beads.profile, Clues(lowest="C4"))
    for name in NAMES:
        with pytest.raises(InputError, match="--lowest L8"):
            get_detector(name).detect(beads.profile, Clues(lowest="L8"))
        with pytest.raises(InputError, match="nothing lies above C1"):
            get_detector(name).detect(beads.profile, Clues(lowest="C1"))


def test_a_flat_profile_is_filled_by_the_prior_and_admits_it(make_beads):
    for seed in range(3):
        beads = make_beads(seed, contrast=0.0, noise=0.05, uptake_sd=0.05)
        found = get_detector("span-prior").detect(beads.profile, Clues(sacrum_top_z_mm=sacrum_below(beads)))
        confidence = np.array([b.confidence for b in found.boundaries])
        assert abs(len(found.boundaries) - len(beads.z_mm)) <= 5
        assert np.median(confidence) < 0.35 and np.mean(confidence > 0.8) <= 0.05
        said = {reason for b in found.boundaries if b.confidence < 0.3 for reason in b.reasons}
        assert "shallow valley" in said or "placed by the span prior" in said


def test_confidence_falls_with_noise_and_holds_what_it_says(make_beads):
    means, sure = [], []
    for noise in (0.02, 0.15, 0.4):
        confidence, right = [], []
        for seed in range(4):
            beads = make_beads(seed, noise=noise)
            found = get_detector("span-prior").detect(beads.profile, Clues(sacrum_top_z_mm=sacrum_below(beads)))
            confidence += [b.confidence for b in found.boundaries]
            right += [np.abs(beads.z_mm - b.z_mm).min() <= 4.0 for b in found.boundaries]
        means.append(np.mean(confidence))
        sure += [r for c, r in zip(confidence, right, strict=True) if c >= 0.9]
        assert means[-1] <= np.mean(right) + 0.15
    assert means[0] > 0.95 and means[0] > means[1] > means[2]
    assert np.mean(sure) >= 0.95


def test_a_missed_boundary_shows_in_the_span(make_beads):
    beads = make_beads(0, noise=0.0)
    found = get_detector("span-prior").detect(beads.profile, Clues(sacrum_top_z_mm=sacrum_below(beads)))
    places = [Place(b.z_mm) for i, b in enumerate(found.boundaries) if i != 6]
    reasons = [" ".join(e.reasons) for e in judge(signs(found.names[:-1], beads.profile, places))]
    assert "x expected" in reasons[5] and "x expected" in reasons[6]
    assert not reasons[2]


def empty_profile(values) -> Profile:
    values = np.asarray(values, float)
    return Profile(np.arange(len(values), dtype=float), 4.0 * np.arange(len(values)), values, np.full(len(values), 9))


@pytest.mark.parametrize("name", NAMES)
def test_profiles_too_short_or_empty_are_refused_in_one_line(name: str):
    for values in (np.ones(5), [3.0], np.zeros(60)):
        with pytest.raises(InputError) as caught:
            get_detector(name).detect(empty_profile(values))
        assert "\n" not in str(caught.value)
    coarse = Profile(np.arange(3.0), 50.0 * np.arange(3), np.ones(3), np.full(3, 9))
    with pytest.raises(InputError, match="too few"):
        get_detector(name).detect(coarse)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.floats(0, 30), min_size=8, max_size=120),
    st.sampled_from([2.0, 4.0, 5.0]),
    st.sampled_from([None, "L5", "T6", "C5"]),
    st.sampled_from(NAMES),
    st.lists(st.integers(0, 119), max_size=10),
)
def test_no_profile_makes_a_detector_raise_anything_but_an_input_error(values, spacing, lowest, name, holes):
    voxels = np.full(len(values), 9)
    voxels[[h for h in holes if h < len(values)]] = 0
    z = -300.0 + spacing * np.arange(len(values))
    profile = Profile(np.arange(len(values), dtype=float), z, np.where(voxels > 0, values, 0.0), voxels)
    try:
        found = get_detector(name).detect(profile, Clues(lowest=lowest))
    except InputError as error:
        assert "\n" not in str(error)
        return
    assert found.problem() == ""
    assert all(0 <= b.confidence <= 1 for b in found.boundaries) and 0 <= found.level_confidence <= 1
    assert BoundarySet.from_csv(found.to_csv(), profile).boundaries == tuple(
        type(b)(b.below, b.above, b.pet_slice, b.z_mm, b.depth_suv, b.confidence, b.source) for b in found.boundaries
    )
