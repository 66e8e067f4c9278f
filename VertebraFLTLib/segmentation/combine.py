"""The ensembles of thesis ch. 3.1.2: average, vote and additive, over any set of views."""

from __future__ import annotations

import numpy as np


def margins(
    probabilities: dict[str, np.ndarray], thresholds: dict[str, list[float]], combine: str, votes: int = 2
) -> np.ndarray:
    """How far each voxel lies above the ensemble's decision for each structure.

    probabilities: per view uint8 (structures, k, j, i), 255 = 1. thresholds: per view one value per structure.
    Returns int16 (structures, k, j, i) in units of 1/255: the voxel belongs to the structure where it is >= 0.

    A decision is kept as a margin, not as a mask, so that it can be interpolated to the CT's grid and thresholded
    there: surfaces then are not stairs of working-grid voxels. The rules, voxel by voxel:

    - average (eq. 12): mean probability minus mean threshold;
    - vote (eq. 13, 14): at least ``votes`` views above their threshold, which is the same as the votes-th largest
      of the views' margins being >= 0;
    - additive: a vote of one.
    """
    names = list(probabilities)
    first = probabilities[names[0]]
    result = np.empty(first.shape, np.int16)
    rank = {"additive": 1, "vote": min(votes, len(names)), "average": 0}[combine]
    for structure in range(first.shape[0]):
        each = np.stack(
            [
                probabilities[v][structure].astype(np.int16) - np.int16(round(255 * thresholds[v][structure]))
                for v in names
            ]
        )
        if combine == "average":
            result[structure] = np.floor(each.mean(axis=0, dtype=np.float32) + 0.5)
        elif rank == 1:
            each.max(axis=0, out=result[structure])
        else:
            result[structure] = np.partition(each, len(names) - rank, axis=0)[len(names) - rank]
    return result
