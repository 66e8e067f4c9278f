"""Left-out volumes at the samplings of interest, and what the networks of their fold make of them (kept on disk)."""

from __future__ import annotations

import hashlib
import os
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np
import SimpleITK as sitk

from VertebraFLTLib.io.images import read_image
from VertebraFLTLib.progress import silent
from VertebraFLTLib.segmentation.ensemble import EnsembleSegmenter
from VertebraFLTLib.segmentation.volume import VolumeSegmenter
from VertebraFLTLib.segmentation.weights import Model, read_model
from VertebraFLTLib.training.cases import IGNORED, load_labels, undersampled, undersampled_labels
from VertebraFLTLib.training.manifest import CaseEntry, Manifest

T = TypeVar("T")

SAMPLINGS = (None, 3.0, 5.0)
"""Native, and resampled to slices of so many mm where the CT is finer."""


ANSWER = 2
"""Of what a segmenter's probabilities hold and how it looks: one more makes what was kept of an earlier kind void."""


@dataclass(frozen=True)
class Sampled:
    """A CT and its truth on one grid, LPS. ``slice_mm`` None: as acquired."""

    name: str
    fold: int | None
    slice_mm: float | None
    ct: sitk.Image
    labels: sitk.Image  # 255 = not scored
    levels: sitk.Image | None

    @cached_property
    def digest(self) -> str:
        """Changes with the case, its sampling, and its truth."""
        labels = hashlib.sha256(sitk.GetArrayViewFromImage(self.labels).tobytes()).hexdigest()
        return f"{self.name} {self.slice_mm} {labels}"

    @property
    def ignored(self) -> np.ndarray:
        return sitk.GetArrayViewFromImage(self.labels) == IGNORED


def samplings_of(ct_slice_mm: float) -> tuple[float | None, ...]:
    """Which of SAMPLINGS a CT of that slice thickness can be brought to; one of 5 mm has no 3 mm version."""
    return tuple(s for s in SAMPLINGS if s is None or s > 1.05 * ct_slice_mm)


def wanted_of(slice_mm: float, row: float | None) -> float | None:
    """The sampling of a CT that stands in the table's ``row``: native where the CT is no finer than that."""
    return row if row is None or row > 1.05 * slice_mm else None


def load(entry: CaseEntry, slice_mm: float | None) -> Sampled:
    """One case at one sampling."""
    ct, labels = read_image(entry.file("ct")).image, load_labels(entry)
    levels = read_image(entry.file("levels")).image if entry.file("levels").exists() else None
    if slice_mm is not None:
        ct, labels = undersampled(ct, slice_mm), undersampled_labels(labels, slice_mm)
        levels = undersampled_labels(sitk.Cast(levels, sitk.sitkUInt8), slice_mm) if levels is not None else None
    return Sampled(entry.name, entry.fold, slice_mm, ct, labels, levels)


def left_out(manifest: Manifest) -> list[CaseEntry]:
    """The cases that some fold leaves out."""
    return [c for c in manifest.with_role("train") if c.fold is not None]


def slice_thickness(entry: CaseEntry) -> float:
    """The CT's slice thickness (mm) from its header alone."""
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(entry.file("ct")))
    reader.ReadImageInformation()
    direction = np.abs(np.array(reader.GetDirection()).reshape(3, 3))
    return float(reader.GetSpacing()[int(direction[2].argmax())])


class Predictions:
    """Probabilities by case, sampling and model, computed once and kept in ``cache`` under the weights' hash."""

    def __init__(self, cache: Path) -> None:
        self.cache = cache
        cache.mkdir(parents=True, exist_ok=True)
        self._loaded: dict[Path, EnsembleSegmenter | VolumeSegmenter] = {}

    def of(self, case: Sampled, folder: Path) -> tuple[dict[str, np.ndarray], sitk.Image, Model]:
        """Per view (or ``volume`` and ``discs``) uint8 probabilities on the working grid, that grid, and the model."""
        model = read_model(folder)
        made_by = f"{ANSWER} {model.digest} {model.mirror} {case.name} {case.slice_mm}"
        key = hashlib.sha256(made_by.encode()).hexdigest()[:20]
        file = self.cache / f"{key}.npz"
        if file.exists():
            with np.load(file) as stored:
                found = {name: stored[name] for name in stored.files if not name.startswith("_")}
                geometry = {name: stored[name].tolist() for name in ("_size", "_spacing", "_origin")}
            grid = sitk.Image([int(n) for n in geometry["_size"]], sitk.sitkUInt8)
            grid.SetSpacing(geometry["_spacing"])
            grid.SetOrigin(geometry["_origin"])
            return found, grid, model
        segmenter = self._segmenter(folder, model)
        found, grid, _ = segmenter.probabilities(case.ct, silent)
        partial = file.with_suffix(f".{os.getpid()}.partial.npz")
        np.savez_compressed(
            partial, **found, _size=grid.GetSize(), _spacing=grid.GetSpacing(), _origin=grid.GetOrigin()
        )
        partial.replace(file)
        return found, grid, model

    def kept(self, make: Callable[[], T], *parts: object) -> T:
        """What ``make`` gives, from the cache where it was made before for the same ``parts``: scoring takes longer
        than segmenting, and one more rule or fold must not repeat the rest."""
        file = self.cache / (hashlib.sha256(repr(parts).encode()).hexdigest()[:20] + ".pickle")
        if file.exists():
            return pickle.loads(file.read_bytes())
        value = make()
        partial = file.with_suffix(f".{os.getpid()}.partial")
        partial.write_bytes(pickle.dumps(value))
        partial.replace(file)
        return value

    def _segmenter(self, folder: Path, model: Model) -> EnsembleSegmenter | VolumeSegmenter:
        if folder not in self._loaded:
            self._loaded.clear()
            kind = VolumeSegmenter if model.kind == "unet3d" else EnsembleSegmenter
            self._loaded[folder] = kind(model, device="auto")
        return self._loaded[folder]


def labels_on(grid: sitk.Image, labels: sitk.Image) -> np.ndarray:
    """The truth on the working grid (k, j, i)."""
    return sitk.GetArrayFromImage(sitk.Resample(labels, grid, sitk.Transform(), sitk.sitkLabelLinear))
