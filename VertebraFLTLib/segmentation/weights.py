"""Weights on disk: safetensors files and the manifest that says what they are; loaded offline, checked by hash."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.io.writing import sha256_of
from VertebraFLTLib.resources import resource_path
from VertebraFLTLib.segmentation.network import UNet2d, UNetShape

MANIFEST = "manifest.json"
DEFAULT_MODEL = "unet2d-views"


@dataclass(frozen=True)
class Model:
    """A folder of weights: one network per view on one working grid, and how their outputs are combined.

    ``thresholds`` are per view, one per structure in label order. ``manifest`` is the file's whole content: training
    data, licences, measured accuracy, known failures.
    """

    folder: Path
    name: str
    shape: UNetShape
    spacing_mm: tuple[float, float, float]
    files: dict[str, tuple[str, str]]  # view -> (file name, sha256)
    thresholds: dict[str, list[float]]
    combine: str
    views: tuple[str, ...]
    manifest: dict[str, Any]

    @property
    def digest(self) -> str:
        """One hash over the hashes of all files, to be named beside every result."""
        return hashlib.sha256("".join(sha for _, sha in sorted(self.files.values())).encode()).hexdigest()


def read_model(folder: Path | str | None = None) -> Model:
    """The model in ``folder``, or the one that ships with the product."""
    folder = Path(folder) if folder else resource_path("Models", DEFAULT_MODEL)
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        return Model(
            folder=folder,
            name=manifest["name"],
            shape=UNetShape(**manifest["network"]),
            spacing_mm=tuple(manifest["spacing_mm"]),
            files={view: (f["file"], f["sha256"]) for view, f in manifest["files"].items()},
            thresholds={view: list(t) for view, t in manifest["thresholds"].items()},
            combine=manifest["combine"],
            views=tuple(manifest["views"]),
            manifest=manifest,
        )
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; give a folder that holds a model's {MANIFEST} and weights") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: not a readable model manifest ({error!r})") from error


def load_network(model: Model, view: str, device: torch.device) -> UNet2d:
    """The network of one view, in float32, on ``device``; refused when the file is not the one the manifest names."""
    if view not in model.files:
        raise InputError(f"model {model.name} has no weights for the {view} view; it has {', '.join(model.files)}")
    name, expected = model.files[view]
    path = model.folder / name
    if not path.exists():
        raise InputError(f"{path}: weights file is missing; restore the model folder")
    if sha256_of([path]) != expected:
        raise InputError(f"{path}: sha256 differs from {MANIFEST}; the file is damaged or not the one described")
    network = UNet2d(model.shape)
    try:
        network.load_state_dict({key: value.float() for key, value in load_file(path).items()}, strict=True)
    except (SafetensorError, RuntimeError) as error:
        raise InputError(f"{path}: the weights do not fit the network in {MANIFEST} ({_first_line(error)})") from error
    return network.to(device)


def save_network(network: UNet2d, path: Path) -> None:
    """Write weights in half precision (half the size; the change in output is far below the 8-bit probabilities)."""
    state = {
        key: (value.detach().cpu().half() if value.is_floating_point() else value.detach().cpu()).contiguous()
        for key, value in network.state_dict().items()
    }
    temporary = path.with_suffix(".partial")
    save_file(state, temporary)
    temporary.replace(path)


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split())[:160]
