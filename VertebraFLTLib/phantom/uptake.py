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


# How the thesis's rule (mask on the PET grid, dilated by one voxel, voxels summed) sees the nominal patient at full
# size and 6 mm FWHM: ml of marrow at uptake 1, and SUV x ml from outside the marrow (calibration.measure_seen).
_SEEN: dict[str, tuple[float, float]] = {
    "L5": (30.79, 8.2), "L4": (32.46, 7.56), "L3": (29.92, 8.23), "L2": (29.02, 7.28),
    "L1": (27.33, 6.29), "T12": (25.23, 5.94), "T11": (20.5, 5.49), "T10": (17.05, 4.85),
    "T9": (14.68, 4.08), "T8": (12.88, 3.62), "T7": (11.52, 3.62), "T6": (9.65, 2.77),
    "T5": (8.43, 3.05), "T4": (8.16, 3.05), "T3": (7.74, 2.73), "T2": (6.8, 2.55),
    "T1": (5.77, 2.46), "pelvis": (691.17, 304.43), "sternum": (48.97, 22.67),
}  # fmt: skip
_CERVICAL_STEP = 0.99  # no table reaches the neck: its marrow continues that of T1 to T3, a little less per level


def marrow_uptake(day: int, rng: np.random.Generator, levels: list[str], variation: float) -> MarrowUptake:
    """Uptake of one patient on ``day`` (-1, 7 or 28); ``rng`` varies the patient and, less, the levels."""
    patient = float(np.exp(variation * rng.normal(0, 0.12)))
    by_level = {
        name: nominal_marrow_suv(name, day) * patient * float(np.exp(variation * rng.normal(0, 0.05)))
        for name in levels
    }
    pelvis = nominal_marrow_suv("pelvis", day) * patient
    sternum = nominal_marrow_suv("sternum", day) * patient * float(np.exp(variation * rng.normal(0, 0.1)))
    return MarrowUptake(by_level, sacrum=pelvis, hip_bone=pelvis, sternum=sternum, other=0.6 * pelvis)


def nominal_marrow_suv(region: str, day: int) -> float:
    """Marrow SUV (of a level, ``"pelvis"`` or ``"sternum"``) at which the nominal patient's sum is the table's."""
    if region in ("pelvis", "sternum"):
        return _from_sum(region, TABLE_8_SUMS[region][day])
    if region[0] == "C":
        top = float(np.mean([nominal_marrow_suv(f"T{i}", day) for i in (1, 2, 3)]))
        return top * _CERVICAL_STEP ** (8 - LEVEL_BY_NAME[region].code)
    level = {"T13": "T12", "L6": "L5"}.get(region, region)
    ratio = TABLE_8_SUMS["column"][day] / TABLE_8_SUMS["column"][28]
    return _from_sum(level, TABLE_7_SUMS[level] * ratio)


def _from_sum(region: str, suv_sum: float) -> float:
    marrow_ml, outside = _SEEN[region]
    return max((suv_sum * PET_VOXEL_ML - outside) / marrow_ml, TISSUE_SUV["cortex"])
