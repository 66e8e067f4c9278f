"""The ensembles against equations 12 to 14 worked by hand."""

import numpy as np
import pytest

from VertebraFLTLib.segmentation.combine import margins

# Four voxels, one structure; columns are voxels. 255 = probability 1.
P = {
    "axial": np.array([230, 130, 20, 140], np.uint8).reshape(1, 1, 1, 4),
    "sagittal": np.array([200, 100, 30, 120], np.uint8).reshape(1, 1, 1, 4),
    "coronal": np.array([180, 90, 10, 135], np.uint8).reshape(1, 1, 1, 4),
}
HALF = {view: [0.5] for view in P}  # 127.5, rounded to 128


@pytest.mark.parametrize(
    ("combine", "expected"),
    [
        ("average", [True, False, False, True]),  # means 203.3, 106.7, 20, 131.7
        ("vote", [True, False, False, True]),  # votes 3, 1, 0, 2
        ("additive", [True, True, False, True]),
    ],
)
def test_hand_worked_voxels(combine, expected):
    assert (margins(P, HALF, combine)[0, 0, 0] >= 0).tolist() == expected


def test_thresholds_are_per_view():
    only_sagittal = {"axial": [0.99], "sagittal": [0.38], "coronal": [0.99]}
    assert (margins(P, only_sagittal, "additive")[0, 0, 0] >= 0).tolist() == [True, True, False, True]
    assert not (margins(P, only_sagittal, "vote")[0, 0, 0] >= 0).any()


def test_three_votes_of_three():
    assert (margins(P, HALF, "vote", votes=3)[0, 0, 0] >= 0).tolist() == [True, False, False, False]


def test_vote_equals_counting_on_random_volumes():
    random = np.random.default_rng(1)
    p = {v: random.integers(0, 256, (4, 5, 6, 7)).astype(np.uint8) for v in P}
    t = {v: random.uniform(0.2, 0.8, 4).tolist() for v in P}
    count = sum((p[v] >= np.array([round(255 * x) for x in t[v]])[:, None, None, None]).astype(int) for v in P)
    for votes in (1, 2, 3):
        rule = "additive" if votes == 1 else "vote"
        assert np.array_equal(margins(p, t, rule, votes=votes) >= 0, count >= votes)


def test_one_view_is_itself_under_every_rule():
    alone = {"axial": P["axial"]}
    results = [margins(alone, {"axial": [0.5]}, rule) for rule in ("average", "vote", "additive")]
    assert all(np.array_equal(r, results[0]) for r in results)
