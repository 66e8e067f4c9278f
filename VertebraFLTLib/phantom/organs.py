"""Soft organs: heart and vessels, liver, spleen, stomach, kidneys, psoas and bladder."""

from __future__ import annotations

import numpy as np

from .lungs import diaphragm
from .ovals import Ovals
from .pelvis import Landmarks
from .solids import Material, Solid, ellipsoid, smooth_max, vec
from .spine_shape import SpinePlan
from .strokes import Strokes, smooth_curve
from .thorax import Cage


def chest_solids(plan: SpinePlan, cage: Cage, materials: dict[str, Material]) -> list[Solid]:
    """Mediastinum, heart, great vessels, trachea and main bronchi."""
    t = {i: plan.body(f"T{i}").centre for i in (1, 2, 3, 4, 5, 7, 8, 9, 10, 12)}
    z = np.array([t[10][2] - 4, t[9][2], t[7][2], t[5][2], t[3][2], t[1][2]])
    front = np.array([cage.at(h)[1] + 8 for h in z])
    back = plan.along(z, 1) + 10.0
    space = Ovals(z, np.array([30.0, 34.0, 34.0, 32.0, 34.0, 38.0]), front, back, 2.2)
    heart = t[8] + vec(22.0, -66.0, -6.0)
    arch_z = t[4][2] + 2
    spine_front = [(t[i][0] + 17.0, t[i][1] - 25.0, t[i][2]) for i in (5, 7, 9, 10)]
    loin = [plan.body(n).centre for n in ("T12", "L2", "L4")]
    aorta = smooth_curve(
        [
            (6.0, heart[1] + 6, heart[2] + 40), (-12.0, heart[1] + 10, arch_z - 18), (-2.0, t[4][1] - 45, arch_z + 6),
            (14.0, t[4][1] - 28, arch_z), *spine_front, (loin[0][0] + 9, loin[0][1] - 29, loin[0][2]),
            (loin[1][0] + 7, loin[1][1] - 31, loin[1][2]), (loin[2][0] + 3, loin[2][1] - 31, loin[2][2]),
        ],
        15.0,
    )  # fmt: skip
    cava = [
        (-26.0, t[3][1] - 52, t[3][2]), (-26.0, heart[1] + 8, heart[2] + 30), (-24.0, heart[1] + 20, heart[2] - 20),
        (-22.0, loin[0][1] - 32, t[10][2]), (loin[1][0] - 18, loin[1][1] - 30, loin[1][2]),
        (loin[2][0] - 14, loin[2][1] - 30, loin[2][2]),
    ]  # fmt: skip
    c6 = plan.body("C6").centre
    trachea = [c6 + vec(0, -32, 10), t[2] + vec(0, -34, 0), t[5] + vec(0, -32, 4)]
    bronchi = [Strokes.curve([t[5] + vec(0, -32, 4), t[5] + vec(s * 32, -34, -28)], [7.0, 6.0]) for s in (-1, 1)]
    gullet = Strokes.curve(
        [plan.body("C6").centre + vec(0, -20, 0), t[5] + vec(4, -24, 0), t[10] + vec(8, -38, 0)], 7.0
    )
    air = Strokes.join([Strokes.curve(trachea, 8.5), *bronchi])
    vessels = Strokes.curve(aorta, np.interp(np.linspace(0, 1, len(aorta)), (0, 0.3, 1), (15, 13, 8.5)))
    veins = Strokes.curve(cava, 9.0)
    return [
        Solid("mediastinum", space.bounds, space.distance(), materials["belly_fat"], coarse=True),
        Solid("heart", *ellipsoid(heart, (56.0, 46.0, 48.0), 30.0), materials["heart"], coarse=True),
        Solid("aorta", vessels.bounds, vessels.distance(), materials["blood"]),
        Solid("vena cava", veins.bounds, veins.distance(), materials["blood"]),
        Solid("oesophagus", gullet.bounds, gullet.distance(), materials["bowel_wall"]),
        Solid("airways", air.bounds, air.distance(), materials["air"]),
    ]


