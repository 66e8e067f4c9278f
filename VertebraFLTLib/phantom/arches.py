"""Posterior arches: pedicles, laminae, articular pillars, transverse and spinous processes."""

from __future__ import annotations

import numpy as np

from .solids import Material, Solid, vec
from .spine_shape import BodyShape
from .strokes import Strokes

# level: canal half-width and depth, pedicle radius, length and fall (deg) of the spinous process, half-span and
# backward sweep of the transverse processes (mm). Between the rows given, levels are interpolated.
_ROWS: dict[int, tuple[float, ...]] = {
    1: (14.0, 18.0, 3.0, 4.0, 0.0, 38.0, 8.0),
    2: (12.5, 16.0, 3.5, 18.0, 15.0, 25.0, 6.0),
    3: (12.0, 14.5, 2.8, 15.0, 20.0, 26.0, 4.0),
    6: (12.5, 14.5, 2.8, 20.0, 20.0, 28.0, 6.0),
    7: (12.0, 14.5, 3.2, 30.0, 25.0, 34.0, 12.0),
    8: (10.5, 15.0, 3.4, 32.0, 32.0, 37.0, 20.0),
    11: (8.5, 15.5, 3.0, 34.0, 48.0, 33.0, 26.0),
    15: (8.5, 15.5, 3.4, 34.0, 55.0, 31.0, 27.0),
    17: (9.0, 16.0, 4.2, 28.0, 35.0, 28.0, 25.0),
    19: (10.5, 16.5, 4.8, 26.0, 15.0, 21.0, 20.0),
    20: (11.0, 16.5, 4.8, 29.0, 10.0, 36.0, 14.0),
    22: (11.5, 16.5, 5.6, 32.0, 8.0, 47.0, 12.0),
    24: (13.0, 17.0, 7.5, 24.0, 12.0, 45.0, 12.0),
}


def arch_solid(body: BodyShape, material: Material) -> Solid:
    """The posterior arch of one vertebra as strokes in the body's own frame (left, back, up)."""
    strokes = _atlas_arch(body) if body.name == "C1" else _arch(body)
    placed = strokes.placed(body.axes, body.centre)
    return Solid(f"arch {body.name}", placed.bounds, placed.distance(), material)


def _dimensions(code: int) -> list[float]:
    code = {25: 24, 28: 19}.get(code, code)
    known = sorted(_ROWS)
    return [float(np.interp(code, known, [_ROWS[k][i] for k in known])) for i in range(7)]


def _atlas_arch(body: BodyShape) -> Strokes:
    back = body.half_depth[1] + 18.0
    ring = [(-20.0, 6.0, 0.0), (-16.0, back - 9, 0.0), (0.0, back, 0.0), (16.0, back - 9, 0.0), (20.0, 6.0, 0.0)]
    parts = [Strokes.curve(ring, [4.5, 3.5, 4.0, 3.5, 4.5])]
    parts += [Strokes.curve([(s * 22, 4, 0), (s * 37, 6, -2)], [4.5, 3.5]) for s in (-1, 1)]
    return Strokes.join(parts)


def _arch(body: BodyShape) -> Strokes:
    canal, depth, pedicle, spine, fall_deg, span, sweep = _dimensions(body.code)
    h, b = body.height, float(np.mean(body.half_depth))
    fall = np.radians(fall_deg)
    lumbar, cervical = body.name[0] == "L", body.name[0] == "C"
    pedicle_height = 0.0 if cervical else 0.18 * h
    base = np.array([0.0, b + depth + 3.0, -0.12 * h])
    tip = base + spine * np.array([0.0, np.cos(fall), -np.sin(fall)])
    parts = []
    for s in (-1.0, 1.0):
        # The pedicle starts inside the body, where the body is laid over it.
        root = (s * (canal + pedicle) * (0.85 if not cervical else 0.75), 0.45 * b, pedicle_height)
        joint = (s * (canal + pedicle), b + 0.45 * depth, pedicle_height - 0.05 * h)
        parts.append(Strokes.curve([root, joint], pedicle))
        # Articular pillar: superior process above, inferior process below the lamina.
        out, rise = canal + pedicle + (2.0 if not lumbar else 3.0), 0.55 * h
        pillar_radius = 4.5 if lumbar else (4.2 if cervical else 3.2)
        parts.append(
            Strokes.curve(
                [(s * out, b + 0.55 * depth, rise), joint, (s * (out - 2), b + 0.85 * depth, -rise - 0.1 * h)],
                [pillar_radius, pillar_radius, pillar_radius],
            )
        )
        lamina = 2.6 if cervical else 3.2
        for level in (0.0, -0.22 * h):
            parts.append(Strokes.curve([(joint[0], joint[1], joint[2] + level), base + vec(0, 0, level)], lamina))
        end = (s * span, joint[1] + sweep * 0.8 - (4.0 if lumbar else 0.0), pedicle_height)
        parts.append(Strokes.curve([joint, end], [3.6, 2.8 if lumbar else 3.2]))
        if cervical:  # the anterior bar in front of the vertebral artery
            parts.append(Strokes.curve([(s * body.half_width[0] * 0.8, 0, 0), (s * (span - 4), 4, -1)], [2.5, 2.5]))
    # The spinous process is a plate: tall and thin in the loin, a sloping rod in the chest.
    tall = 0.55 * h if lumbar else 0.25 * h
    thick = 2.6 if lumbar else 2.4
    for level in np.linspace(-0.7, 0.3, 5 if lumbar else 3):
        offset = np.array([0.0, 0.0, level * tall])
        parts.append(Strokes.curve([base + offset, tip + offset * 0.9], [thick, thick + 0.9]))
    return Strokes.join(parts)


def spinous_tip(body: BodyShape) -> np.ndarray:
    """LPS position (mm) of the tip of the spinous process, for the skin of the back."""
    _, depth, _, spine, fall_deg, _, _ = _dimensions(body.code)
    fall = np.radians(fall_deg)
    b = float(np.mean(body.half_depth))
    local = np.array([0.0, b + depth + 3.0 + spine * np.cos(fall), -0.12 * body.height - spine * np.sin(fall)])
    return body.centre + local @ body.axes
