"""The bench's counting of patches and its tables, against cases worked by hand; nothing is timed."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).resolve().parents[1] / "Benchmarks"


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("bench_segmentation")


@pytest.fixture
def unet(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("peer_unet")


def test_window_stands_where_it_should(unet):
    pytest.importorskip("monai", reason="MONAI (extra 'train') is not installed")
    # Along 11 voxels a window of 4 in steps of 2 begins at 0, 2, 4, 6 and, to end with the volume, 7; along 4 once.
    found = unet.patches_of((11, 6, 4), (4, 4, 4), 0.5)
    assert [tuple(s.start for s in p) for p in found] == [(z, y, 0) for z in (0, 2, 4, 6, 7) for y in (0, 2)]
    assert all(s.stop - s.start == 4 for p in found for s in p)


def test_full_size_ct_has_324_patches(unet):
    pytest.importorskip("monai", reason="MONAI (extra 'train') is not installed")
    # nnU-Net's rule: ceil((n - 128) / 64) + 1 along each axis.
    assert len(unet.patches_of((627, 400, 400))) == 9 * 6 * 6


def test_patches_of_air_are_known_on_a_coarse_mask(unet):
    body = np.zeros((4, 4), bool)
    body[1, 2] = True  # the voxel (4, 8) of the full grid
    patches = [(slice(0, 4), slice(0, 16)), (slice(3, 7), slice(7, 11)), (slice(8, 12), slice(0, 16))]
    assert unet.holding(patches, body, 4) == [False, True, False]


def test_couch_is_not_body(unet):
    hu = np.full((8, 8, 8), -1000.0, np.float32)
    hu[:, 2:6, 2:6] = 40.0
    hu[:, 7] = -100.0
    body = unet.largest_body(hu, 1)
    assert body[:, 2:6, 2:6].all() and body.sum() == 8 * 4 * 4


def test_timed_patches_are_spread(unet):
    assert unet.spread([3, 5, 7, 9, 11], 3) == [3, 7, 11]
    assert unet.spread([3, 5], 6) == [3, 5]


MODEL = {
    "model": "m", "seconds": 4.0, "network_seconds": 2.0, "network_flop": 4e11, "peak_gb": 1.0, "matrix_flops": 4e11,
}  # fmt: skip
PEER = {
    "patches": 10, "body_patches": 5, "seconds": [1.0, 3.0], "patch_flop": 1e12, "peak_gb": 2.5, "matrix_flops": 8e11,
}  # fmt: skip


def test_rows_of_the_tables(bench):
    assert bench.row("m", MODEL) == "| m | 4.0 | 2.0 | 1.00 GB | 0.40 TFLOP | 200 GFLOP/s | 400 GFLOP/s | 0.50 |"
    rows = [bench.row(name, part) for name, part in bench.peer_parts(PEER)]
    assert rows == [
        "| 3-D U-Net, all 10 patches | | 20.0 | 2.50 GB | 10.00 TFLOP | 500 GFLOP/s | 800 GFLOP/s | 0.62 |",
        "| 3-D U-Net, the 5 patches with body | | 10.0 | 2.50 GB | 5.00 TFLOP | 500 GFLOP/s | 800 GFLOP/s | 0.62 |",
    ]
    assert bench.ratio_row(MODEL, PEER) == "| m | 5.0, 2.5 | 10.0, 5.0 | 20.0, 10.0 | 25.0, 12.5 |"


def test_estimate_is_said_to_be_one(bench):
    assert bench.patches_words(PEER).startswith("2 of 10 patches timed, 2.0 s each (1.0 to 3.0); the times below are")
    assert bench.patches_words({**PEER, "patches": 2}) == "all 2 patches timed, 2.0 s each (1.0 to 3.0)"
