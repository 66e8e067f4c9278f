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

from VertebraFLTLib.anatomy import STRUCTURES
from VertebraFLTLib.errors import InputError
from VertebraFLTLib.io.writing import sha256_of
from VertebraFLTLib.resources import resource_path
from VertebraFLTLib.segmentation.network import UNet2d, UNetShape
from VertebraFLTLib.segmentation.network3d import VolumeNet, VolumeNetShape

MANIFEST = "manifest.json"
ENSEMBLE_MODEL = "unet2d-views"
VOLUME_MODEL = "unet3d"
DEFAULT_MODEL = VOLUME_MODEL
_SHAPES: dict[str, type[UNetShape] | type[VolumeNetShape]] = {"unet2d": UNetShape, "unet3d": VolumeNetShape}


@dataclass(frozen=True)
class Model:
    """A folder of weights on one working grid, and how the networks' outputs are combined.

    ``kind`` unet2d: a 2-D network a view; ``views`` and ``combine`` are the ensemble used unless told otherwise.
    ``kind`` unet3d: 3-D networks whose probabilities are averaged; with ``mirror`` every other one sees the patient in
    a mirror, and a single one both ways. ``thresholds`` are per view (unet3d: ``volume``), one per structure in label
    order. ``manifest`` is the file's whole content: training data, licences, measured accuracy, known failures.
    """

    folder: Path
    name: str
    kind: str
    shape: UNetShape | VolumeNetShape
    spacing_mm: tuple[float, float, float]
    files: dict[str, tuple[str, str]]  # view, or name of the 3-D network -> (file name, sha256)
    thresholds: dict[str, list[float]]
    combine: str
    views: tuple[str, ...]
    mirror: bool
    manifest: dict[str, Any]

    @property
    def digest(self) -> str:
        """One hash over the hashes of all files, to be named beside every result."""
        return hashlib.sha256("".join(sha for _, sha in sorted(self.files.values())).encode()).hexdigest()


def read_model(folder: Path | str | None = None) -> Model:
    """The model in ``folder``, or the default of those that ship with the product."""
    folder = Path(folder) if folder else shipped(DEFAULT_MODEL)
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        network = dict(manifest["network"])
        kind = network.pop("kind", "unet2d")
        shape = _SHAPES[kind](**network)
        missing = ({"volume"} if kind == "unet3d" else set(manifest["files"])) - set(manifest["thresholds"])
        if missing:
            raise ValueError(f"no thresholds for {', '.join(sorted(missing))}")
        if not manifest["files"]:
            raise ValueError("no weights files")
        if any(len(t) != len(STRUCTURES) for t in manifest["thresholds"].values()):
            raise ValueError(f"thresholds need {len(STRUCTURES)} numbers each")
        if shape.classes != (fitting := len(STRUCTURES) + (2 if kind == "unet3d" else 1)):
            raise ValueError(f"a {kind} has {fitting} classes, not {shape.classes}")
        return Model(
            folder=folder,
            name=manifest["name"],
            kind=kind,
            shape=shape,
            spacing_mm=tuple(manifest["spacing_mm"]),
            files={view: (f["file"], f["sha256"]) for view, f in manifest["files"].items()},
            thresholds={view: list(t) for view, t in manifest["thresholds"].items()},
            combine=manifest["combine"] if kind == "unet2d" else "average",
            views=tuple(manifest["views"]) if kind == "unet2d" else (),
            mirror=bool(manifest.get("mirror", False)),
            manifest=manifest,
        )
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; give a folder that holds a model's {MANIFEST} and weights") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: not a readable model manifest ({error!r})") from error


def shipped(name: str) -> Path:
    """The folder of a model that ships with the product."""
    return resource_path("Models", name)


def load_network(model: Model, key: str, device: torch.device) -> UNet2d | VolumeNet:
    """One of the model's networks, in float32, on ``device``; refused when the file is not the one the manifest names.

    key: the view of a 2-D network, the name in ``model.files`` of a 3-D one.
    """
    if key not in model.files:
        raise InputError(f"model {model.name} has no weights for {key}; it has {', '.join(model.files)}")
    name, expected = model.files[key]
    path = model.folder / name
    if not path.exists():
        raise InputError(f"{path}: weights file is missing; restore the model folder")
    if sha256_of([path]) != expected:
        raise InputError(f"{path}: sha256 differs from {MANIFEST}; the file is damaged or not the one described")
    network = UNet2d(model.shape) if isinstance(model.shape, UNetShape) else VolumeNet(model.shape)
    try:
        network.load_state_dict(read_state(path), strict=True)
    except RuntimeError as error:
        raise InputError(f"{path}: the weights do not fit the network in {MANIFEST} ({_first_line(error)})") from error
    return network.to(device)


def read_state(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a weights file, in float32. Raises InputError where it is no readable safetensors file."""
    try:
        return {key: value.float() if value.is_floating_point() else value for key, value in load_file(path).items()}
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path}: not a readable weights file ({_first_line(error)})") from error


def save_network(network: torch.nn.Module, path: Path) -> None:
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
