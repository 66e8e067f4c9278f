"""A model with random weights on disk, as small as the code allows."""

import json
from pathlib import Path

import pytest
import torch

from VertebraFLTLib.io.writing import sha256_of
from VertebraFLTLib.segmentation.network import UNet2d, UNetShape
from VertebraFLTLib.segmentation.weights import save_network

SHAPE = UNetShape(classes=5, width=4, depth=2, context=1)


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
