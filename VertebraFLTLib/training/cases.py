"""Labelled CT volumes on the working grid, kept in memory."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from VertebraFLTLib.anatomy import VERTEBRAL_BODY
from VertebraFLTLib.errors import InputError
from VertebraFLTLib.evaluation.mask_pair import check_same_grid
from VertebraFLTLib.io.images import read_image
from VertebraFLTLib.phantom import make_phantom
from VertebraFLTLib.phantom.options import PhantomSize
from VertebraFLTLib.quantification.coverage import Grid
from VertebraFLTLib.segmentation.given import check_labels
from VertebraFLTLib.segmentation.grid import body_box, crop, sample_ct, whole_grid
from VertebraFLTLib.spine.cleanup import regularise_column
from VertebraFLTLib.training.config import NetworkConfig
from VertebraFLTLib.training.manifest import CaseEntry

log = logging.getLogger(__name__)

IGNORED = 255
DISC = 254
"""Background between two vertebral bodies. To every score it is background; the loss may weigh it (``gap_weight``)."""

# Trunk and neck at slices finer than any that is simulated from them; the PET is not used and so tiny.
_FINE_PHANTOM = PhantomSize((208, 208, 340), (2.0, 2.0, 2.5), (16, 16, 16), (4.0, 4.0, 4.0), ct_bottom_mm=30.0)


@dataclass(frozen=True)
class TrainingCase:
    """One patient on the working grid. ``hu``: kji int16; ``labels``: kji uint8, with DISC and IGNORED.

    ``slice_mm`` is the slice thickness of the CT it came from; simulated patient or not in ``simulated``.
    """

    name: str
    hu: np.ndarray
    labels: np.ndarray
    slice_mm: float
    simulated: bool = False


def load_labels(entry: CaseEntry) -> sitk.Image:
    """The case's semantic labels on the CT's own grid, with 255 where nothing is to be scored.

    Raises InputError for other values, and for maps of what to ignore that lie on another grid.
    """
    path = entry.file("semantic")
    labels = read_image(path).image
    check_labels(labels, str(path), also={IGNORED: "not scored"})
    labels = sitk.Cast(labels, sitk.sitkUInt8)
    array = sitk.GetArrayFromImage(labels)
    if entry.file("ignore").exists():
        array[_beside(labels, entry, "ignore") != 0] = IGNORED
    if entry.ignore_levels:
        array[np.isin(_beside(labels, entry, "levels"), entry.ignore_levels)] = IGNORED
    marked = sitk.GetImageFromArray(array)
    marked.CopyInformation(labels)
    return marked


def _beside(labels: sitk.Image, entry: CaseEntry, kind: str) -> np.ndarray:
    image = read_image(entry.file(kind)).image
    check_same_grid(Grid.of(labels), Grid.of(image), str(entry.file("semantic")), str(entry.file(kind)))
    return sitk.GetArrayFromImage(image)


def load_case(entry: CaseEntry, network: NetworkConfig) -> TrainingCase:
    """Read one case of the manifest and bring it to the working grid."""
    return make_case(entry.name, read_image(entry.file("ct")).image, load_labels(entry), network)


def make_case(
    name: str, ct: sitk.Image, labels: sitk.Image, network: NetworkConfig, simulated: bool = False
) -> TrainingCase:
    """Bring CT and labels (same grid, LPS) to the working grid, cropped to the body."""
    grid = whole_grid(ct, network.spacing_mm)
    box = body_box(ct, grid, snap=1)
    hu = np.rint(sitk.GetArrayFromImage(sample_ct(ct, grid, box))).astype(np.int16)
    on_grid = sitk.Resample(sitk.Cast(labels, sitk.sitkUInt8), crop(grid, box), sitk.Transform(), sitk.sitkLabelLinear)
    log.info("%s: %s voxels", name, hu.shape)
    array = with_discs(sitk.GetArrayFromImage(on_grid), network.spacing_mm[::-1])
    return TrainingCase(name, hu, array, ct.GetSpacing()[2], simulated)


def with_discs(labels: np.ndarray, spacing_mm: tuple[float, float, float]) -> np.ndarray:
    """The labels (kji, changed in place) with DISC for the background that lies between vertebral bodies.

    Discs are a small share of all voxels: without more weight they are lost, and the bodies run together.
    """
    bodies = labels == VERTEBRAL_BODY.label
    if bodies.any():
        labels[regularise_column(bodies, spacing_mm) & (labels == 0)] = DISC
    return labels


def undersampled(ct: sitk.Image, slice_mm: float, shift: float = 0.0) -> sitk.Image:
    """The CT as a scanner with slices of ``slice_mm`` would give it: averaged over the slice, sampled at its pitch.

    shift: where the first slice lies, as a share of the slice thickness. Raises InputError unless ``slice_mm`` exceeds
    the CT's own slice thickness.
    """
    fine = ct.GetSpacing()[2]
    if slice_mm <= fine:
        raise InputError(f"a CT with slices of {fine:g} mm cannot be given slices of {slice_mm:g} mm; ask for thicker")
    smooth = sitk.RecursiveGaussian(
        sitk.Cast(ct, sitk.sitkFloat32), sigma=0.35 * math.sqrt(slice_mm**2 - fine**2), direction=2
    )
    return sitk.Resample(
        smooth, thick_grid(ct, slice_mm, shift), sitk.Transform(), sitk.sitkLinear, -1024.0, sitk.sitkInt16
    )


def undersampled_labels(labels: sitk.Image, slice_mm: float, shift: float = 0.0) -> sitk.Image:
    """Labels on the grid of :func:`undersampled`: a voxel has the label that fills most of the thick slice.

    Of two that fill half each (3 mm from 1.5 mm: one end in two), that of the upper half has it. Were it always the
    background, every vertebra would lose a quarter of a slice at either end.
    """
    grid = thick_grid(labels, slice_mm, shift)
    fine = labels.GetSpacing()[2]
    array = sitk.GetArrayViewFromImage(labels)
    centres = [
        labels.TransformPhysicalPointToContinuousIndex(grid.TransformIndexToPhysicalPoint((0, 0, k)))[2]
        for k in range(grid.GetSize()[2])
    ]
    edges = np.arange(array.shape[0] + 1) - 0.5
    half = slice_mm / fine / 2
    weights = np.stack(
        [np.clip(np.minimum(edges[1:], c + half) - np.maximum(edges[:-1], c - half), 0, None) for c in centres]
    )
    weights *= 1 + 1e-4 * (np.arange(array.shape[0]) > np.array(centres)[:, None])
    best = np.zeros((len(centres), *array.shape[1:]), np.float32)
    out = np.zeros(best.shape, np.uint8)
    for label in (int(v) for v in np.unique(array)):
        share = np.tensordot(weights.astype(np.float32), (array == label).astype(np.float32), axes=1)
        wins = share > best
        out[wins], best[wins] = label, share[wins]
    image = sitk.GetImageFromArray(out)
    image.CopyInformation(grid)
    return image


def thick_grid(image: sitk.Image, slice_mm: float, shift: float = 0.0) -> sitk.Image:
    """The grid of slices of ``slice_mm`` that lie within ``image`` (a 1-byte image that only carries geometry)."""
    fine = image.GetSpacing()[2]
    length = image.GetSize()[2] * fine
    count = max(1, int((length - shift * slice_mm) / slice_mm + 1e-6))
    grid = sitk.Image([image.GetSize()[0], image.GetSize()[1], count], sitk.sitkUInt8)
    grid.SetSpacing([image.GetSpacing()[0], image.GetSpacing()[1], slice_mm])
    grid.SetDirection(image.GetDirection())
    grid.SetOrigin(image.TransformContinuousIndexToPhysicalPoint([0, 0, ((0.5 + shift) * slice_mm) / fine - 0.5]))
    return grid


def simulated_case(seed: int, network: NetworkConfig) -> TrainingCase:
    """The simulated patient of that seed, on the working grid."""
    phantom = make_phantom(seed=seed, size=_FINE_PHANTOM)
    return make_case(f"phantom{seed}", phantom.ct, phantom.semantic, network, simulated=True)
