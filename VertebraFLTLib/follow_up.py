"""From a finished run and another day's images of the same patient to that day's run folder, and to the timeline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from VertebraFLTLib.column import column_of
from VertebraFLTLib.errors import InputError
from VertebraFLTLib.io.images import LoadedImage, read_image
from VertebraFLTLib.io.suv_record import SuvOverrides
from VertebraFLTLib.io.writing import RUN_FILES, StagedFolder, sha256_of, write_text
from VertebraFLTLib.longitudinal.follow import Carrier, Reference, refuse_other_patient
from VertebraFLTLib.longitudinal.registration import Scan
from VertebraFLTLib.longitudinal.timeline import DayRow, DayRun, doubts_of, timeline, to_csv
from VertebraFLTLib.pipeline import Stopwatch, run
from VertebraFLTLib.progress import Progress, silent
from VertebraFLTLib.report.style import save
from VertebraFLTLib.report.timeline_figure import timeline_figure
from VertebraFLTLib.report.timeline_page import timeline_page
from VertebraFLTLib.result import Options, Result
from VertebraFLTLib.segmentation.protocol import Segmenter
from VertebraFLTLib.segmentation.registry import get_segmenter
from VertebraFLTLib.spine.boundaries import BoundarySet
from VertebraFLTLib.spine.profile import Profile
from VertebraFLTLib.workflow import (
    MASK,
    as_recorded,
    read_again,
    read_case,
    read_run_text,
    refuse_to_lose_edits,
    refuse_unbuilt_edits,
    write_folder,
)

TIMELINE_FILES = ("timeline.csv", "timeline.png", "timeline.html")


def follow_into(
    out: Path | str,
    reference: Path | str,
    read: Callable[[], tuple[LoadedImage, LoadedImage]],
    options: Options,
    *,
    label: str = "",
    mask: str | None = None,
    segmenter: Segmenter | None = None,
    overrides: SuvOverrides | None = None,
    scene: bool = True,
    progress: Progress = silent,
) -> Result:
    """Run one case whose boundaries come from the run in ``reference``, and write its folder.

    ``read`` returns CT and PET of the day; ``label`` names the day in record and report. The reference's CT is read
    again from where its case.json says: it shows the discs by which the spines are laid upon each other. Other
    arguments as in :func:`~VertebraFLTLib.workflow.run_into`. Raises InputError for another patient's images, where
    the registration fails, or where the scans have no vertebra in common.
    """
    if Path(out).resolve() == Path(reference).resolve():
        raise InputError(f"--out {out} is the reference itself; give another folder")
    refuse_to_lose_edits(Path(out))
    case = read_case(Path(reference))
    refuse_unbuilt_edits(Path(reference), case)
    with StagedFolder(out, known=RUN_FILES) as folder:
        watch = Stopwatch(progress)
        with watch.stage("read"):
            ct, pet = read()
            ct_before = read_again(case, "ct", "CT", progress)
            refuse_other_patient(ct_before, ct, pet)
            lent = _reference(Path(reference), case, ct_before)
        with watch.stage("load model"):
            segmenter = segmenter or get_segmenter(options, mask)
        carrier = Carrier(lent, ct.image, progress)
        options = replace(options, detector="carried", cuts=case["options"].get("cuts", "axial"))
        result = run(ct, pet, segmenter, options, placement=carrier, overrides=overrides, progress=progress)
        result.carried = {"label": label, **carrier.record()}
        result.comparison = carrier.comparison
        noted = [*carrier.warnings, *_other_segmenter(case["segmentation"], result.segmentation)]
        result.warnings = [*noted, *result.warnings]
        result.input_warnings = [*noted, *result.input_warnings]
        result.timings_s = {**watch.seconds, **result.timings_s}
        write_folder(result, folder, scene, progress)
    return result


def _other_segmenter(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    keys = ("segmenter", "weights_sha256")
    if all(before.get(key) == now.get(key) for key in keys):
        return []
    return ["the reference's mask was made by another segmenter or other weights: SUV may differ between days for that"]


def _reference(folder: Path, case: dict[str, Any], ct: LoadedImage) -> Reference:
    """The finished run as it stands in its folder."""
    if case.get("carried"):
        raise InputError(
            f"{folder}: its own boundaries were carried from {case['carried']['reference']}; follow that run instead"
        )
    profile = Profile.from_csv(read_run_text(folder / "profile.csv"), str(folder / "profile.csv"))
    table = folder / "boundaries.csv"
    boundaries = as_recorded(BoundarySet.from_csv(read_run_text(table), profile=profile, name=str(table)), case)
    semantic = read_image(folder / MASK).image
    identity = {
        "reference": str(folder),
        "reference_absolute_path": str(folder.absolute()),
        "reference_created": case["created"],
        "reference_ct_sha256": case["inputs"]["ct"]["sha256"],
        "reference_boundaries_sha256": sha256_of([table]),
    }
    return Reference(Scan(ct.image, semantic, column_of(semantic)), boundaries, identity)


def timeline_into(
    out: Path | str, folders: Sequence[Path | str], days: Sequence[float]
) -> tuple[list[DayRow], list[str]]:
    """``timeline.csv``, ``timeline.png`` and ``timeline.html`` of finished runs, one a day; returns rows and warnings.

    Raises InputError where folders and days do not match or the runs do not belong together.
    """
    if len(folders) != len(days):
        raise InputError(f"--days names {len(days)} days for {len(folders)} runs; give one for each, in the same order")
    runs = [DayRun(float(day), str(folder), read_case(Path(folder))) for day, folder in zip(days, folders, strict=True)]
    for run_of_day in runs:
        refuse_unbuilt_edits(Path(run_of_day.folder), dict(run_of_day.case))
    rows, warnings = timeline(runs), doubts_of(runs)
    with StagedFolder(out, marker=TIMELINE_FILES[0], known=TIMELINE_FILES) as folder:
        write_text(folder / "timeline.csv", to_csv(rows))
        save(timeline_figure(rows), folder / "timeline.png")
        picture = (folder / "timeline.png").read_bytes()
        write_text(folder / "timeline.html", timeline_page(rows, runs, warnings, picture))
    return rows, warnings
