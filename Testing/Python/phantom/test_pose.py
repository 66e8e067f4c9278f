"""The simulated patient in another pose: solids, masks and truth move as one, and only the pose changes."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from VertebraFLTLib.anatomy import LEVEL_BY_NAME
from VertebraFLTLib.errors import InputError
from VertebraFLTLib.phantom import PhantomOptions, PhantomSize, Pose, make_phantom
from VertebraFLTLib.phantom.case import patient_scene
from VertebraFLTLib.phantom.strokes import Strokes

SHIFTED = Pose((16.0, -8.0, 20.0))  # whole voxels of the tiny grids
TURNED = Pose((10.0, -6.0, 14.0), (4.0, -3.0, 6.0))


def centroid(mask: sitk.Image, value: int) -> np.ndarray:
    k, j, i = np.nonzero(sitk.GetArrayViewFromImage(mask) == value)
    return np.array(mask.TransformContinuousIndexToPhysicalPoint([float(v.mean()) for v in (i, j, k)]))


@pytest.mark.parametrize("pose", [SHIFTED, TURNED])
def test_masks_follow_the_pose(tiny: PhantomSize, pose: Pose) -> None:
    usual, posed = (make_phantom(1, 28, tiny, PhantomOptions(pose=p)) for p in (Pose(), pose))
    apart = pose.placed(centroid(usual.semantic, 2)) - centroid(posed.semantic, 2)  # hip bones: hundreds of voxels
    assert np.abs(apart).max() < 1.5
    for name in ("L4", "T12", "T8"):
        code = LEVEL_BY_NAME[name].code
        assert np.linalg.norm(pose.placed(centroid(usual.vertebrae, code)) - centroid(posed.vertebrae, code)) < 4.0
    body = (sitk.GetArrayViewFromImage(case.ct) > -500 for case in (usual, posed))
    assert next(body).sum() == pytest.approx(next(body).sum(), rel=0.05)


def test_truth_follows_the_pose(tiny: PhantomSize) -> None:
    usual, posed = (make_phantom(1, 28, tiny, PhantomOptions(pose=p)) for p in (Pose(), TURNED))
    for before, after in zip(usual.boundaries, posed.boundaries, strict=True):
        assert TURNED.placed(np.array(before.centre)) == pytest.approx(after.centre)
        assert after.z_mm == after.centre[2]
        turn = np.degrees(np.arccos(np.clip(np.dot(before.normal, after.normal), -1, 1)))
        assert turn < 8.0
        assert np.linalg.norm(after.normal) == pytest.approx(1.0)
        z = posed.pet_suv.TransformContinuousIndexToPhysicalPoint((0.0, 0.0, after.pet_slice))[2]
        assert z == pytest.approx(after.z_mm)


def test_a_bent_spine_keeps_its_vertebrae() -> None:
    usual, bent = (
        patient_scene(2, 7, PhantomOptions(pose=p)) for p in (Pose(), Pose(kyphosis_deg=8.0, scoliosis_deg=-6.0))
    )
    before, after = usual.plan, bent.plan
    assert [b.height for b in before.bodies] == [b.height for b in after.bodies]
    assert usual.uptake == bent.uptake

    def kyphosis(plan):
        names = [d.above for d in plan.discs]
        up, down = (plan.discs[names.index(n)].normal for n in ("T1", "T12"))
        return np.degrees(np.arctan2(down[1], down[2]) - np.arctan2(up[1], up[2]))

    assert kyphosis(after) - kyphosis(before) == pytest.approx(8.0, abs=0.5)
    assert np.abs(np.subtract(after.bodies[12].centre, before.bodies[12].centre)).max() > 3.0


def test_another_day_is_a_small_change_and_its_number_tells_which() -> None:
    poses = [Pose.of_another_day(n) for n in range(30)]
    assert poses[3] == Pose.of_another_day(3) and len(set(poses)) == 30
    assert max(abs(v) for p in poses for v in p.turn_deg) <= 6.0
    assert max(abs(v) for p in poses for v in p.shift_mm) <= 25.0
    assert np.std([p.kyphosis_deg for p in poses]) > 2.0


@pytest.mark.parametrize(
    "wrong", [{"shift_mm": (0, 0, 500.0)}, {"turn_deg": (0, float("nan"), 0)}, {"kyphosis_deg": 60.0}]
)
def test_a_pose_that_leaves_the_scanner_is_refused(wrong: dict) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        Pose(**wrong)


def test_strokes_on_a_turned_lattice_keep_their_distances() -> None:
    strokes = Strokes.curve([(3.0, 2.0, -4.0), (20.0, 12.0, 30.0)], [8.0, 5.0])
    turn = Pose(turn_deg=(8.0, -5.0, 12.0)).matrix
    axes = [np.linspace(-20, 40, n, dtype=np.float32) for n in (41, 37, 33)]
    z, y, x = np.meshgrid(axes[2], axes[1], axes[0], indexing="ij")
    turned = np.stack([x, y, z], axis=-1) @ turn.T
    on_lattice = strokes.distance(4.0)(*(np.ascontiguousarray(turned[..., a]) for a in range(3)))
    p, q = strokes.start[0], strokes.end[0]
    t = np.clip((turned - p) @ (q - p) / ((q - p) @ (q - p)), 0, 1)
    exact = np.linalg.norm(turned - p - t[..., None] * (q - p), axis=-1) - (8.0 - 3.0 * t)
    near = exact < 3.0
    assert near.sum() > 1000
    assert np.abs(on_lattice - exact)[near].max() < 0.01
