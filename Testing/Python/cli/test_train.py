"""`vertebraflt train`: what is at fault in its arguments, config or installation comes back as one line."""

import sys

import numpy as np
import pytest
import SimpleITK as sitk
import torch

CONFIG = """
out = "out"
[data]
manifest = "cases.toml"
[network]
width = 4
depth = 1
spacing_mm = [10, 10, 10]
[schedule]
steps = 2
patch = [16, 16, 16]
threads = 1
"""


@pytest.fixture
def config(tmp_path):
    """A training of two steps, with the data that it needs."""
    hu = np.full((16, 16, 16), 40, np.int16)
    hu[:, 4:10, 4:10] = 500
    for kind, array in (("ct", hu), ("semantic", (hu > 100).astype(np.uint8))):
        image = sitk.GetImageFromArray(array)
        image.SetSpacing((10, 10, 10))
        for name in "ab":
            sitk.WriteImage(image, str(tmp_path / f"{name}_{kind}.nii.gz"))
    (tmp_path / "cases.toml").write_text('[cases.a]\nrole = "train"\nfold = 0\n[cases.b]\nrole = "train"\nfold = 1\n')
    (tmp_path / "c.toml").write_text(CONFIG)
    threads = torch.get_num_threads()
    yield tmp_path / "c.toml"
    torch.set_num_threads(threads)  # training sets that of the process


def test_a_fold_is_trained_and_resumed(call, config):
    outcome = call("train", config, "--device", "cpu", "--fold", "1")
    folder = config.parent / "out" / "fold1"
    assert outcome.status == 0 and outcome.out.strip() == str(folder)
    assert (folder / "manifest.json").exists() and (folder / "volume.safetensors").exists()
    again = call("train", config, "--device", "cpu", "--fold", "1")
    assert again.status == 2 and "go on with --resume, or give another 'out'" in again.fault
    assert call("train", config, "--device", "cpu", "--fold", "1", "--resume").status == 0


def test_folds_are_published(call, config):
    for fold in "01":
        assert call("train", config, "--device", "cpu", "--fold", fold).status == 0
    (config.parent / "card.toml").write_text("thresholds = [0.4, 0.5, 0.5, 0.6]\nfolds = [1]")
    model = config.parent / "model"
    outcome = call("train", config, "--publish", model, "--card", config.parent / "card.toml")
    assert outcome.status == 0 and outcome.out.strip() == str(model / "manifest.json")
    assert sorted(p.name for p in model.iterdir()) == ["fold1.safetensors", "manifest.json"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--fold", "0", "--publish", "model"], "--fold does not go with --publish"),
        (["--resume", "--publish", "model"], "--resume does not go with --publish"),
        (["--card", "card.toml"], "--card goes with --publish"),
        (["--publish", "model"], "volume.safetensors: not found; train it before publishing"),
        (["--publish", "model", "--card", "none.toml"], "none.toml: cannot be read"),
    ],
)
def test_faults_of_publishing_are_one_line(call, config, arguments, message, monkeypatch):
    monkeypatch.chdir(config.parent)
    outcome = call("train", config, *arguments)
    assert outcome.status == 2 and message in outcome.fault
    assert not (config.parent / "model").exists() and not (config.parent / "out").exists()


@pytest.mark.parametrize(
    ("change", "arguments", "message"),
    [
        (("", ""), ["--resume"], "no checkpoint to resume from"),
        (("", ""), ["--fold", "4"], "no training case has fold 4"),
        (("width", "widht"), [], "widht"),
        (('out = "out"', 'out = "out"\nstart = "earlier"'), [], "'start' holds neither"),
        (('manifest = "cases.toml"', "phantoms = [1]"), ["--fold", "0"], "--fold needs [data] manifest"),
        (("cases.toml", "none.toml"), [], "none.toml: cannot be read"),
    ],
)
def test_faults_are_one_line(call, config, change, arguments, message):
    config.write_text(config.read_text().replace(*change) if change[0] else config.read_text())
    outcome = call("train", config, "--device", "cpu", *arguments)
    assert outcome.status == 2 and message in outcome.fault
    assert not (config.parent / "out").exists()


@pytest.mark.parametrize("package", ["monai", "lightning_fabric", "tensorboard"])
def test_a_missing_package_says_what_to_install(call, config, monkeypatch, package):
    for name in [n for n in sys.modules if n.startswith(("VertebraFLTLib.training", "torch.utils.tensorboard"))]:
        monkeypatch.delitem(sys.modules, name)
    for name in [n for n in sys.modules if n.split(".")[0] == package] or [package]:
        monkeypatch.setitem(sys.modules, name, None)
    outcome = call("train", config)
    assert outcome.status == 2
    assert f"training needs the package {package}" in outcome.fault and "vertebraflt[train]" in outcome.fault
