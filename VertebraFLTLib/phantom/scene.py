"""One simulated patient as a list of solids, in the order in which they are laid over each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .arches import arch_solid
from .bowel import bowel_solids
from .lungs import lung_solids
from .options import PhantomOptions
from .organs import abdomen_solids, chest_solids
from .pelvis import Landmarks, hip_solids, sacrum_solids
from .pose import Pose, laid
from .skull import head_solids
from .solids import Material, Solid
from .spine_shape import SpinePlan, plan_spine
from .strokes import Strokes
from .thorax import plan_cage, plan_sternum, rib_solids, shoulder_solids, sternum_solids
from .trunk import couch_solid, plan_abdomen, plan_skin, trunk_solids
from .uptake import TISSUE_SUV, MarrowUptake, marrow_uptake
from .vertebra import body_solid, disc_solid

SACRUM_TOP_MM = (0.0, 26.0, 236.0)
"""Middle of the sacrum's upper endplate in the phantom's own frame: 0 is the middle of the field, at its lower edge."""


@dataclass(frozen=True)
class Scene:
    """The patient: ``solids`` in laying order and in the ``pose`` of the day, the true uptake.

    ``plan`` is the spine before it was moved and turned, though already bent.
    """

    solids: tuple[Solid, ...]
    plan: SpinePlan
    uptake: MarrowUptake
    pose: Pose


def build_scene(
    rng: np.random.Generator,
    day: int,
    options: PhantomOptions,
    detail_mm: float,
    uptake: MarrowUptake | None = None,
) -> Scene:
    """Draw one patient. ``detail_mm`` is how coarse curved sheets may be laid out (about a voxel).

    ``uptake`` replaces the uptake that the tables and ``rng`` would give.
    """
    anatomy, inside, drug = rng.spawn(3)
    v = options.variation
    plan = plan_spine(
        anatomy,
        np.array(SACRUM_TOP_MM),
        kyphosis_deg=options.kyphosis_deg,
        scoliosis_deg=options.scoliosis_deg,
        thoracic=options.thoracic,
        lumbar=options.lumbar,
        variation=v,
        bend_deg=(options.pose.kyphosis_deg, options.pose.scoliosis_deg),
    )
    uptake = uptake or marrow_uptake(day, drug, [b.name for b in plan.bodies], v)
    materials = _materials(anatomy, uptake, v)
    girth = 1.0 + v * float(np.clip(anatomy.normal(0, 0.05), -0.1, 0.12))
    organ_size = 1.0 + v * float(np.clip(anatomy.normal(0, 0.04), -0.08, 0.08))
    fat_mm = 17.0 * (1 + v * float(np.clip(anatomy.normal(0, 0.2), -0.4, 0.5)))

    marks = Landmarks.of(plan)
    cage = plan_cage(plan, plan.scale * (1 + v * float(np.clip(anatomy.normal(0, 0.02), -0.04, 0.04))))
    sternum = plan_sternum(plan, cage, plan.scale)
    skin = plan_skin(plan, marks, girth)
    abdomen = plan_abdomen(plan, marks, skin, cage, fat_mm)
    solids = trunk_solids(plan, marks, skin, fat_mm, materials)
    solids += head_solids(plan, materials)
    solids.append(Solid("abdominal cavity", abdomen.bounds, abdomen.distance(), materials["belly_fat"], coarse=True))
    solids += lung_solids(plan, cage, materials, inside)
    solids += chest_solids(plan, cage, materials)
    solids += abdomen_solids(plan, marks, cage, materials, organ_size)
    solids += bowel_solids(plan, marks, abdomen, materials, inside)
    solids += rib_solids(plan, cage, materials["rib"], materials["cartilage"], sternum)
    solids += shoulder_solids(plan, cage, sternum, materials["bone"], detail_mm)
    solids += hip_solids(marks, materials["hip"], materials["femur"], detail_mm, plan.scale)
    solids += _spine_solids(plan, materials, uptake, detail_mm)
    solids += sternum_solids(sternum, materials["sternum"])
    table = Pose((0.0, options.pose.shift_mm[1], 0.0))  # its height follows the patient
    couch = table.laid(couch_solid(skin, materials["couch"]))
    return Scene((couch, *laid(solids, options.pose)), plan, uptake, options.pose)


def _spine_solids(plan: SpinePlan, m: dict[str, Material], uptake: MarrowUptake, detail_mm: float) -> Sequence[Solid]:
    solids = [_canal(plan, m["canal"])]
    solids += [arch_solid(body, m["arch"]) for body in plan.bodies]
    solids += sacrum_solids(plan, m["sacrum"], m["muscle"], detail_mm)
    solids += [disc_solid(disc, m["disc"]) for disc in plan.discs if disc.above not in ("C1",)]
    for body in plan.bodies:
        base = m["vertebra"]
        solids.append(body_solid(body, replace(base, core_suv=uptake.by_level[body.name])))
    return solids


def _canal(plan: SpinePlan, material: Material) -> Solid:
    points = [b.centre + np.array([0.0, float(np.mean(b.half_depth)) + 8.0, 0.0]) @ b.axes for b in plan.bodies]
    strokes = Strokes.curve(points, 8.5)
    return Solid("spinal canal", strokes.bounds, strokes.distance(), material)


def _materials(rng: np.random.Generator, uptake: MarrowUptake, variation: float) -> dict[str, Material]:
    s = TISSUE_SUV
    spongy = 170.0 + variation * float(np.clip(rng.normal(0, 25), -50, 60))
    cold = s["cortex"]

    def bone(core_hu: float, suv: float, rim_mm: float, rim_hu: float, texture: float) -> Material:
        return Material(core_hu, suv, rim_mm, rim_hu, cold, texture, cold_mm=min(0.5 * rim_mm, 1.0))

    return {
        "couch": Material(-900, 0.0, rim_mm=2.0, rim_hu=-150),
        "air": Material(-1000, s["gas"]),
        "gas": Material(-900, s["gas"]),
        "fat": Material(-102, s["fat"], rim_mm=1.5, rim_hu=-10, rim_suv=0.3),  # the rim is skin
        "belly_fat": Material(-98, s["fat"]),
        "soft": Material(20, s["muscle"]),
        "muscle": Material(50, s["muscle"], texture_hu=10),
        "lung": Material(-850, s["lung"], rim_mm=0, texture_hu=22),
        "blood": Material(45, s["blood"]),
        "heart": Material(42, s["heart"]),
        "liver": Material(58, s["liver"]),
        "spleen": Material(48, s["spleen"]),
        "stomach": Material(30, s["stomach"]),
        "kidney": Material(34, s["kidney"]),
        "bowel_wall": Material(32, s["bowel"], texture_hu=10),
        "bladder": Material(8, s["bladder"], rim_mm=3.0, rim_hu=40, rim_suv=s["muscle"]),
        "canal": Material(30, s["muscle"]),
        "disc": Material(80, s["disc"], texture_hu=5),
        "cartilage": Material(95, s["cartilage"]),
        "tooth": Material(1800, cold),
        "skull": Material(36, s["brain"], 6.5, 900, 0.7 * cold),
        "bone": bone(260, 0.5 * uptake.other, 1.5, 750, 45),
        "rib": bone(230, uptake.other, 0.9, 620, 40),
        "femur": bone(230, 0.5 * uptake.other, 3.0, 900, 35),
        "arch": bone(280, 0.6 * float(np.mean(list(uptake.by_level.values()))), 1.3, 700, 40),
        "vertebra": bone(spongy, 0.0, 1.1, 700, 48),
        "sacrum": bone(0.75 * spongy, uptake.sacrum, 1.4, 700, 60),
        "hip": bone(0.9 * spongy + 35, uptake.hip_bone, 1.8, 900, 65),
        "sternum": bone(0.55 * spongy, uptake.sternum, 1.1, 700, 45),
    }
