"""From images to a finished run folder, and from an edited folder to a new one; each appears whole or not at all."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import SimpleITK as sitk

from VertebraFLTLib.column import column_of, column_profile, without_islands
from VertebraFLTLib.errors import InputError
from VertebraFLTLib.io.images import LoadedImage, read_image
from VertebraFLTLib.io.suv_record import SuvOverrides, SuvRecord
from VertebraFLTLib.io.writing import RUN_FILES, StagedFolder, sha256_of
from VertebraFLTLib.peak_memory import peak_memory_mb
from VertebraFLTLib.pipeline import finish, run
from VertebraFLTLib.progress import Progress, Stopwatch, silent
from VertebraFLTLib.quantification.coverage import Grid
from VertebraFLTLib.report.run_folder import write_record, write_report
from VertebraFLTLib.result import Options, Result, Review
from VertebraFLTLib.segmentation.protocol import Segmenter
from VertebraFLTLib.segmentation.registry import get_segmenter
from VertebraFLTLib.spine.boundaries import BoundarySet
from VertebraFLTLib.spine.centre_line import centre_line
from VertebraFLTLib.spine.history import Acceptance, Entry
from VertebraFLTLib.spine.planes import place

log = logging.getLogger(__name__)

CASE_KEYS = (
    "inputs",
    "options",
    "suv",
    "segmentation",
    "boundaries",
    "input_warnings",
    "boundaries_sha256",
    "semantic_sha256",
)
_ENDS = ("bottom_z_mm", "top_z_mm", "bottom_cut", "top_cut")
NEW_REVIEW = "the case was reviewed in Slicer: case.json keeps the log, but scene.mrb begins a new review"
INPUTS = "phantom"  # where a demonstration keeps the images that it made
MASK = "semantic.nii.gz"
EDITED_MASK = "semantic.nii.gz was edited by hand after the segmentation"
NO_SCENE = "scene.mrb was not written: it needs 3D Slicer's MRML classes; pip install 'vertebraflt[standalone]'"


def run_into(
    out: Path | str,
    read: Callable[[Path], tuple[LoadedImage, LoadedImage]],
    options: Options,
    *,
    mask: str | None = None,
    segmenter: Segmenter | None = None,
    overrides: SuvOverrides | None = None,
    scene: bool = True,
    keeps_inputs: bool = False,
    progress: Progress = silent,
) -> Result:
    """Run one case and write its folder.

    ``read`` is called with the folder being written and returns CT and PET; it is called after the output was found
    to be writable, so that nobody waits for nothing. ``segmenter``: one already loaded, for a cohort; else it is made
    from the options, or from ``mask``, the path of a mask that is already there. ``keeps_inputs``: ``read`` puts the
    images into the folder's ``phantom``, in place of those of an earlier demonstration.
    """
    refuse_to_lose_edits(Path(out))
    with StagedFolder(out, known=(*RUN_FILES, INPUTS) if keeps_inputs else RUN_FILES) as folder:
        watch = Stopwatch(progress)
        with watch.stage("read"):
            ct, pet = read(folder)
        with watch.stage("load model"):
            segmenter = segmenter or get_segmenter(options, mask)
        result = run(ct, pet, segmenter, options, overrides=overrides, progress=progress)
        result.timings_s = {**watch.seconds, **result.timings_s}
        write_folder(result, folder, scene, progress)
    return result


def rebuild_folder(
    folder: Path | str,
    boundaries: Path | str | None = None,
    *,
    cuts: str | None = None,
    scene: bool = True,
    progress: Progress = silent,
) -> Result:
    """Vertebrae, tables, surfaces, report and scene anew from edited boundaries, in place of the old ones.

    ``cuts``: None leaves every plane as the table has it (one that has none is placed as the run did); "oblique" or
    "axial" turns all but the locked ones.

    CT and PET are read again from where case.json says they were; a changed PET is refused by its hash, because the
    edits were made on another image.
    """
    folder = Path(folder)
    case = read_case(folder)
    source = Path(boundaries) if boundaries else folder / "boundaries.csv"
    edited = read_run_text(source)
    stored: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in case["options"].items()}
    options = Options(**{"cuts": "axial", **stored})  # runs before there were oblique cuts
    if cuts is not None:
        options = replace(options, cuts=cuts)
    watch = Stopwatch(progress)
    with StagedFolder(folder) as stage:
        with watch.stage("read"):
            ct = read_again(case, "ct", "CT", progress)
            pet = read_again(case, "pet", "PT", progress)
            semantic = read_image(folder / MASK).image
        details, noted = dict(case["segmentation"]), list(case["input_warnings"])
        mask_edited = sha256_of([folder / MASK]) != case["semantic_sha256"]
        if mask_edited and EDITED_MASK not in noted:
            details["edited"] = True
            noted.append(EDITED_MASK)
        suv = SuvRecord.from_json(case["suv"])
        pet_suv = sitk.Cast(pet.image, sitk.sitkFloat32) * suv.factor
        with watch.stage("boundaries"):
            column = column_of(semantic)
            semantic, _ = without_islands(semantic, column)
            profile = column_profile(pet_suv, semantic, column)
            chosen = as_recorded(BoundarySet.from_csv(edited, profile=profile, name=str(source)), case)
            if case.get("carried") and not mask_edited:
                chosen = replace(chosen, **{key: case["boundaries"][key] for key in _ENDS})
            line = centre_line(column, Grid.of(semantic).ijk_to_lps)
            chosen = place(chosen, line, options.cuts, anew=cuts is not None)
        result = finish(
            ct,
            pet,
            pet_suv,
            suv,
            semantic,
            column,
            profile,
            chosen,
            options,
            details,
            noted,
            watch,
        )
        result.carried = case.get("carried")
        result.review = _review(case, chosen)
        if result.review and scene:
            result.warnings.append(NEW_REVIEW)
        result.edited = case.get("edited", False) or mask_edited or sha256_of([source]) != case["boundaries_sha256"]
        write_folder(result, stage, scene, progress)
    return result


def _review(case: dict[str, Any], boundaries: BoundarySet) -> Review | None:
    """What readers did before: the log always, the signature only while the table is the one that was signed."""
    was = case.get("review")
    if not was:
        return None
    signed = Acceptance(**was["accepted"]) if was["accepted"] else None
    if signed and signed.sha256 != hashlib.sha256(boundaries.to_csv().encode()).hexdigest():
        signed = None
    return Review(tuple(Entry(**entry) for entry in was["log"]), signed)


def as_recorded(edited: BoundarySet, case: dict[str, Any]) -> BoundarySet:
    """What the table does not hold: reasons of boundaries that nobody moved, and how sure the names are.

    The names are as sure as before, unless a boundary that stayed where it was has got another name.
    """
    before = case["boundaries"]
    why = {old["z_mm"]: tuple(old["reasons"]) for old in before["items"]}
    kept = (b if b.source == "user" else replace(b, reasons=why.get(b.z_mm, b.reasons)) for b in edited.boundaries)
    edited = replace(edited, boundaries=tuple(kept))
    renamed = any(
        abs(old["z_mm"] - new.z_mm) < 0.5 and (old["below"], old["above"]) != (new.below, new.above)
        for old in before["items"]
        for new in edited.boundaries
    )
    if not renamed:
        known = before.get("name_confidence", {})
        return replace(
            edited,
            level_confidence=before["level_confidence"],
            level_reason=before["level_reason"],
            name_confidence=tuple(known.values()) if tuple(known) == edited.names else (),
        )
    return replace(edited, level_confidence=1.0, level_reason="level names set by the user")


def refuse_to_lose_edits(out: Path) -> None:
    """An earlier run in ``out`` may be replaced, but not boundaries or a mask that somebody corrected there."""
    if not (out / "case.json").is_file():
        return
    case = read_case(out)
    if case.get("edited", False):
        raise InputError(f"{out} holds a run that was corrected by hand and rebuilt; give another --out")
    if (case.get("review") or {}).get("log"):
        raise InputError(f"{out} holds a run that was reviewed in Slicer; give another --out")
    for name, key in (("boundaries.csv", "boundaries_sha256"), (MASK, "semantic_sha256")):
        if (out / name).is_file() and sha256_of([out / name]) != case[key]:
            raise InputError(
                f"{out / name} was edited since the run that wrote it; use 'vertebraflt rebuild {out}', "
                "or give another --out"
            )


def refuse_unbuilt_edits(folder: Path, case: dict[str, Any]) -> None:
    """A run may be used as it is, but not with boundaries or a mask that no table of it has seen yet."""
    for name, key in (("boundaries.csv", "boundaries_sha256"), (MASK, "semantic_sha256")):
        if not (folder / name).is_file():
            raise InputError(f"{folder / name}: no such file; give the folder of a finished run")
        if sha256_of([folder / name]) != case[key]:
            raise InputError(f"{folder / name} was edited since its run: 'vertebraflt rebuild {folder}' first")


def write_folder(result: Result, folder: Path, scene: bool, progress: Progress) -> None:
    """Scene, report and record into a folder that is being staged."""
    if scene and importlib.util.find_spec("slicer") is None:
        result.warnings.append(NO_SCENE)
        scene = False
    watch = Stopwatch(progress, result.timings_s)
    if scene:
        from VertebraFLTLib.mrml.scene import write_scene

        with watch.stage("scene"):
            write_scene(result, folder / "scene.mrb")
    with watch.stage("report"):
        write_report(result, folder, progress)
    result.peak_memory_mb = peak_memory_mb()
    write_record(result, folder)  # once more: the time of the report itself is known only now


def read_case(folder: Path) -> dict[str, Any]:
    """The record of a finished run. Raises InputError where the folder holds none."""
    path = folder / "case.json"
    text = read_run_text(path)
    try:
        case = json.loads(text)
    except ValueError as error:
        raise InputError(f"{path}: not a run's record ({error}); give the folder of a finished run") from error
    missing = [key for key in CASE_KEYS if not isinstance(case, dict) or key not in case]
    if missing:
        raise InputError(f"{path}: not a run's record (no {missing[0]!r}); give the folder of a finished run")
    return case


def read_run_text(path: Path) -> str:
    """A text file of a run's folder. Raises InputError where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; give the folder of a finished run") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error})") from error


def read_again(case: dict[str, Any], which: str, modality: Any, progress: Progress) -> LoadedImage:
    """An input of a finished run (``"ct"`` or ``"pet"``). Raises InputError where it is gone or another image."""
    known = case["inputs"][which]
    # The absolute path first: from another folder the path as given may lead to another patient's image.
    path = next((p for p in (known.get("absolute_path"), known["path"]) if p and Path(p).exists()), known["path"])
    if not Path(path).exists():
        raise InputError(
            f"{known['path']}: the {which.upper()} of this run is not there: it was moved, or the run was made of a "
            "volume in Slicer; run it anew from files with 'vertebraflt run'"
        )
    image = read_image(path, modality=modality, series=known.get("series_uid"), progress=progress)
    if image.source.sha256 != known["sha256"]:
        raise InputError(f"{known['path']}: not the {which.upper()} of this run (its sha256 differs); run anew")
    return image
