"""Clean-up as a whole: a patient stays, islands of every structure go, nothing is added, on any grid."""

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from VertebraFLTLib.segmentation.cleanup import clean_up

ISLANDS = [
    (1, (110, 140), (50, 80), (200, 225)),  # humeral head
    (1, (60, 80), (70, 95), (120, 140)),  # rib
    (1, (-110, -80), (40, 70), (-330, -300)),  # femur
    (2, (-150, -120), (80, 100), (180, 240)),  # scapula
    (3, (-20, 20), (110, 125), (100, 160)),  # spinous processes
    (3, (80, 110), (-60, -40), (120, 160)),  # ribs in front
    (3, (-20, 20), (-60, -40), (-240, -200)),  # pubis
    (4, (-20, 20), (95, 110), (150, 190)),  # arches in the chest
]


def test_a_patient_loses_nothing(space, bones):
    s = space()
    mask = s.paint(*bones["all"])
    cleaned, removed = clean_up(mask)
    assert removed == {}
    assert np.array_equal(sitk.GetArrayViewFromImage(cleaned), s.array)


@pytest.mark.parametrize(
    "spacing, angle",
    [((3.0, 3.0, 3.0), 0.0), ((1.5, 1.5, 5.0), 0.0), ((4.0, 2.5, 2.0), 0.0), ((3.0, 3.0, 3.0), 0.35)],
    ids=["cubic", "thick", "other", "oblique"],
)
def test_islands_of_every_structure_go_on_any_grid(space, bones, spacing, angle):
    s = space(spacing, angle)
    cleaned, removed = clean_up(s.paint(*bones["all"], *ISLANDS))
    for island in ISLANDS:
        assert s.kept(cleaned, island) == 0, island
    for bone in bones["all"]:
        assert s.kept(cleaned, bone) > 0.99, bone
    assert set(removed) == {"vertebral_body", "hip_bone", "sternum", "sacrum"}


def test_what_went_is_told_in_millilitres(space, bones):
    s = space((2.0, 4.0, 5.0))
    island = (1, (110, 140), (48, 80), (200, 225))
    _, removed = clean_up(s.paint(*bones["all"], island))
    assert removed == {"vertebral_body": pytest.approx(s.inside(island).sum() * 0.04)}


@settings(max_examples=60, deadline=None)
@given(
    arrays.arrays(np.uint8, st.tuples(*[st.integers(1, 9)] * 3), elements=st.integers(0, 4)),
    st.tuples(*[st.floats(0.5, 30.0)] * 3),
    st.floats(-0.7, 0.7),
)
def test_nothing_is_ever_added_or_relabelled(array, spacing, angle):
    mask = sitk.GetImageFromArray(array)
    mask.SetSpacing(spacing)
    c, s = np.cos(angle), np.sin(angle)
    mask.SetDirection((c, -s, 0, s, c, 0, 0, 0, 1))
    cleaned, removed = clean_up(mask)
    result = sitk.GetArrayFromImage(cleaned)
    assert np.all((result == array) | (result == 0))
    assert sum(removed.values()) == pytest.approx((result != array).sum() * np.prod(spacing) / 1000, abs=0.01)
    assert np.array_equal(sitk.GetArrayFromImage(mask), array)  # the input is left alone


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 4), *[st.tuples(st.integers(-150, 150), st.integers(8, 90)) for _ in range(3)]),
        max_size=8,
    )
)
def test_nothing_is_added_to_a_patient_with_anything_in_it(space, bones, blocks):
    s = space((6.0, 6.0, 6.0))
    extra = [(label, *((start, start + length) for start, length in ranges)) for label, *ranges in blocks]
    before = s.paint(*bones["all"], *extra)
    result = sitk.GetArrayFromImage(clean_up(before)[0])
    assert np.all((result == s.array) | (result == 0))


def test_cleaning_twice_changes_nothing_more(space, bones):
    once, _ = clean_up(space().paint(*bones["all"], *ISLANDS))
    assert clean_up(once)[1] == {}


def test_an_island_without_bone_goes_where_the_ct_tells(space, bones):
    s = space()
    mask = s.paint(*bones["all"])
    hu = np.where(s.array > 0, 200, 40).astype(np.int16)
    dark = bones["sternum"][0]
    hu[s.inside(dark)] = 30
    ct = sitk.GetImageFromArray(hu)
    ct.CopyInformation(mask)
    cleaned, removed = clean_up(mask, ct)
    assert s.kept(cleaned, dark) == 0 and set(removed) == {"sternum"}


def test_a_ct_on_another_grid_is_refused(space, bones):
    with pytest.raises(ValueError, match="voxels"):
        clean_up(space().paint(*bones["all"]), sitk.Image(5, 5, 5, sitk.sitkInt16))


def test_a_few_false_voxels_are_no_structure(space, bones):
    s = space()
    few = (3, (-6, 6), (-60, -51), (120, 127))  # less than a millilitre of "sternum"
    cleaned, removed = clean_up(s.paint(*bones["column"], few))
    assert s.kept(cleaned, few) == 0 and set(removed) == {"sternum"}


def test_an_empty_mask_stays_empty():
    mask, removed = clean_up(sitk.Image(5, 6, 7, sitk.sitkUInt8))
    assert not sitk.GetArrayFromImage(mask).any() and not removed


def test_geometry_is_kept():
    original = sitk.GetImageFromArray(np.ones((4, 5, 6), np.uint8))
    original.SetSpacing((2, 3, 4))
    original.SetOrigin((1, 2, 3))
    mask, _ = clean_up(original)
    assert mask.GetOrigin() == (1, 2, 3) and mask.GetSpacing() == original.GetSpacing()
