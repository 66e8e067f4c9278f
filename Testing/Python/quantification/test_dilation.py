"""The dilation rules of the thesis, worked by hand on small arrays."""

import numpy as np

from VertebraFLTLib.quantification.dilation import dilate_ball, dilate_labels_in_plane, flat_cross


def test_a_ball_of_radius_one_is_the_voxel_and_its_six_neighbours():
    mask = np.zeros((5, 5, 5), bool)
    mask[2, 2, 2] = True
    expected = {(2, 2, 2), (1, 2, 2), (3, 2, 2), (2, 1, 2), (2, 3, 2), (2, 2, 1), (2, 2, 3)}
    assert {tuple(v) for v in np.argwhere(dilate_ball(mask)).tolist()} == expected


def test_a_flat_cross_has_four_neighbours_across_its_normal():
    for axis in range(3):
        cross = flat_cross(axis)
        assert cross.sum() == 5
        assert np.ptp(np.argwhere(cross)[:, axis]) == 0


def test_vertebrae_above_each_other_never_meet():
    labels = np.zeros((4, 5, 5), np.uint8)
    labels[1, 2, 2], labels[2, 2, 2] = 24, 23
    grown = dilate_labels_in_plane(labels, {23: (labels == 23) * 1.0, 24: (labels == 24) * 1.0}, normal_axis=0)
    for k, label in ((1, 24), (2, 23)):
        np.testing.assert_array_equal(
            grown[k] == label, [[0] * 5, [0, 0, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 0, 0], [0] * 5]
        )
    assert not grown[0].any() and not grown[3].any()


def test_side_by_side_in_one_slice_a_voxel_goes_to_the_label_that_fills_more_of_it():
    labels = np.array([[[24, 24, 0, 23, 23]]], np.uint8)
    fractions = {23: np.array([[[0, 0, 0.3, 1, 1]]]), 24: np.array([[[1, 1, 0.2, 0, 0]]])}
    assert dilate_labels_in_plane(labels, fractions, 0).ravel().tolist() == [24, 24, 23, 23, 23]
    fractions[24][0, 0, 2] = 0.4
    assert dilate_labels_in_plane(labels, fractions, 0).ravel().tolist() == [24, 24, 24, 23, 23]


def test_no_labelled_voxel_changes_hands_and_ties_do_not_depend_on_direction():
    labels = np.array([[[24, 23, 0, 24, 0]]], np.uint8)
    fractions = {23: (labels == 23) * 1.0, 24: (labels == 24) * 1.0}
    grown = dilate_labels_in_plane(labels, fractions, 0).ravel().tolist()
    assert grown == [24, 23, 23, 24, 24]
    mirrored = {code: f[..., ::-1] for code, f in fractions.items()}
    assert dilate_labels_in_plane(labels[..., ::-1], mirrored, 0).ravel().tolist() == grown[::-1]
