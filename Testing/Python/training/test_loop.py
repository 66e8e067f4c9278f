"""The loop learns something trivial, and what it writes can be published, loaded and used."""

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.progress import silent
from VertebraFLTLib.segmentation.ensemble import EnsembleSegmenter
from VertebraFLTLib.segmentation.weights import read_model
from VertebraFLTLib.training import sampling
from VertebraFLTLib.training.config import DataConfig, NetworkConfig, ScheduleConfig, TrainConfig
from VertebraFLTLib.training.loop import train
from VertebraFLTLib.training.publish import publish


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.setattr(sampling, "PATCH", dict.fromkeys(("axial", "sagittal", "coronal"), (32, 32)))
    k, j, i = np.mgrid[0:24, 0:48, 0:48]
    hu = np.where((i - 24) ** 2 + (j - 24) ** 2 < 20**2, 40, -1000).astype(np.int16)
    rod = ((i - 24) ** 2 + (j - 30) ** 2 < 6**2) & (k > 3)
    hu[rod] = 500
    for kind, array in (("ct", hu), ("semantic", rod.astype(np.uint8))):
        image = sitk.GetImageFromArray(array)
        image.SetSpacing((4.0, 4.0, 4.0))
        sitk.WriteImage(image, str(tmp_path / f"a_{kind}.nii.gz"))
    return TrainConfig(
        out=tmp_path / "out",
        data=DataConfig(root=tmp_path, train=("a",), validation=(), slice_mm=()),
        network=NetworkConfig(width=4, depth=2, context=0, spacing_mm=(4.0, 4.0, 4.0)),
        schedule=ScheduleConfig(
            views=("axial", "sagittal"),
            shared_steps=60,
            view_steps=2,
            batch=4,
            learning_rate=0.02,
            validate_every=60,
            threads=torch.get_num_threads(),
        ),
    )


def test_it_learns_a_bright_rod(config, tmp_path):
    stages = []
    train(config, "cpu", progress=lambda stage, fraction: stages.append(stage))
    assert {"train shared", "train axial", "train sagittal"} == set(stages)
    halves = {view: [0.5] * 4 for view in ("axial", "sagittal")}
    publish(config, tmp_path / "model", name="tiny", combine="average", thresholds=halves, card={"licence": "none"})
    model = read_model(tmp_path / "model")
    assert model.manifest["training"]["cases"] == ["a"] and model.manifest["licence"] == "none"
    ct, truth = (sitk.ReadImage(str(tmp_path / f"a_{kind}.nii.gz")) for kind in ("ct", "semantic"))
    found = sitk.GetArrayFromImage(EnsembleSegmenter(model, device="cpu").segment(ct, silent).mask) == 1
    wanted = sitk.GetArrayFromImage(truth) == 1
    assert 2 * (found & wanted).sum() / (found.sum() + wanted.sum()) > 0.85


def test_missing_data_is_named_before_anything_starts(config):
    (config.data.root / "a_ct.nii.gz").unlink()
    with pytest.raises(InputError, match=r"a_ct\.nii\.gz: not found"):
        train(config, "cpu")


def test_a_view_that_was_not_trained_cannot_be_published(config, tmp_path):
    with pytest.raises(InputError, match=r"axial\.safetensors: not found"):
        publish(config, tmp_path / "model", name="x", combine="average", thresholds={}, card={})
