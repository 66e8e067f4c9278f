"""What the user does to a case's nodes by hand: markers and planes dragged, nodes deleted, the scene closed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import slicer
from vtkmodules.vtkCommonCore import vtkCommand

from VertebraFLTLib.mrml.case import SceneNodes


@dataclass(frozen=True)
class Reactions:
    """Whom to tell. ``moved``: a marker or a plane. ``held``: a plane has been taken hold of, or (False) let go."""

    moved: Callable[[], None]
    held: Callable[[bool], None]
    nodes_removed: Callable[[], None]
    case_modified: Callable[[], None]
    scene_closes: Callable[[], None]


class Watch:
    """Observers on the nodes of a case. What is done within :meth:`quiet` is the review's own doing and not told."""

    def __init__(self, scene: Any, nodes: SceneNodes, reactions: Reactions) -> None:
        self._reactions = reactions
        self._quiet = 0
        self._planes: list[tuple[Any, int]] = []
        modified = vtkCommand.ModifiedEvent
        self._others = [
            _observed(nodes.boundary_table, modified, self._unless_quiet(reactions.moved)),
            _observed(nodes.case, modified, self._unless_quiet(reactions.case_modified)),
            _observed(scene, slicer.vtkMRMLScene.NodeRemovedEvent, self._unless_quiet(reactions.nodes_removed)),
            _observed(scene, slicer.vtkMRMLScene.StartCloseEvent, self._unless_quiet(reactions.scene_closes)),
        ]
        self.watch_planes(nodes.planes)

    def watch_planes(self, planes: Sequence[Any]) -> None:
        """Watch these planes, and no others."""
        _stop(self._planes)
        node_class = slicer.vtkMRMLMarkupsNode
        for plane in planes:
            moved = self._unless_quiet(self._reactions.moved)
            taken, let_go = (self._unless_quiet(lambda on=on: self._reactions.held(on)) for on in (True, False))
            self._planes += [
                _observed(plane, node_class.PointModifiedEvent, moved),
                _observed(plane, node_class.PointStartInteractionEvent, taken),
                _observed(plane, node_class.PointEndInteractionEvent, let_go),
            ]

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """While it lasts nothing is told."""
        self._quiet += 1
        try:
            yield
        finally:
            self._quiet -= 1

    def stop(self) -> None:
        """Take all observers away."""
        _stop(self._planes)
        _stop(self._others)

    def _unless_quiet(self, tell: Callable[[], None]) -> Callable[..., None]:
        def told(*_: Any) -> None:
            if not self._quiet:
                tell()

        return told


def _observed(node: Any, event: Any, callback: Callable[..., None]) -> tuple[Any, int]:
    return node, node.AddObserver(event, callback)


def _stop(observed: list[tuple[Any, int]]) -> None:
    for node, tag in observed:
        node.RemoveObserver(tag)
    observed.clear()
