"""Soft organs: heart and vessels, liver, spleen, stomach, kidneys, psoas, bowel and bladder."""

from __future__ import annotations

import numpy as np

from .pelvis import Landmarks
from .solids import Material, Solid, Strokes, ellipsoid, smooth_curve, vec
from .spine_shape import SpinePlan
from .thorax import Cage
from .trunk import Ovals, diaphragm


def chest_solids(plan: SpinePlan, cage: Cage, materials: dict[str, Material]) -> list[Solid]:
    """Mediastinum, heart, great vessels, trachea and main bronchi."""
    t = {i: plan.body(f"T{i}").centre for i in (1, 2, 3, 4, 5, 7, 8, 9, 10, 12)}
    z = np.array([t[12][2], t[9][2], t[7][2], t[5][2], t[3][2], t[1][2]])
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
    trachea = [plan.body("C6").centre + vec(0, -32, 10), t[2] + vec(0, -34, 0), t[5] + vec(0, -32, 4)]
    bronchi = [Strokes.curve([t[5] + vec(0, -32, 4), t[5] + vec(s * 32, -34, -28)], [7.0, 6.0]) for s in (-1, 1)]
    air = Strokes.join([Strokes.curve(trachea, 8.5), *bronchi])
    vessels = Strokes.curve(aorta, np.interp(np.linspace(0, 1, len(aorta)), (0, 0.3, 1), (15, 13, 8.5)))
    veins = Strokes.curve(cava, 9.0)
    branches = [
        Strokes.curve([t[5] + vec(s * 20, -36, -18), t[5] + vec(s * 50, -34, -34), t[8] + vec(s * 80, -10, -10)], 5.0)
        for s in (-1, 1)
    ] + [
        Strokes.curve([t[5] + vec(s * 40, -40, -15), t[3] + vec(s * 62, -36, -8)], [5.0, 3.0]) for s in (-1, 1)
    ]  # fmt: skip
    lung_vessels = Strokes.join(branches)
    return [
        Solid("lung vessels", lung_vessels.bounds, lung_vessels.distance(), materials["blood"]),
        Solid("mediastinum", space.bounds, space.distance(), materials["belly_fat"], coarse=True),
        Solid("heart", *ellipsoid(heart, (56.0, 46.0, 48.0), 30.0), materials["heart"], coarse=True),
        Solid("aorta", vessels.bounds, vessels.distance(), materials["blood"]),
        Solid("vena cava", veins.bounds, veins.distance(), materials["blood"]),
        Solid("airways", air.bounds, air.distance(), materials["air"]),
    ]


def abdomen_solids(
    plan: SpinePlan, marks: Landmarks, cage: Cage, materials: dict[str, Material], rng: np.random.Generator, size: float
) -> list[Solid]:
    """Liver, spleen, stomach, kidneys, psoas muscles, bowel and bladder; ``size`` scales the organs."""
    t11, t12 = plan.body("T11").centre, plan.body("T12").centre
    l1, l2, l3, l4, l5 = (plan.body(n).centre for n in ("L1", "L2", "L3", "L4", "L5"))
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
    solids += _bowel(l1, l2, l3, l4, l5, marks, materials, rng)
    bladder = np.array([0.0, marks.hip[1] - 18.0, marks.hip[2] + 14.0])
    rectum = Strokes.curve([bladder + vec(0, 62, 40), bladder + vec(0, 60, 0), bladder + vec(0, 52, -40)], 13.0)
    solids.append(Solid("rectum", rectum.bounds, rectum.distance(), materials["bowel_wall"]))
    solids.append(Solid("bladder", *ellipsoid(bladder, (42 * size, 34 * size, 30 * size)), materials["bladder"]))
    return solids


def _liver(plan: SpinePlan, cage: Cage, material: Material, size: float) -> Solid:
    dome = diaphragm(plan, below=5.0)
    shape = Ovals(cage.z, cage.half_width - 11, cage.front + 12, cage.back - 8, 2.4).distance()
    l2 = plan.body("L2").centre.astype(np.float32)
    lift = np.float32(1.05 / size)

    def distance(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        # The lower face climbs from the right flank to the left lobe's tip; the back face keeps off the spine.
        under = l2[2] + np.float32(6.0) + (x + np.float32(92.0)) * lift - z
        right_of = (x - np.float32(62.0)) * np.float32(0.8)
        before_spine = (y - (l2[1] + np.float32(4.0))) + np.minimum(x + np.float32(46.0), 0) * np.float32(1.2)
        flat = np.maximum(np.maximum(under * np.float32(0.7), right_of), before_spine * np.float32(0.65))
        return np.maximum(np.maximum(shape(x, y, z), (z - dome(x, y)) * np.float32(0.7)), flat)

    low_z, high_z = float(l2[2]) - 30.0, float(plan.body("T8").centre[2])
    w = float(cage.half_width.max())
    bounds = ((-w, float(cage.front.min()), low_z), (70.0, float(cage.back.max()), high_z))
    return Solid("liver", bounds, distance, material, coarse=True)


def _bowel(
    l1: np.ndarray, l2: np.ndarray, l3: np.ndarray, l4: np.ndarray, l5: np.ndarray, marks: Landmarks,
    materials: dict[str, Material], rng: np.random.Generator,
) -> list[Solid]:  # fmt: skip
    solids = []
    front = float(l3[1]) - 62.0
    colon = smooth_curve(
        [
            (-88, l5[1] - 20, l5[2] - 10), (-98, l3[1] - 8, l3[2]), (-96, l2[1] - 20, l2[2] + 5),
            (-60, front - 14, l2[2] - 10), (0, front - 22, l3[2] + 5), (60, front - 14, l1[2] - 5),
            (96, l1[1] - 12, l1[2] + 20), (102, l3[1] + 4, l3[2]), (90, l5[1] - 16, l5[2] - 5),
            (45, l5[1] - 30, l5[2] - 55), (0, l5[1] + 5, l5[2] - 70),
        ],
        18.0,
    )  # fmt: skip
    radii = np.clip(18 + rng.normal(0, 2.5, len(colon)), 13, 23)
    gut = Strokes.curve(colon, radii)
    solids.append(Solid("colon", gut.bounds, gut.distance(), materials["bowel_wall"]))
    for i in np.flatnonzero(rng.random(len(colon)) < 0.35):
        p = colon[i] + vec(0, -radii[i] * 0.3, 0)
        r = radii[i] * 0.62
        solids.append(Solid("bowel gas", *ellipsoid(p, (r, r * 0.75, r * 1.2)), materials["gas"]))
    # Small bowel: a loose coil in the middle of the belly.
    steps = 46
    t = np.linspace(0, 1, steps)
    coil = np.stack(
        [
            58 * np.sin(2 * np.pi * 5.3 * t) + rng.normal(0, 6, steps),
            float(l4[1]) - 62 + 22 * np.cos(2 * np.pi * 3.7 * t) + rng.normal(0, 4, steps),
            np.interp(t, (0, 1), (float(l2[2]) - 10, float(l5[2]) - 50)) + rng.normal(0, 6, steps),
        ],
        axis=1,
    )
    loops = Strokes.curve(coil, np.clip(12 + rng.normal(0, 1.5, steps), 9, 15))
    solids.append(Solid("small bowel", loops.bounds, loops.distance(), materials["bowel_wall"]))
    return solids
