"""Slicing the column: VerSe numbers, the boundary's own PET slice belongs to nobody, axial or oblique."""

from __future__ import annotations

import numpy as np

from VertebraFLTLib.anatomy import LEVEL_BY_NAME
from VertebraFLTLib.spine.boundaries import Boundary, BoundarySet
from VertebraFLTLib.spine.instances import label_vertebrae
from VertebraFLTLib.spine.levels import names_up


def set_of(*z: float, lowest: str = "L5", **more: object) -> BoundarySet:
    names = names_up(lowest, len(z) + 1)
    bounds = tuple(Boundary(names[i], names[i + 1], at, at, 1.0, 0.9, "user") for i, at in enumerate(z))
    return BoundarySet(bounds, 0.0, 100.0, **more)  # type: ignore[arg-type]


def placed(z0: float = 0.5, *, k: float = 1.0, j: float = 0.0) -> np.ndarray:
    """Voxel index to mm: 1 mm voxels whose height rises by ``k`` a slice and ``j`` a row."""
    matrix = np.eye(4)
    matrix[2] = (0.0, j, k, z0)
    return matrix


def test_slices_are_numbered_and_boundary_slices_are_empty():
    column = np.zeros((100, 6, 6), bool)
    column[:, 2:4, 2:4] = True
    labels = label_vertebrae(column, placed(), set_of(34.0, 68.0), slice_spacing_mm=4.0)
    assert labels.dtype == np.uint8
    line = labels[:, 2, 2]
    assert line[:32].tolist() == [LEVEL_BY_NAME["L5"].code] * 32
    assert line[32:36].tolist() == [0] * 4  # 34 +- 2 mm
    assert line[36:66].tolist() == [LEVEL_BY_NAME["L4"].code] * 30
    assert line[70:].tolist() == [LEVEL_BY_NAME["L3"].code] * 30
    assert not labels[~column].any()


def test_order_of_slices_does_not_matter():
    column = np.ones((100, 2, 2), bool)
    bounds = set_of(34.0, 68.0, lowest="T8")
    up = label_vertebrae(column, placed(), bounds, 4.0)
    down = label_vertebrae(column, placed(99.5, k=-1.0), bounds, 4.0)
    np.testing.assert_array_equal(down, up[::-1])
    assert set(np.unique(up)) == {0, 15, 14, 13}


def test_an_oblique_map_cuts_along_the_patient_not_the_slices():
    k, j = np.meshgrid(np.arange(50), np.arange(10), indexing="ij")
    z = (2.0 * k + 0.5 * j)[:, :, None] * np.ones((1, 1, 3))
    column = np.ones(z.shape, bool)
    labels = label_vertebrae(column, placed(0.0, k=2.0, j=0.5), set_of(34.0, 68.0), 4.0)
    inside = (z > 36) & (z < 66)
    assert (labels[inside] == LEVEL_BY_NAME["L4"].code).all()
    assert (labels[np.abs(z - 34) < 2] == 0).all()
    assert (labels[z < 31] == LEVEL_BY_NAME["L5"].code).all()


def test_what_is_no_single_vertebra_stays_empty():
    column = np.ones((100, 2, 2), bool)
    labels = label_vertebrae(column, placed(), set_of(15.0, 31.0, lowest="C7"), 2.0)
    assert not labels[32:].any()  # 69 mm above C6/C5 hold the rest of the neck
    assert set(np.unique(labels)) == {0, 7, 6}


def test_oblique_cuts_part_a_tilted_stack_that_axial_ones_mix():
    """Blocks of 30 mm stacked along an axis that leans 25 degrees to the front, voxels of 1 x 1 x 5 mm."""
    lean = np.radians(25.0)
    up, back = np.array([0.0, -np.sin(lean), np.cos(lean)]), np.array([0.0, np.cos(lean), np.sin(lean)])
    matrix = np.diag([1.0, 1.0, 5.0, 1.0])
    matrix[:3, 3] = (-15.0, -75.0, 2.5)
    k, j, i = np.meshgrid(np.arange(24), np.arange(100), np.arange(30), indexing="ij")
    points = np.stack([i, j, k], axis=-1) @ matrix[:3, :3].T + matrix[:3, 3]
    along, across = points @ up, points @ back
    column = (np.abs(across) < 14) & (along > 5) & (along < 113)
    truth = np.select([along < 41, along < 77], [24, 23], 22) * column

    def cut(normal: tuple[float, float, float]) -> np.ndarray:
        centres = [tuple(float(c) for c in up * at) for at in (41.0, 77.0)]
        names = ("L5", "L4", "L3")
        bounds = tuple(
            Boundary(names[n], names[n + 1], c[2] / 4, c[2], 1.0, 0.9, "user", centre_mm=c, normal=normal)
            for n, c in enumerate(centres)
        )
        return label_vertebrae(column, matrix, BoundarySet(bounds, 0.0, 108.0), 4.0)

    oblique, axial = cut((0.0, float(up[1]), float(up[2]))), cut((0.0, 0.0, 1.0))
    assert np.array_equal(oblique[oblique > 0], truth[oblique > 0])
    assert (axial != truth)[axial > 0].mean() > 0.03
    # The layer that belongs to no vertebra is one PET slice thick, measured square to the plane.
    empty = (oblique == 0) & column & (points[..., 2] < 108)
    assert np.array_equal(empty, column & (points[..., 2] < 108) & (np.minimum(abs(along - 41), abs(along - 77)) < 2))
