"""The patient as a network sees him the second time: in a mirror, and moved by a few voxels."""

from __future__ import annotations

import numpy as np

SHIFT = (3, 1, 1)
"""Voxels (k, j, i). Odd, so that cells and pooling windows fall elsewhere: what depends on how they happen to lie
averages out."""


def moved(volume: np.ndarray) -> np.ndarray:
    """A volume (k, j, i) with left and right exchanged, moved by SHIFT, its near faces continued.

    Longer by SHIFT's slices, because no end of a patient may be lost; in plane as large as before, for there the body
    has a margin (``grid.body_box``).
    """
    k, j, i = SHIFT
    return np.pad(volume[:, :, ::-1], ((k, 0), (j, 0), (i, 0)), mode="edge")[:, :-j, :-i]


def moved_back(probabilities: np.ndarray) -> np.ndarray:
    """What a network says of :func:`moved`, (classes, k, j, i), in the place of the volume itself; the faces that
    moving pushed out of view have their neighbours' answer."""
    k, j, i = SHIFT
    return np.pad(probabilities[:, k:, j:, i:], ((0, 0), (0, 0), (0, j), (0, i)), mode="edge")[..., ::-1]
