"""The spine as a plan: where each vertebral body and disc lies, how it is turned and how large it is.

Heights and endplate widths and depths by level: Panjabi et al., Spine 1991;16:861 (C2 to C7), Spine 1991;16:888
(T1 to T12) and Spine 1992;17:299 (L1 to L5), scaled to a mean adult. Disc heights rise from about 4 mm (upper thoracic)
to 11 mm (L4/L5). The tilt of the discs gives about 50 degrees of lumbar lordosis, 36 of thoracic kyphosis and 20 of
cervical lordosis, as in a patient lying on the table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from VertebraFLTLib.anatomy import LEVEL_BY_NAME

# name: posterior body height, width and depth of the upper endplate, height of the disc below (mm).
_SIZES: dict[str, tuple[float, float, float, float]] = {
    "C1": (9.5, 44.0, 16.0, 3.0),
    "C2": (18.0, 17.0, 15.0, 5.0),
    "C3": (11.6, 15.8, 15.0, 5.0),
    "C4": (11.4, 17.2, 15.3, 5.0),
    "C5": (11.4, 17.5, 15.2, 5.2),
    "C6": (10.9, 18.5, 16.4, 5.5),
    "C7": (12.8, 21.8, 18.1, 5.0),
    "T1": (14.1, 24.5, 18.5, 4.5),
    "T2": (15.6, 24.9, 19.6, 4.0),
    "T3": (15.7, 24.6, 22.7, 3.9),
    "T4": (16.2, 24.5, 23.3, 3.9),
    "T5": (16.2, 24.9, 24.3, 4.1),
    "T6": (17.4, 26.2, 26.0, 4.3),
    "T7": (18.2, 27.8, 27.4, 4.6),
    "T8": (18.7, 29.5, 27.9, 4.9),
    "T9": (19.3, 30.6, 29.3, 5.2),
    "T10": (20.2, 31.9, 30.5, 5.6),
    "T11": (21.3, 34.9, 31.9, 6.2),
    "T12": (22.7, 39.0, 32.8, 7.2),
    "L1": (23.8, 41.2, 34.1, 8.5),
    "L2": (24.3, 42.6, 34.6, 9.8),
    "L3": (23.8, 44.1, 35.2, 10.8),
    "L4": (24.1, 46.6, 35.5, 11.2),
    "L5": (22.9, 47.3, 34.7, 10.2),
}
# Those spines were small. Factors at C3, T1, T8 and L5 (VerSe numbers) that give the volumes of bodies in adults' CT.
_SCALE_AT = (3, 8, 15, 24)
_HEIGHT_SCALE, _WIDTH_SCALE, _DEPTH_SCALE = (1.18, 1.17, 1.10, 1.10), (1.30, 1.25, 1.17, 1.12), (1.10, 1.13, 1.13, 1.10)

# Forward tilt (degrees, upper end towards the front) of the mid-plane of the disc below each level, nominal.
_TILT_CERVICAL = (23.0, 20.0, 15.0, 10.0, 6.0, 3.0, 0.0)  # below C7 ... below C1
_TILT_THORACIC = (-13.0, -14.0, -14.0, -12.0, -8.0, -4.0, 1.0, 6.0, 11.0, 15.0, 19.0, 22.0)  # below T12 ... below T1
_TILT_LUMBAR = (30.0, 16.0, 5.0, -4.0, -10.0)  # below L5 ... below L1
_TILT_SACRUM, _TILT_TOP = 38.0, -2.0
NOMINAL_KYPHOSIS_DEG = 36.0

# The share of the bend between two discs that the body (not the discs) is wedged by.
_WEDGE = {"cervical": 0.3, "thoracic": 0.8, "lumbar": 0.35}


@dataclass(frozen=True)
class BodyShape:
    """One vertebral body. ``axes`` rows are the unit vectors to the left, back and top; lengths in mm, LPS."""

    name: str
    code: int
    centre: np.ndarray
    axes: np.ndarray
    height: float
    half_width: tuple[float, float]  # at the lower and the upper endplate
    half_depth: tuple[float, float]
    lower_normal: np.ndarray  # unit, upwards
    upper_normal: np.ndarray

    @property
    def region(self) -> str:
        """``cervical``, ``thoracic`` or ``lumbar``."""
        return LEVEL_BY_NAME[self.name].region

    @property
    def lower(self) -> np.ndarray:
        """Centre of the lower endplate."""
        return self.centre - self.axes[2] * self.height / 2

    @property
    def upper(self) -> np.ndarray:
        """Centre of the upper endplate."""
        return self.centre + self.axes[2] * self.height / 2


@dataclass(frozen=True)
class DiscShape:
    """The disc between ``below`` (``S1`` for the lowest) and ``above``: centre (LPS mm) and unit normal upwards."""

    below: str
    above: str
    centre: np.ndarray
    axes: np.ndarray
    height: float
    half_width: float
    half_depth: float

    @property
    def normal(self) -> np.ndarray:
        """Unit normal of the mid-plane, upwards."""
        return self.axes[2]


@dataclass(frozen=True)
class SpinePlan:
    """Bodies and discs from the lowest up, and the tilt of the sacrum's upper endplate."""

    bodies: tuple[BodyShape, ...]
    discs: tuple[DiscShape, ...]
    sacrum_top: np.ndarray
    sacral_slope_deg: float
    scale: float

    def body(self, name: str) -> BodyShape:
        """The body of a level; the nearest of its region where the patient has none of that name."""
        names = [b.name for b in self.bodies]
        if name in names:
            return self.bodies[names.index(name)]
        same = [b for b in self.bodies if b.name[0] == name[0]]
        return min(same, key=lambda b: abs(int(b.name[1:]) - int(name[1:])))

    def along(self, z: np.ndarray | float, column: int) -> np.ndarray:
        """x (0) or y (1) of the centre line at height ``z`` (mm)."""
        points = np.array([self.sacrum_top, *(b.centre for b in self.bodies)])
        return np.interp(z, points[:, 2], points[:, column])


