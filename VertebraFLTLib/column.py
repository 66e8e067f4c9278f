"""The column where the images meet: out of the mask, onto the PET and the CT, and back as vertebrae one by one."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from VertebraFLTLib.anatomy import SACRUM, VERTEBRAL_BODY
from VertebraFLTLib.io.geometry import z_map, z_range
from VertebraFLTLib.quantification.coverage import Grid, LabelBoxes, coverage
from VertebraFLTLib.spine.boundaries import BoundarySet
from VertebraFLTLib.spine.centre_line import CentreLine, centre_line
from VertebraFLTLib.spine.cleanup import regularise_column
from VertebraFLTLib.spine.ct_evidence import CtProfile, ct_profile
from VertebraFLTLib.spine.disc_track import DiscTrack, disc_track
from VertebraFLTLib.spine.instances import label_vertebrae
from VertebraFLTLib.spine.profile import Profile, uptake_profile
from VertebraFLTLib.spine.rib_stripes import Ribs, find_ribs
from VertebraFLTLib.spine.sacrum import without_sacrum


def without_islands(semantic: sitk.Image, column: np.ndarray) -> tuple[sitk.Image, float]:
    """The mask without vertebral-body voxels outside the column, and how many millilitres those were.

    So masks, tables, figures and surfaces all speak of one column.
    """
    array = sitk.GetArrayFromImage(semantic)
    islands = (array == VERTEBRAL_BODY.label) & ~column
    count = int(islands.sum())
    if not count:
        return semantic, 0.0
    array[islands] = 0
    cleaned = sitk.GetImageFromArray(array)
    cleaned.CopyInformation(semantic)
    return cleaned, count * Grid.of(semantic).voxel_ml


def column_of(semantic: sitk.Image) -> np.ndarray:
    """The regularised column (bool, kji) of a semantic mask (thesis 5.1.2)."""
    return regularise_column(
        sitk.GetArrayViewFromImage(semantic) == VERTEBRAL_BODY.label, spacing_mm=semantic.GetSpacing()[::-1]
    )


def column_profile(pet_suv: sitk.Image, semantic: sitk.Image, column: np.ndarray) -> Profile:
    """Equation 19 on the PET's own slices, down to the disc under L5 where the sacrum is in view."""
    return profile_within(pet_suv, semantic, column_on_pet(pet_suv, semantic, column))


def column_on_pet(pet_suv: sitk.Image, semantic: sitk.Image, column: np.ndarray) -> np.ndarray:
    """The PET's voxels (bool, kji) that the column fills by half or more; it is brought there in its box only."""
    mask = sitk.GetImageFromArray(column.astype(np.uint8))
    mask.CopyInformation(semantic)
    cropped = LabelBoxes.of(mask).binary((1,))
    on_pet = np.zeros(pet_suv.GetSize()[::-1], bool)
    box = None if cropped is None else Grid.of(pet_suv).box_around(Grid.of(cropped), margin=1)
    if cropped is not None and box is not None:
        on_pet[box] = coverage(cropped, Grid.of(pet_suv, box)) >= 0.5
    return on_pet


def profile_within(pet_suv: sitk.Image, semantic: sitk.Image, on_pet: np.ndarray) -> Profile:
    """The profile inside a column that is already on the PET's grid."""
    found = uptake_profile(sitk.GetArrayViewFromImage(pet_suv), on_pet, z_map(pet_suv), coverage_z_mm=z_range(semantic))
    top = sacrum_top(semantic, found)
    return found if top is None else without_sacrum(found, top)


def line_of(semantic: sitk.Image, column: np.ndarray) -> CentreLine:
    """The centre line of a column on the grid of its semantic mask."""
    return centre_line(column, Grid.of(semantic).ijk_to_lps)


def discs_along(discs: sitk.Image, line: CentreLine) -> DiscTrack:
    """The segmenter's discs (see :class:`Segmentation`) along the column's centre line."""
    return disc_track(sitk.GetArrayViewFromImage(discs), Grid.of(discs).ijk_to_lps, line)


def column_on_ct(
    semantic: sitk.Image, column: np.ndarray, ct: sitk.Image | None, discs: DiscTrack | None = None
) -> CtProfile | None:
    """Density and mask along the column's core, and the discs; the discs alone where the CT's slices are oblique."""
    z = z_map(semantic)
    if z.size != len(column):
        return None if discs is None else CtProfile.of_discs(discs)
    bodies = sitk.GetArrayViewFromImage(semantic) == VERTEBRAL_BODY.label
    spacing = semantic.GetSpacing()
    hu = None if ct is None else sitk.GetArrayViewFromImage(ct)
    return ct_profile(column, bodies, z.ravel(), (spacing[1], spacing[0]), hu, discs)


def ribs_on_ct(ct: sitk.Image, line: CentreLine) -> Ribs | None:
    """Ribs and transverse processes beside the column's centre line; None where the CT's slices are oblique."""
    z = z_map(ct)
    hu = sitk.GetArrayViewFromImage(ct)
    if z.size != len(hu):
        return None
    heights = np.clip(z.ravel(), line.low_mm, line.high_mm)
    points = np.array([(*line.point(float(clipped))[:2], h) for clipped, h in zip(heights, z.ravel(), strict=True)])
    to_ijk = np.linalg.inv(Grid.of(ct).ijk_to_lps)
    centre = (points @ to_ijk[:3, :3].T + to_ijk[:3, 3])[:, 1::-1]
    return find_ribs(hu, z.ravel(), centre, ct.GetSpacing()[1::-1])


def sacrum_top(semantic: sitk.Image, profile: Profile) -> float | None:
    """Superior end of the sacrum (mm) where the mask shows it right below the column, else None.

    It is the anchor of the level count: the body above it is L5, and a gap tells how many bodies the mask lacks. A
    sacrum beside the column, or a speck of one, is no anchor.
    """
    array = sitk.GetArrayViewFromImage(semantic) == SACRUM.label
    if array.sum() * Grid.of(semantic).voxel_ml < 20.0:
        return None
    z = np.broadcast_to(z_map(semantic), array.shape)[array]
    top, middle = float(np.percentile(z, 98)), float(np.median(z))
    bottom = profile.extent_mm[0]
    return top if top - bottom < 35.0 and middle < bottom + 10.0 else None


def vertebra_mask(
    semantic: sitk.Image, column: np.ndarray, boundaries: BoundarySet, slice_spacing_mm: float
) -> sitk.Image:
    """The bodies one by one on the CT grid (VerSe numbers), cut at the boundaries (method.md section 4).

    Only voxels that the segmentation called vertebral body are numbered: what the closing bridged stays background.
    """
    bodies = column & (sitk.GetArrayViewFromImage(semantic) == VERTEBRAL_BODY.label)
    labels = label_vertebrae(bodies, Grid.of(semantic).ijk_to_lps, boundaries, slice_spacing_mm)
    image = sitk.GetImageFromArray(labels)
    image.CopyInformation(semantic)
    return image
