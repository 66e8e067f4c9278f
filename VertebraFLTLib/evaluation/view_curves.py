"""Threshold curves of every view and of every ensemble of them, structure by structure, over a set of volumes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from VertebraFLTLib.anatomy import STRUCTURES
from VertebraFLTLib.errors import InputError
from VertebraFLTLib.evaluation.curves import ThresholdCurve
from VertebraFLTLib.result import COMBINATIONS
from VertebraFLTLib.segmentation.combine import margins

Curves = dict[str, dict[int, ThresholdCurve]]
"""View or ensemble -> label of the structure -> curve."""


def view_curves(
    probabilities: Mapping[str, np.ndarray],
    labels: np.ndarray,
    scored: np.ndarray | None = None,
) -> Curves:
    """Curves of each view and, of two views or more, of each ensemble, whose threshold is the same for all its views.

    probabilities: per view uint8 (structures, k, j, i), 255 = 1. labels: semantic mask (k, j, i). scored: boolean
    (k, j, i), the voxels that count.

    A structure that the volume does not hold counts too: what is found of it is a false positive. Raises InputError for
    shapes that differ.
    """
    every = dict(probabilities)
    if len(probabilities) > 1:
        zero = {view: [0.0] * len(STRUCTURES) for view in probabilities}
        for rule in COMBINATIONS:  # a margin above a threshold of 0 is the ensemble's own probability
            every[rule] = margins(dict(probabilities), zero, rule).astype(np.uint8)
    curves: Curves = {}
    for name, volume in every.items():
        if volume.shape != (len(STRUCTURES), *labels.shape):
            raise InputError(
                f"{name}: probabilities of shape {volume.shape} do not fit labels of shape {labels.shape}; "
                f"{len(STRUCTURES)} structures on the same grid are needed"
            )
        curves[name] = {
            structure.label: ThresholdCurve().add(probability, labels == structure.label, scored)
            for structure, probability in zip(STRUCTURES, volume, strict=True)
        }
    return curves


def pooled(each: Iterable[Curves]) -> Curves:
    """The curves of several volumes as one: counts of the same name and structure added."""
    total: Curves = {}
    for curves in each:
        for name, by_label in curves.items():
            mine = total.setdefault(name, {})
            for label, curve in by_label.items():
                mine[label] = mine.get(label, ThresholdCurve()) + curve
    return total