def frame(forward_deg: float, left_deg: float) -> np.ndarray:
    """Rows: unit vectors to the left, back and top of a plate tilted forward and to the left."""
    f, s = np.radians(forward_deg), np.radians(left_deg)
    up = np.array([np.sin(s), -np.sin(f) * np.cos(s), np.cos(f) * np.cos(s)])
    back = np.array([0.0, 1.0, 0.0]) - up[1] * up
    back /= np.linalg.norm(back)
    return np.array([np.cross(back, up), back, up])


def level_names(thoracic: int, lumbar: int) -> list[str]:
    """The levels of a patient from the lowest up."""
    return (
        [f"L{i}" for i in range(lumbar, 0, -1)]
        + [f"T{i}" for i in range(thoracic, 0, -1)]
        + [f"C{i}" for i in range(7, 0, -1)]
    )


def _stretched(values: tuple[float, ...], count: int) -> np.ndarray:
    return np.interp(np.linspace(0, 1, count), np.linspace(0, 1, len(values)), values)


def _forward_tilts(
    rng: np.random.Generator, variation: float, kyphosis: float, thoracic: int, lumbar: int
) -> np.ndarray:
    """Tilt of the sacrum, of each disc from the lowest up, and of the top."""
    slope = _TILT_SACRUM + variation * rng.normal(0, 4)
    middle = 4.0 + variation * rng.normal(0, 1.5)
    chest = _stretched(_TILT_THORACIC, thoracic)
    chest = middle + (chest - 4.0) * kyphosis / NOMINAL_KYPHOSIS_DEG
    loin = _stretched(_TILT_LUMBAR, lumbar)
    loin = slope + (loin - _TILT_SACRUM) * (chest[0] - slope) / (_TILT_THORACIC[0] - _TILT_SACRUM)
    neck_top = _TILT_TOP + variation * rng.normal(0, 3)
    neck = np.array((*_TILT_CERVICAL, _TILT_TOP))
    neck = neck_top + (neck - _TILT_TOP) * (chest[-1] + 1 - neck_top) / (_TILT_CERVICAL[0] - _TILT_TOP)
    jitter = variation * rng.normal(0, 0.8, len(loin) + len(chest))
    return np.concatenate([[slope], np.concatenate([loin, chest]) + jitter, neck])


