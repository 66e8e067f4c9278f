"""Sacrum, hip bones and proximal femora, drawn from landmarks of the pelvis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from VertebraFLTLib.anatomy import HIP_BONE, SACRUM

from .solids import Distance, Material, Solid
from .spine_shape import SpinePlan, frame
from .strokes import Strokes, smooth_curve, smooth_sheet

HIP_BELOW_SACRUM_MM = 100.0
HIP_BEFORE_SACRUM_MM = 22.0
HIP_APART_MM = 88.0
"""The hip joints' centres relative to the middle of the sacrum's upper endplate (pelvic tilt of about 12 degrees)."""


@dataclass(frozen=True)
class Landmarks:
    """The left hip joint's centre (LPS mm); everything else of the hip bone is drawn relative to it."""

    hip: np.ndarray

    @staticmethod
    def of(plan: SpinePlan) -> Landmarks:
        """The landmarks that fit a spine."""
        offset = np.array([HIP_APART_MM, -HIP_BEFORE_SACRUM_MM, -HIP_BELOW_SACRUM_MM])
        return Landmarks(plan.sacrum_top + offset)


def sacrum_solids(plan: SpinePlan, material: Material, soft: Material, step: float) -> list[Solid]:
    """The sacrum (labelled) with its canal and foramina cut by soft tissue, and the coccyx (not labelled)."""
    # Per segment from above: length, tilt of the axis, half-width, depth of the body, backward sweep of the wings.
    rows = (
        (4.0, 48.0, 38.0, 26.0, 2.0),
        (12.0, 46.0, 56.0, 27.0, 12.0),
        (15.0, 44.0, 56.0, 26.0, 15.0),
        (12.0, 40.0, 51.0, 22.0, 14.0),
        (12.0, 32.0, 46.0, 19.0, 11.0),
        (10.0, 20.0, 40.0, 16.0, 8.0),
        (10.0, 8.0, 31.0, 11.0, 6.0),
        (9.0, -6.0, 28.0, 10.0, 4.0),
        (9.0, -18.0, 24.0, 9.0, 3.0),
        (8.0, -28.0, 16.0, 8.0, 1.0),
        (6.0, -36.0, 9.0, 6.0, 0.0),
    )
    point = plan.sacrum_top.copy()
    lean = plan.sacral_slope_deg - 38.0
    sheet, centres = [], []
    for length, tilt, half_width, depth, sweep in rows:
        axes = frame(tilt + lean, 0.0)
        point = point - axes[2] * length * plan.scale
        across = []
        for u in np.linspace(-1, 1, 13):
            thick = depth / 2 * (1.0 if abs(u) < 0.5 else 1.0 - 0.3 * (abs(u) - 0.5) / 0.5)
            inset = half_width - depth * 0.35
            # Ball centres sit half a body's depth behind the front; wings sweep back.
            local = np.array([u * inset, sweep * u * u, 0.0])
            across.append((*(point + local @ axes), thick))
        sheet.append(across)
        centres.append((point.copy(), axes, half_width, depth))
    bone = smooth_sheet(sheet, max(3.0, step))

    # Behind the canal: the median crest and the plate that joins it to the wings.
    behind = [(c, a, d / 2) for c, a, _, d in centres[2:8]]
    plate = [
        Strokes.curve([c + np.array([u, b + v, 0.0]) @ a for c, a, b in behind], r)
        for u, v, r in ((0.0, 12.5, 6.0), (-6.0, 11.0, 5.5), (6.0, 11.0, 5.5), (-12.0, 8.5, 6.0), (12.0, 8.5, 6.0))
    ]
    drawing = Strokes.join([bone, *plate])
    shape = drawing.distance()
    block = _first_segments(plan)
    canal = Strokes.curve([c + np.array([0.0, d / 2 + 4.0, 0.0]) @ a for c, a, _, d in centres[:8]], 5.5).distance(8.0)
    n, p = frame(plan.sacral_slope_deg, 0.0)[2].astype(np.float32), plan.sacrum_top.astype(np.float32)

    def distance(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        # Cut flat by the upper endplate across the body; the wings fall away from it by themselves.
        endplate = n[0] * (x - p[0]) + n[1] * (y - p[1]) + n[2] * (z - p[2])
        return np.maximum(np.maximum(np.minimum(shape(x, y, z), block(x, y, z)), endplate), -canal(x, y, z))

    solids = [Solid("sacrum", drawing.bounds, distance, material, SACRUM.label)]
    for index, apart in ((2, 17.0), (4, 15.0), (6, 12.0), (8, 10.0)):
        c, a, _, d = centres[index]
        for s in (-1.0, 1.0):
            hole = Strokes.curve([c + np.array([s * apart, v, 0.0]) @ a for v in (-d / 2 - 4, d / 2 + 6)], 4.0)
            solids.append(Solid("sacral foramen", hole.bounds, hole.distance(), soft, label=-1))
    tail_point, tail_axes = centres[-1][0], frame(-45.0, 0.0)
    tail = Strokes.curve([tail_point - tail_axes[2] * 7, tail_point - frame(-60, 0)[2] * 30], [6.0, 3.0])
    return [*solids, Solid("coccyx", tail.bounds, tail.distance(), material)]


def _first_segments(plan: SpinePlan) -> Distance:
    """The bodies of S1 and S2 as one tapering oval block under the upper endplate."""
    axes = frame(plan.sacral_slope_deg + 4.0, 0.0).astype(np.float32)
    top, length = plan.sacrum_top.astype(np.float32), np.float32(58.0 * plan.scale)
    l5 = plan.bodies[0]
    wide, deep = np.float32(l5.half_width[0] + 1.0), np.float32(l5.half_depth[0] - 0.5)

    def distance(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        dx, dy, dz = x - top[0], y - top[1], z - top[2]
        u, v, w = (a[0] * dx + a[1] * dy + a[2] * dz for a in axes)
        taper = 1 - np.float32(0.55) * np.clip(-w / length, 0, 1)
        a, b = wide * taper, deep * taper
        r = np.sqrt((u / a) ** 2 + (v / b) ** 2)
        side = (1 - 1 / np.maximum(r, np.float32(1e-3))) * np.sqrt(u * u + v * v)
        return np.maximum(side, -w - length).astype(np.float32)

    return distance


def hip_solids(marks: Landmarks, hip: Material, femur: Material, step: float, scale: float) -> list[Solid]:
    """Both hip bones (labelled) and both proximal femora (not labelled)."""
    right_hip = marks.hip * np.array([-1.0, 1.0, 1.0])
    left = _hip_bone(marks.hip, step, scale)
    thigh = _femur(marks.hip, scale)
    solids = []
    for side, strokes, leg, centre in (
        ("left", left, thigh, marks.hip),
        ("right", left.mirrored(), thigh.mirrored(), right_hip),
    ):
        solids.append(Solid(f"{side} hip bone", strokes.bounds, _with_socket(strokes, centre), hip, HIP_BONE.label))
        solids.append(Solid(f"{side} femur", leg.bounds, leg.distance(), femur))
    return solids


def _with_socket(strokes: Strokes, centre: np.ndarray) -> Distance:
    shape = strokes.distance()
    c, r = centre.astype(np.float32), np.float32(26.0)

    def distance(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        ball = np.sqrt((x - c[0]) ** 2 + (y - c[1]) ** 2 + (z - c[2]) ** 2)
        return np.maximum(shape(x, y, z), r - ball)

    return distance


def _hip_bone(hip: np.ndarray, step: float, scale: float) -> Strokes:
    """The left hip bone: ilium as a curved sheet, acetabulum as a shell, pubis and ischium as strokes."""
    # Rows from the acetabular roof up to the crest; each from the sacroiliac joint forwards (x, y, z, radius)
    # relative to the hip joint's centre.
    ilium = (
        ((-22, 34, 12, 8), (-10, 24, 16, 9), (0, 8, 26, 9), (5, -10, 26, 8), (4, -24, 24, 6)),
        ((-30, 52, 42, 8), (-15, 32, 42, 7), (3, 12, 44, 6), (12, -12, 44, 6), (8, -30, 42, 6)),
        ((-38, 74, 72, 8), (-22, 44, 70, 8), (4, 18, 74, 4), (22, -14, 70, 4), (20, -34, 62, 6)),
        ((-40, 86, 92, 7), (-26, 56, 94, 8), (8, 26, 102, 3.5), (34, -12, 96, 4), (32, -40, 78, 6)),
        ((-36, 84, 106, 6), (-16, 58, 122, 6), (20, 28, 132, 5), (44, -8, 122, 6), (36, -44, 86, 6)),
    )
    wing = smooth_sheet(ilium, max(3.0, step))
    parts = [Strokes(wing.start * scale, wing.end * scale, wing.start_radius, wing.end_radius)]
    # Acetabular wall: a shell round the head, open to the side, front and below.
    opening = np.array([0.78, -0.32, -0.54])
    index = np.arange(640)
    height, around = 1 - 2 * (index + 0.5) / 640, index * np.pi * (3 - np.sqrt(5))  # evenly spread on the sphere
    ring = np.sqrt(1 - height**2)
    shell = np.stack([np.cos(around) * ring, np.sin(around) * ring, height], axis=1)
    shell = shell[shell @ opening < 0.25]
    parts.append(Strokes.balls(shell * 31.0, 6.5))
    pubis = smooth_curve(
        [(-14, -26, 8, 9), (-34, -42, 4, 7), (-56, -54, -6, 7), (-76, -56, -18, 8.5), (-79, -54, -34, 7)], 6.0
    )
    low_ramus = smooth_curve([(-79, -54, -36, 6), (-66, -34, -58, 5.5), (-50, -6, -76, 6), (-36, 18, -84, 9)], 6.0)
    ischium = smooth_curve([(-16, 24, -8, 11), (-22, 34, -34, 11), (-28, 30, -62, 12), (-32, 22, -80, 12)], 6.0)
    spine = smooth_curve([(-24, 34, -8, 6), (-38, 40, -14, 3)], 6.0)
    for line in (pubis, low_ramus, ischium, spine):
        parts.append(Strokes.curve(line[:, :3] * scale, line[:, 3]))
    joined = Strokes.join(parts)
    return Strokes(joined.start + hip, joined.end + hip, joined.start_radius, joined.end_radius)


def _femur(hip: np.ndarray, scale: float) -> Strokes:
    neck = Strokes.curve([(6, 0, -4), (34, 4, -28)], [16.0, 15.0])
    trochanter = Strokes.curve([(44, 14, -8), (46, 10, -34)], [11.0, 15.0])
    shaft = Strokes.curve([(40, 6, -40), (34, 2, -90), (30, 0, -220)], [17.0, 14.0, 13.0])
    lesser = Strokes.balls(np.array([[24.0, 14.0, -62.0]]), 8.0)
    head = Strokes.balls(np.zeros((1, 3)), 23.0)
    joined = Strokes.join([head, neck, trochanter, shaft, lesser])
    return Strokes(joined.start * scale + hip, joined.end * scale + hip, joined.start_radius, joined.end_radius)
