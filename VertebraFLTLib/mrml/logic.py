"""What the module does, without its widget: nodes and options in, nodes out; used by the GUI and by scripts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from VertebraFLTLib import pipeline
from VertebraFLTLib.errors import InputError
from VertebraFLTLib.io.suv_record import SuvOverrides
from VertebraFLTLib.mrml.case import SceneNodes, nodes_of, read_content
from VertebraFLTLib.mrml.inputs import VolumeStamp, load_from_node
from VertebraFLTLib.mrml.record import history_of, result_of
from VertebraFLTLib.mrml.review import ReviewPresenter
from VertebraFLTLib.mrml.runner import BackgroundRun
from VertebraFLTLib.mrml.scene import build_scene
from VertebraFLTLib.mrml.scheduler import IMMEDIATE, Scheduler
from VertebraFLTLib.mrml.units import is_suv
from VertebraFLTLib.mrml.worker import Job
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
    """Run a case on two volumes of a scene and add the result to the scene; returns when it is done.

    The scene is touched only when all is computed: an error or Cancelled, raised by ``progress``, leaves it as it was.
    ``segmenter``: one already loaded (a cohort loads its weights once); else it is made from the options.
    """
    options = options or Options()
    progress("reading", 0.0)
    ct, pet = load_from_node(ct_node, "CT"), load_from_node(pet_node, "PT")
    progress("reading", 1.0)
    result = pipeline.run(ct, pet, segmenter or get_segmenter(options), options, overrides=overrides, progress=progress)
    return _show(scene, ct_node, pet_node, result)


class NodeRun(BackgroundRun):
    """A run in the background, and the volumes of a scene that it was begun on as they then were."""

    def __init__(self, job: Job, scene: Any, ct_node: Any, pet_node: Any) -> None:
        self.scene = scene
        self.ct, self.pet = VolumeStamp.of(ct_node), VolumeStamp.of(pet_node)
        super().__init__(job)


def start_run(
    scene: Any,
    ct_node: Any,
    pet_node: Any,
    options: Options | None = None,
    *,
    mask: Path | str | None = None,
    overrides: SuvOverrides | None = None,
) -> NodeRun:
    """Begin a run in a process of its own, which says how far it is and can be cancelled at any moment.

    ``mask``: file of a mask that takes the place of the segmenter. Raises InputError at once where the volumes cannot
    be a CT and a PET, before anything is started.
    """
    ct, pet = load_from_node(ct_node, "CT"), load_from_node(pet_node, "PT")
    job = Job(ct, pet, options or Options(), overrides, None if mask is None else str(mask))
    return NodeRun(job, scene, ct_node, pet_node)


def finish_run(run: NodeRun) -> CaseRun:
    """Add the result of a run that is done to its scene, all of it or nothing.

    Raises InputError where the CT or the PET was deleted, moved or given other voxels while the run went on.
    """
    if run.result is None:
        raise InputError(run.error or f"the run is {run.state}: there is no result")
    for stamp, what in ((run.ct, "CT"), (run.pet, "PET")):
        stamp.check(run.scene, what)
    return _show(run.scene, run.ct.node, run.pet.node, run.result)


def open_review(
    case: Any, *, who: str | None = None, scheduler: Scheduler = IMMEDIATE, result: Result | None = None
) -> ReviewPresenter:
    """Review a case of a scene: one just run, or one read from a file.

    ``who`` signs the edits; by default the login name. ``scheduler``: how work is put off while a hand drags.
    ``result``: of the run that made the case, where it is at hand; else it is read from the scene's nodes, which takes
    some seconds. Raises InputError, in words, where nodes were deleted or volumes replaced.
    """
    nodes, content = nodes_of(case), read_content(case)
    if result is None:
        result = result_of(nodes, content)
    return ReviewPresenter(nodes, result, history_of(content, result.profile), who=who, scheduler=scheduler)


def _show(scene: Any, ct_node: Any, pet_node: Any, result: Result) -> CaseRun:
    # Only a volume with the same values in the same place can stand for the result's PET.
    same = is_suv(pet_node) and result.suv.factor == 1.0 and pet_node.GetParentTransformNode() is None
    return CaseRun(result, build_scene(result, scene, ct_node=ct_node, pet_node=pet_node if same else None))
