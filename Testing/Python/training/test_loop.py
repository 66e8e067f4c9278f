"""The loop learns something trivial, keeps the weights it should, and what it writes can be loaded and used."""

import csv
import dataclasses
import json

import pytest
import SimpleITK as sitk
import torch
from safetensors.torch import load_file

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.progress import silent
from VertebraFLTLib.result import Options
from VertebraFLTLib.segmentation.network3d import VolumeNet, VolumeNetShape
from VertebraFLTLib.segmentation.registry import get_segmenter
from VertebraFLTLib.segmentation.weights import read_model, save_network
from VertebraFLTLib.training import fit
from VertebraFLTLib.training.cases import TrainingCase
from VertebraFLTLib.training.loop import train
from VertebraFLTLib.training.validation import dice_scores

KINDS = ("unet3d", "unet2d")


@pytest.fixture
def validated_as(monkeypatch):
    """The Dice that each validation is to find."""

    def give(*dices):
        left = iter(dices)
        monkeypatch.setattr(fit, "dice_scores", lambda network, case, view: {1: next(left)})

    return give


def log(folder):
    with (folder / "log.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def same(one, other):
    one, other = load_file(one), load_file(other)
    return all(torch.equal(one[key], other[key]) for key in one)


@pytest.mark.parametrize("kind", KINDS)
def test_it_learns_a_bright_rod(kind, tiny, data, tmp_path):
    settings = {"steps": 75, "shared_steps": 75, "view_steps": 2, "learning_rate": 0.03, "batch": 3}
    config = tiny(kind, data, tmp_path / "out", validate_every=75, checkpoint_every=75, **settings)
    config = dataclasses.replace(config, network=dataclasses.replace(config.network, width=8))
    stages = []
    folder = train(config, "cpu", progress=lambda stage, fraction: stages.append((stage, fraction)))
    names = ["train volume"] if kind == "unet3d" else ["train shared", "train axial", "train sagittal"]
    assert list(dict.fromkeys(stage for stage, _ in stages)) == names
    assert [fraction for stage, fraction in stages if stage == names[-1]][-1] == 1.0
    rows = log(folder)
    assert set(rows[0]) == {"stage", "step", "quantity", "value"}
    losses = [float(r["value"]) for r in rows if r["quantity"] == "loss" and r["stage"] in ("volume", "shared")]
    assert len(losses) == 3 and losses[2] < 0.8 * losses[0]
    assert {r["quantity"] for r in rows if r["step"] == "75" and r["stage"] == "volume"} >= (
        {"dice/v/volume/1", "dice/v/volume/3", "validation_dice"} if kind == "unet3d" else set()
    )
    assert list((folder / "tensorboard").glob("*/events*"))
    # What is left is a model that the product takes.
    segmenter = get_segmenter(Options(model_folder=str(folder), device="cpu"))
    ct, truth = (sitk.ReadImage(str(tmp_path / f"t_{name}.nii.gz")) for name in ("ct", "semantic"))
    found = sitk.GetArrayFromImage(segmenter.segment(ct, silent).mask) == 1
    wanted = sitk.GetArrayFromImage(truth) == 1
    assert 2 * (found & wanted).sum() / (found.sum() + wanted.sum()) > 0.8
    notes = read_model(folder).manifest["training"]
    assert notes["cases"] == {"a": "free a", "b": "free b"} and notes["validation"] == ["v"]
    assert json.loads(json.dumps(config.settings())) == notes["settings"]


def test_the_dice_of_a_known_answer(case):
    class Halves(VolumeNet):
        """Says body where the image is above the middle of the window."""

        def forward(self, volumes, deep=False):
            bright = 50.0 * (volumes - 0.0)
            return torch.cat([-bright, bright, *[torch.full_like(bright, -999.0)] * 4], dim=1)

    hu, labels = case.hu[:8, :8, :8] * 0, case.labels[:8, :8, :8] * 0
    hu[:4], labels[2:6], labels[6] = 1000, 1, 255
    hu[6] = 1000  # found where nothing is scored
    labels[7, 0, 0] = 2
    scores = dice_scores(Halves(VolumeNetShape(width=4, depth=1)), TrainingCase("x", hu, labels, 2.0), None)
    assert scores == {1: pytest.approx(2 * 2 / (4 + 4)), 2: 0.0}


@pytest.mark.parametrize(("keep", "step"), [("best", 4), ("last", 6)])
def test_the_weights_that_are_kept(keep, step, tiny, data, tmp_path, validated_as):
    settings = {"rates": "constant", "validate_every": 2}
    validated_as(0.1, 0.5, 0.3)
    folder = train(tiny("unet3d", data, tmp_path / keep, steps=6, keep=keep, **settings), "cpu")
    validated_as(*[0.1] * 9)
    expected = train(tiny("unet3d", data, tmp_path / "short", steps=step, keep="last", **settings), "cpu")
    assert same(folder / "volume.safetensors", expected / "volume.safetensors")


def test_without_validation_cases_the_last_weights_are_kept(tiny, data, tmp_path):
    data.write_text(data.read_text().replace('"validation"', '"test"'))
    settings = {"rates": "constant", "steps": 6}
    folders = [
        train(tiny("unet3d", data, tmp_path / f"{every}", validate_every=every, **settings), "cpu") for every in (1, 6)
    ]
    assert same(*(folder / "volume.safetensors" for folder in folders))


@pytest.mark.parametrize(
    ("schedule", "what"), [({"rates": "plateau"}, "rates 'plateau'"), ({"patience": 2}, "patience")]
)
def test_what_waits_for_validations_needs_a_case_for_them(schedule, what, tiny, data, tmp_path):
    data.write_text(data.read_text().replace('"validation"', '"test"'))
    with pytest.raises(InputError, match=rf"\[schedule\] {what} waits for better validations, and no case"):
        train(tiny("unet3d", data, tmp_path / "out", **schedule), "cpu")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("kind", "stage"), [("unet3d", "volume"), ("unet2d", "shared")])
