"""Bones of a patient as blocks in millimetres, painted on a grid of any spacing and obliquity."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest
import SimpleITK as sitk

Block = tuple[int, tuple[float, float], tuple[float, float], tuple[float, float]]  # label, x, y, z ranges in LPS mm


@lru_cache(maxsize=4)
def _positions(direction, spacing, origin, shape) -> list[np.ndarray]:
    step = np.array(direction).reshape(3, 3) * np.array(spacing)
    k, j, i = np.indices(shape, dtype=np.float32)
    return [step[axis, 0] * i + step[axis, 1] * j + step[axis, 2] * k + origin[axis] for axis in range(3)]


class Space:
    """A grid over 400 x 300 x 700 mm around the origin that blocks are painted on by physical position."""

    def __init__(self, spacing=(4.0, 4.0, 4.0), angle=0.0, size_mm=(400.0, 300.0, 700.0)):
        n = [int(mm / s) for mm, s in zip(size_mm, spacing, strict=True)]
        self.image = sitk.Image(n, sitk.sitkUInt8)
        self.image.SetSpacing(spacing)
        c, s = np.cos(angle), np.sin(angle)
        self.image.SetDirection((1, 0, 0, 0, c, -s, 0, s, c))
        middle = np.array(self.image.TransformContinuousIndexToPhysicalPoint([(k - 1) / 2 for k in n]))
        self.image.SetOrigin(tuple(-middle))
        self.mm = _positions(self.image.GetDirection(), spacing, self.image.GetOrigin(), tuple(n[::-1]))
        self.array = np.zeros(n[::-1], np.uint8)

    def inside(self, block: Block) -> np.ndarray:
        """Voxels of a block."""
        here = np.ones(self.array.shape, bool)
        for axis, (low, high) in enumerate(block[1:]):
            here &= (self.mm[axis] >= low) & (self.mm[axis] < high)
        return here

    def paint(self, *blocks: Block) -> sitk.Image:
        """All blocks as a mask."""
        for block in blocks:
            self.array[self.inside(block)] = block[0]
        mask = sitk.GetImageFromArray(self.array)
        mask.CopyInformation(self.image)
        return mask

    def kept(self, mask: sitk.Image, block: Block) -> float:
        """Share of a block that is still there."""
        here = self.inside(block)
        assert here.any()
        return float((sitk.GetArrayViewFromImage(mask)[here] == block[0]).mean())


def vertebra(z: float, x: float = 0.0, y: float = 60.0, height: float = 24.0) -> Block:
    """A lumbar body 45 mm wide and 33 mm deep whose lower endplate is at z."""
    return 1, (x - 22, x + 23), (y - 16, y + 17), (z, z + height)


HIPS: list[Block] = [(2, (-120, -55), (20, 100), (-250, -60)), (2, (55, 120), (20, 100), (-250, -60))]
SACRUM: Block = (4, (-45, 45), (70, 105), (-180, -95))
COLUMN = [vertebra(z) for z in range(-90, 300, 33)]
STERNUM: list[Block] = [(3, (-30, 30), (-60, -42), (230, 275)), (3, (-15, 18), (-72, -57), (105, 222))]
PATIENT = [*COLUMN, *HIPS, SACRUM, *STERNUM]


@pytest.fixture(scope="session")
def space():
    return Space


@pytest.fixture(scope="session")
def bones():
    """The patient's blocks by name."""
    return {"column": COLUMN, "hips": HIPS, "sacrum": SACRUM, "sternum": STERNUM, "all": PATIENT}


@pytest.fixture(scope="session")
def body():
    """Makes the block of a vertebral body."""
    return vertebra
