"""Patches: what they hold, that image and labels move together, and that seed and step alone decide them."""

import dataclasses

import numpy as np
import pytest
import torch
from torch.nn.functional import max_pool2d, max_pool3d

from VertebraFLTLib.segmentation.grid import normalised
from VertebraFLTLib.training.cases import TrainingCase
from VertebraFLTLib.training.config import AugmentationConfig
from VertebraFLTLib.training.sampling import case_weights, window
from VertebraFLTLib.training.slice_sampling import SliceSampler
from VertebraFLTLib.training.volume_sampling import VolumeSampler

KINDS = ("volume", "axial", "sagittal", "coronal")
HARD = AugmentationConfig(affine=0.9, elastic=0.5, metal=0.3, contrast_agent=0.3, intensity=0.5, flip_all=True)


def sampler(kind, cases, settings=HARD, share=0.2, seed=5, pixel_mm=4.0):
    if kind == "volume":
        return VolumeSampler(cases, (16, 24, 32), (2.0, 2.0, 2.0), settings, share, seed)
    return SliceSampler(cases, kind, 1, (pixel_mm,) * 3, settings, share, seed)


@pytest.mark.parametrize("seed", range(20))
def test_windows_are_mirrored_beyond_the_edge(seed):
    random = np.random.default_rng(seed)
    array = random.integers(0, 99, tuple(random.integers(1, 8, 3)))
    first, size = tuple(random.integers(-25, 12, 3)), tuple(random.integers(1, 20, 3))
    pads = [(max(0, -f), max(0, f + n - length)) for f, n, length in zip(first, size, array.shape, strict=True)]
    padded = np.pad(array, pads, mode="symmetric")
    expected = padded[tuple(slice(f + p[0], f + p[0] + n) for f, n, p in zip(first, size, pads, strict=True))]
    assert np.array_equal(window(array, first, size), expected)


def test_longer_patients_are_drawn_by_the_root_of_their_size(case):
    simulated = dataclasses.replace(case, simulated=True)
    weights = case_weights([case, case, simulated, simulated], 0.2, [100, 900, 50, 50])
    np.testing.assert_allclose(weights, [0.2, 0.6, 0.1, 0.1])
    np.testing.assert_allclose(case_weights([case, case], 0.2, [4, 0]), [2 / 3, 1 / 3])
    np.testing.assert_allclose(case_weights([simulated], 0.2, [4]), [1])


@pytest.mark.parametrize("kind", KINDS)
def test_shapes_types_and_values(kind, case):
    image, label = sampler(kind, [case]).batch(0, 3)
    patch = {"volume": (16, 24, 32), "axial": (80, 80)}.get(kind, (64, 80))  # 2-D: 320 or 288 mm at 4 mm, by 16
    assert image.shape == (3, 1 if kind == "volume" else 3, *patch) and label.shape == (3, *patch)
    assert image.dtype == torch.float32 and label.dtype == torch.int64
    assert type(image) is torch.Tensor and type(label) is torch.Tensor
    assert set(label.unique().tolist()) <= {0, 1, 2, 3, 4, 255}
    assert float(image.min()) >= -1 and float(image.max()) <= 1


@pytest.mark.parametrize("kind", KINDS)
def test_seed_and_step_alone_decide_a_batch(kind, case):
    used = sampler(kind, [case])
    for step in (0, 3):
        used.batch(step, 2)
    np.random.seed(1)
    torch.manual_seed(1)
    image, label = used.batch(7, 2)
    torch.manual_seed(2)
    fresh = sampler(kind, [case])
    again = fresh.batch(7, 2)
    assert torch.equal(image, again[0]) and torch.equal(label, again[1])
    assert torch.equal(image[:1], fresh.batch(7, 1)[0])  # nor does the batch's size matter
    assert not torch.equal(image, fresh.batch(8, 2)[0])
    assert not torch.equal(image, sampler(kind, [case], seed=6).batch(7, 2)[0])


