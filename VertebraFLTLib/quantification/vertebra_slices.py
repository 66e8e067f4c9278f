"""Single vertebrae on the PET's own slices: the column cut at the boundaries, a slice partly cut counting in part."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import SimpleITK as sitk

from VertebraFLTLib.anatomy import LEVEL_BY_NAME, VERTEBRAL_BODY
from VertebraFLTLib.io.geometry import z_map
from VertebraFLTLib.quantification.coverage import Grid, LabelBoxes, coverage
from VertebraFLTLib.quantification.dilation import dilate_labels_in_plane
from VertebraFLTLib.quantification.masks_on_pet import PetRegion, axial_axis
from VertebraFLTLib.spine.boundaries import BoundarySet

_HALF = 0.5 - 1e-3
_LEAST_WEIGHT = 0.02  # less of a slice than this is rounding


def cut_on_pet(
    pet: sitk.Image, semantic: sitk.Image, regions: list[PetRegion], boundaries: BoundarySet
) -> list[PetRegion]:
    """The vertebrae among ``regions`` with their voxels taken from the column on the PET grid; other regions as given.

    The thesis cuts the column at whole PET slices and gives the slice at a boundary to no vertebra. Here a boundary may
    lie between slices: a layer one slice thick around it belongs to no vertebra, and a slice that this layer covers in
    part counts with the rest of its thickness (``PetRegion.weight``). For boundaries at whole slices that is the
    thesis's rule; in between, means move with the boundary instead of jumping by a slice, which for a thoracic vertebra
    of five slices would be up to a tenth. The dilation is the thesis's flat cross.

    semantic: uint8 mask on any grid. Regions without a vertebra's name are not touched.
    """
    column = LabelBoxes.of(semantic).binary((VERTEBRAL_BODY.label,))
    box = None if column is None else Grid.of(pet).box_around(Grid.of(column), 2)
    if column is None or box is None:
        return regions
    fraction = coverage(column, Grid.of(pet, box))
    z = np.broadcast_to(z_map(pet), pet.GetSize()[::-1])[box]
    half = pet.GetSpacing()[2 - axial_axis(pet)] / 2
    weights = _weights(boundaries, z, half)

    owner = np.zeros(fraction.shape, np.uint8)
    for code, weight in weights.items():
        owner[(fraction >= _HALF) & (weight > 0)] = code
    shares = {code: np.where(weight > 0, fraction, 0) for code, weight in weights.items()}
    owner = dilate_labels_in_plane(owner, shares, axial_axis(pet))

    cut = []
    for region in regions:
        level = LEVEL_BY_NAME.get(region.roi)
        if level is None:
            cut.append(region)
            continue
        if level.code not in weights:
            continue
        mask = (owner == level.code) & (weights[level.code] > 0)
        if mask.any():
            cut.append(replace(region, box=box, mask=mask, weight=weights[level.code]))
    return cut


def _weights(boundaries: BoundarySet, z: np.ndarray, half: float) -> dict[int, np.ndarray]:
    """Per vertebra the part of each voxel's slice that lies in it, clear of the layers around its boundaries."""
    cuts = {b.z_mm for b in boundaries.boundaries}
    weights = {}
    for vertebra in boundaries.vertebrae():
        low = vertebra.z_low_mm + (half if vertebra.z_low_mm in cuts else 0.0)
        high = vertebra.z_high_mm - (half if vertebra.z_high_mm in cuts else 0.0)
        part = (np.minimum(z + half, high) - np.maximum(z - half, low)) / (2 * half)
        weight = np.clip(part, 0.0, 1.0).astype(np.float32)
        weight[weight < _LEAST_WEIGHT] = 0.0
        weight[weight > 1.0 - _LEAST_WEIGHT] = 1.0
        weights[LEVEL_BY_NAME[vertebra.level].code] = weight
    return weights
