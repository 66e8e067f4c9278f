"""The 3-D segmenter end to end: an answer that is known lies where it should; several networks are averaged."""

import dataclasses
import itertools
import json

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from VertebraFLTLib.errors import Cancelled, InputError
from VertebraFLTLib.io.geometry import to_lps
from VertebraFLTLib.progress import silent
from VertebraFLTLib.segmentation import volume
from VertebraFLTLib.segmentation.ensemble import EnsembleSegmenter
from VertebraFLTLib.segmentation.network3d import VolumeNet
from VertebraFLTLib.segmentation.slabs import slab_probabilities
from VertebraFLTLib.segmentation.volume import VolumeSegmenter
from VertebraFLTLib.segmentation.weights import load_network, read_model


class BrightIsBone(VolumeNet):
    """Class 1 above about 350 HU, else background."""

    def forward(self, volumes, deep=False):
        return torch.cat([-(volumes + 0.08) * 200, (volumes + 0.08) * 200, *[torch.full_like(volumes, -99)] * 4], 1)


@pytest.fixture
def segmenter(volume_folder):
    made = VolumeSegmenter(read_model(volume_folder), device="cpu")
    made.networks = {name: BrightIsBone(made.model.shape) for name in made.networks}
    return made


@pytest.fixture
def ct():
    """A body with a bright rod along z, off centre in every direction; sides that are no multiple of the stride."""
    _, j, i = np.mgrid[0:37, 0:64, 0:61]
    hu = np.where((i - 30) ** 2 + (j - 34) ** 2 < 24**2, 40.0, -1000.0)
    hu[(i - 24) ** 2 + (j - 42) ** 2 < 6**2] = 700.0
    image = sitk.GetImageFromArray(hu.astype(np.int16))
    image.SetSpacing((3.5, 4.0, 5.0))
    image.SetOrigin((-120, -130, 40))
    return image


def dice(a, b):
    return 2 * (a & b).sum() / (a.sum() + b.sum())


def test_the_rod_is_found_where_it_is_on_the_grid_of_the_ct(segmenter, ct):
    result = segmenter.segment(ct, silent)
    assert result.mask.GetSize() == ct.GetSize() and result.mask.GetPixelID() == sitk.sitkUInt8
    for name in ("GetSpacing", "GetOrigin", "GetDirection"):
        assert getattr(result.mask, name)() == pytest.approx(getattr(ct, name)())
    found, truth = sitk.GetArrayFromImage(result.mask) == 1, sitk.GetArrayFromImage(ct) > 350
    assert dice(found, truth) > 0.95
    assert set(np.unique(sitk.GetArrayViewFromImage(result.mask))) == {0, 1}


class BrightIsDisc(VolumeNet):
    """The last class above about 350 HU, else background."""

    def forward(self, volumes, deep=False):
        return torch.cat([-(volumes + 0.08) * 200, *[torch.full_like(volumes, -99)] * 4, (volumes + 0.08) * 200], 1)


def test_discs_are_handed_on_where_they_lie_and_are_in_no_mask(segmenter, ct):
    segmenter.networks = {name: BrightIsDisc(segmenter.model.shape) for name in segmenter.networks}
    result = segmenter.segment(ct, silent)
    assert not sitk.GetArrayViewFromImage(result.mask).any()
    on_ct = sitk.GetArrayFromImage(sitk.Resample(result.discs, ct, sitk.Transform(), sitk.sitkLinear, 0.0))
    assert dice(on_ct >= 128, sitk.GetArrayViewFromImage(ct) > 300) > 0.9


def test_what_is_told_of_the_work(segmenter, ct):
    details = segmenter.segment(ct, silent).details
    assert details["segmenter"] == "volume" and details["model"] == "tiny-volume" and details["mirror"] is True
    assert details["networks"] == ["fold0", "fold1"] and details["thresholds"] == {"volume": [0.5, 0.4, 0.3, 0.2]}
    assert details["spacing_mm"] == [4.0, 4.0, 4.0] and details["weights_sha256"] == segmenter.model.digest
    assert details["network_flop"] > 0 and details["network_seconds"] >= 0 and details["device"].startswith("cpu")
    assert set(details) >= {"torch", "removed_by_clean_up_ml"}
    once = VolumeSegmenter(segmenter.model, device="cpu", threshold=0.3, mirror=False)
    single = once.segment(ct, silent).details
    assert single["thresholds"] == {"volume": [0.3] * 4} and single["mirror"] is False
    assert details["network_flop"] >= single["network_flop"] > 0
    json.dumps(details)


