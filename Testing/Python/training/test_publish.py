"""A published model: whole or not at all, made of all folds, with nothing left over and nothing lost."""

import dataclasses
import json

import pytest
from safetensors.torch import load_file

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.io.writing import StagedFolder
from VertebraFLTLib.segmentation.network3d import VolumeNet, VolumeNetShape
from VertebraFLTLib.segmentation.volume import VolumeSegmenter
from VertebraFLTLib.segmentation.weights import read_model, save_network
from VertebraFLTLib.training import publish as publishing
from VertebraFLTLib.training.loop import train
from VertebraFLTLib.training.publish import publish_folds, publish_trained


@pytest.fixture
def trained(tiny, data, tmp_path):
    """A 3-D training whose two folds have weights, as if both had been trained."""
    config = tiny("unet3d", data, tmp_path / "runs")
    for fold in (0, 1):
        folder = config.fold_folder(fold)
        folder.mkdir(parents=True)
        save_network(VolumeNet(VolumeNetShape(width=4, depth=1)), folder / "volume.safetensors")
    return config


def card(folder, text):
    path = folder / "card.toml"
    path.write_text(text)
    return path


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_folds_become_one_model(trained, tmp_path):
    target = tmp_path / "models" / "mine"
    assert publish_trained(trained, target, None) == target / "manifest.json"
    assert names(target) == ["fold0.safetensors", "fold1.safetensors", "manifest.json"]
    model = read_model(target)
    assert (model.name, model.kind, model.mirror) == ("mine", "unet3d", True)
    assert model.thresholds == {"volume": [0.5] * 4} and model.spacing_mm == trained.network.spacing_mm
    assert list(VolumeSegmenter(model, device="cpu").networks) == ["fold0", "fold1"]  # and the hashes are right
    notes = model.manifest["training"]
    assert notes["cases"] == {"a": "free a", "b": "free b"} and notes["validation"] == ["v"]
    assert notes["left_out_by_network"] == {"fold0": ["a"], "fold1": ["b"]} and notes["earlier_cases"] == []
    assert notes["settings"] == json.loads(json.dumps(trained.settings()))
    assert str(tmp_path) not in (target / "manifest.json").read_text()


def test_a_card_joins_the_manifest(trained, tmp_path):
    text = """
name = "mine"
folds = [1]
thresholds = [0.4, 0, 1, 0.55]
mirror = false
date = 2026-11-21
known_failures = ["C1 is not labelled"]
[accuracy]
rows = [{ data = "b", vertebral_body = 0.9, measured = 2026-11-20 }]
"""
    target = tmp_path / "model"
    publish_trained(trained, target, card(tmp_path, text))
    assert names(target) == ["fold1.safetensors", "manifest.json"]
    model = read_model(target)
    assert (model.name, model.mirror) == ("mine", False)
    assert model.thresholds == {"volume": [0.4, 0.0, 1.0, 0.55]} and "folds" not in model.manifest
    assert model.manifest["date"] == "2026-11-21"
    assert model.manifest["accuracy"]["rows"] == [{"data": "b", "vertebral_body": 0.9, "measured": "2026-11-20"}]
    assert model.manifest["training"]["left_out_by_network"] == {"fold1": ["b"]}


def test_another_model_leaves_nothing_and_loses_nothing(trained, tmp_path):
    target = tmp_path / "model"
    target.mkdir()
    (target / "README.md").write_text("for people")
    publish_trained(trained, target, None)
    (target / "figures").mkdir()
    (target / "figures" / "roc.png").touch()
    before = (target / "fold1.safetensors").read_bytes()
    publish_trained(trained, target, card(tmp_path, "folds = [1]"))
    assert names(target) == ["README.md", "figures", "fold1.safetensors", "manifest.json"]
    assert (target / "README.md").read_text() == "for people" and (target / "figures" / "roc.png").exists()
    assert (target / "fold1.safetensors").read_bytes() == before
    assert names(tmp_path).count("model") == 1 and not [n for n in names(tmp_path) if n.startswith(".")]


