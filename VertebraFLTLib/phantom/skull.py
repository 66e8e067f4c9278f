"""Head above the neck: a simple skull with brain, jaw and air ways."""

from __future__ import annotations

import numpy as np

from .solids import Material, Solid, ellipsoid, vec
from .spine_shape import SpinePlan
from .strokes import Strokes, smooth_curve


def head_solids(plan: SpinePlan, materials: dict[str, Material]) -> list[Solid]:
    """Scalp, skull, brain, jaw, pharynx and trachea's upper end."""
    atlas = plan.body("C1").centre
    centre = atlas + np.array([0.0, -18.0, 82.0])
    # The skull's rim is its bone, its core is the brain; the base is thicker.
    bone = materials["skull"]
    solids = [
        Solid("scalp", *ellipsoid(centre + vec(0, 0, -2), (82, 101, 93)), materials["muscle"], coarse=True),
        Solid("face", *ellipsoid(atlas + vec(0, -52, -2), (60, 56, 76)), materials["soft"], coarse=True),
        Solid("skull", *ellipsoid(centre, (75, 94, 86)), bone),
    ]
    base = Strokes.curve([atlas + vec(0, -20, 12), atlas + vec(0, -45, 22), atlas + vec(0, -70, 30)], [8.0, 9.0, 7.0])
    condyles = Strokes.curve([atlas + vec(-18, 0, 8), atlas + vec(-20, -4, 14)], 6.0)
    mastoid = Strokes.curve([atlas + vec(-52, 4, 2), atlas + vec(-58, 0, 30)], [8.0, 13.0])
    cheek = Strokes.curve(
        [atlas + vec(-64, -18, 24), atlas + vec(-62, -50, 20), atlas + vec(-38, -82, 14)], [4.0, 4.0, 7.0]
    )
    upper = smooth_curve(
        [(-30, -60, -6, 5), (-27, -84, -8, 6), (0, -98, -8, 6), (27, -84, -8, 6), (30, -60, -6, 5)], 10.0
    )
    jaw = smooth_curve(
        [
            (-52, -16, 12, 4), (-50, -24, -28, 5), (-40, -52, -42, 5.5), (0, -90, -50, 7),
            (40, -52, -42, 5.5), (50, -24, -28, 5), (52, -16, 12, 4),
        ],
        10.0,
    )  # fmt: skip
    face = Strokes.join(
        [
            base,
            *(part for half in (condyles, mastoid, cheek) for part in (half, _across(half))),
            Strokes(*_shifted(upper, atlas)),
            Strokes(*_shifted(jaw, atlas)),
        ]
    )
    solids.append(Solid("base of skull and jaw", face.bounds, face.distance(), materials["bone"]))
    teeth = Strokes.curve([atlas + vec(-24, -80, -22), atlas + vec(0, -93, -26), atlas + vec(24, -80, -22)], 4.0)
    solids.append(Solid("teeth", teeth.bounds, teeth.distance(), materials["tooth"]))
    c6 = plan.body("C6").centre
    airway = Strokes.curve([atlas + vec(0, -30, 10), atlas + vec(0, -22, -20), c6 + vec(0, -32, 10)], [9.0, 8.0, 8.0])
    solids.append(Solid("pharynx", airway.bounds, airway.distance(), materials["air"]))
    nose = ellipsoid(atlas + vec(0, -66, 18), (11, 26, 16))
    solids.append(Solid("nasal cavity", *nose, materials["air"]))
    return solids


def _across(half: Strokes) -> Strokes:
    return half.mirrored()


def _shifted(line: np.ndarray, origin: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    points = line[:, :3] + origin
    return points[:-1], points[1:], line[:-1, 3], line[1:, 3]
