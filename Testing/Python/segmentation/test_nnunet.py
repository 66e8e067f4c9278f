"""nnU-Net as a segmenter: geometry, labels, progress and cancelling, with nnU-Net itself where it is installed.

The network of these tests has a known answer: each voxel's class is read off the brightness of the voxel one step
further along all three axes *as the network sees them*. An axis swapped, flipped or misjudged in spacing shows as a
mask that is displaced, or torn. The same tests run against nnU-Net (weights set by hand in its own network, saved by
its own trainer, under plans of its own planner) and, where that is not installed, against a stand-in that follows its
documented interface.
"""

import json
import math
import shutil
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from VertebraFLTLib.errors import Cancelled, InputError
from VertebraFLTLib.progress import silent
from VertebraFLTLib.result import Options
from VertebraFLTLib.segmentation.nnunet import NnUnetSegmenter
from VertebraFLTLib.segmentation.registry import get_segmenter

SPACING = (4.0, 5.0, 6.0)  # of the CT and of the plans: without resampling the answer is exact, voxel by voxel
LABELS = {"background": 0, "L1": 1, "L2": 2, "hip_left": 3, "sacrum": 4, "sternum": 5}
OURS = np.array([0, 1, 1, 2, 4, 3], np.uint8)
HU = np.array([-1000, 0, 400, 800, 1200, 1600])
LOW, SCALE = (
    -1100.0,
    1000.0,
)  # the plans' normalisation: keeps all brightness positive, where leaky ReLU changes nothing
DATASET = {"channel_names": {"0": "CT"}, "labels": LABELS, "numTraining": 2, "file_ending": ".nii.gz"}


# --- the CT and the answer


def classes():
    """Class of each voxel (k, j, i) in LPS order: one piece per class, none symmetrical."""
    truth = np.zeros((20, 24, 28), np.uint8)
    truth[3:6, 8:13, 10:17] = 1
    truth[6:10, 8:13, 10:15] = 2
    truth[2:5, 3:6, 3:9] = 3
    truth[2, 15:20, 10:20] = 4
    truth[12:17, 4, 12:16] = 5
    truth[15:17, 4, 16:20] = 5
    return truth


def as_ct(truth, tilt=0.0):
    image = sitk.GetImageFromArray(HU[truth].astype(np.int16))
    image.SetSpacing(SPACING)
    image.SetOrigin((-31.5, 12.25, -407.0))
    c, s = math.cos(tilt), math.sin(tilt)
    image.SetDirection((1, 0, 0, 0, c, -s, 0, s, c))
    return image


def seen_one_step_on(truth, orientation):
    """``truth`` displaced as the network displaces it when it sees the axes in this order of directions."""
    step = {"R": (0, 0, -1), "L": (0, 0, 1), "A": (0, -1, 0), "P": (0, 1, 0), "I": (-1, 0, 0), "S": (1, 0, 0)}
    moved = np.sum([step[letter] for letter in orientation], axis=0)
    return np.roll(truth, tuple(-moved), axis=(0, 1, 2))


def in_lps(mask):
    return sitk.GetArrayFromImage(sitk.DICOMOrient(mask, "LPS"))


# --- the model: nnU-Net's, or the stand-in's


def write_raw_dataset(folder, truth):
    """Two cases of training data, as nnU-Net's planner wants to see them, and the fingerprint of the dataset."""
    name = "Dataset999_Tiny"
    raw, preprocessed = folder / "raw" / name, folder / "preprocessed" / name
    data = preprocessed / "nnUNetPlans_3d_fullres"
    for sub in (raw / "imagesTr", raw / "labelsTr", data, folder / "results"):
        sub.mkdir(parents=True)
    (data / "a.b2nd").touch()  # the trainer looks at the names of its data before it has any
    image = sitk.DICOMOrient(as_ct(truth), "RAS")
    labels = sitk.GetImageFromArray(truth)
    labels.CopyInformation(as_ct(truth))
    for case in ("a", "b"):
        sitk.WriteImage(image, str(raw / "imagesTr" / f"{case}_0000.nii.gz"))
        sitk.WriteImage(sitk.DICOMOrient(labels, "RAS"), str(raw / "labelsTr" / f"{case}.nii.gz"))
    (raw / "dataset.json").write_text(json.dumps(DATASET))
    low_high = {"percentile_00_5": -1024.0, "percentile_99_5": 3000.0, "min": -1024.0, "max": 3000.0, "median": 0.0}
    fingerprint = {
        "spacings": [list(SPACING[::-1])] * 2,
        "shapes_after_crop": [list(truth.shape)] * 2,
        "foreground_intensity_properties_per_channel": {"0": {"mean": LOW, "std": SCALE, **low_high}},
        "median_relative_size_after_cropping": 1.0,
    }
    (preprocessed / "dataset_fingerprint.json").write_text(json.dumps(fingerprint))
    return name