def abdomen_solids(
    plan: SpinePlan, marks: Landmarks, cage: Cage, materials: dict[str, Material], size: float
) -> list[Solid]:
    """Liver, spleen, stomach, kidneys, psoas muscles and bladder; ``size`` scales the organs."""
    t11, t12 = plan.body("T11").centre, plan.body("T12").centre
    l1, l2, l3, l5 = (plan.body(n).centre for n in ("L1", "L2", "L3", "L5"))
    solids = [_liver(plan, cage, materials["liver"], size)]
    spleen = Solid("spleen", *ellipsoid(t11 + vec(92.0, 4.0, 4.0), (24 * size, 40 * size, 48 * size), -20.0),
                   materials["spleen"], coarse=True)  # fmt: skip
    stomach = Solid("stomach", *ellipsoid(t12 + vec(52.0, -62.0, 4.0), (38.0, 34.0, 50.0), 25.0), materials["stomach"],
                    coarse=True)  # fmt: skip
    bubble = Solid("stomach gas", *ellipsoid(t12 + vec(56.0, -84.0, 22.0), (20.0, 9.0, 22.0)), materials["gas"])
    solids += [spleen, stomach, bubble]
    for s, level, name in ((1.0, l1, "left"), (-1.0, (l1 + l2) / 2, "right")):
        centre = level + vec(s * 60.0, 12.0, 0.0)
        bounds, distance = ellipsoid(centre, (28.0 * size, 27.0 * size, 54.0 * size), -s * 12.0)
        solids.append(Solid(f"{name} kidney", bounds, distance, materials["kidney"]))
        pelvis = ellipsoid(centre + vec(-s * 14.0, -4.0, 0.0), (11.0, 9.0, 20.0))
        solids.append(Solid("renal pelvis", *pelvis, materials["belly_fat"]))
        line = smooth_curve(
            [
                (*(l1 + vec(s * 30, 6, 0)), 8), (*(l3 + vec(s * 38, 6, 0)), 18), (*(l5 + vec(s * 46, 0, 0)), 21),
                (*(l5 + vec(s * 60, -18, -50)), 20), (*(marks.hip * vec(s, 1, 1) + vec(-s * 8, -34, 10)), 17),
                (*(marks.hip * vec(s, 1, 1) + vec(s * 8, -8, -55)), 12),
            ],
            20.0,
        )  # fmt: skip
        psoas = Strokes.curve(line[:, :3], line[:, 3])
        solids.append(Solid("psoas", psoas.bounds, psoas.distance(), materials["muscle"], coarse=True))
    bladder = np.array([0.0, marks.hip[1] - 18.0, marks.hip[2] + 14.0])
    solids.append(Solid("bladder", *ellipsoid(bladder, (42 * size, 34 * size, 30 * size)), materials["bladder"]))
    return solids


def _liver(plan: SpinePlan, cage: Cage, material: Material, size: float) -> Solid:
    dome = diaphragm(plan, below=5.0)
    shape = Ovals(cage.z, cage.half_width - 11, cage.front + 12, cage.back - 8, 2.4).distance()
    l2 = plan.body("L2").centre.astype(np.float32)
    front_y = np.float32(cage.at(float(plan.body("T10").centre[2]))[1] + 12.0)
    lift = np.float32(0.8 / size)

    def distance(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        # The lower face climbs from the right flank to the left lobe's tip; the back face keeps off the spine.
        under = l2[2] + np.float32(6.0) + (x + np.float32(92.0)) * lift - z
        # The left lobe ends towards the front left.
        right_of = (x - np.float32(70.0)) * np.float32(0.8) + (y - front_y) * np.float32(0.55)
        before_spine = (y - (l2[1] + np.float32(4.0))) + np.minimum(x + np.float32(46.0), 0) * np.float32(1.2)
        flat = smooth_max(smooth_max(under * np.float32(0.7), right_of, 25.0), before_spine * np.float32(0.65), 25.0)
        return smooth_max(np.maximum(shape(x, y, z), (z - dome(x, y)) * np.float32(0.7)), flat, 12.0)

    low_z, high_z = float(l2[2]) - 30.0, float(plan.body("T8").centre[2])
    w = float(cage.half_width.max())
    bounds = ((-w, float(cage.front.min()), low_z), (80.0, float(cage.back.max()), high_z))
    return Solid("liver", bounds, distance, material, coarse=True)
