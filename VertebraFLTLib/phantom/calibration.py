"""How the thesis's sums of SUV see a phantom: the measure by which its uptake was matched to the thesis's tables."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
from scipy.ndimage import binary_dilation, find_objects, generate_binary_structure

from VertebraFLTLib.anatomy import HIP_BONE, LEVEL_BY_NAME, SACRUM, STERNUM, VERTEBRAL_BODY

from .case import PhantomCase
from .options import SIZES, PhantomOptions
from .pet import blurred_uptake
from .render import draw_labels
from .scene import build_scene
from .spine_shape import level_names
from .uptake import PET_VOXEL_ML, MarrowUptake

_BALL = generate_binary_structure(3, 1)
_CROSS = np.stack([np.zeros((3, 3), bool), generate_binary_structure(2, 1), np.zeros((3, 3), bool)])


def table_sums(case: PhantomCase, noise_free: bool = False) -> dict[str, float]:
    """Sums of SUV as the thesis's tables 7 and 8 have them: each level, ``column``, ``pelvis``, ``sternum``.

    The true masks on the PET grid are dilated by one voxel, a level's only in plane (thesis, section 5.2.2). The sum
    is scaled to voxels of 0.064 ml.
    """
    image = case.pet_truth_suv if noise_free else case.pet_suv
    voxel_ml = float(np.prod(image.GetSpacing())) / 1000
    suv = sitk.GetArrayFromImage(image)
    semantic = sitk.GetArrayFromImage(case.pet_semantic)
    vertebrae = sitk.GetArrayFromImage(case.pet_vertebrae)
    sums = _sums(suv, semantic, vertebrae, list(case.levels))
    return {name: value * voxel_ml / PET_VOXEL_ML for name, value in sums.items()}


def _sums(suv: np.ndarray, semantic: np.ndarray, vertebrae: np.ndarray, levels: list[str]) -> dict[str, float]:
    sums = {name: _dilated_sum(suv, vertebrae == LEVEL_BY_NAME[name].code, _CROSS) for name in levels}
    regions = {"column": (VERTEBRAL_BODY,), "pelvis": (HIP_BONE, SACRUM), "sternum": (STERNUM,)}
    for name, structures in regions.items():
        sums[name] = _dilated_sum(suv, np.isin(semantic, [s.label for s in structures]), _BALL)
    return sums


def _dilated_sum(suv: np.ndarray, mask: np.ndarray, structure: np.ndarray) -> float:
    found = find_objects(mask.astype(np.uint8))
    if not found:
        return 0.0
    box = tuple(slice(max(s.start - 1, 0), s.stop + 1) for s in found[0])
    return float(suv[box][binary_dilation(mask[box], structure)].sum(dtype=np.float64))


def measure_seen() -> dict[str, tuple[float, float]]:
    """The table ``uptake._SEEN``, measured on the nominal patient at full size.

    The sum is linear in marrow uptake: one scene with marrow at 0 gives what comes from outside it, one at 1 the rest.
    """
    size, options = SIZES["full"], PhantomOptions(variation=0.0)
    grid, levels = size.pet_grid(), level_names(options.thoracic, options.lumbar)
    measured = []
    for value in (0.0, 1.0):
        uptake = MarrowUptake(dict.fromkeys(levels, value), value, value, value, 0.6 * value)
        scene = build_scene(np.random.default_rng(0), 28, options, detail_mm=2.5, uptake=uptake)
        suv = blurred_uptake(scene.solids, grid, size.pet_subdivision, options)
        measured.append(_sums(suv, *draw_labels(scene.solids, grid, 4), levels))
    off, on = measured
    return {name: (round((on[name] - off[name]) * PET_VOXEL_ML, 2), round(off[name] * PET_VOXEL_ML, 2)) for name in off}
