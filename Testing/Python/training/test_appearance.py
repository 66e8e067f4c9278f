"""Changes of appearance: what they may touch, what they must leave, and that the generator alone decides."""

import numpy as np
import pytest
import torch

from VertebraFLTLib.segmentation.grid import AIR_HU
from VertebraFLTLib.training.appearance import alter, narrowed, with_contrast_agent, with_metal
from VertebraFLTLib.training.config import AugmentationConfig


@pytest.fixture
def patch(case):
    return torch.from_numpy(case.hu[:48].astype(np.float32)), torch.from_numpy(case.labels[:48].copy())


def test_nothing_asked_nothing_done(patch, still):
    hu, labels = alter(*patch, 2.0, 2.0, still(), np.random.default_rng(0))
    assert torch.equal(hu, patch[0]) and torch.equal(labels, patch[1])


def test_the_generator_alone_decides(patch):
    often = AugmentationConfig(metal=0.5, contrast_agent=0.5, narrow_view=0.5)
    results = []
    for seed in range(6):
        np.random.seed(seed + 10)
        one, again = (alter(*patch, 2.0, 2.0, often, np.random.default_rng(seed)) for _ in range(2))
        assert torch.equal(one[0], again[0]) and torch.equal(one[1], again[1])
        results.append(one[0].numpy().tobytes())
    assert len(set(results)) > 3


def test_the_patch_given_is_not_changed(patch):
    before = [a.clone() for a in patch]
    everything = AugmentationConfig(metal=1, contrast_agent=1, narrow_view=1, undersample=1)
    for seed in range(5):
        alter(*patch, 2.0, 2.0, everything, np.random.default_rng(seed))
    assert torch.equal(patch[0], before[0]) and torch.equal(patch[1], before[1])


def test_beyond_a_narrow_view_are_air_and_background(patch):
    sides = set()
    for seed in range(12):
        hu, labels = narrowed(*patch, np.random.default_rng(seed))
        out = (hu != patch[0]) | (labels != patch[1])
        assert (hu[out] == AIR_HU).all() and (labels[out] == 0).all()
        seen = torch.argwhere(hu > AIR_HU)
        box = tuple(slice(a, b + 1) for a, b in zip(seen.amin(dim=0), seen.amax(dim=0), strict=True))
        assert torch.equal(hu[box], patch[0][box]) and torch.equal(labels[box], patch[1][box])
        middle = tuple(n // 2 for n in hu.shape)
        assert hu[middle] == patch[0][middle]  # the middle is always seen
        sides |= {axis for axis in range(3) if box[axis] != slice(0, hu.shape[axis])}
    assert sides == {0, 1, 2}


def test_a_stack_is_narrowed_within_its_slices_alone(patch, still):
    for stack in range(3):
        others = tuple(axis for axis in range(3) if axis != stack)
        cuts = 0
        for seed in range(8):
            hu, _ = alter(*patch, 2.0, 2.0, still(narrow_view=1.0), np.random.default_rng(seed), others)
            cut = (hu == AIR_HU).movedim(stack, 0)
            assert (cut == cut[0]).all()  # the same in every slice
            cuts += bool(cut.any())
        assert cuts  # some of the eight draws narrowed the view


def test_metal_and_contrast_agent_leave_labels_and_shape(patch, still):
    for asked in ({"metal": 1.0}, {"contrast_agent": 1.0}):
        _, labels = alter(*patch, 2.0, 2.0, still(**asked), np.random.default_rng(1))
        assert torch.equal(labels, patch[1])
    metal = with_metal(patch[0], np.random.default_rng(1))
    assert metal.shape == patch[0].shape and metal.dtype == torch.float32
    assert metal.max() >= 3000 and metal.isfinite().all()


def test_contrast_agent_brightens_soft_tissue_outside_bone_only(patch):
    hu = torch.full_like(patch[0], 90.0)
    hu[0], hu[1] = -500.0, 400.0
    seen = with_contrast_agent(hu, patch[1], np.random.default_rng(0))
    changed = seen != hu
    assert torch.equal(changed, (patch[1] == 0) & (hu == 90.0))
    assert (seen[changed] > 90).all() and (seen[changed] <= 90 + 1.5 * 50).all()


def test_thick_slices_are_simulated_only_beyond_the_native_ones(patch, still):
    settings = still(undersample=1.0)
    blurred, labels = alter(*patch, 2.0, 2.0, settings, np.random.default_rng(2))
    assert not torch.allclose(blurred, patch[0]) and torch.equal(labels, patch[1])
    thick_already, _ = alter(*patch, 2.0, 6.0, settings, np.random.default_rng(2))
    assert torch.equal(thick_already, patch[0])
