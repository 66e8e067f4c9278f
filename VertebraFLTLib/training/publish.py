"""Turns trained weights into a model folder: the files, their hashes, and what a user must know of them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.io.writing import sha256_of, write_text
from VertebraFLTLib.segmentation.weights import MANIFEST
from VertebraFLTLib.training.config import TrainConfig


def publish(
    config: TrainConfig,
    target: Path,
    *,
    name: str,
    combine: str,
    thresholds: dict[str, list[float]],
    card: dict[str, Any],
) -> Path:
    """Copy each view's weights from ``config.out`` to ``target`` and write the manifest beside them.

    thresholds: per view, one per structure in label order. card: what is told of the model (training data, licences,
    date, accuracy, known failures); it becomes part of the manifest.
    """
    target.mkdir(parents=True, exist_ok=True)
    files = {}
    for view in config.schedule.views:
        source = config.out / f"{view}.safetensors"
        if not source.exists():
            raise InputError(f"{source}: not found; train this view before publishing the model")
        if source.resolve() != (target / source.name).resolve():
            shutil.copyfile(source, target / source.name)
        files[view] = {"file": source.name, "sha256": sha256_of([target / source.name])}
    manifest = {
        "name": name,
        "network": {
            "classes": 5,
            "width": config.network.width,
            "depth": config.network.depth,
            "context": config.network.context,
        },
        "spacing_mm": list(config.network.spacing_mm),
        "files": files,
        "views": list(config.schedule.views),
        "combine": combine,
        "thresholds": thresholds,
        "training": {
            "cases": list(config.data.train),
            "phantom_seeds": list(config.data.phantoms),
            "validation": list(config.data.validation),
            "simulated_slice_mm": list(config.data.slice_mm),
            "shared_steps": config.schedule.shared_steps,
            "view_steps": config.schedule.view_steps,
            "batch": config.schedule.batch,
        },
        **card,
    }
    write_text(target / MANIFEST, json.dumps(manifest, indent=2) + "\n")
    return target / MANIFEST
