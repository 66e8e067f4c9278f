"""What the module does, without its widget: nodes and options in, nodes out; used by the GUI and by scripts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from VertebraFLTLib import pipeline
from VertebraFLTLib.io.suv_record import SuvOverrides
from VertebraFLTLib.io.writing import StagedFolder
from VertebraFLTLib.mrml.inputs import load_from_node
from VertebraFLTLib.mrml.scene import SceneNodes, build_scene, write_scene
from VertebraFLTLib.mrml.units import is_suv
from VertebraFLTLib.progress import Progress, silent
from VertebraFLTLib.result import Options, Result
from VertebraFLTLib.segmentation.protocol import Segmenter
from VertebraFLTLib.segmentation.registry import get_segmenter


@dataclass(frozen=True)
class CaseRun:
    """A finished run: the data, and the nodes that show it."""

    result: Result
    nodes: SceneNodes


def run_case(
    scene: Any,
    ct_node: Any,
    pet_node: Any,
    options: Options | None = None,
    *,
    segmenter: Segmenter | None = None,
    overrides: SuvOverrides | None = None,
    progress: Progress = silent,
) -> CaseRun:
    """Run a case on two volumes of a scene and add the result to the scene.

    The scene is touched only when all is computed: an error or Cancelled, raised by ``progress``, leaves it as it was.
    ``segmenter``: one already loaded (a cohort loads its weights once); else it is made from the options.
    """
    options = options or Options()
    progress("reading", 0.0)
    ct, pet = load_from_node(ct_node, "CT"), load_from_node(pet_node, "PT")
    progress("reading", 1.0)
    result = pipeline.run(ct, pet, segmenter or get_segmenter(options), options, overrides=overrides, progress=progress)
    # Only a volume with the same values in the same place can stand for the result's PET.
    same = is_suv(pet_node) and result.suv.factor == 1.0 and pet_node.GetParentTransformNode() is None
    own = pet_node if same else None
    return CaseRun(result, build_scene(result, scene, ct_node=ct_node, pet_node=own))


def export_case(result: Result, folder: Path | str, progress: Progress = silent) -> None:
    """Write the folder that ``vertebraflt run`` writes, scene included; whole or not at all. Raises InputError."""
    from VertebraFLTLib.report.run_folder import write_report  # brings matplotlib, which a run does not need

    with StagedFolder(folder) as stage:
        progress("report", 0.0)
        write_report(result, stage)
        progress("scene", 0.0)
        write_scene(result, stage / "scene.mrb")
        progress("scene", 1.0)
