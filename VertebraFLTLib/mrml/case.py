"""The case in the scene: one text node that says what was run and reviewed, and refers to every node that shows it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.mrml.plot import LevelPlot, ProfilePlot

CASE_ATTRIBUTE = "VertebraFLT.Case"
_FORMAT_VERSION = 1
_ROLE = "VertebraFLT."
_PLANES, _SURFACES = _ROLE + "plane", _ROLE + "surface"

# Role of a node reference, and what its node is called when it is missing.
_SINGLE = {
    "ct": "the CT",
    "pet": "the PET in SUV",
    "segmentation": "the segmentation",
    "suv_table": "the table of SUV by region",
    "level_table": "the table of SUV by level",
    "profile_table": "the table of the uptake profile",
    "boundary_table": "the table of boundaries",
    "plot.chart": "the profile's chart",
    "plot.profile": "a series of the profile's chart",
    "plot.doubtful": "a series of the profile's chart",
    "plot.selected": "a series of the profile's chart",
    "plot.boundaries": "a series of the profile's chart",
    "bar_plot.chart": "the bar chart",
    "bar_plot.bars": "the series of the bar chart",
}


@dataclass(frozen=True)
class SceneNodes:
    """The nodes of one case. ``planes``: from the lowest boundary up."""

    ct: Any
    pet: Any
    segmentation: Any
    suv_table: Any
    level_table: Any
    profile_table: Any
    boundary_table: Any
    plot: ProfilePlot
    bar_plot: LevelPlot
    planes: list[Any]
    surfaces: list[Any]
    case: Any = None
    folder: int = 0  # subject hierarchy item

    def single(self, role: str) -> Any:
        """The node of a role such as ``plot.chart``."""
        node: Any = self
        for part in role.split("."):
            node = getattr(node, part)
        return node

    @property
    def made(self) -> list[Any]:
        """All nodes but the volumes and the surfaces, each once."""
        found = [self.single(role) for role in _SINGLE if role not in ("ct", "pet")]
        return [*found, *self.planes, *([self.case] if self.case is not None else [])]


def add_case(scene: Any, nodes: SceneNodes, content: dict[str, Any], name: str = "VertebraFLT review") -> Any:
    """A text node that holds ``content`` as JSON and refers to the nodes."""
    case = scene.AddNewNodeByClass("vtkMRMLTextNode", name)
    case.SetAttribute(CASE_ATTRIBUTE, str(_FORMAT_VERSION))
    for role in _SINGLE:
        case.SetNodeReferenceID(_ROLE + role, nodes.single(role).GetID())
    refer_to_planes(case, nodes.planes)
    refer_to_surfaces(case, nodes.surfaces)
    write_content(case, content)
    return case


def refer_to_planes(case: Any, planes: list[Any]) -> None:
    """Have the case refer to these planes, in this order."""
    _refer_to_all(case, _PLANES, planes)


def refer_to_surfaces(case: Any, surfaces: list[Any]) -> None:
    """Have the case refer to these surface models."""
    _refer_to_all(case, _SURFACES, surfaces)


def write_content(case: Any, content: dict[str, Any]) -> str:
    """Put ``content`` into the case's text; the text."""
    text = json.dumps(content, ensure_ascii=False)
    case.SetText(text)
    return text


def read_content(case: Any) -> dict[str, Any]:
    """What :func:`write_content` wrote. Raises InputError for a node that is no case of this version."""
    if not is_case(case):
        raise InputError(f"{case.GetName()} is no case of VertebraFLT: choose one, or run a new case")
    if case.GetAttribute(CASE_ATTRIBUTE) != str(_FORMAT_VERSION):
        raise InputError(f"{case.GetName()} was made by another version of VertebraFLT: run the case again")
    try:
        content: dict[str, Any] = json.loads(case.GetText() or "")
    except ValueError as error:
        raise InputError(f"{case.GetName()}: the review in it cannot be read ({error}); run the case again") from error
    return content


def is_case(node: Any) -> bool:
    """Whether a node is a case of this module."""
    return node is not None and node.GetClassName() == "vtkMRMLTextNode" and bool(node.GetAttribute(CASE_ATTRIBUTE))


def cases_of(scene: Any) -> list[Any]:
    """All cases of a scene."""
    count = scene.GetNumberOfNodesByClass("vtkMRMLTextNode")
    found = [scene.GetNthNodeByClass(index, "vtkMRMLTextNode") for index in range(count)]
    return [node for node in found if is_case(node)]


def nodes_of(case: Any) -> SceneNodes:
    """The nodes a case refers to. Raises InputError naming the first that was deleted; planes and surfaces may lack."""
    for role, name in _SINGLE.items():
        if case.GetNodeReference(_ROLE + role) is None:
            raise InputError(f"{case.GetName()}: {name} was deleted from the scene; run the case again")

    def single(role: str) -> Any:
        return case.GetNodeReference(_ROLE + role)

    return SceneNodes(
        **{role: single(role) for role in _SINGLE if "." not in role},
        plot=ProfilePlot(
            *(single(f"plot.{part}") for part in ("chart", "profile", "doubtful", "selected", "boundaries"))
        ),
        bar_plot=LevelPlot(single("bar_plot.chart"), single("bar_plot.bars")),
        planes=_referred(case, _PLANES),
        surfaces=_referred(case, _SURFACES),
        case=case,
    )


def missing_role(case: Any) -> str:
    """What the case can no longer do without and has lost, in words; empty when all is there."""
    return next((name for role, name in _SINGLE.items() if case.GetNodeReference(_ROLE + role) is None), "")


def _refer_to_all(case: Any, role: str, nodes: list[Any]) -> None:
    case.RemoveNodeReferenceIDs(role)
    for node in nodes:
        case.AddNodeReferenceID(role, node.GetID())


def _referred(case: Any, role: str) -> list[Any]:
    found = [case.GetNthNodeReference(role, index) for index in range(case.GetNumberOfNodeReferences(role))]
    return [node for node in found if node is not None]
