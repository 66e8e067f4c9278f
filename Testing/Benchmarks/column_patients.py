"""Simulated patients for the boundary benchmark: spine and sacrum of the phantom, on grids cropped around them.

Anatomy, uptake, point spread and noise are the phantom's; what a whole body would add to a profile inside the column is
left out, which makes a hundred patients under fifty conditions a matter of minutes. Heights of bodies and discs vary
independently of the detectors' prior: bodies after Panjabi et al. (1991, 1992), as in the phantom, with the spread of
Palm et al. (Scientific Reports 2025, AI-based CT assessment of 3117 vertebrae); thoracic discs by the mean heights and
spread of Fletcher et al. (European Spine Journal 2015), which are lower than the phantom's.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import SimpleITK as sitk
from column_conditions import NOISE, Anatomy, Condition
from scipy.ndimage import binary_dilation, binary_erosion, gaussian_filter, generate_binary_structure

from VertebraFLTLib.anatomy import LEVEL_BY_NAME, SACRUM, VERTEBRAL_BODY
from VertebraFLTLib.column import column_of, column_on_pet
from VertebraFLTLib.phantom.arches import arch_solid
from VertebraFLTLib.phantom.ct import finish_ct
from VertebraFLTLib.phantom.grid import Grid
from VertebraFLTLib.phantom.pelvis import sacrum_solids
from VertebraFLTLib.phantom.pet import FWHM_PER_SIGMA, add_noise
from VertebraFLTLib.phantom.render import Coverage, coverages, draw_ct, draw_labels
from VertebraFLTLib.phantom.solids import Material, Solid, ellipsoid
from VertebraFLTLib.phantom.spine_shape import SpinePlan, level_names, plan_spine
from VertebraFLTLib.phantom.thorax import plan_cage, plan_sternum, rib_solids
from VertebraFLTLib.phantom.uptake import TISSUE_SUV, MarrowUptake, marrow_uptake
from VertebraFLTLib.phantom.vertebra import body_solid, disc_solid
from VertebraFLTLib.spine.cleanup import regularise_column
from VertebraFLTLib.spine.disc_track import DiscTrack

FINE_MM = (2.0, 2.0, 1.5)  # x, y, z: activity before sampling
SACRUM_TOP = np.array([0.0, 26.0, 90.0])

# Standard deviations, of logarithms.
STATURE = 0.06
BODY_HEIGHT = 0.04  # of one body around its patient's; Panjabi's twelve spines show 4 to 7 % without removing stature
REGION_HEIGHT = 0.03  # of a patient's lumbar, thoracic and cervical spine against each other
DISC_HEIGHT = {"T": 0.25, "L": 0.15, "C": 0.15}  # Fletcher: 0.7 of 2.7 mm at T4/T5, 1.2 of 5.4 mm at T10/T11
HIGHEST_DISC = 1.5  # standard deviations: discs wear down, they do not grow
THORACIC_DISC = 0.78  # Fletcher's mean heights relative to the phantom's
LEVEL_UPTAKE = 0.10
WITHIN_BODY = 0.08  # of marrow uptake over some 10 mm: the small fluctuations of the thesis's figure 27
WITHIN_BODY_MM = 10.0
CT_NOISE_HU = 14.0
BESIDE_MM = 60.0, 26.0  # what the CT shows more than the masks: to either side, and behind, where ribs are
LAST_RIB_DEG = 38.0, 14.0  # where the lowest ribs end (0 back, 90 side): one in ten is no longer than a process


@dataclass(frozen=True)
class Case:
    """What a detector's run starts from, and the truth: disc centres as (below, above, z in the PET's content)."""

    pet_suv: sitk.Image
    semantic: sitk.Image
    column: np.ndarray  # the semantic mask's regularised column
    on_pet: np.ndarray  # the PET's voxels inside it
    truth: tuple[tuple[str, str, float], ...]
    levels: tuple[str, ...]  # from the lowest up, as far as they are in view
    ct: sitk.Image | None = None  # on the mask's grid
    ct_beside: sitk.Image | None = None  # the same slices, wide enough for ribs
    discs: DiscTrack | None = None  # as a network sees them in that CT


_ON_PET: dict[tuple[object, ...], np.ndarray] = {}  # several conditions share mask and PET grid


def simulate(seed: int, condition: Condition) -> Case:
    """One patient under one condition. The same seed is the same patient under all of them."""
    rng = np.random.default_rng([seed, zlib.crc32(condition.name.encode()), condition.day + 1])
    plan = _plan(seed, condition.anatomy)
    fine = _fine_grid(plan)
    activity = _activity(seed, condition.anatomy, condition.day, condition.lesion, condition.psf_mm)
    low, high = _field_of_view(seed, condition.anatomy, condition.cut)
    phase = float(np.random.default_rng([seed, 11, round(10 * condition.spacing_mm)]).uniform())
    pet = scan(activity, fine, condition, (low - condition.shift_mm, high), phase, rng)
    semantic, column = _mask(seed, condition.anatomy, condition.cut, condition.ct_mm, condition.mask)
    discs = tuple((d.below, d.above, float(d.centre[2]) + condition.shift_mm) for d in plan.discs if d.below != "S1")
    ct, beside = _ct(seed, condition.anatomy, condition.cut, condition.ct_mm) if condition.with_ct else (None, None)
    key = (seed, condition.anatomy, condition.cut, condition.ct_mm, condition.mask, pet.GetSize(), pet.GetOrigin())
    if key not in _ON_PET:
        if len(_ON_PET) > 12:
            _ON_PET.clear()
        _ON_PET[key] = column_on_pet(pet, semantic, column)
    return Case(pet, semantic, column, _ON_PET[key], discs, tuple(b.name for b in plan.bodies), ct, beside)


def scan(
    summed: np.ndarray,
    fine: Grid,
    condition: Condition,
    view: tuple[float, float],
    phase: float,
    rng: np.random.Generator,
) -> sitk.Image:
    """The PET of an activity (see :func:`summed_activity`) between two heights, with uneven marrow and noise.

    The first slice begins ``phase`` (0 to 1) of a slice above the lower height.
    """
    pet, grid = _sampled(summed, fine, condition.spacing_mm, *view, phase)
    marrow = rng.standard_normal(pet.shape, dtype=np.float32)
    marrow = gaussian_filter(marrow, [WITHIN_BODY_MM / FWHM_PER_SIGMA / s for s in grid.spacing[::-1]], mode="wrap")
    pet = pet * (1 + WITHIN_BODY / marrow.std() * marrow)
    noise = NOISE[condition.noise] * np.sqrt(4.0 / condition.spacing_mm)
    return grid.moved((0.0, 0.0, condition.shift_mm)).image(add_noise(pet, grid, noise, rng))


def summed_activity(suv: np.ndarray, psf_mm: float) -> np.ndarray:
    """Uptake on the fine grid, blurred, averaged over the PET's pixels of 4 mm and summed from below.

    So a slice between any two heights is a difference of two layers.
    """
    sigma = [psf_mm / FWHM_PER_SIGMA / s for s in FINE_MM[::-1]]
    blurred = gaussian_filter(suv, sigma, mode="nearest", truncate=3.0)
    nz, ny, nx = blurred.shape
    plane = blurred.reshape(nz, ny // 2, 2, nx // 2, 2).mean(axis=(2, 4))
    return np.concatenate([np.zeros((1, *plane.shape[1:]), plane.dtype), np.cumsum(plane, axis=0)])


@lru_cache(maxsize=4)
def _plan(seed: int, anatomy: Anatomy) -> SpinePlan:
    shape, heights = np.random.default_rng(seed).spawn(2)
    names = level_names(anatomy.thoracic, anatomy.lumbar)
    stretch = _heights(names, heights)
    if anatomy.fracture:
        broken = names[int(heights.integers(2, anatomy.lumbar + 7))]
        stretch[broken] = (0.55 * stretch[broken][0], stretch[broken][1])
    return plan_spine(
        shape,
        SACRUM_TOP,
        kyphosis_deg=anatomy.kyphosis_deg,
        scoliosis_deg=anatomy.scoliosis_deg,
        thoracic=anatomy.thoracic,
        lumbar=anatomy.lumbar,
        variation=1.0,
        stretch=stretch,
    )


def _heights(names: Sequence[str], rng: np.random.Generator) -> dict[str, tuple[float, float]]:
    stature = float(np.exp(STATURE * np.clip(rng.standard_normal(), -2, 2)))
    region = {r: stature * float(np.exp(REGION_HEIGHT * rng.standard_normal())) for r in "CTL"}
    found = {}
    for name in names:
        body, disc = np.clip(rng.standard_normal(2), -2.5, (2.5, HIGHEST_DISC))
        thin = THORACIC_DISC if name[0] == "T" else 1.0
        found[name] = (
            region[name[0]] * float(np.exp(BODY_HEIGHT * body)),
            stature * thin * float(np.exp(DISC_HEIGHT[name[0]] * disc)),
        )
    return found


@lru_cache(maxsize=4)
def _solids(seed: int, anatomy: Anatomy) -> tuple[Solid, ...]:
    """Shapes in laying order; their uptake is set later."""
    plan, bone = _plan(seed, anatomy), _bone(0.0, 1.1)
    soft = Material(50, TISSUE_SUV["muscle"])
    return (
        *(arch_solid(body, bone) for body in plan.bodies),
        *sacrum_solids(plan, _bone(0.0, 1.4), soft, 3.0),
        *(disc_solid(disc, Material(80, TISSUE_SUV["disc"])) for disc in plan.discs if disc.above != "C1"),
        *(body_solid(body, bone) for body in plan.bodies),
    )


def _bone(suv: float, rim_mm: float) -> Material:
    cold = TISSUE_SUV["cortex"]
    return Material(200, suv, rim_mm, 700, cold, cold_mm=min(0.5 * rim_mm, 1.0))


def _fine_grid(plan: SpinePlan) -> Grid:
    """Around the bodies, in plane a multiple of the PET's 4 mm, from below the sacrum's upper half to above C1."""
    centres = np.array([b.centre for b in plan.bodies])
    low = np.array([centres[:, 0].min() - 36, centres[:, 1].min() - 30, 0.0])
    high = np.array([centres[:, 0].max() + 36, centres[:, 1].max() + 40, centres[-1, 2] + 40])
    nx, ny = (4 * int(np.ceil((high[i] - low[i]) / (4 * FINE_MM[i]))) for i in (0, 1))
    nz = int((high[2] - low[2]) / FINE_MM[2])
    return Grid((nx, ny, nz), FINE_MM, (float(low[0]), float(low[1]), FINE_MM[2] / 2))


@lru_cache(maxsize=2)
def _shares(seed: int, anatomy: Anatomy) -> list[Coverage]:
    return list(coverages(_solids(seed, anatomy), _fine_grid(_plan(seed, anatomy)), 1, uptake=True))


@lru_cache(maxsize=2)
def _drawn(seed: int, anatomy: Anatomy, day: int, lesion: str) -> np.ndarray:
    """True uptake on the fine grid."""
    plan = _plan(seed, anatomy)
    rng = np.random.default_rng([seed, 7, day + 1])
    uptake = marrow_uptake(day, rng, [b.name for b in plan.bodies], 1.0)
    levels = {n: suv * float(np.exp(LEVEL_UPTAKE * rng.standard_normal())) for n, suv in uptake.by_level.items()}
    at = list(levels)[int(np.random.default_rng([seed, 8]).integers(1, 14))]
    if lesion == "cement":
        levels[at] = 0.3
    if lesion == "flat":
        levels = dict.fromkeys(levels, TISSUE_SUV["disc"])
    grid = _fine_grid(plan)
    parts = list(_shares(seed, anatomy))
    if lesion == "hot":
        body = plan.body(at)
        place = body.centre + rng.uniform(-0.25, 0.25, 3) * [body.half_width[0], body.half_depth[0], body.height]
        bounds, distance = ellipsoid(place, (8.0, 8.0, 7.0))
        hot = Solid("hot spot", bounds, distance, Material(200, 3 * levels[at]))
        parts += coverages([hot], grid, 1, uptake=True)
    suv = np.full(grid.shape, TISSUE_SUV["muscle"], dtype=np.float32)
    for part in parts:
        block = suv[part.where]
        block *= 1 - part.whole
        rim = np.float32(part.solid.material.rim_suv)
        block += (part.whole - part.core) * rim + part.core * np.float32(_core_suv(part.solid, levels, uptake))
    return suv


def _core_suv(solid: Solid, levels: dict[str, float], uptake: MarrowUptake) -> float:
    if solid.label == VERTEBRAL_BODY.label:
        return levels[solid.name]
    if solid.label == SACRUM.label:
        return uptake.sacrum
    if solid.name.startswith("arch "):
        return 0.6 * levels[solid.name.split()[1]]
    return solid.material.core_suv


@lru_cache(maxsize=8)
def _activity(seed: int, anatomy: Anatomy, day: int, lesion: str, psf_mm: float) -> np.ndarray:
    return summed_activity(_drawn(seed, anatomy, day, lesion), psf_mm)


def _field_of_view(seed: int, anatomy: Anatomy, cut: tuple[int, int]) -> tuple[float, float]:
    """Where PET and CT begin and end (mm)."""
    plan, rng = _plan(seed, anatomy), np.random.default_rng([seed, 9])
    low, high = 5.0, float(plan.bodies[-1].centre[2]) + 35.0
    if cut[0]:
        body = plan.bodies[cut[0]]
        low = float(body.centre[2]) + float(rng.uniform(-0.4, 0.4)) * body.height
    if cut[1]:
        body = plan.bodies[-1 - cut[1]]
        high = float(body.centre[2]) + float(rng.uniform(-0.4, 0.4)) * body.height
    return low, high


def _sampled(
    summed: np.ndarray, fine: Grid, spacing_mm: float, low: float, high: float, phase: float
) -> tuple[np.ndarray, Grid]:
    """PET slices of ``spacing_mm`` between ``low`` and ``high``; the first begins ``phase`` (0 to 1) above ``low``."""
    nz, ny, nx = summed.shape
    first = max(low, 0.0) + phase * spacing_mm
    edges = first + spacing_mm * np.arange(int((min(high, (nz - 2) * FINE_MM[2]) - first) / spacing_mm) + 1)
    position = edges / FINE_MM[2]
    below = np.floor(position).astype(int)
    share = (position - below)[:, None, None].astype(np.float32)
    at = (1 - share) * summed[below] + share * summed[below + 1]
    pet = np.diff(at, axis=0) * np.float32(FINE_MM[2] / spacing_mm)
    origin = (fine.origin[0] + FINE_MM[0] / 2, fine.origin[1] + FINE_MM[1] / 2, float(edges[0] + spacing_mm / 2))
    spacing = (2 * FINE_MM[0], 2 * FINE_MM[1], spacing_mm)
    return pet, Grid((nx, ny, len(pet)), spacing, origin)


@lru_cache(maxsize=4)
def _labels(seed: int, anatomy: Anatomy, ct_mm: float) -> tuple[np.ndarray, np.ndarray, Grid]:
    fine = _fine_grid(_plan(seed, anatomy))
    height = fine.size[2] * FINE_MM[2]
    grid = Grid((fine.size[0], fine.size[1], int(height / ct_mm)), (*FINE_MM[:2], ct_mm), (*fine.origin[:2], ct_mm / 2))
    return *draw_labels([s for s in _solids(seed, anatomy) if s.label], grid, 4), grid


_CROSS = generate_binary_structure(3, 1) & np.array([False, True, False])[:, None, None]


@lru_cache(maxsize=12)
def _mask(seed: int, anatomy: Anatomy, cut: tuple[int, int], ct_mm: float, error: str) -> tuple[sitk.Image, np.ndarray]:
    """The semantic mask on the CT's grid in the field of view, with an error as networks make it, and its column."""
    rng = np.random.default_rng([seed, zlib.crc32(error.encode())])
    semantic, vertebrae, grid = _labels(seed, anatomy, ct_mm)
    bodies = semantic == VERTEBRAL_BODY.label
    names = [b.name for b in _plan(seed, anatomy).bodies]
    chosen = vertebrae == LEVEL_BY_NAME[names[int(rng.integers(1, 15))]].code
    if error == "eroded":
        bodies = binary_erosion(bodies, _CROSS, iterations=2)  # 4 mm in plane
    elif error == "dilated":
        bodies = binary_dilation(bodies, _CROSS, iterations=2)
    elif error == "missed":
        bodies = bodies & ~chosen
    elif error == "hole":
        centre = np.argwhere(chosen).mean(axis=0)
        z, y, x = np.ogrid[tuple(slice(n) for n in bodies.shape)]
        away = [(i - c) * s for i, c, s in zip((z, y, x), centre, grid.spacing[::-1], strict=True)]
        bodies = bodies & (away[0] ** 2 + away[1] ** 2 + away[2] ** 2 > 12.0**2)
    elif error == "into S1":
        z = grid.axis(2)[:, None, None]
        bodies = bodies | ((semantic == SACRUM.label) & (z > SACRUM_TOP[2] - float(rng.uniform(8, 30))))
    elif error == "filled":
        bodies = regularise_column(bodies, grid.spacing[::-1])
    changed = np.where(semantic == VERTEBRAL_BODY.label, np.uint8(0), semantic)
    changed[bodies] = VERTEBRAL_BODY.label
    image = _in_view(changed, grid, _field_of_view(seed, anatomy, cut))
    return image, column_of(image)


