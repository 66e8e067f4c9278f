"""A simulated stem-cell-transplant patient: CT and FLT-PET with exact truth, for the demo, tests and benchmarks."""

from .case import PhantomCase, TrueBoundary, level_code, make_phantom
from .options import DAYS, SIZES, PhantomOptions, PhantomSize
from .pose import Pose
from .writing import boundaries_csv, write_phantom

__all__ = [
    "DAYS", "SIZES", "PhantomCase", "PhantomOptions", "PhantomSize", "Pose", "TrueBoundary", "boundaries_csv",
    "level_code", "make_phantom", "write_phantom",
]  # fmt: skip
