"""Weights: what is saved is what is loaded; a damaged or foreign file is named, never used."""

import json

import pytest
import torch

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.io.writing import sha256_of
from VertebraFLTLib.segmentation.network import UNet2d, UNetShape
from VertebraFLTLib.segmentation.network3d import VolumeNet, VolumeNetShape
from VertebraFLTLib.segmentation.weights import load_network, read_model, read_state, save_network

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


def test_a_3d_model_is_read(volume_folder):
    model = read_model(volume_folder)
    assert model.kind == "unet3d" and model.mirror and model.shape == VolumeNetShape(width=4, depth=1)
    assert list(model.files) == ["fold0", "fold1"] and model.views == ()
    assert isinstance(load_network(model, "fold1", CPU), VolumeNet)
    with pytest.raises(InputError, match="has no weights for axial; it has fold0, fold1"):
        load_network(model, "axial", CPU)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"network": {"kind": "unet5d"}}, "unet5d"),
        ({"network": {"kind": "unet3d", "context": 1}}, "context"),
        ({"thresholds": {"axial": [0.5] * 4}}, "no thresholds for volume"),
        ({"files": {"fold0": "fold0.safetensors"}}, "string indices"),
    ],
)
def test_a_manifest_that_cannot_be_right_is_refused(volume_folder, change, message):
    manifest = json.loads((volume_folder / "manifest.json").read_text())
    (volume_folder / "manifest.json").write_text(json.dumps(manifest | change))
    with pytest.raises(InputError, match=rf"manifest\.json: not a readable model manifest .*{message}") as caught:
        read_model(volume_folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"weights", b"\x10\0\0\0\0\0\0\0{}"])
def test_a_file_that_is_no_weights_file_is_named(tmp_path, content):
    (tmp_path / "a.safetensors").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.safetensors: not a readable weights file") as caught:
        read_state(tmp_path / "a.safetensors")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["2-D", "3-D"])
def test_weights_of_the_other_kind_are_refused(model_folder, volume_folder, kind):
    files = [model_folder / "axial.safetensors", volume_folder / "fold0.safetensors"]
    (target, source), key = (files, "axial") if kind == "2-D" else (files[::-1], "fold0")
    target.write_bytes(source.read_bytes())
    manifest = json.loads((target.parent / "manifest.json").read_text())
    manifest["files"][key]["sha256"] = sha256_of([target])
    (target.parent / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match=r"do not fit the network in manifest\.json") as caught:
        load_network(read_model(target.parent), key, CPU)
    assert "\n" not in str(caught.value)


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
