"""Labelled volumes as small as the training takes, as files and in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from VertebraFLTLib.training.cases import TrainingCase
from VertebraFLTLib.training.config import AugmentationConfig, DataConfig, NetworkConfig, ScheduleConfig, TrainConfig

SPACING_MM = 10.0


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    """Training sets the number of threads of the process; the tests after it get theirs back."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def rod_volume(shift: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """(HU int16, labels uint8), kji: a body with a bright rod along z that is a vertebral body, and a sternum."""
    _, j, i = np.mgrid[0:20, 0:24, 0:24]
    hu = np.where((i - 12) ** 2 + (j - 12) ** 2 < 11**2, 40, -1000).astype(np.int16)
    labels = np.zeros(hu.shape, np.uint8)
    labels[((i - 12 - shift) ** 2 + (j - 16) ** 2 < 3**2)] = 1
    labels[8:14, 4:6, 10:14] = 3
    hu[labels > 0] = 500
    return hu, labels


def as_image(array: np.ndarray, spacing_mm: float = SPACING_MM) -> sitk.Image:
    image = sitk.GetImageFromArray(array)
    image.SetSpacing((spacing_mm,) * 3)
    return image


@pytest.fixture(scope="session")
def write_data() -> Callable[[Path], Path]:
    """Writes the files of four patients and their manifest: a and b to train on (folds 0 and 1), v to validate with,
    t for the test."""

    def write(folder: Path) -> Path:
        text = ""
        for shift, name in enumerate(("a", "b", "v", "t")):
            hu, labels = rod_volume(shift)
            sitk.WriteImage(as_image(hu), str(folder / f"{name}_ct.nii.gz"))
            sitk.WriteImage(as_image(labels), str(folder / f"{name}_semantic.nii.gz"))
            role = {"v": "validation", "t": "test"}.get(name, "train")
            fold = f"fold = {shift}\n" if role == "train" else ""
            text += f'[cases.{name}]\nrole = "{role}"\nlicence = "free {name}"\n{fold}'
        path = folder / "cases.toml"
        path.write_text(text)
        return path

    return write


@pytest.fixture
def data(write_data: Callable[[Path], Path], tmp_path: Path) -> Path:
    return write_data(tmp_path)


@pytest.fixture(scope="session")
def tiny() -> Callable[..., TrainConfig]:
    """``tiny(kind, manifest, out, **schedule)``: a training of a few steps of the smallest networks."""

    def make(kind: str, manifest: Path | None, out: Path, **schedule: Any) -> TrainConfig:
        usual = {"steps": 5, "views": ("axial", "sagittal"), "shared_steps": 3, "view_steps": 2, "patch": (16, 16, 16)}
        usual |= {"validate_every": 3, "checkpoint_every": 2, "threads": 1, "precision": "32-true"}
        return TrainConfig(
            out,
            DataConfig(manifest),
            NetworkConfig(kind, width=4, depth=1, context=0, spacing_mm=(SPACING_MM,) * 3),
            ScheduleConfig(**{**usual, **schedule}),
        )

    return make


@pytest.fixture
def case() -> TrainingCase:
    """On a grid of 2 mm: labels in blocks of all structures and of what is not scored; HU = 100 x label, 255 -> 900."""
    k, j, i = np.indices((64, 64, 64)) // 16
    labels = ((k + 2 * j + 3 * i) % 6).astype(np.uint8)
    hu = np.where(labels == 5, 900, labels.astype(np.int16) * 100).astype(np.int16)
    labels[labels == 5] = 255
    return TrainingCase("blocks", hu, labels, 2.0)


@pytest.fixture
def still() -> Callable[..., AugmentationConfig]:
    """Augmentation that does nothing but what is asked for."""
    nothing = dict.fromkeys(
        ("affine", "elastic", "undersample", "narrow_view", "metal", "contrast_agent", "intensity"), 0.0
    )
    return lambda **asked: AugmentationConfig(**{**nothing, **asked})
