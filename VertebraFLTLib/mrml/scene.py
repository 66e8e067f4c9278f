"""A run's result as a scene: nodes in a given scene, or a scene of its own written as one .mrb file."""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import slicer

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.io.geometry import back_to_original
from VertebraFLTLib.mrml import (
    case,
    hierarchy,
    models,
    planes,
    plot,
    record,
    segmentation,
    tables,
    units,
    views,
    volumes,
)
from VertebraFLTLib.mrml.case import SceneNodes
from VertebraFLTLib.result import Result

# Modules of Slicer register these with the application's scene only; a scene made here has to know them too.
_MODULE_CLASSES = (
    "vtkMRMLSegmentationNode",
    "vtkMRMLSegmentationDisplayNode",
    "vtkMRMLSegmentationStorageNode",
    "vtkMRMLMarkupsPlaneNode",
    "vtkMRMLMarkupsPlaneDisplayNode",
    "vtkMRMLMarkupsPlaneJsonStorageNode",
)


def build_scene(
    result: Result,
    scene: Any,
    *,
    ct_node: Any = None,
    pet_node: Any = None,
    content: dict[str, Any] | None = None,
) -> SceneNodes:
    """Add a result to a scene: all of it, or nothing where an error comes between.

    ``ct_node``: the scene's own node of the CT; without one a new node is made, and in it lies the CT in LPS order. The
    same holds for ``pet_node``, which must be in SUV. The masks are put on the grid of the CT's node, so that Slicer
    edits them voxel by voxel. ``content``: of the case's node, where a review has begun already.
    """
    before, items = {node.GetID() for node in _all_nodes(scene)}, set(hierarchy.items(scene))
    scene.StartState(slicer.vtkMRMLScene.BatchProcessState)
    try:
        return _build(result, scene, ct_node, pet_node, content or record.content_of(result))
    except BaseException:
        hierarchy.remove_items(scene, [item for item in hierarchy.items(scene) if item not in items])
        for node in [node for node in _all_nodes(scene) if node.GetID() not in before]:
            scene.RemoveNode(node)
        raise
    finally:
        scene.EndState(slicer.vtkMRMLScene.BatchProcessState)


def _all_nodes(scene: Any) -> list[Any]:
    return [scene.GetNthNode(index) for index in range(scene.GetNumberOfNodes())]


def _build(result: Result, scene: Any, ct_node: Any, pet_node: Any, content: dict[str, Any]) -> SceneNodes:
    semantic, vertebrae = result.semantic, result.vertebrae
    ct, pet = ct_node, pet_node
    if ct is None:
        ct = volumes.add_volume(scene, result.ct.image, "CT")
        units.mark_as_ct(ct)
        units.show_as_ct(ct)
    else:
        semantic, vertebrae = (back_to_original(mask, result.ct.original) for mask in (semantic, vertebrae))
    if pet is None:
        pet = volumes.add_volume(scene, result.pet_suv, "PET SUVbw")
    segments = segmentation.add_segmentation(scene, semantic, vertebrae, ct)
    suv_table = tables.add_suv_table(scene, result.suv_table)
    level_table = tables.add_level_table(scene, result.suv_table)
    profile_table = tables.add_profile_table(scene, result.profile)
    boundary_table = tables.add_boundary_table(scene, result.boundaries, result.profile)
    nodes = SceneNodes(
        ct,
        pet,
        segments,
        suv_table,
        level_table,
        profile_table,
        boundary_table,
        plot.add_profile_plot(scene, profile_table, boundary_table),
        plot.add_level_plot(scene, level_table),
        planes.update_planes(scene, [], result.boundaries.boundaries),
        models.add_surfaces(scene, result.surfaces),
    )
    nodes = replace(nodes, case=case.add_case(scene, nodes, content))
    made = nodes.made if pet_node is not None else [pet, *nodes.made]
    header = result.ct.source.header
    folder = hierarchy.arrange(scene, ct, made, nodes.planes, nodes.surfaces, header, take_ct=ct_node is None)
    units.mark_as_suv(pet, result.suv.tracer)
    units.show_as_pet(pet)
    return replace(nodes, folder=folder)


def private_scene() -> Any:
    """An empty scene that has nothing to do with the application's, ready for every node class used here."""
    scene = slicer.vtkMRMLScene()
    for name in _MODULE_CLASSES:
        if not scene.GetTagByClassName(name):
            scene.RegisterNodeClass(getattr(slicer, name)())
    return scene


def write_scene(result: Result, path: str | Path, content: dict[str, Any] | None = None) -> None:
    """Write the result as a Slicer data bundle (.mrb), whole or not at all, without touching the application's scene.

    ``content``: of the case's node, where a review has begun already. Raises InputError where it cannot be written.
    """
    target = Path(path).resolve()
    scene = private_scene()
    nodes = build_scene(result, scene, content=content)
    segmentation.prepare_to_store(nodes.segmentation)
    bounds = [0.0] * 6
    nodes.segmentation.GetSegmentation().GetBounds(bounds)
    if bounds[0] > bounds[1]:  # no segment
        nodes.ct.GetRASBounds(bounds)
    views.prepare_views(scene, nodes, tuple(bounds))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # A folder, since the scene inside a bundle is called after the bundle's file.
        with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as folder:
            written = Path(folder) / target.name
            if not scene.WriteToMRB(str(written), None):
                raise InputError(f"cannot write {path}: the disk may be full")
            os.replace(written, target)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}; choose another output") from error
    finally:
        scene.Clear(1)