def set_weights(network):
    """In nnU-Net's U-Net: one step on, then brightness carried through the first skip to the nearest class."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        first = [m for m in network.encoder.stages[0].modules() if isinstance(m, torch.nn.Conv3d)]
        last = [m for m in network.decoder.stages[-1].modules() if isinstance(m, torch.nn.Conv3d)]
        skip = network.decoder.transpconvs[-1].out_channels  # the skip's channels come after those from below
        middles = [tuple(n // 2 for n in conv.kernel_size) for conv in (*first, *last)]
        first[0].weight[0, 0][tuple(n + 1 for n in middles[0])] = 1
        for conv, middle in list(zip((*first, *last), middles, strict=True))[1:]:
            conv.weight[0, skip if conv is last[0] else 0][middle] = 1
        brightness = torch.tensor((HU - LOW) / SCALE, dtype=torch.float32)
        network.decoder.seg_layers[-1].weight[:, 0, 0, 0, 0] = 2 * brightness
        network.decoder.seg_layers[-1].bias[:] = -(brightness**2)


def make_real_model(folder, patch, monkeypatch):
    """A result folder with two folds of that network, and in ``resenc`` one of random weights as ResEnc presets plan.

    Returns the two folders.
    """
    for name in ("raw", "preprocessed", "results"):
        monkeypatch.setenv(f"nnUNet_{name}", str(folder / name))
    dataset = write_raw_dataset(folder, classes())
    from nnunetv2.experiment_planning.experiment_planners.default_experiment_planner import ExperimentPlanner
    from nnunetv2.experiment_planning.experiment_planners.residual_unets.residual_encoder_unet_planners import (
        ResEncUNetPlanner,
    )
    from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

    made = []
    for planner_class, known_answer in ((ExperimentPlanner, True), (ResEncUNetPlanner, False)):
        planner = planner_class(dataset, gpu_memory_target_in_gb=1)
        planner.UNet_base_num_features, planner.UNet_max_features_3d, planner.UNet_max_features_2d = 4, 8, 8
        plans = json.loads(json.dumps(planner.plan_experiment()))
        settings = plans["configurations"]["3d_fullres"]
        settings["patch_size"] = list(patch) if known_answer else settings["patch_size"]
        if known_answer:  # normalising layers would make the answer depend on what else is in view
            settings["architecture"]["arch_kwargs"].update(norm_op=None, norm_op_kwargs={})
        for fold in (0, 1) if known_answer else ("all",):
            trainer = nnUNetTrainer(
                {**plans, "continue_training": False}, "3d_fullres", fold, dict(DATASET), torch.device("cpu")
            )
            trainer.initialize()
            if known_answer:
                set_weights(trainer.network)
            trainer.save_checkpoint(f"{trainer.output_folder}/checkpoint_final.pth")
        made.append(trainer.output_folder_base)
        for name, content in (("plans.json", plans), ("dataset.json", DATASET)):
            with open(f"{made[-1]}/{name}", "w") as file:
                json.dump(content, file)
    return made


def stand_in_package(patch):
    """nnunetv2.inference.predict_from_raw_data with the documented part of its predictor, and that network's answer."""

    class nnUNetPredictor:
        def __init__(
            self, tile_step_size, use_gaussian, use_mirroring, perform_everything_on_device, device, verbose,
            verbose_preprocessing, allow_tqdm,
        ):  # fmt: skip
            print("perform_everything_on_device=True is only supported for cuda devices!")
            self.network = None

        def initialize_from_trained_model_folder(self, model_training_output_dir, use_folds, checkpoint_name):
            folder = Path(model_training_output_dir)
            self.list_of_parameters = [(folder / f"fold_{fold}" / checkpoint_name).read_bytes() for fold in use_folds]
            if any(weights != b"weights" for weights in self.list_of_parameters):
                raise RuntimeError("PytorchStreamReader failed reading zip archive:\n failed finding central directory")
            self.trainer_name = "nnUNetTrainer"
            self.label_manager = types.SimpleNamespace(num_segmentation_heads=len(LABELS))
            plans = json.loads((folder / "plans.json").read_text())
            self.configuration_manager = types.SimpleNamespace(previous_stage_name=plans.get("previous_stage"))

        def predict_single_npy_array(
            self, input_image, image_properties, segmentation_previous_stage=None, output_file_truncated=None,
            save_or_return_probabilities=False,
        ):  # fmt: skip
            assert input_image.ndim == 4 and input_image.shape[0] == 1 and input_image.dtype == np.float32
            assert np.allclose(image_properties["spacing"], SPACING[::-1])
            return self.predict_logits_from_preprocessed_data(torch.from_numpy(input_image)).argmax(0).numpy()

        def predict_logits_from_preprocessed_data(self, data):
            for _ in self.list_of_parameters:
                logits = torch.zeros((len(LABELS), *data.shape[1:]))
                for tile in self._internal_get_sliding_window_slicers(data.shape[1:]):
                    logits[(slice(None), *tile)] = self._internal_maybe_mirror_and_predict(data[None])[0][
                        (slice(None), *tile)
                    ]
            return logits

        def _internal_get_sliding_window_slicers(self, image_size):
            return [
                tuple(slice(a, a + p) for a, p in zip(corner, patch, strict=True))
                for corner in np.ndindex(*(-(-n // p) for n, p in zip(image_size, patch, strict=True)))
                for corner in [tuple(c * p for c, p in zip(corner, patch, strict=True))]
            ]

        def _internal_maybe_mirror_and_predict(self, x):
            on = torch.nn.functional.pad(x, (0, 1) * 3, value=-1000.0)[:, :, 1:, 1:, 1:]
            return -(on - torch.tensor(HU).view(1, -1, 1, 1, 1)).abs().float()

    module = types.ModuleType("nnunetv2.inference.predict_from_raw_data")
    module.nnUNetPredictor = nnUNetPredictor
    return module


PATCH = (16, 16, 16)  # smaller than the CT: several tiles


@pytest.fixture(scope="module")
def real_models(tmp_path_factory):
    pytest.importorskip("nnunetv2", reason="the optional package nnunetv2 is not installed")
    with pytest.MonkeyPatch.context() as patcher:
        return make_real_model(tmp_path_factory.mktemp("nnunet"), PATCH, patcher)


@pytest.fixture(params=["stand-in", "nnU-Net"])
def model(request, tmp_path, monkeypatch):
    """A model folder of the test's own, and the package to run it with in sys.modules."""
    path = tmp_path / "model"
    if request.param == "nnU-Net":
        shutil.copytree(request.getfixturevalue("real_models")[0], path)
        return path
    names = ("nnunetv2", "nnunetv2.inference", "nnunetv2.inference.predict_from_raw_data")
    for name in names[:2]:
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, names[2], stand_in_package(PATCH))
    for fold in (0, 1):
        (path / f"fold_{fold}").mkdir(parents=True)
        (path / f"fold_{fold}" / "checkpoint_final.pth").write_bytes(b"weights")
    (path / "plans.json").write_text(json.dumps({"dataset_name": "Dataset999_Tiny"}))
    (path / "dataset.json").write_text(json.dumps(DATASET))
    return path


# --- the tests


@pytest.mark.parametrize("tilt", [0.0, 0.3], ids=["straight", "oblique"])
@pytest.mark.parametrize("order", ["LPS", "RAS", "PIR", "SAL"])
def test_the_mask_lies_where_it_should_for_any_axis_order(model, order, tilt):
    ct = sitk.DICOMOrient(as_ct(classes(), tilt), order)
    found = NnUnetSegmenter(str(model), device="cpu").segment(ct, silent)
    assert found.mask.GetPixelID() == sitk.sitkUInt8
    assert found.mask.GetSize() == ct.GetSize() and found.mask.GetSpacing() == ct.GetSpacing()
    assert found.mask.GetOrigin() == ct.GetOrigin() and found.mask.GetDirection() == ct.GetDirection()
    assert np.array_equal(in_lps(found.mask), OURS[seen_one_step_on(classes(), "RAS")])


def test_the_label_file_rules_labels_and_orientation(model):
    (model / "vertebraflt-labels.json").write_text(
        json.dumps({"vertebral_body": ["L2"], "sternum": 5, "orientation": "LPI"})
    )
    found = NnUnetSegmenter(str(model), device="cpu").segment(as_ct(classes()), silent)
    truth = seen_one_step_on(classes(), "LPI")
    assert np.array_equal(in_lps(found.mask), np.where(truth == 2, 1, np.where(truth == 5, 3, 0)))
    assert found.details["orientation"] == "LPI" and found.details["labels_from"] == "vertebraflt-labels.json"
    assert found.warnings == ("the segmentation model knows no hip bones nor sacrum: not measured",)


def test_details_say_what_was_used(model, capsys):
    found = get_segmenter(Options(segmenter="nnunet", model_folder=str(model), device="cpu")).segment(
        as_ct(classes()), silent
    )
    details = found.details
    assert details["segmenter"] == "nnunet" and details["model"] == "Dataset999_Tiny" and details["folds"] == [0, 1]
    assert details["labels"] == {"vertebral_body": [1, 2], "hip_bone": [3], "sternum": [5], "sacrum": [4]}
    assert details["trainer"] == "nnUNetTrainer" and details["device"].startswith("cpu")
    assert len(details["weights_sha256"]) == 64 and details["removed_by_clean_up_ml"] == {}
    json.dumps(details)
    assert len(found.warnings) == 1 and "vertebral bodies or whole vertebrae" in found.warnings[0]
    assert capsys.readouterr().out == ""  # what nnU-Net prints is not our command's output


def test_a_model_whose_name_says_bodies_raises_no_doubt(model):
    text = (model / "dataset.json").read_text()
    (model / "dataset.json").write_text(
        json.dumps({**json.loads(text), "description": "Vertebral bodies of the spine"})
    )
    assert NnUnetSegmenter(str(model), device="cpu").segment(as_ct(classes()), silent).warnings == ()


def test_islands_are_cleaned_up(model):
    truth = classes()
    truth[17:19, 18:20, 24:26] = 2
    found = NnUnetSegmenter(str(model), device="cpu").segment(as_ct(truth), silent)
    assert np.array_equal(in_lps(found.mask), OURS[seen_one_step_on(classes(), "RAS")])
    assert found.details["removed_by_clean_up_ml"]["vertebral_body"] == pytest.approx(8 * 120.0 / 1000, abs=1e-3)


def test_progress_rises_with_every_tile(model):
    seen = []
    NnUnetSegmenter(str(model), device="cpu").segment(as_ct(classes()), lambda stage, f: seen.append((stage, f)))
    fractions = [fraction for _, fraction in seen]
    assert {stage for stage, _ in seen} == {"segmentation"}
    assert fractions == sorted(fractions) and fractions[-1] == 1.0 and len(set(fractions)) > 8


def test_cancelling_between_tiles_passes_through_and_the_segmenter_works_again(model):
    def cancel(stage, fraction):
        if fraction > 0.2:
            raise Cancelled

    segmenter = NnUnetSegmenter(str(model), device="cpu")
    with pytest.raises(Cancelled):
        segmenter.segment(as_ct(classes()), cancel)
    mask = segmenter.segment(as_ct(classes()), silent).mask
    assert np.array_equal(in_lps(mask), OURS[seen_one_step_on(classes(), "RAS")])


def test_a_damaged_checkpoint_is_refused_in_one_line(model):
    path = model / "fold_1" / "checkpoint_final.pth"
    path.write_bytes(path.read_bytes()[:5])
    with pytest.raises(InputError, match="cannot load this model") as caught:
        NnUnetSegmenter(str(model), device="cpu")
    assert str(model) in str(caught.value) and "\n" not in str(caught.value)


# --- what only nnU-Net itself can show


def test_a_residual_encoder_model_of_one_fold_on_another_grid(real_models):
    """The architecture of the public models, random weights, a CT whose spacing is not the plans'."""
    ct = sitk.Resample(
        as_ct(classes()), [18, 19, 21], sitk.Transform(), sitk.sitkLinear, (-31, 13, -406), (6.1, 6.0, 5.2)
    )
    segmenter = NnUnetSegmenter(real_models[1], device="cpu")
    assert "Residual" in type(segmenter.predictor.nnunet.network).__name__
    found = segmenter.segment(ct, silent)
    assert found.details["folds"] == ["all"] and found.mask.GetSize() == ct.GetSize()
    again = segmenter.segment(ct, silent)
    assert np.array_equal(sitk.GetArrayFromImage(found.mask), sitk.GetArrayFromImage(again.mask))


def test_weights_that_do_not_fit_the_plans_are_refused(real_models, tmp_path):
    path = tmp_path / "mixed"
    shutil.copytree(real_models[1], path)
    plans = json.loads((path / "plans.json").read_text())
    plans["configurations"]["3d_fullres"]["architecture"]["arch_kwargs"]["features_per_stage"][0] += 2
    (path / "plans.json").write_text(json.dumps(plans))
    with pytest.raises(InputError, match="cannot load this model.*size mismatch") as caught:
        NnUnetSegmenter(str(path), device="cpu")
    assert "\n" not in str(caught.value)
