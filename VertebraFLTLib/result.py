"""What goes into a run and what comes out of it: the plain data that pipeline, report and scene share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import SimpleITK as sitk

if TYPE_CHECKING:
    from VertebraFLTLib.io.images import LoadedImage
    from VertebraFLTLib.io.suv import SuvRecord
    from VertebraFLTLib.longitudinal.follow import Comparison
    from VertebraFLTLib.quantification.surfaces import Surface
    from VertebraFLTLib.quantification.suv_table import RegionSuv
    from VertebraFLTLib.spine.boundaries import BoundarySet
    from VertebraFLTLib.spine.disc_track import DiscTrack
    from VertebraFLTLib.spine.history import Acceptance, Entry
    from VertebraFLTLib.spine.profile import Profile

VIEWS = ("axial", "sagittal", "coronal")
COMBINATIONS = ("additive", "average", "vote")
DETECTORS = ("span-prior", "thesis", "kalman")
CUTS = ("oblique", "axial")
SEGMENTERS = ("ensemble", "volume", "totalsegmentator", "nnunet")
PET_UNITS = ("auto", "suv", "bqml")
DEVICES = ("auto", "cpu", "cuda")


@dataclass(frozen=True)
class Options:
    """The choices of one run; the defaults are the product's. ``None`` means: as the weights' manifest says.

    ``segmenter`` None: the kind of network that ``model_folder`` holds; else the 3-D one that ships, or the ensemble
    where ``views`` or ``combine`` are given.
    """

    device: str = "auto"
    pet_units: str = "auto"
    segmenter: str | None = None
    model_folder: str | None = None
    views: tuple[str, ...] | None = None
    combine: str | None = None
    threshold: float | None = None
    detector: str = "span-prior"
    lowest: str | None = None
    cuts: str = "oblique"
    percentiles: tuple[float, ...] = (50.0, 85.0, 98.0)


@dataclass(frozen=True)
class Review:
    """What readers did to a case: ``log`` in order of time, ``accepted`` the signature that counts, if any."""

    log: tuple[Entry, ...]
    accepted: Acceptance | None


@dataclass
class Result:
    """Everything a run knows, in memory. Images are in LPS order, each on its own grid."""

    ct: LoadedImage
    pet: LoadedImage
    pet_suv: sitk.Image  # float32, PET grid
    suv: SuvRecord
    semantic: sitk.Image  # uint8, CT grid, labels of anatomy.STRUCTURES
    vertebrae: sitk.Image  # uint8, CT grid, VerSe numbers
    profile: Profile
    boundaries: BoundarySet
    suv_table: list[RegionSuv]
    surfaces: list[Surface]
    options: Options
    segmentation: dict[str, Any] = field(default_factory=dict)  # segmenter, weights sha256, device, thresholds
    warnings: list[str] = field(default_factory=list)  # all, as shown
    input_warnings: list[str] = field(default_factory=list)  # those of images, SUV and mask; they outlive a rebuild
    carried: dict[str, Any] | None = None  # where boundaries came from, if from another day; as in case.json
    comparison: Comparison | None = None  # that day beside this one, for the figure; a rebuild has none
    discs: DiscTrack | None = None  # as the segmenter saw them in the CT, for the figure; a rebuild has none
    review: Review | None = None  # None: nobody has reviewed it
    edited: bool = False  # boundaries or mask were corrected by hand, now or in an earlier rebuild
    timings_s: dict[str, float] = field(default_factory=dict)
    peak_memory_mb: float = 0.0
