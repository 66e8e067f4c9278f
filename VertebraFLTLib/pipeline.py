"""The only place that orders the steps: images and options in, a Result out, in memory."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import SimpleITK as sitk

from VertebraFLTLib.column import (
    column_of,
    column_on_ct,
    column_profile,
    discs_along,
    line_of,
    ribs_on_ct,
    sacrum_top,
    vertebra_mask,
    without_islands,
)
from VertebraFLTLib.io.images import LoadedImage
from VertebraFLTLib.io.pairing import check_pair
from VertebraFLTLib.io.suv import pet_to_suv
from VertebraFLTLib.io.suv_record import SuvOverrides, SuvRecord
from VertebraFLTLib.peak_memory import peak_memory_mb
from VertebraFLTLib.progress import Progress, Stopwatch, silent
from VertebraFLTLib.quantification.completeness import completeness_warnings
from VertebraFLTLib.quantification.masks_on_pet import bones_on_pet
from VertebraFLTLib.quantification.surfaces import percentile_surfaces
from VertebraFLTLib.quantification.suv_table import measure_regions
from VertebraFLTLib.quantification.vertebra_slices import vertebrae_on_pet
from VertebraFLTLib.result import Options, Result
from VertebraFLTLib.segmentation.protocol import Segmenter
from VertebraFLTLib.spine.boundaries import BoundarySet, discounted
from VertebraFLTLib.spine.centre_line import CentreLine
from VertebraFLTLib.spine.detectors import get_detector
from VertebraFLTLib.spine.detectors.protocol import Clues
from VertebraFLTLib.spine.disc_track import DiscTrack
from VertebraFLTLib.spine.levels import SURE_OF_NAMES, check_level
from VertebraFLTLib.spine.name_confidence import in_words
from VertebraFLTLib.spine.planes import place
from VertebraFLTLib.spine.profile import Profile
from VertebraFLTLib.spine.sacrum import doubt_a_sliver

Placement = Callable[[sitk.Image, np.ndarray, Profile], BoundarySet]
"""Boundaries from elsewhere than the uptake: semantic mask, column (bool, kji) and profile in, boundaries out."""

LARGE_ISLANDS_ML = 1.0  # less than this is noise of a network, and not worth a word
OTHER_TRACER = 0.7  # share of a boundary's confidence that is kept where the tracer is not FLT
LOW_CONFIDENCE = 0.5  # below this a boundary is called uncertain, in words and in colour, wherever it is shown


def run(
    ct: LoadedImage,
    pet: LoadedImage,
    segmenter: Segmenter,
    options: Options | None = None,
    *,
    placement: Placement | None = None,
    overrides: SuvOverrides | None = None,
    progress: Progress = silent,
) -> Result:
    """The whole path of method.md from two images to tables and surfaces.

    The segmenter is given, not made, so that a cohort loads its weights once. ``placement`` takes the detector's place,
    for a day on which uptake shows no boundaries. Raises InputError when the input is at
    fault; Cancelled, raised by ``progress``, passes through and leaves nothing behind.
    """
    options = options or Options()
    if options.lowest is not None:
        check_level(options.lowest)
    watch = Stopwatch(progress)
    with watch.stage("suv"):
        overlap = check_pair(ct, pet)
        pet_suv, suv = pet_to_suv(pet, options.pet_units, overrides or SuvOverrides())
    with watch.stage("segmentation"):
        segmentation = segmenter.segment(ct.image, progress)
    with watch.stage("boundaries"):
        column = column_of(segmentation.mask)
        semantic, island_ml = without_islands(segmentation.mask, column)
        line = line_of(semantic, column)
        discs = None if segmentation.discs is None else discs_along(segmentation.discs, line)
        if placement is None:
            profile, boundaries = find_boundaries(pet_suv, semantic, column, options, suv.tracer, ct.image, discs, line)
        else:
            profile = column_profile(pet_suv, semantic, column)
            boundaries = placement(semantic, column, profile)
    warnings = [*ct.warnings, *pet.warnings, *overlap, *suv.warnings, *segmentation.warnings]
    if island_ml > LARGE_ISLANDS_ML:
        warnings.append(f"{island_ml:.1f} ml marked as vertebral body lay apart from the column and were left out")
    result = finish(
        ct,
        pet,
        pet_suv,
        suv,
        semantic,
        column,
        profile,
        boundaries,
        options,
        segmentation.details,
        warnings,
        watch,
    )
    result.discs = discs
    return result


def finish(
    ct: LoadedImage,
    pet: LoadedImage,
    pet_suv: sitk.Image,
    suv: SuvRecord,
    semantic: sitk.Image,
    column: np.ndarray,
    profile: Profile,
    boundaries: BoundarySet,
    options: Options,
    details: dict[str, object],
    warnings: list[str],
    watch: Stopwatch,
) -> Result:
    """Everything that follows from the boundaries: what a run does last and a rebuild does anew."""
    with watch.stage("instances"):
        vertebrae = vertebra_mask(semantic, column, boundaries, profile.spacing_mm)
    with watch.stage("quantification"):
        bones = bones_on_pet(pet_suv, semantic)
        table = measure_regions(pet_suv, [*vertebrae_on_pet(pet_suv, semantic, boundaries), *bones])
        partly = completeness_warnings(bones, semantic)
    with watch.stage("surfaces"):
        surfaces = percentile_surfaces(pet_suv, semantic, vertebrae, options.percentiles, progress=watch.progress)
    return Result(
        ct=ct,
        pet=pet,
        pet_suv=pet_suv,
        suv=suv,
        semantic=semantic,
        vertebrae=vertebrae,
        profile=profile,
        boundaries=boundaries,
        suv_table=table,
        surfaces=surfaces,
        options=options,
        segmentation=dict(details),
        warnings=[*warnings, *partly, *doubts(suv, boundaries)],
        input_warnings=warnings,
        timings_s=watch.seconds,
        peak_memory_mb=peak_memory_mb(),
    )


def find_boundaries(
    pet_suv: sitk.Image,
    semantic: sitk.Image,
    column: np.ndarray,
    options: Options,
    tracer: str | None = None,
    ct: sitk.Image | None = None,
    discs: DiscTrack | None = None,
    line: CentreLine | None = None,
) -> tuple[Profile, BoundarySet]:
    """The uptake profile of the column and what the chosen detector makes of it, as planes across the column.

    tracer: as :class:`SuvRecord` names it. Confidence is discounted for any other than FLT, None being unknown. ct: on
    the grid of ``semantic``; without it the mask alone tells what the CT may show of the discs. discs: as the segmenter
    sees them in that CT, along the column. line: the column's centre line, where it is known already.
    """
    profile = column_profile(pet_suv, semantic, column)
    top = sacrum_top(semantic, profile)
    line = line or line_of(semantic, column)
    seen = column_on_ct(semantic, column, ct, discs)
    ribs = None if ct is None else ribs_on_ct(ct, line)
    boundaries = get_detector(options.detector).detect(
        profile, Clues(lowest=options.lowest, sacrum_top_z_mm=top, ct=seen, ribs=ribs)
    )
    if top is not None and options.lowest is None:
        boundaries = doubt_a_sliver(boundaries)
    if tracer is not None and tracer != "FLT":
        boundaries = discounted(boundaries, OTHER_TRACER, f"tracer is {tracer}: confidence is known for FLT only")
    return profile, place(boundaries, line, options.cuts)


def doubts(suv: SuvRecord, boundaries: BoundarySet) -> list[str]:
    """What a reader must know before trusting the boundaries and their names."""
    found = []
    carried = any(b.source == "carried" for b in boundaries.boundaries)
    if suv.tracer and suv.tracer != "FLT" and not carried:
        found.append(
            f"the tracer is {suv.tracer}, not FLT: marrow uptake may not show the discs, so boundaries may be wrong"
        )
    weak = [b for b in boundaries.boundaries if b.confidence < LOW_CONFIDENCE]
    if weak:
        names = ", ".join(f"{b.below}/{b.above}" for b in weak)
        found.append(
            f"{len(weak)} of {len(boundaries.boundaries)} boundaries are uncertain "
            f"(confidence below {LOW_CONFIDENCE:g}): {names}; inspect them on the profile"
        )
    parts = [v for v in boundaries.vertebrae() if not v.complete]
    if parts:
        names = ", ".join(f"{v.level} ({v.reason})" for v in parts)
        found.append(f"not wholly in view, so its figures are of a part: {names}")
    if boundaries.level_confidence < SURE_OF_NAMES:
        found.append(
            f"level names are an inference (confidence {in_words(boundaries)}: {boundaries.level_reason}); "
            + (
                "settle them in the run they were carried from"
                if carried
                else "check the count of boundaries, and give the lowest level with --lowest where it is known"
            )
        )
    return found