def plan_spine(
    rng: np.random.Generator,
    sacrum_top: np.ndarray,
    *,
    kyphosis_deg: float | None,
    scoliosis_deg: float | None,
    thoracic: int,
    lumbar: int,
    variation: float,
    bend_deg: tuple[float, float] = (0.0, 0.0),
    stretch: Mapping[str, tuple[float, float]] | None = None,
) -> SpinePlan:
    """Stack the spine from the sacrum up.

    ``sacrum_top`` is the centre of the sacrum's upper endplate (LPS mm). ``None`` for an angle lets ``rng`` choose;
    ``bend_deg`` is added to kyphosis and scoliosis. ``stretch``: factors on the height of a level's body and of the
    disc below it, for the levels it names.
    """
    scale = 1.0 + variation * float(np.clip(rng.normal(0, 0.02), -0.035, 0.035))
    chosen_kyphosis = NOMINAL_KYPHOSIS_DEG + variation * float(np.clip(rng.normal(0, 5), -10, 10))
    chosen_scoliosis = variation * float(np.clip(rng.normal(0, 3), -6, 6))
    kyphosis = (chosen_kyphosis if kyphosis_deg is None else kyphosis_deg) + bend_deg[0]
    scoliosis = (chosen_scoliosis if scoliosis_deg is None else scoliosis_deg) + bend_deg[1]

    names = level_names(thoracic, lumbar)
    tilts = _forward_tilts(rng, variation, kyphosis, thoracic, lumbar)
    # A thoracic curve and a smaller lumbar one against it: the tangent swings by the Cobb angle between T4 and T12.
    along = np.linspace(0, 1, len(names) + 2)
    sideways = scoliosis / 2 * np.interp(along, (0, 0.1, 0.32, 0.55, 0.75, 0.9, 1), (0, 0.35, -1, 0, 1, 0.2, 0))
    growth = 1.0 + variation * rng.normal(0, 0.02, (len(names), 4))

    bodies: list[BodyShape] = []
    discs: list[DiscShape] = []
    below, point = "S1", np.asarray(sacrum_top, dtype=np.float64)
    for i, name in enumerate(names):
        height, width, depth, disc = _size(name) * growth[i]
        body_stretch, disc_stretch = (stretch or {}).get(name, (1.0, 1.0))
        height, disc = height * scale * body_stretch, disc * scale * disc_stretch
        width, depth = width * scale, depth * scale
        lower_width, lower_depth = width * (1.04 if name[0] != "C" else 1.0), depth * 1.02
        axes = frame(tilts[i + 1], sideways[i + 1])
        discs.append(DiscShape(below, name, point + axes[2] * disc / 2, axes, disc, lower_width / 2, lower_depth / 2))
        point = point + axes[2] * disc
        body_axes = frame((tilts[i + 1] + tilts[i + 2]) / 2, (sideways[i + 1] + sideways[i + 2]) / 2)
        bend, side = (tilts[i + 2] - tilts[i + 1]) / 2, (sideways[i + 2] - sideways[i + 1]) / 2
        region = {"C": "cervical", "T": "thoracic", "L": "lumbar"}[name[0]]
        share = _WEDGE[region]
        middle, lean = (tilts[i + 1] + tilts[i + 2]) / 2, (sideways[i + 1] + sideways[i + 2]) / 2
        bodies.append(
            BodyShape(
                name=name,
                code=LEVEL_BY_NAME[name].code,
                centre=point + body_axes[2] * height / 2,
                axes=body_axes,
                height=height,
                half_width=(lower_width / 2, width / 2),
                half_depth=(lower_depth / 2, depth / 2),
                lower_normal=frame(middle - share * bend, lean - share * side)[2],
                upper_normal=frame(middle + share * bend, lean + share * side)[2],
            )
        )
        point = point + body_axes[2] * height
        below = name
    return SpinePlan(tuple(bodies), tuple(discs), np.asarray(sacrum_top, dtype=np.float64), float(tilts[0]), scale)


def _size(name: str) -> np.ndarray:
    key = {"T13": "T12", "L6": "L5"}.get(name, name)
    height, width, depth, disc = _SIZES[key]
    if name == "C1":  # measured on mean adults, not scaled
        return np.array([height, width, depth, disc])
    code = LEVEL_BY_NAME[key].code
    h, w, d = (float(np.interp(code, _SCALE_AT, scale)) for scale in (_HEIGHT_SCALE, _WIDTH_SCALE, _DEPTH_SCALE))
    return np.array([height * h, width * w, depth * d, disc])
