"""Chest wall bones: ribs and cartilages on the surface of the rib cage, sternum, clavicles and shoulder blades."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from VertebraFLTLib.anatomy import STERNUM

from .grid import Bounds
from .solids import Distance, Material, Solid, padded, vec
from .spine_shape import SpinePlan, frame
from .strokes import Strokes, smooth_curve, smooth_sheet


@dataclass(frozen=True)
class Cage:
    """The middle surface of the rib cage: at each height an oval of given half-width, front and back (LPS mm)."""

    z: np.ndarray  # ascending
    half_width: np.ndarray
    front: np.ndarray
    back: np.ndarray

    def at(self, z: np.ndarray | float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Half-width, front y and back y at height ``z``."""
        return (
            np.interp(z, self.z, self.half_width),
            np.interp(z, self.z, self.front),
            np.interp(z, self.z, self.back),
        )


def plan_cage(plan: SpinePlan, width_scale: float) -> Cage:
    """The cage that fits a spine: widest at T8 to T9, its back beside the transverse processes."""
    widths = {
        "L2": 108.0, "T12": 122.0, "T11": 128.0, "T10": 133.0, "T9": 135.0, "T8": 133.0, "T7": 130.0, "T6": 125.0,
        "T5": 119.0, "T4": 111.0, "T3": 99.0, "T2": 82.0, "T1": 60.0, "C7": 40.0,
    }  # fmt: skip
    z = np.array([plan.body(name).centre[2] for name in widths])
    spine_y = np.array([plan.body(name).centre[1] for name in widths])
    chest_y = plan.body("T8").centre[1]
    depth = {"L2": 150.0, "T12": 155.0, "T10": 152.0, "T8": 143.0, "T6": 130.0, "T4": 108.0, "T2": 80.0, "C7": 58.0}
    heights = np.array([plan.body(name).centre[2] for name in depth])
    front = chest_y + 8.0 - np.interp(z, heights, list(depth.values()))
    order = np.argsort(z)
    back = spine_y + np.interp(z, z[order], np.linspace(34, 46, len(z)) * 0 + 42.0)
    return Cage(z[order], np.array(list(widths.values()))[order] * width_scale, front[order], back[order])


def _cage_point(cage: Cage, angle: float, z: float) -> tuple[float, float, float]:
    """The point of the left half of the cage at ``angle`` (0 back, 90 side, 180 front) and height ``z``."""
    half_width, front, back = (float(v) for v in cage.at(z))
    middle, half_depth = (front + back) / 2, (back - front) / 2
    s, c = np.sin(np.radians(angle)), np.cos(np.radians(angle))
    # A superellipse of exponent 2.4 is a little boxier than an ellipse, like a chest.
    return (
        half_width * float(np.abs(s) ** (2 / 2.4)),
        middle + half_depth * float(np.sign(c) * np.abs(c) ** (2 / 2.4)),
        z,
    )


# rib: angle at its front end (0 back, 180 front), fall from the spine to the side and to the front end (mm).
_RIBS = {
    1: (150.0, 10.0, 32.0), 2: (158.0, 20.0, 50.0), 3: (160.0, 30.0, 66.0), 4: (160.0, 40.0, 80.0),
    5: (158.0, 50.0, 92.0), 6: (154.0, 58.0, 100.0), 7: (148.0, 64.0, 106.0), 8: (140.0, 68.0, 108.0),
    9: (130.0, 70.0, 106.0), 10: (118.0, 70.0, 98.0), 11: (88.0, 62.0, 66.0), 12: (55.0, 55.0, 42.0),
}  # fmt: skip


