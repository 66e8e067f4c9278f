"""The thesis's dilation of masks on the PET grid (5.2.2): a ball for whole bones, a flat cross for single vertebrae."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy import ndimage

BALL = ndimage.generate_binary_structure(3, 1)
"""Ball of radius one voxel: the voxel and its six face neighbours."""


def flat_cross(normal_axis: int) -> np.ndarray:
    """Cross of radius one voxel in the plane across ``normal_axis`` (of a kji array): the voxel and four neighbours."""
    index: list[slice | int] = [slice(None)] * 3
    index[normal_axis] = 1
    cross = np.zeros((3, 3, 3), dtype=bool)
    cross[tuple(index)] = ndimage.generate_binary_structure(2, 1)
    return cross


def dilate_ball(mask: np.ndarray) -> np.ndarray:
    """A mask (bool, kji) grown by :data:`BALL`."""
    return ndimage.binary_dilation(mask, BALL)


def dilate_labels_in_plane(labels: np.ndarray, fractions: Mapping[int, np.ndarray], normal_axis: int) -> np.ndarray:
    """Grow each label by a flat cross so that no two labels share a voxel.

    Neighbours above each other cannot meet, since the cross is flat. Where two labels lie side by side in one slice
    (a tilted spine), no labelled voxel changes hands and a free voxel that both reach goes to the label that fills
    more of it, then to the one with more neighbours there, then to the lower number.

    labels: integers, kji, 0 is free. fractions: for each label the fraction of each voxel it fills, same shape.
    """
    neighbours = flat_cross(normal_axis).astype(np.uint8)
    neighbours[1, 1, 1] = 0
    across = tuple(axis for axis in range(3) if axis != normal_axis)
    grown = labels.copy()
    best = np.zeros(labels.shape)
    free = labels == 0
    for label in sorted(fractions):
        own = labels == label
        slices = np.flatnonzero(own.any(axis=across))  # flat: a label grows in its own slices only
        if len(slices) == 0:
            continue
        slab = slice(int(slices[0]), int(slices[-1]) + 1)
        at = tuple(slab if axis == normal_axis else slice(None) for axis in range(3))
        touching = ndimage.convolve(own[at].astype(np.uint8), neighbours, mode="constant")
        score = (
            np.round(fractions[label][at].astype(np.float64), 3) + 1e-4 * touching
        )  # at most four touch: they only break ties
        wins = free[at] & (touching > 0) & (score > best[at])
        grown[at][wins] = label
        best[at][wins] = score[wins]
    return grown