@lru_cache(maxsize=4)
def _ct(seed: int, anatomy: Anatomy, cut: tuple[int, int], ct_mm: float) -> tuple[sitk.Image, sitk.Image]:
    """Spine, sacrum and ribs in soft tissue, with noise: on the mask's grid, and wide enough for ribs."""
    rng = np.random.default_rng([seed, 10])
    _, _, grid = _labels(seed, anatomy, ct_mm)
    side, behind = (round(mm / step) for mm, step in zip(BESIDE_MM, FINE_MM, strict=False))
    (nx, ny, nz), (x0, y0, z0) = grid.size, grid.origin
    wide = Grid((nx + 2 * side, ny + behind, nz), grid.spacing, (x0 - side * FINE_MM[0], y0, z0))
    spongy = float(rng.uniform(110, 210))
    bones = [
        replace(s, material=replace(s.material, core_hu=spongy, texture_hu=45.0)) if s.material.rim_mm else s
        for s in (*_ribs(seed, anatomy), *_solids(seed, anatomy))
    ]
    everywhere = Solid("soft", ((-999.0,) * 3, (9999.0,) * 3), lambda x, y, z: 0 * (x + y + z) - 99, Material(50, 0.0))
    drawn = draw_ct([replace(everywhere, coarse=True), *bones], wide, max(1, round(ct_mm / 1.25)), rng)
    hu = finish_ct(drawn.hu, FINE_MM[0], CT_NOISE_HU, rng)
    view = _field_of_view(seed, anatomy, cut)
    return _in_view(hu[:, :ny, side : side + nx], grid, view), _in_view(hu, wide, view)


def _ribs(seed: int, anatomy: Anatomy) -> list[Solid]:
    """Ribs without their cartilages, the lowest pair of any length."""
    plan = _plan(seed, anatomy)
    cage = plan_cage(plan, plan.scale)
    length = np.random.default_rng([seed, 12]).normal(*LAST_RIB_DEG)
    bone = _bone(0.0, 1.0)
    solids = rib_solids(plan, cage, bone, bone, plan_sternum(plan, cage, plan.scale), float(np.clip(length, 16, 60)))
    return [s for s in solids if s.name.startswith("rib")]


def _in_view(array: np.ndarray, grid: Grid, view: tuple[float, float]) -> sitk.Image:
    z = grid.axis(2)
    inside = np.flatnonzero((z >= view[0]) & (z <= view[1]))
    first = int(inside[0])
    kept = Grid((*grid.size[:2], len(inside)), grid.spacing, (*grid.origin[:2], float(z[first])))
    return kept.image(array[first : first + len(inside)])
