"""Cases on the working grid and the patches drawn from them."""

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from VertebraFLTLib.training.cases import IGNORED, load_case, make_case, undersampled
from VertebraFLTLib.training.config import DataConfig, NetworkConfig
from VertebraFLTLib.training.sampling import PATCH, PatchSampler


def ct_and_labels():
    k, j, i = np.mgrid[0:60, 0:90, 0:90]
    hu = np.where((i - 45) ** 2 + (j - 45) ** 2 < 38**2, 40.0, -1000.0)
    rod = (i - 45) ** 2 + (j - 60) ** 2 < 8**2
    hu[rod] = 300.0
    hu[k % 12 == 0] -= 30
    images = []
    for array in (hu.astype(np.int16), rod.astype(np.uint8)):
        image = sitk.GetImageFromArray(array)
        image.SetSpacing((2.0, 2.0, 1.5))
        image.SetOrigin((-90, -90, 10))
        images.append(image)
    return images


@pytest.fixture
def data(tmp_path):
    return DataConfig(root=tmp_path, train=("a",), validation=(), ignore_levels={"a": [18]}, slice_mm=(5.0,))


@pytest.fixture
def written(data):
    ct, labels = ct_and_labels()
    ignore, levels = sitk.Image(labels.GetSize(), sitk.sitkUInt8), sitk.Image(labels.GetSize(), sitk.sitkUInt8)
    ignore.CopyInformation(labels)
    levels.CopyInformation(labels)
    ignore[:, :, :10] = 1
    levels[:, :, 40:] = 18
    images = {"ct": ct, "semantic": labels, "ignore": ignore, "levels": levels}
    for kind, image in images.items():
        sitk.WriteImage(image, str(data.root / f"a_{kind}.nii.gz"))
    return data


def test_ignored_parts_are_marked(written):
    case = load_case("a", written, NetworkConfig())
    z = case.labels.reshape(len(case.labels), -1)
    low, middle, high = z[:4], z[8:18], z[22:]  # slices of 3 mm; ignored below 15 mm, left out above 60 mm
    assert set(np.unique(low)) == {IGNORED}
    assert set(np.unique(middle)) == {0, 1}
    assert IGNORED in high and 1 not in high


def test_each_case_has_its_own_and_the_simulated_samplings(data):
    case = make_case("a", *ct_and_labels(), data, NetworkConfig())
    assert len(case.samplings) == 2
    assert all(s.shape == case.labels.shape for s in case.samplings)
    assert all(float(s.min()) >= -1 and float(s.max()) <= 1 for s in case.samplings)


def test_under_sampling_averages_over_the_slice():
    ct, _ = ct_and_labels()
    thick = undersampled(ct, 6.0)
    assert thick.GetSpacing()[2] == 6.0
    fine_array, thick_array = (sitk.GetArrayFromImage(i).astype(float) for i in (ct, thick))
    # The pattern along z of 30 HU in one slice of 12 is mostly gone, its mean is kept.
    inner = (slice(2, -2), 60, 45)
    assert thick_array[inner].std() < 0.6 * fine_array[inner].std()
    assert thick_array[inner].mean() == pytest.approx(fine_array[inner].mean(), abs=2)
    # The first slice's middle lies half a thick slice above the bottom of the volume.
    assert thick.GetOrigin()[2] == pytest.approx(10 - 0.75 + 3.0)


@pytest.mark.parametrize("view", ["axial", "sagittal", "coronal"])
def test_patches_have_their_shape_and_hold_bone(data, view):
    case = make_case("a", *ct_and_labels(), data, NetworkConfig())
    sampler = PatchSampler([case], view, context=1, seed=4)
    image, label = sampler.batch(6)
    assert image.shape == (6, 3, *PATCH[view]) and label.shape == (6, *PATCH[view])
    assert image.dtype == torch.float32 and label.dtype == torch.int64
    assert set(label.unique().tolist()) <= {0, 1, IGNORED}
    assert (label == 1).any(dim=2).any(dim=1).sum() >= 2
    inside = image[:, 1][label == 1].mean()
    assert inside > image[:, 1][label == 0].mean() + 0.2  # image and label moved together


def test_the_same_seed_draws_the_same_patches(data):
    case = make_case("a", *ct_and_labels(), data, NetworkConfig())
    one, other = (PatchSampler([case], "axial", 1, seed=9).batch(3) for _ in range(2))
    assert torch.equal(one[0], other[0]) and torch.equal(one[1], other[1])