@pytest.mark.parametrize("flips", list(itertools.product((False, True), repeat=3))[1::3])
def test_flips_and_axis_orders_do_not_matter(segmenter, ct, flips):
    expected = sitk.GetArrayFromImage(segmenter.segment(ct, silent).mask)
    shown = sitk.Flip(sitk.PermuteAxes(ct, [2, 0, 1]), flips)
    assert np.array_equal(sitk.GetArrayFromImage(segmenter.segment(to_lps(shown), silent).mask), expected)


def alone(model, ct, index, mirror, key="volume"):
    """The probabilities of one of the model's networks."""
    name = list(model.files)[index]
    one = VolumeSegmenter(dataclasses.replace(model, files={name: model.files[name]}), device="cpu", mirror=mirror)
    return one.probabilities(ct, silent)[0][key].astype(int)


def test_the_networks_probabilities_are_averaged(volume_folder, ct):
    model = read_model(volume_folder)
    found, part, _ = VolumeSegmenter(model, device="cpu", mirror=False).probabilities(ct, silent)
    shape = part.GetSize()[::-1]
    assert {key: (one.dtype, one.shape) for key, one in found.items()} == {
        "volume": (np.uint8, (4, *shape)),
        "discs": (np.uint8, shape),
    }
    for key, mean in found.items():
        each = [alone(model, ct, n, mirror=False, key=key) for n in (0, 1)]
        assert np.abs(each[0] - each[1]).max() > 5
        assert np.abs(mean - (each[0] + each[1]) / 2).max() <= 0.5


def test_with_mirror_one_network_looks_twice_and_of_two_the_second_looks_into_the_mirror(volume_folder, ct):
    model = read_model(volume_folder)
    first, second = (alone(model, ct, n, mirror=False) for n in (0, 1))
    # Looking twice is the mean of both looks, so the second look is what remains.
    other = 2 * alone(model, ct, 1, mirror=True) - second
    both = VolumeSegmenter(model, device="cpu", mirror=True).probabilities(ct, silent)[0]["volume"]
    assert np.abs(other - second).max() > 5
    assert np.abs(both - (first + other) / 2).max() <= 1.5


def test_folding_and_streaming_do_not_change_the_networks(volume_folder, ct, monkeypatch):
    seen = []
    monkeypatch.setattr(
        volume, "slab_probabilities", lambda n, v, **k: seen.append((v, slab_probabilities(n, v, **k))) or seen[-1][1]
    )
    model = read_model(volume_folder)
    VolumeSegmenter(model, device="cpu", mirror=False).probabilities(ct, silent)
    for name, (image, found) in zip(model.files, seen, strict=True):
        plain = load_network(model, name, torch.device("cpu")).eval()
        assert np.abs(slab_probabilities(plain, image).astype(int) - found).max() <= 1


def test_progress_rises_and_cancelling_passes_through(segmenter, ct):
    seen = []
    segmenter.segment(ct, lambda stage, fraction: seen.append(fraction))
    assert seen == sorted(seen) and seen[-1] == 1.0 and len(seen) > 4

    def stop(stage, fraction):
        if fraction > 0.3:
            raise Cancelled

    with pytest.raises(Cancelled):
        segmenter.segment(ct, stop)


def test_each_segmenter_refuses_the_other_kind(model_folder, volume_folder):
    with pytest.raises(InputError, match="holds 2-D networks, one a view; use --segmenter ensemble"):
        VolumeSegmenter(read_model(model_folder))
    with pytest.raises(InputError, match="holds a 3-D network, not one a view"):
        EnsembleSegmenter(read_model(volume_folder))