def rib_solids(
    plan: SpinePlan,
    cage: Cage,
    bone: Material,
    cartilage: Material,
    sternum: SternumShape,
    last_deg: float | None = None,
) -> list[Solid]:
    """A pair of ribs for each thoracic vertebra and the cartilages of the upper ten.

    ``last_deg``: where the lowest pair ends (0 back, 90 side), for shorter or longer ones than usual.
    """
    solids = []
    thoracic = [b for b in plan.bodies if b.name[0] == "T"]
    for body in thoracic:
        number = int(body.name[1:])
        end_angle, fall_side, fall_end = _RIBS[min(number, 12)]
        if body is thoracic[0] and last_deg is not None:
            end_angle = last_deg
        head = body.centre + np.array([body.half_width[1] + 1.0, 8.0, body.height * 0.35])
        tubercle = body.centre + np.array([30.0, 30.0, body.height * 0.2])
        line: list[tuple[float, float, float]] = [tuple(head), tuple(tubercle)]
        for angle in np.arange(min(28.0, end_angle), end_angle + 1, 12.0):
            share = angle / end_angle
            fall = np.interp(angle, (28, 90, max(end_angle, 91)), (4, fall_side, max(fall_end, fall_side)))
            if number >= 11:
                fall = fall_end * share
            line.append(_cage_point(cage, float(angle), float(body.centre[2] - fall)))
        left = smooth_curve(line, 10.0)
        tall = 2.6 if number < 11 else 2.0
        up = np.array([0.0, 0.0, tall])
        strokes = Strokes.join([Strokes.curve(left + up, 3.4), Strokes.curve(left - up, 3.4)])
        gristle = _cartilage(number, left[-1], sternum)
        for side in (strokes, strokes.mirrored()):
            solids.append(Solid(f"rib {number}", side.bounds, side.distance(), bone))
        if gristle is not None:
            for side in (gristle, gristle.mirrored()):
                solids.append(Solid(f"cartilage {number}", side.bounds, side.distance(), cartilage))
    return solids


def _cartilage(number: int, end: np.ndarray, sternum: SternumShape) -> Strokes | None:
    if number > 10:
        return None
    along = {1: 0.1, 2: 0.28, 3: 0.42, 4: 0.54, 5: 0.65, 6: 0.74, 7: 0.8}.get(number, 0.82)
    goal = sternum.edge(along)
    if number > 7:  # joins the arch of the cartilage above
        goal = goal + (end - goal) * (0.35 + 0.1 * (number - 8))
    middle = (end + goal) / 2 + np.array([0.0, -3.0, -8.0])
    return Strokes.curve([end, middle, goal], 4.5)


@dataclass(frozen=True)
class SternumShape:
    """The sternum's plane: ``top`` is the middle of the jugular notch; ``axes`` rows are left, back, up (LPS mm)."""

    top: np.ndarray
    axes: np.ndarray
    scale: float

    lengths = (46.0, 100.0, 28.0)  # manubrium, body, xiphoid process

    def edge(self, along: float) -> np.ndarray:
        """The left edge at a fraction of the whole length from the top."""
        w = -along * sum(self.lengths) * self.scale
        return self.top + np.array([_sternum_half_width(np.array(w / self.scale)) * self.scale, 0.0, w]) @ self.axes


def plan_sternum(plan: SpinePlan, cage: Cage, scale: float) -> SternumShape:
    """A sternum that follows the front of the cage from the height of the T2/T3 disc downwards."""
    t2, t3 = plan.body("T2").centre, plan.body("T3").centre
    top_z = float((t2 + t3)[2] / 2)
    bottom_z = top_z - 160.0 * scale
    top_y, bottom_y = float(cage.at(top_z)[1]), float(cage.at(bottom_z)[1])
    lean = float(np.degrees(np.arctan2(bottom_y - top_y, top_z - bottom_z)))
    return SternumShape(np.array([0.0, top_y, top_z]), frame(lean, 0.0), scale)


def _sternum_half_width(w: np.ndarray) -> np.ndarray:
    """Half-width (mm) at the height ``w`` below the notch (0 to -174 mm)."""
    return np.interp(w, (-174, -150, -146, -120, -52, -47, -44, -22, -8, 0), (3, 7, 14, 20, 14, 13, 15, 27, 31, 24))


