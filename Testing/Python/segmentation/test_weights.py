"""Weights: what is saved is what is loaded; a damaged or foreign file is named, never used."""

import json

import pytest
import torch

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.io.writing import sha256_of
from VertebraFLTLib.segmentation.network import UNet2d, UNetShape
from VertebraFLTLib.segmentation.weights import load_network, read_model, save_network

CPU = torch.device("cpu")


def test_round_trip_in_half_precision(tmp_path):
    torch.manual_seed(5)
    network = UNet2d(UNetShape(width=4, depth=1))
    save_network(network, tmp_path / "a.safetensors")
    (tmp_path / "manifest.json").write_text(
        json.dumps(
            {
                "name": "a",
                "network": network.shape.as_dict(),
                "spacing_mm": [2, 2, 3],
                "files": {"axial": {"file": "a.safetensors", "sha256": sha256_of([tmp_path / "a.safetensors"])}},
                "thresholds": {"axial": [0.5] * 4},
                "combine": "average",
                "views": ["axial"],
            }
        )
    )
    loaded = load_network(read_model(tmp_path), "axial", CPU)
    for (name, one), (_, other) in zip(network.state_dict().items(), loaded.state_dict().items(), strict=True):
        torch.testing.assert_close(other.float(), one.float(), rtol=1e-3, atol=1e-4, msg=name)


def test_a_damaged_file_is_refused(model_folder):
    path = model_folder / "axial.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match="axial.safetensors: sha256 differs"):
        load_network(read_model(model_folder), "axial", CPU)


def test_weights_of_another_shape_are_refused(model_folder):
    manifest = json.loads((model_folder / "manifest.json").read_text())
    manifest["network"]["width"] = 8
    (model_folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match="do not fit the network"):
        load_network(read_model(model_folder), "axial", CPU)


def test_a_missing_file_is_named(model_folder):
    (model_folder / "coronal.safetensors").unlink()
    with pytest.raises(InputError, match="coronal.safetensors: weights file is missing"):
        load_network(read_model(model_folder), "coronal", CPU)


@pytest.mark.parametrize("content", [None, "not json", "{}"])
def test_a_folder_without_a_manifest_is_refused(tmp_path, content):
    if content is not None:
        (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(InputError, match="manifest"):
        read_model(tmp_path)


def test_the_digest_changes_with_any_file(model_folder):
    before = read_model(model_folder).digest
    manifest = json.loads((model_folder / "manifest.json").read_text())
    manifest["files"]["axial"]["sha256"] = "0" * 64
    (model_folder / "manifest.json").write_text(json.dumps(manifest))
    assert read_model(model_folder).digest != before
