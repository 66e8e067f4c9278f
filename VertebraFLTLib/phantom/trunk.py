"""Outline of the body: skin, fat and muscle of trunk, legs and arms, the abdominal cavity, the couch below."""

from __future__ import annotations

import numpy as np

from .arches import spinous_tip
from .ovals import Ovals
from .pelvis import Landmarks
from .solids import Material, Solid, vec
from .spine_shape import SpinePlan
from .strokes import Strokes
from .thorax import Cage


def plan_skin(plan: SpinePlan, marks: Landmarks, girth: float) -> Ovals:
    """The skin from the hips to the neck; ``girth`` scales the width and depth of the belly."""
    hip_z, hip_y = float(marks.hip[2]), float(marks.hip[1])
    rows = [
        # height, half-width, depth in front of and behind the hip joints
        (hip_z - 98, 170.0, 52.0, 62.0),
        (hip_z - 85, 174.0, 76.0, 92.0),
        (hip_z - 55, 178.0, 92.0, 106.0),
        (hip_z - 20, 182.0, 96.0, 110.0),
        (hip_z + 50, 176.0, 96.0, 106.0),
    ]
    # Depth in front of the body's centre, room behind the tip of the spinous process.
    named = {
        "L5": (168.0, 122.0, 20.0), "L3": (156.0, 124.0, 15.0), "L1": (154.0, 136.0, 14.0), "T11": (158.0, 150.0, 14.0),
        "T9": (163.0, 156.0, 15.0), "T7": (168.0, 150.0, 17.0), "T5": (176.0, 134.0, 20.0), "T4": (182.0, 122.0, 22.0),
        "T3": (184.0, 106.0, 24.0), "T2": (172.0, 92.0, 26.0), "T1": (128.0, 82.0, 28.0), "C7": (84.0, 72.0, 26.0),
        "C6": (66.0, 66.0, 26.0), "C4": (60.0, 68.0, 26.0), "C2": (61.0, 84.0, 28.0),
    }  # fmt: skip
    z, width, front, back = [], [], [], []
    for height, half_width, ahead, behind in rows:
        z.append(height)
        width.append(half_width * girth**0.5)
        front.append(hip_y - ahead * girth**0.5)
        back.append(hip_y + behind)
    for name, (half_width, ahead, behind) in named.items():
        body = plan.body(name)
        grow = girth if name[0] == "L" or name in ("T11", "T9") else girth**0.5
        z.append(float(body.centre[2]))
        width.append(half_width * (grow if name[0] != "C" else 1.0))
        front.append(float(body.centre[1]) - ahead * (grow if name[0] != "C" else 1.0))
        back.append(float(spinous_tip(body)[1]) + behind)
    atlas = plan.body("C1").centre
    z.append(float(atlas[2]) + 28.0)
    width.append(60.0)
    front.append(float(atlas[1]) - 84.0)
    back.append(float(atlas[1]) + 56.0)
    order = np.argsort(z)
    return Ovals(np.array(z)[order], np.array(width)[order], np.array(front)[order], np.array(back)[order])


def trunk_solids(
    plan: SpinePlan, marks: Landmarks, skin: Ovals, fat_mm: float, materials: dict[str, Material]
) -> list[Solid]:
    """Fat and muscle of legs, arms and trunk, in laying order."""
    solids: list[Solid] = []
    muscles: list[Solid] = []
    for side in (-1.0, 1.0):
        hip = marks.hip * np.array([side, 1.0, 1.0])
        leg = Strokes.curve([hip + vec(side * 2, 4, -240), hip + vec(side * 2, 4, -60), hip + vec(side * 2, 10, -20)],
                            [80.0, 88.0, 84.0])  # fmt: skip
        inner = Strokes.curve([hip + vec(side * 2, 4, -240), hip + vec(side * 2, 4, -50)], [66.0, 72.0])
        solids.append(Solid("leg", leg.bounds, leg.distance(), materials["fat"], coarse=True))
        muscles.append(Solid("thigh muscle", inner.bounds, inner.distance(), materials["muscle"], coarse=True))
        t2, t3 = plan.body("T2").centre, plan.body("T3").centre
        joint = np.array([side * 165.0, t3[1] - 2.0, t2[2]])
        path = [
            joint + vec(-side * 20, 0, -30),
            joint,
            joint + vec(side * 20, -6, 60),
            joint + vec(side * 42, -30, 330),
        ]
        arm, flesh = Strokes.curve(path, [50.0, 50.0, 44.0, 40.0]), Strokes.curve(path, [42.0, 42.0, 36.0, 32.0])
        solids.append(Solid("arm", arm.bounds, arm.distance(), materials["fat"], coarse=True))
        solids.append(Solid("arm muscle", flesh.bounds, flesh.distance(), materials["muscle"], coarse=True))
    solids.append(Solid("trunk", skin.bounds, skin.distance(), materials["fat"], coarse=True))
    solids += muscles
    solids.append(Solid("trunk muscle", skin.bounds, skin.distance(fat_mm), materials["muscle"], coarse=True))
    return solids


def plan_abdomen(plan: SpinePlan, marks: Landmarks, skin: Ovals, cage: Cage, fat_mm: float) -> Ovals:
    """The abdominal cavity: pelvic floor to diaphragm, inside the muscular wall, in front of the back muscles."""
    hip_y, hip_z = float(marks.hip[1]), float(marks.hip[2])
    l5, l1, t10 = (float(plan.body(n).centre[2]) for n in ("L5", "L1", "T10"))
    z = np.array([hip_z - 34, hip_z - 18, hip_z + 20, l5 - 10, l5 + 20, l1, t10 + 10])
    width = np.interp(z, skin.z, skin.half_width) - fat_mm - 16.0
    width[:4] = (14.0, 44.0, 60.0, 100.0)
    width[5:] = np.minimum(width, cage.at(z)[0] - 10)[5:]
    front = np.interp(z, skin.z, skin.front) + fat_mm + 10.0
    front[:2] += (30.0, 14.0)
    back = np.array([hip_y + 30, hip_y + 46, hip_y + 52, *(plan.along(z[3:], 1) + np.array([12, 20, 34, 36]))])
    return Ovals(z, width, front, back, 2.6)


def couch_solid(skin: Ovals, material: Material) -> Solid:
    """The table under the patient: a shallow trough of foam between two skins, as long as the examination."""
    radius, half_width, thick = np.float32(420.0), 220.0, np.float32(11.0)
    centre_y = np.float32(skin.back.max() + 14.0 - radius)

    def distance(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        shell = np.abs(np.sqrt(x * x + (y - centre_y) ** 2) - radius) - thick
        flat = np.maximum(shell, np.maximum(np.abs(x) - np.float32(half_width), centre_y - y))
        return np.broadcast_to(flat, (z.shape[0], *flat.shape[1:]))

    top = float(centre_y) + float(radius) - 80.0
    bounds = ((-half_width - 2, top, -100.0), (half_width + 2, float(centre_y + radius + thick) + 2, 1200.0))
    return Solid("couch", bounds, distance, material, coarse=True)
