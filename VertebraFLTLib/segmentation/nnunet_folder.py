"""The result folder of a trained nnU-Net v2 model: found, checked and read without nnU-Net."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.segmentation.label_map import LABELS_FILE, LabelMap, derive_labels, read_label_map

CHECKPOINTS = ("checkpoint_final.pth", "checkpoint_best.pth")
_WHAT = "the result folder of a trained nnU-Net v2 model (dataset.json, plans.json, fold_*/checkpoint_final.pth)"
_LFS = b"version https://git-lfs"


@dataclass(frozen=True)
class NnUnetFolder:
    """``folds``: as nnU-Net wants them (numbers, or "all"). ``channel``: its name for the image it needs.
    ``label_values``: its label names and their values.

    ``path`` is the model's own folder, ``given`` the one the user named: the same, or one around it.
    """

    path: Path
    given: Path
    dataset: dict[str, Any]
    plans: dict[str, Any]
    folds: tuple[int | str, ...]
    checkpoint: str
    channel: str
    label_values: dict[str, tuple[int, ...]]

    @property
    def checkpoints(self) -> tuple[Path, ...]:
        """The weights' files, one per fold."""
        return tuple(self.path / f"fold_{fold}" / self.checkpoint for fold in self.folds)

    @property
    def name(self) -> str:
        """What the model calls itself."""
        return str(self.dataset.get("dataset_name") or self.plans.get("dataset_name") or self.path.name)

    @property
    def says_bodies(self) -> bool:
        """Whether name or description tell that its vertebrae are vertebral bodies only."""
        text = f"{self.name} {self.dataset.get('name', '')} {self.dataset.get('description', '')}".lower()
        return any(words in text for words in ("vertebral bod", "vertebralbod", "vertebra bod", "vertebrae bod"))

    def labels(self) -> LabelMap:
        """The map from its labels to our structures: from the file beside the model, or from its labels' names."""
        for folder in (self.path, self.given):
            if (folder / LABELS_FILE).is_file():
                return read_label_map(folder / LABELS_FILE, self.label_values)
        return derive_labels(self.label_values, str(self.path / "dataset.json"))


def read_nnunet_folder(folder: str | Path | None) -> NnUnetFolder:
    """The model in ``folder``, or in the one folder within it that holds a model (as in a downloaded repository).

    Raises InputError when there is none or more than one, when files are missing or unreadable, and for models that
    need more than one CT.
    """
    if not folder:
        raise InputError(f"--segmenter nnunet needs --model-folder DIR: {_WHAT}")
    given = Path(folder).expanduser()
    path = _find(given)
    dataset, plans = _read(path / "dataset.json"), _read(path / "plans.json")
    channels = dataset.get("channel_names", dataset.get("modality"))
    if not isinstance(channels, dict) or not isinstance(dataset.get("labels"), dict):
        raise InputError(f"{path / 'dataset.json'}: no channel_names or labels in it; give {_WHAT}")
    if len(channels) != 1:
        names = ", ".join(map(str, channels.values()))
        raise InputError(f"{path}: the model needs {len(channels)} images ({names}); give one that needs a CT alone")
    folds, checkpoint = _folds(path)
    channel, labels = str(next(iter(channels.values()))), _label_values(path, dataset["labels"])
    found = NnUnetFolder(path, given, dataset, plans, folds, checkpoint, channel, labels)
    for file in found.checkpoints:
        with open(file, "rb") as opened:
            if opened.read(len(_LFS)) == _LFS:
                raise InputError(f"{file}: holds a Git LFS reference, not the weights; fetch them with 'git lfs pull'")
    return found


def _find(folder: Path) -> Path:
    if not folder.is_dir():
        raise InputError(f"--model-folder {folder}: no such folder; give {_WHAT}")
    here = [folder, *(p.parent for depth in ("*", "*/*") for p in sorted(folder.glob(f"{depth}/plans.json")))]
    models = [p for p in here if (p / "plans.json").is_file() and (p / "dataset.json").is_file()]
    if not models:
        missing = [name for name in ("dataset.json", "plans.json") if not (folder / name).is_file()]
        raise InputError(f"--model-folder {folder}: no {' or '.join(missing)} in it; give {_WHAT}")
    if models[0] != folder and len(models) > 1:
        names = ", ".join(str(p.relative_to(folder)) for p in models)
        raise InputError(f"--model-folder {folder}: holds {len(models)} models ({names}); give one of these folders")
    return models[0]


def _folds(path: Path) -> tuple[tuple[int | str, ...], str]:
    """All numbered folds, which vote together; the one trained on everything where there are none."""
    for checkpoint in CHECKPOINTS:
        names = [p.parent.name.removeprefix("fold_") for p in path.glob(f"fold_*/{checkpoint}")]
        if numbered := sorted(int(name) for name in names if name.isdecimal()):
            return tuple(numbered), checkpoint
        if "all" in names:
            return ("all",), checkpoint
    raise InputError(f"{path}: no fold_*/{CHECKPOINTS[0]} in it; the model's weights are missing")


def _read(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: not readable as JSON ({' '.join(str(error).split())})") from error
    if not isinstance(content, dict):
        raise InputError(f"{file}: not a JSON object; give {_WHAT}")
    return content


def _label_values(path: Path, labels: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    """Foreground labels; a region (nnU-Net's word for a label made of several) has several values."""
    found: dict[str, tuple[int, ...]] = {}
    for name, value in labels.items():
        values = value if isinstance(value, list) else [value]
        if not all(isinstance(v, int) for v in values):
            raise InputError(
                f"{path / 'dataset.json'}: label {name!r} is {value!r}, not a number; nnU-Net v2 is needed"
            )
        if name != "ignore" and values != [0]:
            found[name] = tuple(values)
    return found
