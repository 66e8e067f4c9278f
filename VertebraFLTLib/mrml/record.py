"""What a scene says beyond its nodes, so that a case can be reviewed on another day: as plain data, and back."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import SimpleITK as sitk

from VertebraFLTLib.column import column_of, column_profile, vertebra_mask, without_islands
from VertebraFLTLib.errors import InputError
from VertebraFLTLib.io.geometry import OriginalGeometry, to_lps
from VertebraFLTLib.io.images import ImageSource, LoadedImage
from VertebraFLTLib.io.suv_record import SuvRecord
from VertebraFLTLib.mrml.case import SceneNodes
from VertebraFLTLib.mrml.models import surfaces_of
from VertebraFLTLib.mrml.tables import suv_from_table
from VertebraFLTLib.mrml.vertebra_layer import semantic_of
from VertebraFLTLib.mrml.volumes import image_from_node
from VertebraFLTLib.pipeline import doubts
from VertebraFLTLib.quantification.completeness import completeness_warnings
from VertebraFLTLib.quantification.masks_on_pet import bones_on_pet
from VertebraFLTLib.result import Options, Result
from VertebraFLTLib.spine.history import History
from VertebraFLTLib.spine.profile import Profile

_GRID_MM = 0.01  # a scene file keeps places to fewer digits than memory does


def content_of(result: Result) -> dict[str, Any]:
    """The content of a case's node after a run."""
    return {
        "history": History(result.boundaries).to_json(),
        "acceptances": [],
        "surfaces": {"percentiles": list(result.options.percentiles), "levels_suv": None},
        "inputs": {"ct": _plain_input(result.ct), "pet": _plain_input(result.pet)},
        "suv": result.suv.to_json(),
        "options": asdict(result.options),
        "segmentation": dict(result.segmentation),
        "input_warnings": list(result.input_warnings),
        "carried": result.carried,
        "edited": result.edited,
        "timings_s": dict(result.timings_s),
        "peak_memory_mb": result.peak_memory_mb,
    }


def history_of(content: dict[str, Any], profile: Profile) -> History:
    """The history of edits in a case's content. Raises InputError where it cannot be read."""
    return History.from_json(str(content.get("history")), profile, "the review")


def result_of(nodes: SceneNodes, content: dict[str, Any]) -> Result:
    """A case as the scene states it: images and masks from its nodes, all else from the case's node.

    Masks that the user corrected count as they are now. Raises InputError, in words, where the volumes were replaced or
    a node cannot be read. The surfaces are those shown; the table is the one shown, to six digits.
    """
    try:
        ct = _loaded(nodes.ct, content["inputs"]["ct"])
        pet = _loaded(nodes.pet, content["inputs"]["pet"])
        suv = SuvRecord.from_json(content["suv"])
        chosen: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in content["options"].items()}
        options = Options(**chosen)
        details, warnings = dict(content["segmentation"]), list(content["input_warnings"])
        timings, peak = dict(content["timings_s"]), float(content["peak_memory_mb"])
        edited, carried = bool(content["edited"]), content["carried"]
    except (KeyError, TypeError) as error:
        raise InputError(f"{nodes.case.GetName()}: not a whole review ({error}); run the case again") from error
    pet_suv = sitk.Cast(pet.image, sitk.sitkFloat32)
    semantic = semantic_of(nodes.segmentation, nodes.ct)
    column = column_of(semantic)
    semantic, _ = without_islands(semantic, column)
    profile = column_profile(pet_suv, semantic, column)
    boundaries = history_of(content, profile).current
    partly = completeness_warnings(bones_on_pet(pet_suv, semantic), semantic)
    return Result(
        ct=ct,
        pet=pet,
        pet_suv=pet_suv,
        suv=suv,
        semantic=semantic,
        vertebrae=vertebra_mask(semantic, column, boundaries, profile.spacing_mm),
        profile=profile,
        boundaries=boundaries,
        suv_table=suv_from_table(nodes.suv_table),
        surfaces=surfaces_of(nodes.surfaces),
        options=options,
        segmentation=details,
        warnings=[*warnings, *partly, *doubts(suv, boundaries)],
        input_warnings=warnings,
        carried=carried,
        edited=edited,
        timings_s=timings,
        peak_memory_mb=peak,
    )


def _plain_input(loaded: LoadedImage) -> dict[str, Any]:
    return {
        "source": loaded.source.to_json(),
        "original": asdict(loaded.original),
        "grid": asdict(OriginalGeometry.of(loaded.image)),
        "warnings": list(loaded.warnings),
    }


def _loaded(node: Any, stated: dict[str, Any]) -> LoadedImage:
    image = to_lps(image_from_node(node))
    grid, now = _geometry(stated["grid"]), OriginalGeometry.of(image)
    far = max(abs(a - b) for a, b in zip(grid.origin + grid.spacing, now.origin + now.spacing, strict=True))
    turned = max(abs(a - b) for a, b in zip(grid.direction, now.direction, strict=True))
    if grid.size != now.size or far > _GRID_MM or turned > 1e-4:
        raise InputError(
            f"volume {node.GetName()} is another than the case was run on, or was moved; run the case again"
        )
    # The new image keeps the exact grid: a scene file rounds it.
    image.SetOrigin(grid.origin)
    image.SetSpacing(grid.spacing)
    image.SetDirection(grid.direction)
    return LoadedImage(image, _geometry(stated["original"]), ImageSource(**stated["source"]), tuple(stated["warnings"]))


def _geometry(stated: dict[str, Any]) -> OriginalGeometry:
    return OriginalGeometry(**{key: tuple(values) for key, values in stated.items()})