def uniform(label, reach):
    """Where all labels within ``reach`` voxels are the same."""
    pool = max_pool3d if label.ndim == 4 else max_pool2d
    x = label[:, None].float()
    return (pool(x, 2 * reach + 1, 1, reach) == -pool(-x, 2 * reach + 1, 1, reach))[:, 0]


@pytest.mark.parametrize("kind", KINDS)
def test_image_and_labels_move_together(kind, case, still):
    settings = still(affine=1.0, elastic=1.0, flip_all=True, rotate_deg=45.0)
    image, label = sampler(kind, [case], settings).batch(1, 6)
    hu = np.array([0, 100, 200, 300, 400, 900], np.float32)
    expected = torch.from_numpy(normalised(hu))[torch.where(label == 255, 5, label)]
    seen = (image[:, image.shape[1] // 2] > -1).long()
    inside = uniform(label, 3) & uniform(seen, 3) & (seen == 1)  # beyond the volume there is air
    assert inside.float().mean() > 0.1 and len(label[inside].unique()) >= 4
    difference = (image[:, image.shape[1] // 2] - expected).abs()[inside]
    # Interpolated twice, 2-D slices touch their neighbours in no way: within a block all is one value.
    assert float(difference.quantile(0.995)) < 1e-3 and float(difference.mean()) < 1e-3


def slope(volume, axis):
    parts = np.array_split(np.moveaxis(volume.numpy(), axis, 0), 4)
    return parts[-1].mean() - parts[0].mean()


@pytest.mark.parametrize("view", KINDS[1:])
def test_no_slice_of_a_stack_is_lost_to_a_narrow_view(view, case, still):
    image, label = sampler(view, [case], still(narrow_view=1.0)).batch(0, 8)
    assert all(bool((slices > -1).any()) for patch in image for slices in patch)
    assert all(bool((one > 0).any()) for one in label)


def test_only_left_and_right_change_places_unless_all_may(still):
    k, j, i = np.mgrid[0:64, 0:64, 0:64]
    labels = np.zeros(k.shape, np.uint8)
    labels[16:48, 16:48, 16:48] = 1
    signs = {}
    for flip_all in (False, True):
        for axis, ramp in enumerate((k, j, i)):
            one = TrainingCase("ramp", (10 * ramp).astype(np.int16), labels, 2.0)
            images = sampler("volume", [one], still(flip_all=flip_all)).batch(0, 10)[0][:, 0]
            signs[flip_all, axis] = {bool(slope(image, axis) > 0) for image in images}
    assert [signs[False, a] for a in range(3)] == [{True}, {True}, {True, False}]
    assert [signs[True, a] for a in range(3)] == [{True, False}] * 3


@pytest.mark.parametrize("kind", KINDS)
def test_a_small_structure_is_seen_often(kind, still):
    labels = np.zeros((80, 80, 80), np.uint8)
    labels[60:66, 20:28, 50:58] = 3
    case = TrainingCase("small", (labels * 100).astype(np.int16), labels, 2.0)
    _, label = sampler(kind, [case], still(), pixel_mm=12.0).batch(0, 30)  # slices of 32 x 32 pixels
    assert (label == 3).flatten(1).any(dim=1).float().mean() > 0.5


def test_simulated_patients_have_their_share(case, still):
    real = TrainingCase("real", np.full_like(case.hu, 100), case.labels, 2.0)
    simulated = TrainingCase("simulated", np.full_like(case.hu, 800), case.labels, 2.0, simulated=True)
    image, _ = sampler("volume", [real, simulated], still(), share=0.25).batch(0, 80)
    share = (image.flatten(1).mean(dim=1) > float(normalised(np.array([400.0]))[0])).float().mean()
    assert 0.12 < share < 0.38


def test_a_case_without_structures_is_no_obstacle(case, still):
    empty = TrainingCase("empty", case.hu, np.zeros_like(case.labels), 2.0)
    for kind in KINDS:
        assert not sampler(kind, [empty], still()).batch(0, 2)[1].any()
