"""Rigid registration of the marrow bones of two CTs of one patient: where the whole of him lies on the other day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from VertebraFLTLib.anatomy import HIP_BONE, SACRUM, VERTEBRAL_BODY

GRID_MM = 4.0
MARGIN_MM = 40.0
SHARE = 0.15  # of the points around the bones that the metric looks at
AROUND_MM = 10.0
_FIXED = (VERTEBRAL_BODY.label, HIP_BONE.label, SACRUM.label)  # the sternum moves with breathing
_PELVIS = (HIP_BONE.label, SACRUM.label)
_SEED = 20


@dataclass(frozen=True)
class Rigid:
    """``matrix`` @ point + ``offset_mm``: from the reference to the follow-up (LPS mm); ``dice``: overlap of the bones.

    ``pelvis``: whether hip bones or sacrum are in both views, which fixes the height.
    """

    matrix: np.ndarray
    offset_mm: np.ndarray
    dice: float
    pelvis: bool

    def placed(self, points_mm: np.ndarray) -> np.ndarray:
        """Points (..., 3) of the reference where they lie in the follow-up."""
        return points_mm @ self.matrix.T + self.offset_mm

    @property
    def turn_deg(self) -> float:
        """The angle of the rotation."""
        return float(np.degrees(np.arccos(np.clip((np.trace(self.matrix) - 1) / 2, -1.0, 1.0))))


def pelvis_in_both(reference: sitk.Image, follow_up: sitk.Image) -> bool:
    """Whether more than a speck of hip bones or sacrum is in both semantic masks."""
    return all(_has(mask, _PELVIS) for mask in (reference, follow_up))


def register_rigidly(reference: sitk.Image, follow_up: sitk.Image, start_mm: np.ndarray | None = None) -> Rigid:
    """The rigid transform that lays the bones of one semantic mask over those of another of the same patient.

    Mean squared difference of blurred masks (column, hip bones and sacrum as one) from coarse to fine, within the
    field of view that both share. It starts from ``start_mm`` (where a point of the reference lies in the follow-up,
    less where it lay), else from the middle of the pelvis, or of all bones where that is not in both views.
    """
    fixed, moving = _bones(follow_up), _bones(reference)
    pelvis = pelvis_in_both(reference, follow_up)
    if start_mm is None:
        anchor = _PELVIS if pelvis else _FIXED
        start_mm = _centroid(follow_up, anchor) - _centroid(reference, anchor)
    fitted = _fit(fixed, moving, -start_mm)
    matrix = np.array(fitted.GetMatrix()).reshape(3, 3)  # SimpleITK maps points of the fixed image to the moving one
    centre, shift = np.array(fitted.GetCenter()), np.array(fitted.GetTranslation())
    back = matrix.T
    return Rigid(back, centre - back @ (centre + shift), _dice(fixed, moving, reference, fitted), pelvis)


def _has(mask: sitk.Image, labels: tuple[int, ...]) -> bool:
    array = sitk.GetArrayViewFromImage(mask)
    return bool(np.isin(array, labels).sum() * np.prod(mask.GetSpacing()) > 50_000.0)  # mm^3: more than a speck


def _bones(mask: sitk.Image) -> sitk.Image:
    """The bones as shares of 4 mm voxels, cropped to where they are."""
    array = np.isin(sitk.GetArrayViewFromImage(mask), _FIXED)
    box = [np.flatnonzero(array.any(axis=tuple(b for b in range(3) if b != a))) for a in (2, 1, 0)]
    spacing = np.array(mask.GetSpacing())
    room = np.ceil(MARGIN_MM / spacing).astype(int)
    low = np.maximum([int(b[0]) for b in box] - room, 0)
    high = np.minimum([int(b[-1]) + 1 for b in box] + room, mask.GetSize())
    image = sitk.GetImageFromArray(array.astype(np.float32))
    image.CopyInformation(mask)
    cropped = image[tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))]
    size = np.maximum(np.round(np.array(cropped.GetSize()) * spacing / GRID_MM), 1).astype(int)
    blurred = sitk.SmoothingRecursiveGaussian(cropped, [max(0.4 * GRID_MM, 0.3 * s) for s in spacing])
    corner = np.array(cropped.TransformContinuousIndexToPhysicalPoint([-0.5 + 0.5 * GRID_MM / s for s in spacing]))
    return sitk.Resample(
        blurred, [int(n) for n in size], sitk.Transform(), sitk.sitkLinear, corner, [GRID_MM] * 3,
        cropped.GetDirection(), 0.0, sitk.sitkFloat32,
    )  # fmt: skip


def _centroid(mask: sitk.Image, labels: tuple[int, ...]) -> np.ndarray:
    k, j, i = np.nonzero(np.isin(sitk.GetArrayViewFromImage(mask), labels))
    return np.array(mask.TransformContinuousIndexToPhysicalPoint([float(v.mean()) for v in (i, j, k)]))


def _fit(fixed: sitk.Image, moving: sitk.Image, start: np.ndarray) -> sitk.Euler3DTransform:
    """The transform from the fixed image's points to the moving one's."""
    middle = fixed.TransformContinuousIndexToPhysicalPoint([(n - 1) / 2 for n in fixed.GetSize()])
    transform = sitk.Euler3DTransform(middle, 0.0, 0.0, 0.0, [float(v) for v in start])
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMeanSquares()
    method.SetMetricSamplingStrategy(method.RANDOM)
    method.SetMetricSamplingPercentage(SHARE, _SEED)
    near = sitk.SmoothingRecursiveGaussian(fixed, AROUND_MM) > 0.03
    method.SetMetricFixedMask(near)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(4.0, 0.02, 100, relaxationFactor=0.6)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel([4, 2, 1])
    method.SetSmoothingSigmasPerLevel([12.0, 6.0, 2.0])
    method.SetInitialTransform(transform, inPlace=True)
    try:
        method.Execute(fixed, moving)
    except RuntimeError:  # no sample of one falls into the other from this start
        return sitk.Euler3DTransform(middle, 0.0, 0.0, 0.0, [float(v) for v in start])
    return transform


def _dice(fixed: sitk.Image, moving: sitk.Image, reference: sitk.Image, transform: sitk.Transform) -> float:
    """Overlap of the bones where both fields of view reach."""
    view = sitk.Image(reference.GetSize(), sitk.sitkUInt8) + 1
    view.CopyInformation(reference)
    seen = sitk.GetArrayViewFromImage(sitk.Resample(view, fixed, transform, sitk.sitkNearestNeighbor, 0.0)) > 0
    moved = sitk.Resample(moving, fixed, transform, sitk.sitkLinear, 0.0)
    a, b = ((sitk.GetArrayViewFromImage(one) >= 0.5) & seen for one in (fixed, moved))
    return float(2 * (a & b).sum() / max(int(a.sum() + b.sum()), 1))