def sternum_solids(shape: SternumShape, material: Material) -> list[Solid]:
    """Manubrium, body and xiphoid process (all labelled), with a narrow gap at the sternal angle."""
    s = np.float32(shape.scale)
    corners = np.array([(i * 34.0, j * 9.0, k) for i in (-1, 1) for j in (-1, 1) for k in (4.0, -180.0)])
    bounds: Bounds = padded((corners * shape.scale) @ shape.axes + shape.top, 3.0)
    axes, top = shape.axes.astype(np.float32), shape.top.astype(np.float32)

    def part(w_high: float, w_low: float, half_thick: float) -> Distance:
        def distance(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
            dx, dy, dz = x - top[0], y - top[1], z - top[2]
            u, v, w = ((a[0] * dx + a[1] * dy + a[2] * dz) / s for a in axes)
            half = _sternum_half_width(w).astype(np.float32)
            radius = np.float32(min(half_thick, 5.0))
            notch = 4.0 * np.exp(-((u / 12.0) ** 2)) if w_high == 0 else 0.0
            qu = np.abs(u) - half + radius
            qv = np.abs(v) - half_thick + radius
            qw = np.maximum(w - w_high + notch, w_low - w) + radius
            outside = np.sqrt(np.maximum(qu, 0) ** 2 + np.maximum(qv, 0) ** 2 + np.maximum(qw, 0) ** 2)
            return ((outside + np.minimum(np.maximum(np.maximum(qu, qv), qw), 0) - radius) * s).astype(np.float32)

        return distance

    pieces = (("manubrium", part(0.0, -46.0, 6.2)), ("sternal body", part(-49.0, -146.0, 5.2)),
              ("xiphoid process", part(-146.5, -174.0, 3.5)))  # fmt: skip
    return [Solid(name, bounds, distance, material, STERNUM.label) for name, distance in pieces]


def shoulder_solids(plan: SpinePlan, cage: Cage, sternum: SternumShape, bone: Material, step: float) -> list[Solid]:
    """Clavicles, shoulder blades and the upper arms raised beside the head."""
    notch = sternum.top
    t2, t3, t7 = plan.body("T2").centre, plan.body("T3").centre, plan.body("T7").centre
    acromion = np.array([150.0, t3[1] + 2.0, t2[2] + 22.0])
    clavicle = smooth_curve(
        [
            (*(notch + vec(18, 2, 2)), 6.5),
            (60.0, notch[1] - 4, notch[2] + 14, 5.5),
            (105.0, notch[1] + 24, notch[2] + 26, 5.5),
            (*(acromion + vec(-6, -2, 4)), 6.0),
        ],
        8.0,
    )
    collar = Strokes.curve(clavicle[:, :3], clavicle[:, 3])
    glenoid = acromion + vec(-6.0, 4.0, -30.0)
    back_high, back_low = float(cage.at(t3[2])[2]), float(cage.at(t7[2])[2])
    blade = (
        ((72, back_high + 4, t3[2] + 4, 3), (100, back_high - 2, t3[2] + 12, 2.5), (*(glenoid + vec(-12, 8, 10)), 6)),
        ((74, back_high + 10, t3[2] - 35, 2.5), (98, back_high + 2, t3[2] - 35, 2), (*(glenoid + vec(-8, 10, -12)), 6)),
        ((84, back_low + 2, t7[2] - 4, 4), (92, back_low - 2, t7[2] + 4, 3.5), (112, back_low - 12, t7[2] + 40, 5)),
    )
    spine = Strokes.curve([vec(76.0, back_high + 14, t3[2]), vec(115.0, back_high + 12, t3[2] + 16), acromion], 5.0)
    scapula = Strokes.join([smooth_sheet(blade, max(3.0, step)), spine])
    head = glenoid + vec(27.0, -6.0, 6.0)
    humerus = Strokes.curve([head, head + vec(20.0, -6.0, 60.0), head + vec(42.0, -30.0, 330.0)], [22.0, 12.0, 11.0])
    solids = []
    for name, strokes in (("clavicle", collar), ("scapula", scapula), ("humerus", humerus)):
        for side in (strokes, strokes.mirrored()):
            solids.append(Solid(name, side.bounds, side.distance(), bone))
    return solids
