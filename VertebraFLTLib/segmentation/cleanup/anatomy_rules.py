"""The order in which anatomy judges a mask: the column first, the pelvis by the column, the sternum by both."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from VertebraFLTLib.anatomy import HIP_BONE, SACRUM, STERNUM, STRUCTURES, VERTEBRAL_BODY
from VertebraFLTLib.segmentation.cleanup.column import anchor_of, column_of, trim
from VertebraFLTLib.segmentation.cleanup.pelvis import above_sacrum, hips_of, sacrum_of
from VertebraFLTLib.segmentation.cleanup.pieces import NO_BONE_HU, Piece, pieces_of
from VertebraFLTLib.segmentation.cleanup.sternum import sternum_of

# A structure whose largest piece is smaller than this is not in view: a few false voxels are no hip bone.
_LEAST_ML = {VERTEBRAL_BODY.key: 0.5, STERNUM.key: 1.5, SACRUM.key: 3.0, HIP_BONE.key: 3.0}


def clean_up(mask: sitk.Image, ct: sitk.Image | None = None) -> tuple[sitk.Image, dict[str, float]]:
    """Keep of each structure what anatomy allows; islands elsewhere become background, nothing is added or relabelled.

    mask: uint8, labels of ``anatomy.STRUCTURES``, in LPS order in any spacing, oblique too. ct: HU on the same grid;
    where given, islands without bone in them go first. Returns the mask and, per structure key, the millilitres taken
    away (to be reported). Where a structure's neighbours are not in view, it is judged by size alone. Raises
    ValueError where the grids differ.
    """
    array = sitk.GetArrayFromImage(mask)
    found = pieces_of(array, mask, ct)
    bony = {key: _with_bone(pieces.found) for key, pieces in found.items()}

    def of(key: str) -> list[Piece]:
        return bony.get(key, [])

    column = column_of(of(VERTEBRAL_BODY.key))
    line = anchor_of(column)
    hips = hips_of(of(HIP_BONE.key), line, _LEAST_ML[HIP_BONE.key])
    sacrum = sacrum_of(of(SACRUM.key), line, hips, _LEAST_ML[SACRUM.key])
    column = above_sacrum(column, sacrum)
    if max((piece.ml for piece in column), default=0.0) < _LEAST_ML[VERTEBRAL_BODY.key]:
        column = []
    kept = {
        VERTEBRAL_BODY.key: column,
        HIP_BONE.key: hips,
        STERNUM.key: sternum_of(of(STERNUM.key), line, hips, _LEAST_ML[STERNUM.key]),
        SACRUM.key: sacrum,
    }
    voxel_ml = float(np.prod(mask.GetSpacing())) / 1000.0
    removed: dict[str, float] = {}
    for structure in STRUCTURES:
        if structure.key not in found:
            continue
        gone = found[structure.key].keep(kept[structure.key])
        if structure is VERTEBRAL_BODY and (line := anchor_of(column)) is not None:
            gone += trim(found[structure.key], line)
        if gone:
            removed[structure.key] = round(gone * voxel_ml, 3)
    cleaned = sitk.GetImageFromArray(array)
    cleaned.CopyInformation(mask)
    return cleaned, removed


def _with_bone(pieces: list[Piece]) -> list[Piece]:
    """The largest piece, whatever its brightness (a lytic bone, a CT off its scale), and others with bone in them."""
    return [piece for piece in pieces if piece is pieces[0] or piece.bright_hu is None or piece.bright_hu >= NO_BONE_HU]