@pytest.mark.parametrize("earlier", [True, False])
def test_a_fold_that_is_missing_changes_nothing(earlier, trained, tmp_path):
    target = tmp_path / "model"
    if earlier:
        publish_trained(trained, target, None)
        before = (target / "manifest.json").read_text()
    (trained.fold_folder(1) / "volume.safetensors").unlink()
    with pytest.raises(InputError, match=r"fold1/volume\.safetensors: not found; train it before publishing"):
        publish_trained(trained, target, None)
    assert target.exists() is earlier
    if earlier:
        assert names(target) == ["fold0.safetensors", "fold1.safetensors", "manifest.json"]
        assert (target / "manifest.json").read_text() == before


def test_a_failure_while_writing_changes_nothing(trained, tmp_path, monkeypatch):
    target = tmp_path / "model"
    publish_trained(trained, target, card(tmp_path, "folds = [0]"))

    def full(source, copy):
        copy.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(publishing.shutil, "copyfile", full)
    with pytest.raises(InputError, match="cannot write to .*model: No space left on device"):
        publish_trained(trained, target, None)
    assert names(target) == ["fold0.safetensors", "manifest.json"] and read_model(target).name == "model"
    assert not [n for n in names(tmp_path) if n.startswith(".")]


@pytest.mark.parametrize(
    ("made", "message"),
    [
        ("checkpoint.pt", "holds training runs; give the model a folder of its own"),
        ("fold3/checkpoint.pt", "holds training runs; give the model a folder of its own"),
        ("other.safetensors", r"holds other files \(other\.safetensors\)"),
        ("thesis.pdf", r"holds other files \(thesis\.pdf\)"),
        (None, "is a file; the output must be a folder"),
    ],
)
def test_a_folder_that_holds_something_else_is_refused(made, message, trained, tmp_path):
    target = tmp_path / "model"
    if made:
        (target / made).parent.mkdir(parents=True)
        (target / made).touch()
    else:
        target.touch()
    with pytest.raises(InputError, match=message) as caught:
        publish_trained(trained, target, None)
    assert "\n" not in str(caught.value)
    assert not made or ((target / made).exists() and len(names(target)) == 1)


def test_folds_are_those_of_a_3d_network(tiny, data, tmp_path):
    config = tiny("unet2d", data, tmp_path / "out")
    with pytest.raises(InputError, match="only folds of a 3-D network can be published as one model"):
        publish_folds(config, tmp_path / "model", None, {})


def test_views_are_published_as_they_were_trained(tiny, data, tmp_path):
    config = tiny("unet2d", data, tmp_path / "out", shared_steps=1, view_steps=1)
    folder = train(config, "cpu")
    before = names(folder)
    text = 'views = ["sagittal"]\ncombine = "additive"\n'
    text += "[thresholds]\nsagittal = [0.1, 0.2, 0.3, 0.4]\naxial = [0, 0, 0, 1]"
    publish_trained(config, tmp_path / "model", card(tmp_path, text))
    model = read_model(tmp_path / "model")
    assert names(tmp_path / "model") == ["axial.safetensors", "manifest.json", "sagittal.safetensors"]
    assert (model.views, model.combine) == (("sagittal",), "additive")
    assert model.thresholds == {"axial": [0, 0, 0, 1], "sagittal": [0.1, 0.2, 0.3, 0.4]}
    one, other = (load_file(where / "axial.safetensors") for where in (folder, tmp_path / "model"))
    assert one.keys() == other.keys() and names(folder) == before
    with pytest.raises(InputError, match="holds training runs"):
        publish_trained(config, folder, None)


def test_simulated_patients_alone_make_a_model(trained, tmp_path):
    simulated = dataclasses.replace(trained, data=dataclasses.replace(trained.data, manifest=None, phantoms=(1,)))
    simulated = dataclasses.replace(simulated, out=trained.fold_folder(0))
    publish_trained(simulated, tmp_path / "model", None)
    assert list(read_model(tmp_path / "model").files) == ["volume"]
    with pytest.raises(InputError, match="folds has 0, which no training case has; folds there are: none"):
        publish_trained(simulated, tmp_path / "model", card(tmp_path, "folds = [0]"))