def test_a_loss_that_is_no_number_ends_the_training(kind, stage, tiny, data, tmp_path):
    config = tiny(
        kind, data, tmp_path / "out", learning_rate=1e30, validate_every=1, rates="constant", warmup_share=0.0
    )
    fault = rf"stage {stage}, step [23]: the loss .* no longer a number; lower \[schedule\] learning_rate"
    with pytest.raises(InputError, match=fault) as caught:
        train(config, "cpu")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out" / "manifest.json").exists()


@pytest.mark.parametrize("keep", ["best", "last"])
def test_a_stage_ends_when_patience_does(keep, tiny, data, tmp_path, validated_as):
    # One better, then two that are not (an equal one is no better).
    validated_as(0.5, 0.5, 0.5, 0.2, 0.4, 0.3, 0.1, 0.3, 0.3)
    config = tiny("unet2d", data, tmp_path / "out", views=("axial",), shared_steps=9, view_steps=9)
    schedule = dataclasses.replace(config.schedule, patience=2, validate_every=1, keep=keep)
    steps = []
    folder = train(dataclasses.replace(config, schedule=schedule), "cpu", progress=lambda s, f: steps.append(s))
    assert steps.count("train shared") == 3 and steps.count("train axial") == 4
    assert (folder / "manifest.json").exists()


def test_a_fold_is_left_out_in_a_folder_of_its_own(tiny, data, tmp_path, monkeypatch):
    seen = []
    original = fit.samplers
    monkeypatch.setattr(
        fit,
        "samplers",
        lambda stage, config, cases, device: seen.extend(cases) or original(stage, config, cases, device),
    )
    folder = train(tiny("unet3d", data, tmp_path / "out", steps=1), "cpu", fold=1)
    assert folder == tmp_path / "out" / "fold1" and [c.name for c in seen] == ["a"]
    notes = read_model(folder).manifest["training"]
    assert list(notes["cases"]) == ["a"] and notes["left_out"] == ["b"]


def test_faults_are_found_before_anything_is_written(tiny, data, tmp_path):
    config = tiny("unet3d", data, tmp_path / "out")
    with pytest.raises(InputError, match="no training case has fold 5"):
        train(config, "cpu", fold=5)
    with pytest.raises(InputError, match="no checkpoint to resume from"):
        train(config, "cpu", resume=True)
    simulated = dataclasses.replace(config, data=dataclasses.replace(config.data, manifest=None, phantoms=(1,)))
    with pytest.raises(InputError, match=r"--fold needs \[data\] manifest"):
        train(simulated, "cpu", fold=0)
    data.write_text(data.read_text().replace("fold = 1", "fold = 0"))
    with pytest.raises(InputError, match="no case is left to train on"):
        train(config, "cpu", fold=0)
    (tmp_path / "a_ct.nii.gz").write_bytes(b"no image")
    with pytest.raises(InputError, match="a_ct"):
        train(config, "cpu")
    (tmp_path / "a_ct.nii.gz").unlink()
    with pytest.raises(InputError, match=r"a_ct\.nii\.gz: not found"):
        train(config, "cpu")
    assert not (tmp_path / "out").exists()


