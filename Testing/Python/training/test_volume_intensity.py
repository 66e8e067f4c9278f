"""Changes of a 3-D patch's intensities: the generator alone decides, values stay in range, blur keeps the mean."""

import numpy as np
import torch

from VertebraFLTLib.training.volume_intensity import vary_intensity


def patch():
    return torch.rand((12, 14, 16), generator=torch.Generator().manual_seed(1)) * 1.6 - 0.8


def test_nothing_asked_nothing_done(still):
    assert torch.equal(vary_intensity(patch(), still(), np.random.default_rng(0)), patch())


def test_the_generator_alone_decides(still):
    settings, results = still(intensity=0.7), []
    for seed in range(8):
        torch.manual_seed(seed)
        one, again = (vary_intensity(patch(), settings, np.random.default_rng(seed)) for _ in range(2))
        assert torch.equal(one, again) and one.min() >= -1 and one.max() <= 1 and one.shape == patch().shape
        results.append(one)
    assert sum(not torch.equal(one, patch()) for one in results) >= 6


def test_a_flat_patch_stays_flat_but_for_noise(still):
    flat, spreads = torch.full((16, 16, 16), 0.2), []
    for seed in range(30):
        seen = vary_intensity(flat, still(intensity=1.0), np.random.default_rng(seed))
        assert abs(float(seen.mean()) - 0.2) < 0.45
        spreads.append(float(seen.std()))
    assert max(spreads) < 0.065 and np.mean(spreads) > 0.01  # noise of at most 0.06, and no other pattern


def test_blur_softens_an_edge_and_moves_nothing(still):
    edge = torch.zeros((16, 16, 16))
    edge[8:] = 0.5
    softened = 0
    for seed in range(20):
        seen = vary_intensity(edge, still(intensity=1.0), np.random.default_rng(seed))
        step = seen.mean(dim=(1, 2))
        height = float(step[12:].mean() - step[:4].mean())
        softened += float(step[8] - step[7]) < 0.95 * height
        assert abs(float((step[7] + step[8]) / 2 - (step[0] + step[15]) / 2)) < 0.03
    assert 3 <= softened <= 17  # blurred in about half
