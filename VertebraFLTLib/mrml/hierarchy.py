"""The subject hierarchy: one folder under the CT's study that holds everything a run has made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import slicer
from vtkmodules.vtkCommonCore import vtkIdList

FOLDER_NAME = "VertebraFLT"
SURFACES_NAME, PLANES_NAME = "Isosurfaces", "Boundary planes"

# Slicer's plug-ins by node class. Slicer finds the owner itself; a scene made without Slicer has to name it.
_OWNERS = {
    "vtkMRMLScalarVolumeNode": "Volumes",
    "vtkMRMLSegmentationNode": "Segmentations",
    "vtkMRMLTableNode": "Tables",
    "vtkMRMLPlotChartNode": "Plots",
    "vtkMRMLPlotSeriesNode": "Plots",
    "vtkMRMLModelNode": "Models",
    "vtkMRMLMarkupsPlaneNode": "Markups",
    "vtkMRMLTextNode": "Texts",
}


def arrange(
    scene: Any,
    ct: Any,
    others: Iterable[Any],
    planes: Iterable[Any],
    surfaces: Iterable[Any],
    header: Mapping[str, Any],
    take_ct: bool = True,
) -> int:
    """Put the nodes into one new folder, planes and surfaces in folders of their own within; the folder's item id.

    The folder goes under the study of the CT where the scene has one, else under a patient without a name and a study
    named by the DICOM ``header``. ``take_ct`` False leaves a CT that was in the scene where it is.
    """
    tree = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    folder = tree.CreateFolderItem(_study_of(tree, ct, header), FOLDER_NAME)
    _own(tree, folder, "Folder")
    for node in [ct, *others] if take_ct else others:
        _put(tree, folder, node)
    for name, nodes in ((PLANES_NAME, list(planes)), (SURFACES_NAME, list(surfaces))):
        if nodes:
            inner = tree.CreateFolderItem(folder, name)
            _own(tree, inner, "Folder")
            tree.SetItemExpanded(inner, False)
            for node in nodes:
                _put(tree, inner, node)
    return int(folder)


def put_beside(scene: Any, node: Any, neighbour: Any) -> None:
    """Put a new node into the folder where another one is; nothing where that one is in none."""
    tree = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    item = tree.GetItemByDataNode(neighbour)
    if item != tree.GetInvalidItemID():
        _put(tree, tree.GetItemParent(item), node)


def remove(scene: Any, node: Any) -> None:
    """Remove a node and its place in the hierarchy, which a scene outside Slicer would otherwise keep."""
    tree = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    item = tree.GetItemByDataNode(node)
    if item != tree.GetInvalidItemID():
        tree.RemoveItem(item, False, False)
    scene.RemoveNode(node)


def items(scene: Any) -> list[int]:
    """All items of the hierarchy."""
    tree = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    found = vtkIdList()
    tree.GetItemChildren(tree.GetSceneItemID(), found, True)
    return [found.GetId(index) for index in range(found.GetNumberOfIds())]


def remove_items(scene: Any, unwanted: Iterable[int]) -> None:
    """Remove items, not the nodes in them."""
    tree = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    for item in unwanted:
        tree.RemoveItem(item, False, False)


def _study_of(tree: Any, ct: Any, header: Mapping[str, Any]) -> int:
    constants = slicer.vtkMRMLSubjectHierarchyConstants
    item = tree.GetItemByDataNode(ct)
    if item != tree.GetInvalidItemID():
        study = tree.GetItemAncestorAtLevel(item, constants.GetDICOMLevelStudy())
        return study if study != tree.GetInvalidItemID() else tree.GetItemParent(item)
    uid_name = constants.GetDICOMUIDName()
    study_uid = str(header.get("StudyInstanceUID") or "")
    known = tree.GetItemByUID(uid_name, study_uid) if study_uid else tree.GetInvalidItemID()
    if known != tree.GetInvalidItemID():
        return known
    patient = tree.CreateSubjectItem(tree.GetSceneItemID(), "Patient")
    study = tree.CreateStudyItem(patient, _study_name(header))
    if study_uid:
        tree.SetItemUID(study, uid_name, study_uid)
    for made in (patient, study):
        _own(tree, made, "DICOM")
    return study


def _study_name(header: Mapping[str, Any]) -> str:
    parts = [str(header.get(key) or "") for key in ("StudyDescription", "StudyDate")]
    return " ".join(part for part in parts if part) or "Study"


def _put(tree: Any, parent: int, node: Any) -> None:
    item = tree.CreateItem(parent, node)  # moves the item where Slicer has made one already
    _own(tree, item, _OWNERS[node.GetClassName()])


def _own(tree: Any, item: int, plugin: str) -> None:
    if not tree.GetItemOwnerPluginName(item):
        tree.SetItemOwnerPluginName(item, plugin)
