"""What the user does to a case's nodes by hand: markers and planes dragged, nodes deleted, the scene closed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from weakref import ref

import slicer
from vtkmodules.vtkCommonCore import vtkCommand

from VertebraFLTLib.mrml.case import SceneNodes


@dataclass(frozen=True)
class Reactions:
    """Whom to tell. ``moved``: a marker or a plane. ``taken``: hold of a plane, the node; ``let_go``: of any."""

    moved: Callable[[], None]
    taken: Callable[[Any], None]
    let_go: Callable[[], None]
    nodes_removed: Callable[[], None]
    case_modified: Callable[[], None]
    scene_closes: Callable[[], None]


class Watch:
    """Observers on the nodes of a case. What is done within :meth:`quiet` is the review's own doing and not told.

    Nodes hold the watch weakly: a review that nobody holds any more is told of nothing, closed or not.
    """

    def __init__(self, scene: Any, nodes: SceneNodes, reactions: Reactions) -> None:
        self._reactions = reactions
        self._quiet = 0
        self._planes: list[tuple[Any, int]] = []
        modified, scene_class = vtkCommand.ModifiedEvent, slicer.vtkMRMLScene
        self._others = [
            self._observed(nodes.boundary_table, modified, "moved"),
            self._observed(nodes.case, modified, "case_modified"),
            self._observed(scene, scene_class.NodeRemovedEvent, "nodes_removed"),
            self._observed(scene, scene_class.StartCloseEvent, "scene_closes"),
        ]
        self.watch_planes(nodes.planes)

    def watch_planes(self, planes: Sequence[Any]) -> None:
        """Watch these planes, and no others."""
        _stop(self._planes)
        events = slicer.vtkMRMLMarkupsNode
        for plane in planes:
            self._planes += [
                self._observed(plane, events.PointModifiedEvent, "moved"),
                self._observed(plane, events.PointStartInteractionEvent, "taken", plane),
                self._observed(plane, events.PointEndInteractionEvent, "let_go"),
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

    def _observed(self, node: Any, event: Any, reaction: str, *said: Any) -> tuple[Any, int]:
        watching = ref(self)

        def told(*_: Any) -> None:
            watch = watching()
            if watch is not None and not watch._quiet:
                getattr(watch._reactions, reaction)(*said)

        return node, node.AddObserver(event, told)


def _stop(observed: list[tuple[Any, int]]) -> None:
    for node, tag in observed:
        node.RemoveObserver(tag)
    observed.clear()
