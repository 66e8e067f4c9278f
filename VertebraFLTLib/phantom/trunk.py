"""Outline of the body and its walls: skin, fat, muscle, chest and abdominal cavities, legs and arms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .arches import spinous_tip
from .grid import Bounds
from .pelvis import Landmarks
from .solids import Distance, Material, Solid, Strokes, vec
from .spine_shape import SpinePlan
from .thorax import Cage

Height = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""A surface over the axial plane: height z (mm) at (x, y)."""


@dataclass(frozen=True)
class Ovals:
    """A tube of superellipses along z: half-width, front and back y (LPS mm) by height, straight at both ends."""

    z: np.ndarray  # ascending
    half_width: np.ndarray
    front: np.ndarray
    back: np.ndarray
    exponent: float = 2.4
    centre_x: np.ndarray | float = 0.0

    def distance(self, inset: float = 0.0) -> Distance:
        """Signed distance in the axial plane, the wall moved inwards by ``inset`` mm."""

        def evaluate(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
            zs = z.ravel()
            shape = (-1, 1, 1)
            a = (np.interp(zs, self.z, self.half_width) - inset).astype(np.float32).reshape(shape)
            front = np.interp(zs, self.z, self.front) + inset
            back = np.interp(zs, self.z, self.back) - inset
            b = ((back - front) / 2).astype(np.float32).reshape(shape)
            middle = ((back + front) / 2).astype(np.float32).reshape(shape)
            cx = np.broadcast_to(np.interp(zs, self.z, np.broadcast_to(self.centre_x, self.z.shape)), zs.shape)
            u, v = x - cx.astype(np.float32).reshape(shape), y - middle
            a, b = np.maximum(a, 1), np.maximum(b, 1)
            n = np.float32(self.exponent)
            # |u/a|^n and |v/b|^n each vary in one axis only, so the power is taken on the small arrays.
            r = (np.abs(u / a) ** n + np.abs(v / b) ** n) ** (1 / n)
            across = np.maximum(self.z[-1] - zs, 0) * 0  # no caps: the bounds end the tube
            reach = np.sqrt((u * u + v * v).astype(np.float32))
            return (1 - 1 / np.maximum(r, np.float32(1e-3))) * reach + across.astype(np.float32).reshape(shape)

        return evaluate

    @property
    def bounds(self) -> Bounds:
        """The box around the tube."""
        x = float(np.max(np.abs(np.asarray(self.half_width)))) + float(np.max(np.abs(self.centre_x)))
        return (
            (-x - 3, float(self.front.min()) - 3, float(self.z[0])),
            (x + 3, float(self.back.max()) + 3, float(self.z[-1])),
        )


def plan_skin(plan: SpinePlan, marks: Landmarks, girth: float) -> Ovals:
    """The skin from the hips to the neck; ``girth`` scales the width and depth of the belly."""
    hip_z, hip_y = float(marks.hip[2]), float(marks.hip[1])
    rows = [
        # height, half-width, depth in front of the spine's centre line, room behind the spinous processes
        (hip_z - 95, 176.0, None, 20.0),
        (hip_z - 20, 182.0, None, 24.0),
        (hip_z + 50, 176.0, None, 22.0),
    ]
    named = {
        "L5": (168.0, 122.0, 20.0), "L3": (156.0, 124.0, 15.0), "L1": (154.0, 136.0, 14.0), "T11": (158.0, 150.0, 14.0),
        "T9": (163.0, 156.0, 15.0), "T7": (168.0, 150.0, 17.0), "T5": (176.0, 134.0, 20.0), "T4": (182.0, 122.0, 22.0),
        "T3": (184.0, 106.0, 24.0), "T2": (172.0, 92.0, 26.0), "T1": (128.0, 82.0, 28.0), "C7": (84.0, 72.0, 26.0),
        "C6": (66.0, 66.0, 26.0), "C4": (60.0, 62.0, 26.0), "C2": (60.0, 60.0, 26.0),
    }  # fmt: skip
    z, width, front, back = [], [], [], []
    for height, half_width, _, _ in rows:
        z.append(height)
        width.append(half_width * girth**0.5)
        front.append(hip_y - 96.0 * girth**0.5)
        back.append(hip_y + 108.0)
    for name, (half_width, ahead, behind) in named.items():
        body = plan.body(name)
        grow = girth if name[0] == "L" or name in ("T11", "T9") else girth**0.5
        z.append(float(body.centre[2]))
        width.append(half_width * (grow if name[0] != "C" else 1.0))
        front.append(float(body.centre[1]) - ahead * (grow if name[0] != "C" else 1.0))
        back.append(float(spinous_tip(body)[1]) + behind)
    order = np.argsort(z)
    return Ovals(np.array(z)[order], np.array(width)[order], np.array(front)[order], np.array(back)[order])


def trunk_solids(
    plan: SpinePlan, marks: Landmarks, skin: Ovals, cage: Cage, fat_mm: float, materials: dict[str, Material]
) -> list[Solid]:
    """Fat and muscle of trunk, legs and arms, the lungs and the fat of the abdominal cavity, in laying order."""
    solids: list[Solid] = []
    for side in (-1.0, 1.0):
        hip = marks.hip * np.array([side, 1.0, 1.0])
        leg = Strokes.curve([hip + vec(side * 2, 4, -240), hip + vec(side * 2, 4, -60), hip + vec(side * 2, 10, -20)],
                            [80.0, 88.0, 84.0])  # fmt: skip
        inner = Strokes.curve([hip + vec(side * 2, 4, -240), hip + vec(side * 2, 4, -50)], [66.0, 72.0])
        solids.append(Solid("leg", leg.bounds, leg.distance(), materials["fat"], coarse=True))
        solids.append(Solid("thigh muscle", inner.bounds, inner.distance(), materials["muscle"], coarse=True))
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
    solids.append(Solid("trunk muscle", skin.bounds, skin.distance(fat_mm), materials["muscle"], coarse=True))
    solids += _cavities(plan, marks, skin, cage, fat_mm, materials)
    return solids


def _cavities(
    plan: SpinePlan, marks: Landmarks, skin: Ovals, cage: Cage, fat_mm: float, materials: dict[str, Material]
) -> list[Solid]:
    l5, l1, t10 = plan.body("L5").centre, plan.body("L1").centre, plan.body("T10").centre
    # Abdomen: from the pelvic floor to the diaphragm, inside the muscular wall, in front of the back muscles.
    z = np.array([marks.hip[2] - 25, marks.hip[2] + 20, l5[2] - 10, l5[2] + 20, l1[2], t10[2] + 10])
    wall = fat_mm + 16.0
    width = np.interp(z, skin.z, skin.half_width) - wall
    width[:3] = [48.0, 62.0, 100.0]
    inside = np.array([cage.at(h)[0] - 10 for h in z])
    width[4:] = np.minimum(width, inside)[4:]
    front = np.interp(z, skin.z, skin.front) + fat_mm + 10.0
    spine_y = plan.along(z, 1)
    back = np.array([float(marks.hip[1]) + 48, float(marks.hip[1]) + 52, spine_y[2] + 12, spine_y[3] + 20,
                     spine_y[4] + 34, spine_y[5] + 36])  # fmt: skip
    abdomen = Ovals(z, width, front, back, 2.6)
    solids = [Solid("abdominal fat", abdomen.bounds, abdomen.distance(), materials["belly_fat"], coarse=True)]
    dome = diaphragm(plan)
    top = float(plan.body("C7").centre[2])
    lung_oval = Ovals(cage.z, cage.half_width - 7, cage.front + 7, cage.back - 5, 2.4)
    shape = lung_oval.distance()

    def lungs(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        return np.maximum(shape(x, y, z), (dome(x, y) - z) * np.float32(0.6))

    low, high = lung_oval.bounds
    bounds = ((low[0], low[1], float(plan.body("L1").centre[2])), (high[0], high[1], top))
    solids.append(Solid("lungs", bounds, lungs, materials["lung"]))
    return solids


def diaphragm(plan: SpinePlan, below: float = 0.0) -> Height:
    """Height (mm) of the diaphragm over (x, y): two domes, the right one higher; falls off to the sides and back."""
    t10 = plan.body("T10").centre
    front_y = float(plan.body("T9").centre[1]) - 60.0

    def height(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        right = ((x + 62.0) / 78.0) ** 2
        left = ((x - 62.0) / 78.0) ** 2
        side = np.minimum(right * np.float32(52.0), left * np.float32(52.0) + np.float32(14.0))
        along = ((y - np.float32(front_y)) / 100.0) ** 2 * np.float32(55.0)
        return (np.float32(t10[2] + 22.0 - below) - side - along).astype(np.float32)

    return height
