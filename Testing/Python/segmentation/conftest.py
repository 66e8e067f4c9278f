"""Models with random weights on disk, as small as the code allows."""

import json
from pathlib import Path

import pytest
import torch

from VertebraFLTLib.io.writing import sha256_of
from VertebraFLTLib.segmentation.network import UNet2d, UNetShape
from VertebraFLTLib.segmentation.network3d import VolumeNet, VolumeNetShape
from VertebraFLTLib.segmentation.weights import save_network

SHAPE = UNetShape(classes=5, width=4, depth=2, context=1)
VOLUME_SHAPE = VolumeNetShape(width=4, depth=1)


@pytest.fixture
def model_folder(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    files = {}
    for view in ("axial", "sagittal", "coronal"):
        save_network(UNet2d(SHAPE), tmp_path / f"{view}.safetensors")
        files[view] = {
            "file": f"{view}.safetensors",
            "sha256": sha256_of([tmp_path / f"{view}.safetensors"]),
        }
    manifest = {
        "name": "tiny",
        "network": SHAPE.as_dict(),
        "spacing_mm": [4.0, 4.0, 4.0],
        "files": files,
        "views": list(files),
        "combine": "average",
        "thresholds": {view: [0.5] * 4 for view in files},
    }
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    return tmp_path


@pytest.fixture
def volume_folder(tmp_path: Path) -> Path:
    """A 3-D model of two networks."""
    torch.manual_seed(0)
    folder, files = tmp_path / "volume", {}
    folder.mkdir()
    for name in ("fold0", "fold1"):
        network = VolumeNet(VOLUME_SHAPE).train()
        with torch.no_grad():
            for _ in range(3):
                network(torch.rand(2, 1, 16, 16, 16) * 2 - 1)
        save_network(network, folder / f"{name}.safetensors")
        files[name] = {"file": f"{name}.safetensors", "sha256": sha256_of([folder / f"{name}.safetensors"])}
    manifest = {
        "name": "tiny-volume",
        "network": {"kind": "unet3d", **VOLUME_SHAPE.as_dict()},
        "spacing_mm": [4.0, 4.0, 4.0],
        "files": files,
        "mirror": True,
        "thresholds": {"volume": [0.5, 0.4, 0.3, 0.2]},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder
