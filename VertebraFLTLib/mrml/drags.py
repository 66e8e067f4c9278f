"""Markers dragged in the plot and planes dragged in the views: a preview while they are held, one edit when let go."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from VertebraFLTLib.mrml import planes, tables
from VertebraFLTLib.mrml.display import CaseDisplay
from VertebraFLTLib.mrml.scheduler import Scheduler
from VertebraFLTLib.spine.boundaries import BoundarySet
from VertebraFLTLib.spine.boundary import EditRefused, Vector

_PREVIEW, _DRAG = "preview", "drag"
_PREVIEW_MS, _END_OF_DRAG_MS = 30, 300
_MOVED_MM, _TURNED = 0.01, 1e-4  # less is the rounding of a scene file, or a plane slid within itself


class Drags:
    """Reads the dragged table and planes; what becomes of it is for the three callbacks to say."""

    def __init__(
        self,
        display: CaseDisplay,
        scheduler: Scheduler,
        current: Callable[[], BoundarySet],
        commit: Callable[[str, BoundarySet], None],
        put_back: Callable[[str], None],
    ) -> None:
        """``current``: the boundaries before the drag. ``commit``: what was done in words, and the edited boundaries.

        ``put_back``: the drag came to nothing, so nodes have to be put back; why in words where it was refused.
        """
        self._display, self._scheduler = display, scheduler
        self._current, self._commit, self._put_back = current, commit, put_back
        self._held = False

    def moved(self, *_: Any) -> None:
        """A marker or a plane has moved, or a cell of the table was typed in."""
        self._scheduler.call_later(_PREVIEW, _PREVIEW_MS, self._preview)
        if not self._held:
            self._scheduler.call_later(_DRAG, _END_OF_DRAG_MS, self.end)

    def taken(self) -> None:
        """A plane was taken hold of: only when it is let go is it an edit, however long the hand rests."""
        self._held = True

    def let_go(self) -> None:
        """A plane was let go."""
        self._held = False
        self.end()

    def end(self) -> None:
        """The hand has let go: make it an edit, or put things back."""
        try:
            what, edited = self._in_hand()
        except EditRefused as error:
            self._put_back(str(error))
            return
        if edited == self._current():
            self._put_back("")
        else:
            self._commit(what, edited)

    def _preview(self) -> None:
        try:
            _, edited = self._in_hand()
        except EditRefused:
            return  # told when the hand lets go
        if edited != self._display.shown:
            self._display.show(edited, held=True)

    def _in_hand(self) -> tuple[str, BoundarySet]:
        """What table and planes say that the boundaries do not: in words, and as boundaries."""
        edited, done = self._current(), []
        heights = tables.heights_in_table(self._display.nodes.boundary_table)
        if len(heights) != len(edited.boundaries):
            raise EditRefused("rows of the table are added and deleted with the review's own buttons")
        for index, (z_mm, one) in enumerate(zip(heights, edited.boundaries, strict=True)):
            if not abs(z_mm - one.z_mm) <= _MOVED_MM:  # also true of NaN
                edited = edited.move(index, z_mm)
                done.append(f"{tables.boundary_name(one)} from {one.z_mm:.1f} to {z_mm:.1f} mm")
        for index, (node, one) in enumerate(zip(self._display.nodes.planes, self._current().boundaries, strict=False)):
            if planes.is_moved(node, one):
                changed = _replaned(edited, index, *planes.plane_of(node))
                if changed != edited:
                    edited = changed
                    done.append(f"plane of {tables.boundary_name(one)} to {edited.boundaries[index].z_mm:.1f} mm")
        return ", ".join(done), edited


def _replaned(boundaries: BoundarySet, index: int, point: Vector, normal: Vector) -> BoundarySet:
    """The boundary with this plane; the same set where the plane was only slid within itself."""
    one = boundaries.boundaries[index]
    turned = math.dist(normal, one.normal) > _TURNED
    if not turned:
        normal = one.normal
    moved = boundaries.set_plane(index, point, normal)
    if abs(moved.boundaries[index].z_mm - one.z_mm) > _MOVED_MM:
        return moved
    return boundaries.tilt(index, normal) if turned else boundaries
