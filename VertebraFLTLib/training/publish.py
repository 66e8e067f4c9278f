"""Turns trained weights into a model folder: the files, their hashes, and what a user must know of them."""

from __future__ import annotations

import json
import shutil
import tomllib
from pathlib import Path
from typing import Any

from VertebraFLTLib.anatomy import STRUCTURES
from VertebraFLTLib.errors import InputError
from VertebraFLTLib.io.writing import sha256_of, write_text
from VertebraFLTLib.segmentation.network import UNetShape
from VertebraFLTLib.segmentation.network3d import VolumeNetShape
from VertebraFLTLib.segmentation.weights import MANIFEST
from VertebraFLTLib.training.config import TrainConfig
from VertebraFLTLib.training.manifest import Manifest, read_manifest
from VertebraFLTLib.training.stages import VOLUME

HALF = [0.5, 0.5, 0.5, 0.5]


def publish(config: TrainConfig, target: Path, manifest: Manifest | None, fold: int | None = None) -> Path:
    """Write the manifest of what ``config.out`` was trained to, after copying its weights to ``target``."""
    return publish_files(config, target, _weights(config), training_notes(config, manifest, fold))


def publish_files(
    config: TrainConfig, target: Path, sources: dict[str, Path], training: dict[str, Any], **card: Any
) -> Path:
    """Copy weights files to ``target`` (under KEY.safetensors) and write the manifest beside them.

    sources: per view its file; for a 3-D model any names, whose networks are averaged. card: name, thresholds, combine,
    mirror, and whatever is told of the model; it becomes part of the manifest.
    """
    target.mkdir(parents=True, exist_ok=True)
    files = {}
    for key, source in sources.items():
        if not source.exists():
            raise InputError(f"{source}: not found; train it before publishing the model")
        copy = target / f"{key}.safetensors"
        if source.resolve() != copy.resolve():
            shutil.copyfile(source, copy)
        files[key] = {"file": copy.name, "sha256": sha256_of([copy])}
    volume = config.network.kind == "unet3d"
    shape: UNetShape | VolumeNetShape = (
        VolumeNetShape(width=config.network.width, depth=config.network.depth)
        if volume
        else UNetShape(5, config.network.width, config.network.depth, config.network.context)
    )
    manifest = {
        "name": target.name,
        "network": {"kind": config.network.kind, **shape.as_dict()},
        "spacing_mm": list(config.network.spacing_mm),
        "files": files,
        **({"mirror": True} if volume else {"views": list(sources), "combine": "average"}),
        "thresholds": {VOLUME: HALF} if volume else dict.fromkeys(sources, HALF),
        "training": training,
        **card,
    }
    write_text(target / MANIFEST, json.dumps(manifest, indent=2) + "\n")
    return target / MANIFEST


def publish_trained(config: TrainConfig, target: Path, card_file: Path | None) -> Path:
    """What ``vertebraflt train CONFIG --publish DIR`` does. card_file: TOML whose entries join the manifest; thresholds
    are one list for a 3-D model, a table of lists by view for 2-D ones."""
    manifest = read_manifest(config.data.manifest) if config.data.manifest else None
    card = _card(card_file) if card_file else {}
    if config.network.kind == "unet3d" and manifest and manifest.folds:
        return publish_folds(config, target, manifest, card)
    return publish_files(config, target, _weights(config), training_notes(config, manifest, None), **card)


def _weights(config: TrainConfig) -> dict[str, Path]:
    """The files that a training without a fold left out has written."""
    keys = [VOLUME] if config.network.kind == "unet3d" else list(config.schedule.views)
    return {key: config.out / f"{key}.safetensors" for key in keys}


def _card(path: Path) -> dict[str, Any]:
    try:
        card = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); give the path of a model card in TOML") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not valid TOML ({error})") from error
    if isinstance(card.get("thresholds"), list):
        card["thresholds"] = {VOLUME: card["thresholds"]}
    for values in card.get("thresholds", {}).values():
        if not isinstance(values, list) or len(values) != len(STRUCTURES):
            raise InputError(f"{path}: thresholds need one number a structure ({len(STRUCTURES)})")
    return card


def publish_folds(config: TrainConfig, target: Path, manifest: Manifest, card: dict[str, Any]) -> Path:
    """One 3-D model of the folds' networks, whose probabilities are averaged.

    card: as for :func:`publish_files`; its ``folds`` says which take part (all). Raises InputError for 2-D networks,
    and where a fold has not been trained.
    """
    if config.network.kind != "unet3d":
        raise InputError(f"{config.path}: only folds of a 3-D network can be published as one model")
    folds = card.pop("folds", manifest.folds)
    sources = {f"fold{k}": config.for_fold(k).out / f"{VOLUME}.safetensors" for k in folds}
    notes = training_notes(config, manifest, None)
    notes["left_out_by_network"] = {f"fold{k}": [c.name for c in manifest.split(k)[1]] for k in folds}
    return publish_files(config, target, sources, notes, **card)


def training_notes(config: TrainConfig, manifest: Manifest | None, fold: int | None) -> dict[str, Any]:
    """What the weights have seen, and how they were made."""
    train, left_out = manifest.split(fold) if manifest else ((), ())
    return {
        "cases": {c.name: c.licence for c in train},
        "left_out": [c.name for c in left_out],
        "validation": [c.name for c in manifest.with_role("validation")] if manifest else [],
        "settings": config.settings(),
        "started_from": config.start.name if config.start else None,
    }
