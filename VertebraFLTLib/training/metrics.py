"""How well a mask agrees with a reference, per label: overlap (thesis ch. 2.3.3) and surface distances."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from VertebraFLTLib.errors import InputError


@dataclass(frozen=True)
class Agreement:
    """One label's scores. ``tpr`` is sensitivity, ``tnr`` specificity; distances are NaN when either side is empty.

    ``assd_mm``: average symmetric surface distance; ``hd95_mm``: the larger of the two directed 95th percentiles.
    """

    label: int
    dice: float
    iou: float
    tpr: float
    tnr: float
    assd_mm: float
    hd95_mm: float
    truth_ml: float
    pred_ml: float

    def as_dict(self) -> dict[str, Any]:
        """For JSON: NaN becomes None."""
        return {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in asdict(self).items()}


def compare_masks(truth: sitk.Image, pred: sitk.Image, truth_name: str, pred_name: str) -> list[Agreement]:
    """Scores of every label that occurs in either mask. The names are for messages.

    Raises InputError when the masks do not lie on the same grid (LPS order, within 1 % of a voxel).
    """
    if truth.GetSize() != pred.GetSize() or not _same_place(truth, pred):
        raise InputError(
            f"{pred_name} and {truth_name} lie on different grids ({pred.GetSize()} and {truth.GetSize()} voxels); "
            "bring one to the other's grid first"
        )
    a, b = sitk.GetArrayViewFromImage(truth), sitk.GetArrayViewFromImage(pred)
    labels = sorted({int(v) for v in (*np.unique(a), *np.unique(b))} - {0})
    if not labels:
        raise InputError(f"{truth_name} and {pred_name} are both empty: there is nothing to compare")
    return [agreement(a == label, b == label, truth.GetSpacing()[::-1], label) for label in labels]


def agreement(truth: np.ndarray, pred: np.ndarray, spacing_mm: tuple[float, ...], label: int = 1) -> Agreement:
    """Scores of two boolean arrays (kji); ``spacing_mm`` in the same order."""
    both, t, p = (int(np.count_nonzero(x)) for x in (truth & pred, truth, pred))
    negatives = truth.size - t
    distances = surface_distances(truth, pred, spacing_mm)
    ml = float(np.prod(spacing_mm)) / 1000.0
    return Agreement(
        label=label,
        dice=2 * both / (t + p) if t + p else math.nan,
        iou=both / (t + p - both) if t + p else math.nan,
        tpr=both / t if t else math.nan,
        tnr=(negatives - (p - both)) / negatives if negatives else math.nan,
        assd_mm=float(np.mean(np.concatenate(distances))) if distances else math.nan,
        hd95_mm=float(max(np.percentile(d, 95) for d in distances)) if distances else math.nan,
        truth_ml=t * ml,
        pred_ml=p * ml,
    )


def surface_distances(
    truth: np.ndarray, pred: np.ndarray, spacing_mm: tuple[float, ...]
) -> tuple[np.ndarray, np.ndarray] | None:
    """Distances (mm) of the reference's surface voxels to the other surface, and the other way; None if one is empty.

    A surface voxel is a voxel of the mask with a face neighbour outside it; the image's border counts as outside.
    """
    if not truth.any() or not pred.any():
        return None
    box = tuple(
        slice(int(f.min()), int(f.max()) + 1)
        for f in (np.flatnonzero((truth | pred).any(axis=tuple({0, 1, 2} - {axis}))) for axis in range(3))
    )
    surfaces = []
    for mask in (truth[box], pred[box]):
        surfaces.append(mask & ~ndimage.binary_erosion(mask))
    to_pred = ndimage.distance_transform_edt(~surfaces[1], sampling=spacing_mm)[surfaces[0]]
    to_truth = ndimage.distance_transform_edt(~surfaces[0], sampling=spacing_mm)[surfaces[1]]
    return to_pred, to_truth


def _same_place(one: sitk.Image, other: sitk.Image) -> bool:
    corners = [
        tuple((n - 1) * c for n, c in zip(one.GetSize(), corner, strict=True))
        for corner in ((0, 0, 0), (1, 1, 1), (1, 0, 0), (0, 1, 0))
    ]
    tolerance = 0.01 * min(one.GetSpacing())
    return all(
        np.allclose(one.TransformIndexToPhysicalPoint(c), other.TransformIndexToPhysicalPoint(c), atol=tolerance)
        for c in corners
    )
