"""Turns trained weights into a model folder: the files, their hashes, and what a user must know of them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from VertebraFLTLib.anatomy import STRUCTURES
from VertebraFLTLib.errors import InputError
from VertebraFLTLib.io.writing import StagedFolder, sha256_of, write_text
from VertebraFLTLib.segmentation.volume import VOLUME
from VertebraFLTLib.segmentation.weights import MANIFEST
from VertebraFLTLib.training.card import read_card
from VertebraFLTLib.training.checkpoint import FILE
from VertebraFLTLib.training.config import TrainConfig
from VertebraFLTLib.training.manifest import Manifest, read_manifest
from VertebraFLTLib.training.stages import shape_of
from VertebraFLTLib.training.start import seen_by

_WEIGHTS = "*.safetensors"
_CARD_FOR_PEOPLE = "README.md"


def publish(config: TrainConfig, manifest: Manifest | None, fold: int | None = None) -> Path:
    """Write the manifest of what ``config.out`` was trained to, beside its weights."""
    notes = training_notes(config, manifest, fold, [config.out])
    content = _content(config, config.out.name, _weights(config), notes, {})
    write_text(config.out / MANIFEST, content)
    return config.out / MANIFEST


def publish_trained(config: TrainConfig, target: Path, card_file: Path | None) -> Path:
    """What ``vertebraflt train CONFIG --publish DIR`` does. card_file: a TOML file whose entries join the manifest
    (training/card.py)."""
    manifest = read_manifest(config.data.manifest) if config.data.manifest else None
    card = read_card(card_file, config, manifest.folds if manifest else ()) if card_file else {}
    if config.network.kind == "unet3d" and manifest and manifest.folds:
        return publish_folds(config, target, manifest, card)
    return publish_files(config, target, _weights(config), training_notes(config, manifest, None, [config.out]), card)


def publish_folds(config: TrainConfig, target: Path, manifest: Manifest, card: dict[str, Any]) -> Path:
    """One 3-D model of the folds' networks, whose probabilities are averaged.

    card: as for :func:`publish_files`; its ``folds`` says which take part (all). Raises InputError for 2-D networks,
    and where a fold has not been trained.
    """
    if config.network.kind != "unet3d":
        raise InputError(f"{config.path}: only folds of a 3-D network can be published as one model")
    folds = card.get("folds", manifest.folds)
    folders = {f"fold{k}": config.fold_folder(k) for k in folds}
    notes = training_notes(config, manifest, None, folders.values())
    notes["left_out_by_network"] = {f"fold{k}": [c.name for c in manifest.split(k)[1]] for k in folds}
    sources = {name: folder / f"{VOLUME}.safetensors" for name, folder in folders.items()}
    return publish_files(config, target, sources, notes, {k: v for k, v in card.items() if k != "folds"})


def publish_files(
    config: TrainConfig, target: Path, sources: dict[str, Path], training: dict[str, Any], card: dict[str, Any]
) -> Path:
    """Make ``target`` a model folder of copies of weights files (as KEY.safetensors) with the manifest beside them.

    sources: per view its file; for a 3-D model any names, whose networks are averaged. card: name, thresholds, combine,
    mirror, and whatever is told of the model; it becomes part of the manifest. The folder appears whole or stays as it
    was; weights and manifest of an earlier model in it are replaced, its other files kept. Raises InputError for
    weights that are missing, and for a folder that holds anything but a model.
    """
    for source in sources.values():
        if not source.is_file():
            raise InputError(f"{source}: not found; train it before publishing the model")
    if (target / FILE).exists() or any(target.glob(f"fold*/{FILE}")):
        raise InputError(f"{target}: holds training runs; give the model a folder of its own")
    own = {MANIFEST, *(f"{key}.safetensors" for key in sources), *(p.name for p in target.glob(_WEIGHTS))}
    with StagedFolder(target, marker=_marker(target), known=own) as folder:
        copies = {key: folder / f"{key}.safetensors" for key in sources}
        try:
            for key, source in sources.items():
                shutil.copyfile(source, copies[key])
        except OSError as error:
            raise InputError(f"cannot write to {target}: {error.strerror or error}; choose another folder") from error
        write_text(folder / MANIFEST, _content(config, target.resolve().name, copies, training, card))
    return target / MANIFEST


def _marker(target: Path) -> str:
    """What tells a folder that may be written to: a model's manifest, or nothing but the card that people read."""
    alone = target.is_dir() and [p.name for p in target.iterdir()] == [_CARD_FOR_PEOPLE]
    return _CARD_FOR_PEOPLE if alone else MANIFEST


def _content(
    config: TrainConfig, name: str, files: dict[str, Path], training: dict[str, Any], card: dict[str, Any]
) -> str:
    """The text of a model's manifest. files: the weights, in place."""
    volume = config.network.kind == "unet3d"
    half = [0.5] * len(STRUCTURES)
    manifest = {
        "name": name,
        "network": {"kind": config.network.kind, **shape_of(config.network).as_dict()},
        "spacing_mm": list(config.network.spacing_mm),
        "files": {key: {"file": path.name, "sha256": sha256_of([path])} for key, path in files.items()},
        **({"mirror": True} if volume else {"views": list(files), "combine": "average"}),
        "thresholds": {VOLUME: half} if volume else dict.fromkeys(files, half),
        "training": training,
        **card,
    }
    return json.dumps(manifest, indent=2) + "\n"


def _weights(config: TrainConfig) -> dict[str, Path]:
    """The files that a training without a fold left out has written."""
    keys = [VOLUME] if config.network.kind == "unet3d" else list(config.schedule.views)
    return {key: config.out / f"{key}.safetensors" for key in keys}


def training_notes(
    config: TrainConfig, manifest: Manifest | None, fold: int | None, runs: Iterable[Path]
) -> dict[str, Any]:
    """What the weights have seen, and how they were made. runs: the folders that they were trained in, which know
    what the weights that they started from had seen."""
    train, left_out = manifest.split(fold) if manifest else ((), ())
    names = {c.name for c in train}
    return {
        "cases": {c.name: c.licence for c in train},
        "earlier_cases": sorted(set().union(*(seen_by(run) or () for run in runs)) - names),
        "left_out": [c.name for c in left_out],
        "validation": [c.name for c in manifest.with_role("validation")] if manifest else [],
        "settings": config.settings(),
        "started_from": config.start_name,
    }
