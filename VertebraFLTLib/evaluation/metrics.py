"""How well a mask agrees with a reference, per label: overlap (thesis ch. 2.3.3) and surface distances."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from VertebraFLTLib.evaluation.mask_pair import MaskPair


@dataclass(frozen=True)
class Agreement:
    """One label's scores. ``tpr`` is sensitivity, ``tnr`` specificity; distances are NaN when either side is empty.

    ``assd_mm``: average symmetric surface distance; ``hd95_mm``: the larger of the two directed 95th percentiles.
    ``name``: of the structure or level, where it is known.
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
    name: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """For JSON: NaN becomes None."""
        return {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in asdict(self).items()}


def compare_masks(truth: sitk.Image, pred: sitk.Image, truth_name: str, pred_name: str) -> list[Agreement]:
    """Scores of every label that occurs in either mask (LPS order). The names are for messages.

    Raises InputError as :meth:`MaskPair.of` does.
    """
    return label_scores(MaskPair.of(truth, pred, truth_name, pred_name))


def label_scores(pair: MaskPair) -> list[Agreement]:
    """Scores of every label that occurs in either mask where voxels count."""
    names = pair.names()
    return [
        agreement(
            pair.truth == label, pair.pred == label, pair.spacing_mm, label, names.get(label), ignored=pair.ignored
        )
        for label in pair.labels()
    ]


def agreement(
    truth: np.ndarray,
    pred: np.ndarray,
    spacing_mm: tuple[float, ...],
    label: int = 1,
    name: str | None = None,
    *,
    ignored: np.ndarray | None = None,
    voxels: int | None = None,
) -> Agreement:
    """Scores of two boolean arrays (kji); ``spacing_mm`` in the same order.

    ignored: boolean, voxels that do not count. voxels: how many count in the whole image, where the arrays are the part
    of it that holds both masks; it matters for ``tnr`` alone.
    """
    if voxels is None:
        voxels = truth.size - (0 if ignored is None else int(np.count_nonzero(ignored)))
    distances = surface_distances(truth, pred, spacing_mm, ignored)
    if ignored is not None:
        truth, pred = truth & ~ignored, pred & ~ignored
    both, t, p = (int(np.count_nonzero(x)) for x in (truth & pred, truth, pred))
    negatives = voxels - t
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
        name=name,
    )


def surface_distances(
    truth: np.ndarray, pred: np.ndarray, spacing_mm: tuple[float, ...], ignored: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray] | None:
    """Distances (mm) of the reference's surface voxels to the other surface, and the other way; None if one is empty.

    A surface voxel is a voxel of the mask with a face neighbour outside it; the image's border counts as outside.
    Ignored voxels are no surface, and a mask that ends at one has no surface there: where the mask really ends is not
    known, and both masks would end at the same place.
    """
    if not truth.any() or not pred.any():
        return None
    box = box_around(truth | pred)
    surfaces = []
    for mask in (truth[box], pred[box]):
        if ignored is None:
            surfaces.append(mask & ~ndimage.binary_erosion(mask))
        else:
            surfaces.append(mask & ~ignored[box] & ~ndimage.binary_erosion(mask | ignored[box]))
    if not all(surface.any() for surface in surfaces):
        return None
    to_pred = ndimage.distance_transform_edt(~surfaces[1], sampling=spacing_mm)[surfaces[0]]
    to_truth = ndimage.distance_transform_edt(~surfaces[0], sampling=spacing_mm)[surfaces[1]]
    return to_pred, to_truth


def box_around(mask: np.ndarray) -> tuple[slice, ...]:
    """The kji box of the True voxels, of which there must be one, and one voxel more on each side inside the array.

    With that rim every neighbour of a voxel of the mask is seen, and only the image's own border is a border.
    """
    where = [np.flatnonzero(mask.any(axis=tuple({0, 1, 2} - {axis}))) for axis in range(3)]
    return tuple(slice(max(int(w[0]) - 1, 0), min(int(w[-1]) + 2, n)) for w, n in zip(where, mask.shape, strict=True))
