"""The ensemble end to end with a network whose answer is known: whatever is bright is bone."""

import itertools

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from VertebraFLTLib.errors import Cancelled, InputError
from VertebraFLTLib.io.geometry import to_lps
from VertebraFLTLib.progress import silent
from VertebraFLTLib.segmentation.ensemble import EnsembleSegmenter
from VertebraFLTLib.segmentation.network import UNet2d
from VertebraFLTLib.segmentation.weights import read_model


class BrightIsBone(UNet2d):
    """Class 1 above about 350 HU, else background."""

    def forward(self, slices):
        middle = slices[:, self.shape.context : self.shape.context + 1]
        return torch.cat([-(middle + 0.08) * 200, (middle + 0.08) * 200, *[torch.full_like(middle, -99)] * 3], 1)


@pytest.fixture
def segmenter(model_folder):
    made = EnsembleSegmenter(read_model(model_folder), device="cpu")
    made.networks = {view: BrightIsBone(made.model.shape) for view in made.views}
    return made


@pytest.fixture
def ct():
    """A body with a bright rod along z, off centre in every direction."""
    _, j, i = np.mgrid[0:40, 0:64, 0:64]
    hu = np.where((i - 30) ** 2 + (j - 34) ** 2 < 24**2, 40.0, -1000.0)
    hu[(i - 24) ** 2 + (j - 42) ** 2 < 6**2] = 700.0
    image = sitk.GetImageFromArray(hu.astype(np.int16))
    image.SetSpacing((4.0, 4.0, 5.0))
    image.SetOrigin((-120, -130, 40))
    return image


def dice(a, b):
    return 2 * (a & b).sum() / (a.sum() + b.sum())


def test_the_rod_is_found_where_it_is(segmenter, ct):
    result = segmenter.segment(ct, silent)
    found, truth = sitk.GetArrayFromImage(result.mask) == 1, sitk.GetArrayFromImage(ct) > 350
    assert dice(found, truth) > 0.95
    assert result.details["views"] == ["axial", "sagittal", "coronal"]
    assert result.details["network_flop"] > 0


def test_the_crop_does_not_change_the_result(segmenter, ct):
    cropped = sitk.GetArrayFromImage(segmenter.segment(ct, silent).mask)
    segmenter.crop = False
    assert np.array_equal(sitk.GetArrayFromImage(segmenter.segment(ct, silent).mask), cropped)


@pytest.mark.parametrize("flips", list(itertools.product((False, True), repeat=3)))
def test_flips_and_axis_orders_do_not_matter(segmenter, ct, flips):
    expected = sitk.GetArrayFromImage(segmenter.segment(ct, silent).mask)
    shown = sitk.Flip(sitk.PermuteAxes(ct, [2, 0, 1]), flips)
    mask = segmenter.segment(to_lps(shown), silent).mask
    assert np.array_equal(sitk.GetArrayFromImage(mask), expected)


def test_an_oblique_ct_gives_the_rod_at_the_same_place(segmenter, ct):
    turn = sitk.Euler3DTransform(ct.TransformContinuousIndexToPhysicalPoint([31.5, 31.5, 19.5]), 0.15, 0.1, 0.2)
    oblique = sitk.Image(ct.GetSize(), ct.GetPixelID())
    oblique.SetSpacing(ct.GetSpacing())
    oblique.SetDirection(turn.GetMatrix())
    oblique.SetOrigin(turn.TransformPoint(ct.GetOrigin()))
    shown = sitk.Resample(ct, oblique, sitk.Transform(), sitk.sitkLinear, -1000.0)
    mask = segmenter.segment(shown, silent).mask
    back = sitk.GetArrayFromImage(sitk.Resample(mask, ct, sitk.Transform(), sitk.sitkNearestNeighbor))
    seen = sitk.GetArrayFromImage(sitk.Resample(shown, ct, sitk.Transform(), sitk.sitkLinear, -3000.0)) > -2000
    truth = (sitk.GetArrayFromImage(ct) > 350) & seen
    assert dice((back == 1) & seen, truth) > 0.9


def test_cancelling_passes_through(segmenter, ct):
    def stop(stage, fraction):
        if fraction > 0.3:
            raise Cancelled

    with pytest.raises(Cancelled):
        segmenter.segment(ct, stop)


def test_wrong_choices_are_named(model_folder):
    model = read_model(model_folder)
    with pytest.raises(InputError, match="--combine"):
        EnsembleSegmenter(model, combine="median")
    with pytest.raises(InputError, match="at least two views"):
        EnsembleSegmenter(model, combine="vote", views=("axial",))
    with pytest.raises(InputError, match="no weights for the oblique view"):
        EnsembleSegmenter(model, views=("oblique",))
