"""Discs along the centre line: at their height on it, as thin as they are, however the column and the map lie."""

from __future__ import annotations

import numpy as np
import pytest

from VertebraFLTLib.spine.centre_line import centre_line
from VertebraFLTLib.spine.disc_track import disc_track

LEAN = np.tan(np.radians(25.0))  # of the column, towards the front


def grid(spacing: tuple[float, float, float], flipped: bool) -> tuple[np.ndarray, np.ndarray]:
    """Voxel index to LPS mm of a box of 100 x 160 x 200 mm, and the points of its voxels (k, j, i, 3)."""
    size = [round(mm / s) for mm, s in zip((100.0, 160.0, 200.0), spacing, strict=True)]
    matrix = np.diag([*spacing, 1.0])
    if flipped:
        matrix[:2, :2] *= -1
        matrix[:2, 3] = [spacing[0] * (size[0] - 1), spacing[1] * (size[1] - 1)]
    k, j, i = np.mgrid[: size[2], : size[1], : size[0]]
    return matrix, np.stack([i, j, k], axis=-1) @ matrix[:3, :3].T + matrix[:3, 3]


def leaning(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distance from the axis of a column that leans, and height along it, of points (mm)."""
    along = np.array([0.0, -LEAN, 1.0]) / np.hypot(1.0, LEAN)
    from_foot = points - [50.0, 120.0, 0.0]
    height = from_foot @ along
    return np.linalg.norm(from_foot - height[..., None] * along, axis=-1), height


@pytest.mark.parametrize("flipped", [False, True])
@pytest.mark.parametrize("thickness", [5.0, 9.0])
def test_a_tilted_disc_is_as_thin_as_it_is_and_stands_at_its_height(flipped: bool, thickness: float):
    on_ct, ct_points = grid((2.0, 2.0, 4.0), False)
    column = leaning(ct_points)[0] <= 18.0
    on_map, points = grid((1.5, 1.5, 2.0), flipped)
    away, height = leaning(points)
    middle = 90.0 * np.hypot(1.0, LEAN)  # 90 mm above the foot
    discs = np.where((away <= 20.0) & (np.abs(height - middle) <= thickness / 2), 255, 0).astype(np.uint8)
    track = disc_track(discs, on_map, centre_line(column, on_ct))
    assert np.diff(track.z_mm) == pytest.approx(1.0) and track.share.min() >= 0 and track.share.max() <= 1.0
    clear = track.z_mm[track.share >= 0.5]
    assert clear.mean() == pytest.approx(90.0, abs=1.0)
    assert len(clear) == pytest.approx(thickness / np.hypot(1.0, LEAN), abs=1.5)
    assert track.share[np.abs(track.z_mm - 90.0) > 10.0].max() == 0.0


def test_where_the_map_ends_there_is_no_disc():
    matrix, points = grid((2.0, 2.0, 4.0), False)
    line = centre_line(leaning(points)[0] <= 18.0, matrix)
    short = np.full((20, *points.shape[1:3]), 255, np.uint8)
    track = disc_track(short, matrix, line)
    assert track.share[(track.z_mm > 15.0) & (track.z_mm < 60.0)].min() == 1.0
    assert track.share[track.z_mm > 95.0].max() == 0.0
