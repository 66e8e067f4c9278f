"""nnU-Net result folders: found, read, and refused in one line where something is missing."""

import json

import pytest

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.segmentation.nnunet_folder import read_nnunet_folder

DATASET = {"channel_names": {"0": "CT"}, "labels": {"background": 0, "L1": 1, "L2": 2, "ignore": 3}}


@pytest.fixture
def model(tmp_path):
    """Makes a model folder with these folds below the temporary folder."""

    def made(*folds, name="nnUNetTrainer__nnUNetPlans__3d_fullres", checkpoint="checkpoint_final.pth", **dataset):
        path = tmp_path / name
        for fold in folds:
            (path / f"fold_{fold}").mkdir(parents=True)
            (path / f"fold_{fold}" / checkpoint).write_bytes(b"weights")
        path.mkdir(exist_ok=True)
        (path / "plans.json").write_text(json.dumps({"dataset_name": "Dataset601_VertebralBodies"}))
        (path / "dataset.json").write_text(json.dumps({**DATASET, **dataset}))
        return path

    return made


def test_a_model_is_read(model):
    found = read_nnunet_folder(model(0))
    assert found.folds == (0,) and found.checkpoint == "checkpoint_final.pth" and found.channel == "CT"
    assert found.label_values == {"L1": (1,), "L2": (2,)}
    assert found.name == "Dataset601_VertebralBodies" and found.says_bodies
    assert [p.read_bytes() for p in found.checkpoints] == [b"weights"]
    assert found.labels().values == {"vertebral_body": (1, 2)}


def test_a_downloaded_repository_around_it_will_do_and_may_hold_the_label_file(model, tmp_path):
    inner = model("all")
    found = read_nnunet_folder(str(tmp_path))
    assert found.path == inner
    (tmp_path / "vertebraflt-labels.json").write_text('{"vertebral_body": "L2"}')
    assert found.labels().values == {"vertebral_body": (2,)}
    (inner / "vertebraflt-labels.json").write_text('{"vertebral_body": 1}')
    assert found.labels().values == {"vertebral_body": (1,)}


@pytest.mark.parametrize(
    ("folds", "expected"), [((1, 0, 10), (0, 1, 10)), (("all",), ("all",)), (("all", 3), (3,)), ((2, "old"), (2,))]
)
def test_folds_numbered_ones_before_the_one_of_all(model, folds, expected):
    assert read_nnunet_folder(model(*folds)).folds == expected


def test_the_best_checkpoint_stands_in_for_a_final_one(model):
    assert read_nnunet_folder(model(0, checkpoint="checkpoint_best.pth")).checkpoint == "checkpoint_best.pth"


def test_a_name_without_bodies_says_nothing_of_bodies(model):
    path = model(0, description="24 vertebrae")
    (path / "plans.json").write_text('{"dataset_name": "Dataset001_Spine"}')
    assert not read_nnunet_folder(path).says_bodies


def one_line(path, says):
    with pytest.raises(InputError, match=says) as caught:
        read_nnunet_folder(path)
    assert "\n" not in str(caught.value)


def test_no_folder_given():
    one_line(None, "--segmenter nnunet needs --model-folder DIR")


def test_what_is_missing_is_named(model, tmp_path):
    one_line(tmp_path / "nowhere", "no such folder")
    one_line(tmp_path, "no dataset.json or plans.json in it")
    path = model()
    one_line(path, "no fold_\\*/checkpoint_final.pth")
    (path / "plans.json").unlink()
    one_line(path, "no plans.json in it")


def test_two_models_are_not_chosen_between(model, tmp_path):
    model(0, name="a")
    model(0, name="b")
    one_line(tmp_path, "holds 2 models \\(a, b\\)")


@pytest.mark.parametrize(
    ("dataset", "says"),
    [
        ({"channel_names": {"0": "CT", "1": "PET"}}, "needs 2 images \\(CT, PET\\)"),
        ({"channel_names": None}, "no channel_names or labels"),
        ({"labels": {"0": "background", "1": "L1"}}, "nnU-Net v2 is needed"),
    ],
)
def test_models_of_another_kind(model, dataset, says):
    one_line(model(0, **dataset), says)


def test_unreadable_files(model):
    path = model(0)
    (path / "fold_0" / "checkpoint_final.pth").write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0")
    one_line(path, "git lfs pull")
    (path / "plans.json").write_text("{")
    one_line(path, "plans.json: not readable as JSON")
    (path / "plans.json").write_text("[]")
    one_line(path, "not a JSON object")
