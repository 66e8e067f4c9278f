"""The isosurfaces under the reader's control: percentiles or absolute SUV, colour, opacity and visibility by region."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass
from typing import Any

import SimpleITK as sitk

from VertebraFLTLib.anatomy import LEVEL_BY_NAME, Color
from VertebraFLTLib.errors import InputError
from VertebraFLTLib.mrml import models
from VertebraFLTLib.mrml.case import SceneNodes, refer_to_surfaces
from VertebraFLTLib.mrml.hierarchy import put_beside, remove
from VertebraFLTLib.mrml.scheduler import Scheduler
from VertebraFLTLib.quantification.surfaces import (
    ALL_MARROW,
    WHOLE_BONES,
    Surface,
    nested_surfaces,
    region_masks,
    with_all_marrow,
)
from VertebraFLTLib.quantification.uptake_field import UptakeField, uptake_field

_KEY = "surfaces"
_DRAG_MS, _NEXT_MS = 150, 10  # a slider comes to rest; between one region and the next, so that Slicer stays usable


@dataclass(frozen=True)
class SurfaceSettings:
    """Where the surfaces lie: at percentiles of each region's own uptake, or at the same SUV in all where given."""

    percentiles: tuple[float, ...] = (50.0, 85.0, 98.0)
    levels_suv: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        values, name, highest = self.percentiles, "percentiles", 100.0
        if self.levels_suv is not None:
            values, name, highest = self.levels_suv, "SUV of the surfaces", math.inf
        if not values or not all(0.0 < value < highest for value in values):
            limits = "between 0 and 100" if name == "percentiles" else "above 0"
            raise InputError(f"{name} {', '.join(f'{v:g}' for v in values)}: each must lie {limits}")
        if list(values) != sorted(set(values)):
            raise InputError(f"{name} {', '.join(f'{v:g}' for v in values)}: give them in rising order")

    def to_json(self) -> dict[str, Any]:
        """Plain data for the case's node."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> SurfaceSettings:
        """What :meth:`to_json` gave."""
        levels = data["levels_suv"]
        return cls(tuple(data["percentiles"]), None if levels is None else tuple(levels))


class SurfaceControl:
    """The surface models of one case. Models keep the display that the reader gave them, whatever is moved.

    Surfaces are made region by region, shown ones first, each in a call of its own from the scheduler.
    """

    def __init__(
        self,
        nodes: SceneNodes,
        pet_suv: sitk.Image,
        semantic: sitk.Image,
        vertebrae: sitk.Image,
        settings: SurfaceSettings,
        scheduler: Scheduler,
        changed: Callable[[], None],
    ) -> None:
        """``vertebrae``: as for :meth:`follow`. ``changed`` is called whenever models or settings have changed."""
        self.settings = settings
        self._nodes, self._pet, self._scheduler, self._changed = nodes, pet_suv, scheduler, changed
        self._semantic, self._vertebrae = semantic, vertebrae
        self._bones: dict[str, UptakeField] | None = None
        self._levels: dict[str, UptakeField] = {}
        self._models = {models.place_of(node): node for node in nodes.surfaces if models.place_of(node)[0]}
        self._stale: list[str] = []

    @property
    def regions(self) -> tuple[str, ...]:
        """Regions that have surfaces: whole bones, all together, vertebrae from the lowest up."""
        order = [*WHOLE_BONES, ALL_MARROW, *reversed(LEVEL_BY_NAME)]
        have = {region for region, _ in self._models}
        return tuple(region for region in order if region in have)

    @property
    def models(self) -> list[Any]:
        """The model nodes, region by region, the outermost first."""
        return [self._models[key] for region in self.regions for key in sorted(self._models) if key[0] == region]

    @property
    def surfaces(self) -> list[Surface]:
        """What the models show, in LPS, for reports and files."""
        return models.surfaces_of(self.models)

    @property
    def pending(self) -> bool:
        """Whether surfaces are still to be made."""
        return bool(self._stale)

    def set_levels(self, settings: SurfaceSettings) -> None:
        """Move the surfaces; those that are shown follow first."""
        if settings == self.settings:
            return
        self.settings = settings
        self._stale = sorted(self.regions, key=lambda region: not self.shown(region))
        self._changed()
        self._scheduler.call_later(_KEY, _DRAG_MS, self._make_next)

    def follow(self, vertebrae: sitk.Image, touched: Collection[str]) -> None:
        """Vertebrae have changed: make the surfaces of those touched anew, of those that are gone no more.

        ``vertebrae``: VerSe numbers, LPS order, any box that holds all of them.
        """
        self._vertebrae = vertebrae
        for level in touched:
            self._levels.pop(level, None)
        waiting = [region for region in self._stale if region not in touched]
        self._stale = [*touched, *waiting]
        self._scheduler.call_later(_KEY, 0, self._make_next)

    def forget_deleted(self) -> None:
        """Models were deleted from the scene by hand: know no more of them; they come again when their region does."""
        scene = self._nodes.case.GetScene()
        self._models = {key: node for key, node in self._models.items() if node.GetScene() is scene}

    def settle(self) -> None:
        """Make all that waits, now."""
        while self._stale:
            self._make(self._stale.pop(0))
        self._changed()

    def shown(self, region: str) -> bool:
        """Whether a region's surfaces are shown."""
        return any(node.GetDisplayNode().GetVisibility() for (of, _), node in self._models.items() if of == region)

    def show(self, region: str, on: bool) -> None:
        """Show or hide a region's surfaces."""
        for node in self._of(region):
            node.GetDisplayNode().SetVisibility(on)

    def color(self, region: str, shell: int) -> Color:
        """Colour of a surface; shell 0 is the outermost."""
        r, g, b = self._model(region, shell).GetDisplayNode().GetColor()
        return (r, g, b)

    def set_color(self, region: str, shell: int, color: Color) -> None:
        """Colour a surface."""
        self._model(region, shell).GetDisplayNode().SetColor(*color)

    def opacity(self, region: str, shell: int) -> float:
        """Opacity of a surface, 0 to 1."""
        return float(self._model(region, shell).GetDisplayNode().GetOpacity())

    def set_opacity(self, region: str, shell: int, value: float) -> None:
        """Make a surface more or less opaque."""
        self._model(region, shell).GetDisplayNode().SetOpacity(value)

    # --- inner workings -------------------------------------------------------------------------------------------

    def _of(self, region: str) -> list[Any]:
        return [node for (of, _), node in self._models.items() if of == region]

    def _model(self, region: str, shell: int) -> Any:
        node = self._models.get((region, shell))
        if node is None:
            raise InputError(f"{region} has no surface {shell}: no uptake lies above its level")
        return node

    def _make_next(self) -> None:
        if self._stale:
            self._make(self._stale.pop(0))
            self._changed()
        if self._stale:
            self._scheduler.call_later(_KEY, _NEXT_MS, self._make_next)

    def _make(self, region: str) -> None:
        scene = self._nodes.case.GetScene()
        fields = self._fields(region)
        levels = self.settings.levels_suv
        made = nested_surfaces(region, fields, self.settings.percentiles, levels) if fields else []
        shown, before = self.shown(region), self._of(region)
        for shell, surface in enumerate(made):
            self._put(scene, surface, shell, shown if before else region in models.SHOWN)
        for key in [key for key in self._models if key[0] == region and key[1] >= len(made)]:
            remove(scene, self._models.pop(key))
        refer_to_surfaces(self._nodes.case, self.models)

    def _put(self, scene: Any, surface: Surface, shell: int, shown: bool) -> None:
        key = (surface.region, shell)
        if key in self._models:
            models.update_model(self._models[key], surface, shell)
            return
        node = models.add_model(scene, surface, shell)
        node.GetDisplayNode().SetVisibility(shown)
        neighbour = next(iter(self._models.values()), self._nodes.segmentation)
        put_beside(scene, node, neighbour)
        self._models[key] = node

    def _fields(self, region: str) -> list[UptakeField]:
        if region in LEVEL_BY_NAME:
            if region not in self._levels:
                field = self._level_field(region)
                if field is None:
                    return []
                self._levels[region] = field
            return [self._levels[region]]
        if self._bones is None:
            empty = sitk.Image((1, 1, 1), sitk.sitkUInt8)
            found = {name: uptake_field(self._pet, mask) for name, mask in region_masks(self._semantic, empty).items()}
            self._bones = {name: field for name, field in found.items() if field is not None}
        return with_all_marrow(self._bones).get(region, [])

    def _level_field(self, level: str) -> UptakeField | None:
        mask = region_masks(self._vertebrae * 0, self._vertebrae).get(level)
        return None if mask is None else uptake_field(self._pet, mask)
