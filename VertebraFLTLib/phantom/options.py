"""What can be chosen about a phantom: grid sizes and the conditions of the simulated examination."""

from __future__ import annotations

from dataclasses import dataclass, field

from VertebraFLTLib.errors import InputError

from .grid import Grid, Point
from .pose import Pose

DAYS = (-1, 7, 28)
"""Days of the three scans relative to the transplant: ablated, early, recovered."""


@dataclass(frozen=True)
class PhantomSize:
    """The two grids. Sizes are voxels (x, y, z), spacings mm (x, y, z); ``ct_bottom_mm`` is the CT's lower edge.

    In plane both grids are centred on the patient; along z the PET is centred on the CT (it may overhang a little).
    ``pet_subdivision`` (x, y, z) is how finely the activity is laid out inside a PET voxel before the blur.
    """

    ct_size: tuple[int, int, int]
    ct_spacing: Point
    pet_size: tuple[int, int, int]
    pet_spacing: Point
    ct_bottom_mm: float = 0.0
    pet_subdivision: tuple[int, int, int] = (2, 2, 2)

    def ct_grid(self) -> Grid:
        """The CT's grid."""
        return _grid(self.ct_size, self.ct_spacing, self.ct_bottom_mm)

    def pet_grid(self) -> Grid:
        """The PET's grid."""
        overhang = (self.pet_size[2] * self.pet_spacing[2] - self.ct_size[2] * self.ct_spacing[2]) / 2
        return _grid(self.pet_size, self.pet_spacing, self.ct_bottom_mm - overhang)


def _grid(size: tuple[int, int, int], spacing: Point, bottom: float) -> Grid:
    x, y = (-(n - 1) * s / 2 for n, s in zip(size[:2], spacing[:2], strict=True))
    return Grid(size, spacing, (x, y, bottom + spacing[2] / 2))


SIZES: dict[str, PhantomSize] = {
    # A whole-body examination on a scanner of the thesis's kind: 600 mm field, CT every 5 mm, PET every 4 mm.
    "full": PhantomSize((512, 512, 188), (1.171875, 1.171875, 5.0), (144, 144, 238), (4.0, 4.0, 4.0)),
    # The same patient and the same slices with half the CT's resolution in plane.
    "demo": PhantomSize((256, 256, 188), (2.34375, 2.34375, 5.0), (144, 144, 238), (4.0, 4.0, 4.0)),
    # For tests: trunk only, 3 mm in plane.
    "small": PhantomSize(
        (128, 128, 167), (3.0, 3.0, 5.0), (96, 96, 209), (4.0, 4.0, 4.0), ct_bottom_mm=45.0, pet_subdivision=(1, 1, 2)
    ),
}


@dataclass(frozen=True)
class PhantomOptions:
    """The conditions of the simulation; every default is a usual patient on a usual scanner.

    ``kyphosis_deg`` (T1 to T12) and ``scoliosis_deg`` (Cobb angle, thoracic, convex to the right when positive):
    ``None`` lets the seed choose. ``pet_noise`` is the relative standard deviation at SUV 1 (it falls with the square
    root of uptake), ``ct_noise_hu`` the standard deviation of CT noise. ``pet_shift_mm`` moves the PET's content
    against the CT (LPS). ``variation`` scales all random differences between seeds (0: the nominal patient). ``pose``:
    how the patient lies on that day.
    """

    kyphosis_deg: float | None = None
    scoliosis_deg: float | None = None
    thoracic: int = 12
    lumbar: int = 5
    psf_fwhm_mm: float = 6.0
    pet_noise: float = 0.15
    ct_noise_hu: float = 14.0
    pet_shift_mm: Point = field(default=(0.0, 0.0, 0.0))
    variation: float = 1.0
    pose: Pose = field(default=Pose())

    def __post_init__(self) -> None:
        if self.thoracic not in (11, 12, 13):
            raise InputError(f"phantom option thoracic is {self.thoracic}: choose 11, 12 or 13 thoracic vertebrae")
        if self.lumbar not in (4, 5, 6):
            raise InputError(f"phantom option lumbar is {self.lumbar}: choose 4, 5 or 6 lumbar vertebrae")
        for name in ("psf_fwhm_mm", "pet_noise", "ct_noise_hu", "variation"):
            if not getattr(self, name) >= 0:
                raise InputError(f"phantom option {name} is {getattr(self, name)}: give a number of 0 or more")
