"""A case's nodes kept true to its boundaries: tables and planes at once, segments and surfaces when the hand rests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import SimpleITK as sitk
import slicer

from VertebraFLTLib.anatomy import VERTEBRAL_BODY
from VertebraFLTLib.column import column_of
from VertebraFLTLib.errors import InputError
from VertebraFLTLib.live import LiveCase
from VertebraFLTLib.mrml import planes, tables
from VertebraFLTLib.mrml.case import SceneNodes, refer_to_planes
from VertebraFLTLib.mrml.hierarchy import put_beside
from VertebraFLTLib.mrml.scheduler import Scheduler
from VertebraFLTLib.mrml.surfaces import SurfaceControl, SurfaceSettings
from VertebraFLTLib.mrml.vertebra_layer import stale_levels, update_vertebrae
from VertebraFLTLib.quantification.coverage import Box, Grid, LabelBoxes
from VertebraFLTLib.quantification.suv_table import RegionSuv
from VertebraFLTLib.result import Result
from VertebraFLTLib.spine.boundaries import BoundarySet

_KEY, _SEGMENTS_MS = "segments", 100


class CaseDisplay:
    """Shows boundaries in the nodes of a case; knows nothing of history, edits or readers."""

    def __init__(
        self,
        nodes: SceneNodes,
        result: Result,
        settings: SurfaceSettings,
        scheduler: Scheduler,
        settled: Callable[[], None],
        surfaces_changed: Callable[[], None],
    ) -> None:
        """``settled`` is called when the segments follow the boundaries again."""
        self.nodes = nodes
        self.selected: int | None = None
        self.shown = result.boundaries
        self._scene = nodes.case.GetScene()
        self._scheduler, self._settled = scheduler, settled
        boxes = LabelBoxes.of(result.semantic).boxes
        if VERTEBRAL_BODY.label not in boxes:
            raise InputError("the mask has no vertebral column: there is nothing to review")
        shape = result.semantic.GetSize()[::-1]
        self._box = _with_rim(boxes[VERTEBRAL_BODY.label], shape)
        self._semantic, self._profile = result.semantic, result.profile
        column = column_of(result.semantic)
        self._live = LiveCase(result.semantic, column, result.pet_suv, result.boundaries, result.profile.spacing_mm)
        # A scene may have been saved before its segments followed.
        self._touched = stale_levels(nodes.segmentation, self._vertebrae())
        self.surfaces = SurfaceControl(
            nodes, result.pet_suv, result.semantic, self._vertebrae(), settings, scheduler, surfaces_changed
        )

    @property
    def pending(self) -> bool:
        """Whether segments or surfaces are behind the tables."""
        return bool(self._touched) or self.surfaces.pending

    def show(self, boundaries: BoundarySet, *, held: bool = False) -> None:
        """Have tables and planes say ``boundaries``; segments and surfaces follow.

        ``held``: they are still in the user's hand, so planes and the table that are dragged are left alone.
        """
        changed = self._live.update(boundaries)
        self._touched |= {*changed.levels, *changed.gone}
        self.shown = boundaries
        if not held:
            self._show_boundaries()
        tables.update_suv_table(self.nodes.suv_table, self.table)
        tables.update_level_table(self.nodes.level_table, self.table)
        self._scheduler.call_later(_KEY, _SEGMENTS_MS, self.settle_segments)

    @property
    def table(self) -> list[RegionSuv]:
        """The rows of ``suv.csv`` for the boundaries shown."""
        return self._live.table

    def vertebrae(self) -> sitk.Image:
        """The label map for the boundaries shown, on the CT's grid (a copy)."""
        return _placed(self._live.vertebrae, Grid.of(self._semantic))

    def select(self, index: int | None, jump: bool) -> None:
        """Mark one boundary in plot and views; ``jump``: the slice views go there."""
        self.selected = index
        self._show_boundaries()
        if index is None or not jump:
            return
        (x, y, z), _ = planes.placed(self.shown.boundaries[index])
        node_class = slicer.vtkMRMLSliceNode
        node_class.JumpAllSlices(self._scene, -x, -y, z, node_class.CenteredJumpSlice)

    def settle_segments(self) -> None:
        """Have the segments follow now; the surfaces after them."""
        if not self._touched:
            return
        touched, self._touched = self._touched, set()
        vertebrae = self._vertebrae()
        update_vertebrae(self.nodes.segmentation, vertebrae, self.nodes.ct, touched)
        self.surfaces.follow(vertebrae, touched)
        self._settled()

    def settle(self) -> None:
        """Have segments and surfaces follow now."""
        self.settle_segments()
        self.surfaces.settle()

    def take_stock(self) -> None:
        """Nodes were deleted by hand: make planes again, forget surfaces."""
        present = [node for node in self.nodes.planes if node.GetScene() is self._scene]
        if len(present) != len(self.nodes.planes):
            self.nodes = replace(self.nodes, planes=present)
            self._show_boundaries()
        self.surfaces.forget_deleted()

    def _vertebrae(self) -> sitk.Image:
        """The vertebrae, cropped to the column: all that segments and surfaces have to look at."""
        return _placed(self._live.vertebrae[self._box], Grid.of(self._semantic, self._box))

    def _show_boundaries(self) -> None:
        bounds = self.shown.boundaries
        tables.update_boundary_table(self.nodes.boundary_table, self.shown, self._profile, self.selected)
        before = list(self.nodes.planes)
        shown = planes.update_planes(self._scene, before, bounds, self.selected)
        if shown == before:
            return
        for node in shown[len(before) :]:
            put_beside(self._scene, node, before[0] if before else self.nodes.boundary_table)
        self.nodes = replace(self.nodes, planes=shown)
        refer_to_planes(self.nodes.case, shown)


def _with_rim(box: Box, shape: tuple[int, ...]) -> Box:
    """A box one voxel wider on all sides, as far as the image goes: a mask's surface lies outside its outer voxels."""
    grown = (slice(max(s.start - 1, 0), min(s.stop + 1, n)) for s, n in zip(box, shape, strict=True))
    return tuple(grown)  # type: ignore[return-value]


def _placed(array: np.ndarray, grid: Grid) -> sitk.Image:
    image = sitk.GetImageFromArray(array)
    image.SetOrigin(grid.origin)
    image.SetSpacing(grid.spacing)
    image.SetDirection(grid.direction)
    return image
