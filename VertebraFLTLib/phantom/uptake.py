"""True tracer uptake: marrow by level and day after the thesis's tables, other tissues after the FLT literature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from VertebraFLTLib.anatomy import LEVEL_BY_NAME

TABLE_7_SUMS: dict[str, float] = dict(
    zip(
        ("L5", "L4", "L3", "L2", "L1", *(f"T{i}" for i in range(12, 0, -1))),
        (4187, 4339, 4401, 4169, 4176, 3937, 3379, 2909, 2625, 2365, 2008, 1702, 1422, 1227, 1089, 1179, 923),
        strict=True,
    )
)
"""Sum of SUV over the PET voxels of each vertebral body on day 28 (thesis, appendix E, Table 7).

Means over patients p6 to p22: the columns of p1 to p5 did not survive in the text that these were read from. The 17
levels add up to 46,038; the thesis gives 45,932 for all 22 patients.
"""

TABLE_8_SUMS: dict[str, dict[int, float]] = {
    "column": {-1: 6391, 7: 11373, 28: 54411},
    "pelvis": {-1: 13233, 7: 14236, 28: 63230},
    "sternum": {-1: 917, 7: 1250, 28: 5122},
}
"""Sum of SUV on the three scans (thesis, appendix E, Table 8): means over the 19 patients who have all three."""

PET_VOXEL_ML = 0.064
"""Volume of the voxels the tables were summed over: 4 mm cubes, as the thesis's indices imply."""

TISSUE_SUV: dict[str, float] = {
    "fat": 0.2,
    "muscle": 0.45,
    "blood": 0.6,
    "heart": 0.6,
    "lung": 0.25,
    "liver": 4.2,
    "spleen": 1.6,
    "kidney": 5.5,
    "bladder": 28.0,
    "bowel": 1.5,
    "stomach": 1.0,
    "gas": 0.1,
    "brain": 0.15,
    "disc": 0.45,
    "cortex": 0.5,
    "cartilage": 0.4,
}
"""SUV outside the marrow: FLT is glucuronidated in the liver, excreted in urine and kept out of the brain."""


@dataclass(frozen=True)
class MarrowUptake:
    """True mean SUV of the marrow of each level and of the other bones of one patient on one day."""

    by_level: dict[str, float]
    sacrum: float
    hip_bone: float
    sternum: float
    other: float  # ribs, shoulder blades, proximal femora, skull base


# What the thesis's rule (mask on the PET grid, cross dilation in plane, sum) sees of the nominal patient at 6 mm
# FWHM: ml of marrow seen in full, and SUV x ml that come from outside the marrow. Measured by calibrate_uptake().
_SEEN: dict[str, tuple[float, float]] = {}


def marrow_uptake(day: int, rng: np.random.Generator, levels: list[str], variation: float) -> MarrowUptake:
    """Uptake of one patient on ``day`` (-1, 7 or 28); ``rng`` varies the patient and, less, the levels."""
    column = TABLE_8_SUMS["column"][day] / TABLE_8_SUMS["column"][28]
    patient = float(np.exp(variation * rng.normal(0, 0.12)))
    by_level = {
        name: nominal_marrow_suv(name, column) * patient * float(np.exp(variation * rng.normal(0, 0.05)))
        for name in levels
    }
    pelvis = _other_bone("pelvis", day) * patient
    sternum = _other_bone("sternum", day) * patient * float(np.exp(variation * rng.normal(0, 0.1)))
    return MarrowUptake(by_level, sacrum=1.1 * pelvis, hip_bone=pelvis, sternum=sternum, other=0.6 * pelvis)


def nominal_marrow_suv(level: str, day_ratio: float) -> float:
    """Marrow SUV at which the nominal patient's sum is the table's times ``day_ratio``."""
    if level not in LEVEL_BY_NAME:
        raise KeyError(level)
    return 6.5 * day_ratio if level[0] == "L" else 5.5 * day_ratio


def _other_bone(region: str, day: int) -> float:
    return {"pelvis": 5.5, "sternum": 5.0}[region] * TABLE_8_SUMS[region][day] / TABLE_8_SUMS[region][28]
