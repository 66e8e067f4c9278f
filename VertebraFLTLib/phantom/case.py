"""The phantom's front door: one seeded patient as CT, PET and exact truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from VertebraFLTLib.anatomy import LEVEL_BY_NAME
from VertebraFLTLib.errors import InputError
from VertebraFLTLib.progress import Progress, silent

from .ct import finish_ct
from .grid import Point
from .options import DAYS, SIZES, PhantomOptions, PhantomSize
from .pet import simulate_pet
from .render import draw_column, draw_ct, draw_labels
from .scene import Scene, build_scene


@dataclass(frozen=True)
class TrueBoundary:
    """One disc. ``centre`` (LPS mm) lies in the middle of the column, ``normal`` is its unit normal upwards.

    ``z_mm`` is the anatomical height (that of the CT); ``pet_slice`` the fractional PET slice at which the disc lies
    in the PET's content, which differs where ``pet_shift_mm`` moves the PET.
    """

    below: str
    above: str
    z_mm: float
    pet_slice: float
    centre: Point
    normal: Point


@dataclass(frozen=True)
class PhantomCase:
    """A simulated patient. Images are LPS; ``ct``, ``semantic``, ``vertebrae`` share a grid, the PET images another.

    ``pet_truth_suv`` is the PET after blur and before noise; ``pet_semantic`` and ``pet_vertebrae`` are the truth
    drawn straight onto the PET grid (moved along with the PET's content), ``pet_column`` likewise, discs included.
    ``marrow_suv`` is the true uptake of each level's marrow, of ``sacrum``, ``hip_bone`` and ``sternum``.
    """

    ct: sitk.Image  # int16 HU
    pet_suv: sitk.Image  # float32
    semantic: sitk.Image  # uint8, labels of anatomy.STRUCTURES
    vertebrae: sitk.Image  # uint8, VerSe numbers
    boundaries: tuple[TrueBoundary, ...]  # from the lowest up, the first is L5/S1
    marrow_suv: Mapping[str, float]
    pet_truth_suv: sitk.Image
    pet_semantic: sitk.Image
    pet_vertebrae: sitk.Image
    pet_column: np.ndarray  # kji bool, PET grid
    levels: tuple[str, ...]  # from the lowest up
    seed: int
    day: int
    size: PhantomSize
    options: PhantomOptions


def make_phantom(
    seed: int = 0,
    day: int = 28,
    size: PhantomSize | str = "demo",
    options: PhantomOptions | None = None,
    progress: Progress = silent,
) -> PhantomCase:
    """Simulate one patient; the same arguments give bit-identical images.

    ``size`` is ``"full"``, ``"demo"``, ``"small"`` or a :class:`PhantomSize`; the patient of a seed is the same at
    every size. Raises :class:`InputError` for an unknown day, size or a negative seed.
    """
    if isinstance(size, str):
        if size not in SIZES:
            raise InputError(f"phantom size is {size!r}: choose one of {', '.join(SIZES)}")
        size = SIZES[size]
    options = options or PhantomOptions()
    detail_mm = max(size.ct_spacing[0], size.pet_spacing[0] / 2) + 0.5
    scene = patient_scene(seed, day, options, detail_mm)
    _, ct_noise, pet_noise = _generators(seed)
    ct_grid, pet_grid = size.ct_grid(), size.pet_grid()
    sub_z = max(1, round(size.ct_spacing[2] / 1.25))
    drawing = draw_ct(scene.solids, ct_grid, sub_z, ct_noise, progress)
    ct = finish_ct(drawing.hu, size.ct_spacing[0], options.ct_noise_hu, ct_noise, progress)
    pet = simulate_pet(scene.solids, size, options, pet_noise, progress)
    moved = pet_grid.moved(tuple(-s for s in options.pet_shift_mm))  # type: ignore[arg-type]
    pet_semantic, pet_vertebrae = draw_labels(scene.solids, moved, 4)
    return PhantomCase(
        ct=ct_grid.image(ct),
        pet_suv=pet_grid.image(pet.suv),
        semantic=ct_grid.image(drawing.semantic),
        vertebrae=ct_grid.image(drawing.vertebrae),
        boundaries=_boundaries(scene, pet_grid.origin[2] - options.pet_shift_mm[2], pet_grid.spacing[2]),
        marrow_suv={
            **scene.uptake.by_level,
            "sacrum": scene.uptake.sacrum,
            "hip_bone": scene.uptake.hip_bone,
            "sternum": scene.uptake.sternum,
        },
        pet_truth_suv=pet_grid.image(pet.truth_suv),
        pet_semantic=pet_grid.image(pet_semantic),
        pet_vertebrae=pet_grid.image(pet_vertebrae),
        pet_column=draw_column(scene.solids, moved, 4),
        levels=tuple(b.name for b in scene.plan.bodies),
        seed=seed,
        day=day,
        size=size,
        options=options,
    )


def patient_scene(seed: int = 0, day: int = 28, options: PhantomOptions | None = None, detail_mm: float = 2.5) -> Scene:
    """The patient of a seed before any image is made: shapes, spine and uptake. Raises as :func:`make_phantom`."""
    if day not in DAYS:
        raise InputError(f"phantom day is {day}: choose one of {', '.join(map(str, DAYS))}")
    if seed < 0:
        raise InputError(f"phantom seed is {seed}: give a whole number of 0 or more")
    return build_scene(_generators(seed)[0], day, options or PhantomOptions(), detail_mm)


def _generators(seed: int) -> list[np.random.Generator]:
    """Independent streams for the patient, the CT's noise and the PET's: a patient is the same at every size."""
    return np.random.default_rng(seed).spawn(3)


def _boundaries(scene: Scene, first_slice_z: float, spacing: float) -> tuple[TrueBoundary, ...]:
    discs = scene.plan.discs
    centres = [scene.pose.placed(disc.centre) for disc in discs]
    return tuple(
        TrueBoundary(
            below=disc.below,
            above=disc.above,
            z_mm=float(centre[2]),
            pet_slice=float((centre[2] - first_slice_z) / spacing),
            centre=tuple(float(c) for c in centre),  # type: ignore[arg-type]
            normal=tuple(float(c) for c in scene.pose.turned(disc.normal)),  # type: ignore[arg-type]
        )
        for disc, centre in zip(discs, centres, strict=True)
    )


def level_code(name: str) -> int:
    """VerSe number of a level name."""
    return LEVEL_BY_NAME[name].code
