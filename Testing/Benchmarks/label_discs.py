"""Discs of the real label maps' CT, as the networks see them that were trained without that CT."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk
from accuracy_cases import Predictions, load

from VertebraFLTLib.segmentation.volume import DISCS
from VertebraFLTLib.segmentation.weights import MANIFEST, VOLUME_MODEL, shipped
from VertebraFLTLib.training.manifest import read_manifest

HERE = Path(__file__).resolve().parents[2]


class LeftOutDiscs:
    """By the networks in ``folds`` (``fold0`` to ``fold4``): each CT is seen by those of the fold that left it out, one
    that is no training data by the model that ships."""

    def __init__(self, folds: Path, cache: Path) -> None:
        manifest = read_manifest(HERE / "docs/training/cases.toml")
        self._cases = {c.name: c for role in ("train", "validation") for c in manifest.with_role(role)}
        self._folds, self._store = folds, Predictions(cache)
        wanted = {c.fold for c in self._cases.values() if c.fold is not None}
        self.missing = sorted(k for k in wanted if not (folds / f"fold{k}" / MANIFEST).exists())

    def is_training(self, name: str) -> bool:
        """Whether a CT of that name may be fitted on."""
        return name in self._cases and self._cases[name].role == "train"

    def of(self, name: str) -> sitk.Image | None:
        """Probability (uint8, 255 = 1) of discs in the CT of that name, laid straight as its label map is.

        None where there is no such CT, or no network that has not seen it.
        """
        entry = self._cases.get(name)
        if entry is None or entry.fold in self.missing:
            return None
        case = load(entry, None)
        folder = shipped(VOLUME_MODEL) if entry.fold is None else self._folds / f"fold{entry.fold}"
        found, grid, _ = self._store.of(case, folder)
        discs = sitk.GetImageFromArray(found[DISCS])
        discs.CopyInformation(grid)
        if not np.allclose(np.reshape(case.ct.GetDirection(), (3, 3)), np.eye(3), atol=1e-6):
            discs = sitk.Resample(discs, case.ct, sitk.Transform(), sitk.sitkLinear, 0)
            discs.SetDirection((1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0))
        return discs