def test_a_resumed_training_has_the_settings_it_began_with(tiny, data, tmp_path):
    config = tiny("unet3d", data, tmp_path / "out", steps=1)
    train(config, "cpu")
    other = dataclasses.replace(config, loss=dataclasses.replace(config.loss, name="lovasz"))
    with pytest.raises(InputError, match=r"was made with another \[loss\] name"):
        train(other, "cpu", resume=True)


def test_a_log_without_a_checkpoint_is_begun_anew(tiny, data, tmp_path):
    config = tiny("unet3d", data, tmp_path / "out", steps=2)
    before = log(train(config, "cpu"))
    (tmp_path / "out" / "checkpoint.pt").unlink()
    assert log(train(config, "cpu")) == before


@pytest.mark.parametrize("name", ["dice_ce", "cross_entropy", "focal", "dice", "lovasz"])
def test_every_loss_trains(name, tiny, data, tmp_path):
    config = tiny("unet3d", data, tmp_path / "out", steps=2)
    config = dataclasses.replace(config, loss=dataclasses.replace(config.loss, name=name))
    state = load_file(train(config, "cpu") / "volume.safetensors")
    assert all(torch.isfinite(value).all() for value in state.values())


def standing_still(config, start):
    """The same training, from earlier weights, at a rate that changes nothing."""
    schedule = dataclasses.replace(config.schedule, learning_rate=1e-12, steps=1, view_steps=1, shared_steps=1)
    return dataclasses.replace(config, start=start, schedule=schedule)


def parameters(path):
    return {key: value for key, value in load_file(path).items() if "running" not in key and "tracked" not in key}


@pytest.mark.parametrize(("kind", "name"), [("unet3d", "volume"), ("unet2d", "shared")])
def test_a_training_starts_from_earlier_weights(kind, name, tiny, data, tmp_path):
    config = tiny(kind, data, tmp_path / "first")
    first = train(config, "cpu")
    second = train(dataclasses.replace(standing_still(config, first), out=tmp_path / "second"), "cpu")
    before, after = (parameters(folder / f"{name}.safetensors") for folder in (first, second))
    assert all(torch.equal(before[key], after[key]) for key in before)
    assert read_model(second).manifest["training"]["started_from"] == f"{tmp_path.name}/first"


def test_views_may_each_start_from_their_own(tiny, data, tmp_path):
    config = tiny("unet2d", data, tmp_path / "first")
    first = train(config, "cpu")
    (first / "shared.safetensors").unlink()  # as in a model folder
    again = dataclasses.replace(standing_still(config, first), out=tmp_path / "second")
    with pytest.raises(InputError, match=r"'start' holds neither volume\.safetensors nor shared\.safetensors"):
        train(again, "cpu")
    again = dataclasses.replace(again, schedule=dataclasses.replace(again.schedule, shared_steps=0))
    train(again, "cpu")
    for view in ("axial", "sagittal"):
        before, after = (parameters(tmp_path / name / f"{view}.safetensors") for name in ("first", "second"))
        assert all(torch.equal(before[key], after[key]) for key in before)


def test_a_start_that_does_not_fit_is_named(tiny, data, tmp_path):
    start = tmp_path / "start"
    start.mkdir()
    config = dataclasses.replace(tiny("unet3d", data, tmp_path / "out"), start=start)
    path = start / "volume.safetensors"
    faults = []
    with pytest.raises(InputError, match=r"start: 'start' holds neither") as caught:
        train(config, "cpu")
    faults.append(caught)
    save_network(VolumeNet(VolumeNetShape(width=8, depth=1)), path)
    whole = path.read_bytes()
    with pytest.raises(InputError, match=r"volume\.safetensors: these weights do not fit .*\[network\]") as caught:
        train(config, "cpu")
    faults.append(caught)
    for content in (whole[: len(whole) // 2], b"", b"weights"):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"volume\.safetensors: not a readable weights file") as caught:
            train(config, "cpu")
        faults.append(caught)
    assert not any("\n" in str(fault.value) for fault in faults)
    assert not (tmp_path / "out").exists()
