"""Scores vertebra by vertebra of a mask that does not tell vertebrae apart: each voxel goes to the nearest true one."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from scipy import ndimage
from scipy.spatial import cKDTree

from VertebraFLTLib.anatomy import LEVEL_BY_CODE, LEVELS, VERTEBRAL_BODY
from VertebraFLTLib.errors import InputError
from VertebraFLTLib.evaluation.mask_pair import MaskPair, check_same_grid, whole_numbers
from VertebraFLTLib.evaluation.metrics import Agreement, agreement, box_around
from VertebraFLTLib.quantification.coverage import Grid


def level_scores(pair: MaskPair, levels: sitk.Image, levels_name: str = "the level map") -> list[Agreement]:
    """Scores of each vertebra from the head down; ``label`` is its VerSe number, ``name`` its level.

    pair: semantic masks. levels: the reference's vertebral bodies by VerSe number on the same grid. Every voxel of a
    vertebral body in either mask counts for the level nearest to it in millimetres, so that the voxels of all levels
    together are those of the column. A level whose every voxel is ignored has no row, and what lies nearest to it
    counts for none.

    Raises InputError for levels on another grid, values that are no VerSe number, and levels outside the reference's
    vertebral bodies.
    """
    check_same_grid(pair.grid, Grid.of(levels), pair.truth_name, levels_name)
    codes = _codes(levels, levels_name)
    true_body, found_body = (mask == VERTEBRAL_BODY.label for mask in (pair.truth, pair.pred))
    codes[~true_body] = 0
    if not codes.any():
        raise InputError(
            f"{levels_name} has no level inside the vertebral bodies (value {VERTEBRAL_BODY.label}) of "
            f"{pair.truth_name}; give the level map of the same mask"
        )
    nearest = nearest_level(codes, true_body | found_body, pair.spacing_mm)
    counted = true_body if pair.ignored is None else true_body & ~pair.ignored
    present, voxels = set(np.unique(nearest[counted]).tolist()), pair.voxels
    scores = []
    for level in LEVELS:
        if level.code not in present:
            continue
        here = nearest == level.code
        box = box_around(here)
        scores.append(
            agreement(
                (true_body & here)[box],
                (found_body & here)[box],
                pair.spacing_mm,
                level.code,
                level.name,
                ignored=None if pair.ignored is None else pair.ignored[box],
                voxels=voxels,
            )
        )
    return scores


def nearest_level(codes: np.ndarray, voxels: np.ndarray, spacing_mm: tuple[float, ...]) -> np.ndarray:
    """The code of the nearest coded voxel for each of some ``voxels`` (boolean), 0 elsewhere; all arrays kji.

    A voxel that has a code keeps it. Distances are between voxel middles, in mm.
    """
    result = np.where(voxels, codes, 0)
    asked = np.argwhere(voxels & (codes == 0))
    if not len(asked):
        return result
    # From outside, the nearest coded voxel always is one of the surface.
    box = box_around(codes != 0)
    inner = codes[box] != 0
    surface = np.argwhere(inner & ~ndimage.binary_erosion(inner)) + [s.start for s in box]
    _, index = cKDTree(surface * spacing_mm).query(asked * spacing_mm)
    result[tuple(asked.T)] = codes[tuple(surface[index].T)]
    return result


def _codes(levels: sitk.Image, name: str) -> np.ndarray:
    codes = whole_numbers(levels, name)
    wrong = sorted(set(np.unique(codes).tolist()) - {0, *LEVEL_BY_CODE})
    if wrong:
        raise InputError(
            f"{name} holds {wrong[0]}, which numbers no vertebra; VerSe numbers are C1=1..C7=7, T1=8..T12=19, "
            "L1=20..L5=24, L6=25, T13=28"
        )
    return codes