VOLUME_FAULTS = [
    ("files = 3", "files cannot be set by the card of a unet3d; it may have name, thresholds, folds, mirror, date"),
    ("[network]\nwidth = 3", "network cannot be set"),
    ("[training]\ncases = 3", "training cannot be set"),
    ("spacing_mm = [1, 1, 1]", "spacing_mm cannot be set"),
    ('views = ["axial"]', "views cannot be set by the card of a unet3d"),
    ('combine = "vote"', "combine cannot be set"),
    ("treshold = 0.5", "treshold cannot be set"),
    ("name = 3", "name must be a text"),
    ('name = " "', "name must be a text"),
    ('mirror = "yes"', "mirror must be true or false"),
    ("thresholds = 0.5", r"thresholds must be a list \(vertebral bodies, hip bones, sternum, sacrum\)"),
    ("[thresholds]\naxial = [0.5, 0.5, 0.5, 0.5]", "thresholds must be a list"),
    ("thresholds = [0.5, 0.5, 0.5]", "thresholds of volume must be 4 numbers from 0 to 1"),
    ("thresholds = [0.5, 0.5, 0.5, 1.5]", "thresholds of volume must be 4 numbers from 0 to 1"),
    ("thresholds = [0.5, 0.5, 0.5, nan]", "thresholds of volume must be 4 numbers from 0 to 1"),
    ("thresholds = [0.5, 0.5, 0.5, true]", "thresholds of volume must be 4 numbers from 0 to 1"),
    ('thresholds = [0.5, 0.5, 0.5, "x"]', "thresholds of volume must be 4 numbers from 0 to 1"),
    ("[thresholds]\nvolume = 0.5", "thresholds of volume must be 4 numbers from 0 to 1"),
    ("folds = 1", "folds must be a list of folds; there are: 0, 1"),
    ("folds = []", "folds must be a list of folds; there are: 0, 1"),
    ("folds = [true]", "folds must be a list of folds; there are: 0, 1"),
    ("folds = [0, 4]", "folds has 4, which no training case has; folds there are: 0, 1"),
    ("folds = [0, 0]", "folds must name each fold once"),
    ("name = ", "not valid TOML"),
]
VIEW_FAULTS = [
    ("folds = [0]", "folds cannot be set by the card of a unet2d"),
    ("mirror = true", "mirror cannot be set by the card of a unet2d"),
    ("thresholds = [0.5, 0.5, 0.5, 0.5]", "thresholds must be a table with a list for each of axial, sagittal"),
    (
        "[thresholds]\naxial = [0.5, 0.5, 0.5, 0.5]",
        "thresholds must be a table with a list for each of axial, sagittal",
    ),
    ("[thresholds]\naxial = [1, 1, 1, 1]\nsagittal = [1, 1]", "thresholds of sagittal must be 4 numbers from 0 to 1"),
    ('views = "axial"', "views must be a list of some of axial, sagittal, each once"),
    ('views = ["coronal"]', "views must be a list of some of axial, sagittal, each once"),
    ('views = ["axial", "axial"]', "views must be a list of some of axial, sagittal, each once"),
    ("views = [3]", "views must be a list of some of axial, sagittal, each once"),
    ('combine = "sum"', "combine is 'sum'; choose from additive, average, vote"),
    ("combine = [1]", r"combine is \[1\]; choose from additive, average, vote"),
    ('views = ["axial"]\ncombine = "vote"', "combine 'vote' needs at least two views"),
]


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [*(("unet3d", *fault) for fault in VOLUME_FAULTS), *(("unet2d", *fault) for fault in VIEW_FAULTS)],
)
def test_faults_of_a_card_are_named_on_one_line(kind, text, message, tiny, data, tmp_path, monkeypatch):
    monkeypatch.setattr(StagedFolder, "__enter__", lambda self: pytest.fail("something is written"))
    with pytest.raises(InputError, match=rf"card\.toml: {message}") as caught:
        publish_trained(tiny(kind, data, tmp_path / "out"), tmp_path / "model", card(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_a_card_that_is_missing_is_named(trained, tmp_path):
    with pytest.raises(InputError, match=r"none\.toml: cannot be read .*; give the path of a model card"):
        publish_trained(trained, tmp_path / "model", tmp_path / "none.toml")
