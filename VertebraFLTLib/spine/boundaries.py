"""The boundaries between vertebrae as immutable data: a detector returns, a user edits, all else shows them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.spine import boundary_csv
from VertebraFLTLib.spine.boundary import BY_USER, Boundary, EditRefused, Vector, unit_normal
from VertebraFLTLib.spine.boundary_rules import MIN_SPAN_MM, along, height_of_plane, problem_of
from VertebraFLTLib.spine.levels import check_level, follows, names_up, order_up, thoracic_count
from VertebraFLTLib.spine.profile import Profile, SliceAxis
from VertebraFLTLib.spine.valleys import valley_depths
from VertebraFLTLib.spine.vertebrae import Vertebra, vertebrae_between

__all__ = ["MIN_SPAN_MM", "Boundary", "BoundarySet", "EditRefused", "discounted"]


@dataclass(frozen=True)
class BoundarySet:
    """All boundaries of a column, from the lowest up, with the extent of the column (mm) and how sure its names are.

    ``level_confidence``: that all names are right; ``name_confidence``: of each vertebra's name, from the lowest up,
    empty where no name is surer than all together.

    The bottom of the lowest vertebra is ``bottom_z_mm``, not a boundary: the thesis's 18 boundaries of L5 to T1 are the
    bottom of L5 (the first slice of the column) and 17 boundaries here, L5/L4 to T1/C7. ``bottom_cut`` and ``top_cut``:
    the column leaves the field of view there. ``profile``, where known, gives edits the uptake to judge by; it takes
    no part in comparisons. Edits return a new set and raise :class:`EditRefused`; a history is a list of sets.
    """

    boundaries: tuple[Boundary, ...]
    bottom_z_mm: float
    top_z_mm: float
    level_confidence: float = 0.0
    level_reason: str = ""
    bottom_cut: bool = False
    top_cut: bool = False
    profile: Profile | None = field(default=None, compare=False, repr=False)
    name_confidence: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        problem = self.problem()
        if problem:
            raise EditRefused(problem)

    def problem(self) -> str:
        """What is wrong with order, spacing, names or planes, in words; empty when nothing is."""
        return problem_of(self.boundaries, self.bottom_z_mm, self.top_z_mm)

    # --- what it says ---------------------------------------------------------------------------------------------

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the vertebrae from the lowest up: one more than boundaries; none when there is no boundary."""
        if not self.boundaries:
            return ()
        return (self.boundaries[0].below, *(one.above for one in self.boundaries))

    @property
    def axis(self) -> SliceAxis:
        """Where PET slices lie: from the profile, else from the boundaries' own figures (one boundary: 1 mm slices)."""
        if self.profile is not None:
            return self.profile.axis
        first, last = self.boundaries[0], self.boundaries[-1]
        slices = last.pet_slice - first.pet_slice
        step = (last.z_mm - first.z_mm) / slices if slices else 1.0
        return SliceAxis(first.z_mm - first.pet_slice * step, step)

    def vertebrae(self) -> list[Vertebra]:
        """The vertebrae from the lowest up; :func:`~VertebraFLTLib.spine.vertebrae.vertebrae_between` has the rules."""
        z = [one.z_mm for one in self.boundaries]
        return vertebrae_between(self.names, z, self.bottom_z_mm, self.top_z_mm, self.bottom_cut, self.top_cut)

    # --- edits ----------------------------------------------------------------------------------------------------

    def move(self, index: int, z_mm: float) -> BoundarySet:
        """Put boundary ``index`` (0 is the lowest) at ``z_mm`` on the centre line; its plane keeps its tilt."""
        one = self._unlocked(index, "moved")
        return self._replaced(index, self._by_user(one.below, one.above, z_mm, one))

    def tilt(self, index: int, normal: Vector) -> BoundarySet:
        """Turn the plane of boundary ``index`` about its centre; ``normal``: LPS, any length, either way up.

        Where it lies is not touched, so its confidence stays.
        """
        one = self._unlocked(index, "tilted")
        tilted = unit_normal(normal)
        if one.centre_mm is None:
            raise EditRefused(f"{one.label} cannot be tilted: the column's centre line is not known")
        return self._replaced(index, replace(one, normal=tilted))

    def set_plane(self, index: int, point_mm: Vector, normal: Vector) -> BoundarySet:
        """Tilt boundary ``index`` and move it, so that its plane has this normal and holds this point (LPS mm)."""
        one, up, ends = self._unlocked(index, "moved"), unit_normal(normal), (self.bottom_z_mm, self.top_z_mm)
        if one.centre_mm is None:
            raise EditRefused(f"{one.label} cannot be tilted: the column's centre line is not known")
        z_mm = height_of_plane(self.boundaries, point_mm, up, *ends)
        if z_mm is None:
            raise EditRefused(f"this plane lies outside the column ({ends[0]:.1f} to {ends[1]:.1f} mm)")
        # Both at once: turned where it was, it might cross a neighbour that it does not cross where it goes.
        return self._replaced(index, replace(self._by_user(one.below, one.above, z_mm, one), normal=up))

    def insert(self, z_mm: float) -> BoundarySet:
        """Add a boundary: the vertebra it falls in becomes two, and every name above moves up by one."""
        if not self.boundaries:
            raise EditRefused("there is no boundary to count from: name the first one with BoundarySet.single()")
        at = sum(one.z_mm < z_mm for one in self.boundaries)
        names = self.names
        added = self._by_user(names[at], names[at], z_mm)  # named by the next line
        return self._named([*self.boundaries[:at], added, *self.boundaries[at:]], names[0], thoracic_count(names))

    def delete(self, index: int) -> BoundarySet:
        """Take boundary ``index`` away: two vertebrae become one, and every name above moves down by one."""
        self._unlocked(index, "deleted")
        if len(self.boundaries) == 1:
            raise EditRefused("the last boundary stays: without one there is no vertebra to name")
        names = self.names
        rest = [one for i, one in enumerate(self.boundaries) if i != index]
        return self._named(rest, names[0], thoracic_count(names))

    def shift_levels(self, steps: int) -> BoundarySet:
        """Name every vertebra ``steps`` levels higher (towards the head; negative: lower)."""
        names = self.names
        if not names:
            return self
        thoracic = thoracic_count(names)
        order = order_up(thoracic)
        start = order.index(names[0]) + steps
        if start < 0:
            raise EditRefused(f"no vertebra lies {-steps} below {names[0]}: the lowest possible is {order[0]}")
        if start >= len(order):
            raise EditRefused(f"no vertebra lies {steps} above {names[0]}")
        return self.set_lowest(order[start], thoracic)

    def set_lowest(self, name: str, thoracic: int | None = None) -> BoundarySet:
        """Name the lowest vertebra, and all others by counting upwards (11, 12 or 13 thoracic ones)."""
        name = check_level(name, "lowest level")
        if thoracic is None:
            thoracic = thoracic_count(self.names)
        named = self._named(list(self.boundaries), name, thoracic)
        return named._with_names_given()

    def rename(self, index: int, name: str) -> BoundarySet:
        """Name vertebra ``index`` and count on upwards from it, the ones below keeping their names.

        That is how a spine with 11 or 13 thoracic vertebrae is named (T13 or T11 over L1). Any other name would leave
        a jump and is refused; :meth:`shift_levels` and :meth:`set_lowest` rename all.
        """
        names = self.names
        if not 0 <= index < len(names):
            raise EditRefused(f"there is no vertebra {index}: they count from 0 to {len(names) - 1}")
        name = check_level(name, "name")
        if index == 0:
            return self.set_lowest(name)
        if not follows(names[index - 1], name):
            raise EditRefused(
                f"{name} cannot lie next above {names[index - 1]}: shift all levels, or set the lowest one, instead"
            )
        thoracic = thoracic_count((*names[:index], name))
        upper = self._chain(name, len(names) - index, thoracic)
        chain = (*names[:index], *upper)
        renamed = [replace(b, below=chain[i], above=chain[i + 1]) for i, b in enumerate(self.boundaries)]
        return self._with(renamed)._with_names_given()

    def lock(self, index: int, locked: bool = True) -> BoundarySet:
        """Make boundary ``index`` refuse to be moved, tilted or deleted, or let it be edited again."""
        self._check_index(index)
        return self._replaced(index, replace(self.boundaries[index], locked=locked))

    def review(self, index: int, reviewed: bool = True) -> BoundarySet:
        """Tick boundary ``index`` as seen and accepted by a reader, or take the tick away."""
        self._check_index(index)
        return self._replaced(index, replace(self.boundaries[index], reviewed=reviewed))

    # --- files ----------------------------------------------------------------------------------------------------

    def to_csv(self) -> str:
        """The table ``boundaries.csv``; floats are exact. Extent, level confidence and reasons are not part of it."""
        return boundary_csv.to_csv(self)

    @staticmethod
    def from_csv(text: str, profile: Profile | None = None, name: str = "boundaries.csv") -> BoundarySet:
        """The set of a table: see :func:`VertebraFLTLib.spine.boundary_csv.from_csv`."""
        return boundary_csv.from_csv(text, profile, name)

    @staticmethod
    def single(below: str, z_mm: float, profile: Profile) -> BoundarySet:
        """A set of one boundary placed by the user, to start from where no detector found any."""
        bottom, top = profile.extent_mm
        cut = profile.cut
        empty = BoundarySet((), bottom, top, 1.0, "levels set by the user", cut[0], cut[1], profile)
        names = names_up(below, 2)
        return empty._with([empty._by_user(names[0], names[1], z_mm)])

    # --- inner workings -------------------------------------------------------------------------------------------

    def _check_index(self, index: int) -> None:
        if not 0 <= index < len(self.boundaries):
            raise EditRefused(f"there is no boundary {index}: they count from 0 to {len(self.boundaries) - 1}")

    def _unlocked(self, index: int, what: str) -> Boundary:
        self._check_index(index)
        one = self.boundaries[index]
        if one.locked:
            raise EditRefused(f"{one.label} is locked: it cannot be {what} until it is unlocked")
        return one

    def _replaced(self, index: int, new: Boundary) -> BoundarySet:
        return self._with([*self.boundaries[:index], new, *self.boundaries[index + 1 :]])

    def _by_user(self, below: str, above: str, z_mm: float, old: Boundary | None = None) -> Boundary:
        """A boundary at ``z_mm`` on the centre line, with ``old``'s tilt and tick, or between its neighbours'."""
        z_mm = float(z_mm)
        if not math.isfinite(z_mm):
            raise EditRefused(f"{z_mm} mm lies outside the column: give a height in millimetres")
        centre, normal = along(self.boundaries, z_mm)
        reviewed = False
        if old is not None:
            normal, reviewed = old.normal, old.reviewed
        slice_ = self.axis.slice_at(z_mm)
        return Boundary(below, above, slice_, z_mm, 0.0, 1.0, "user", BY_USER, centre, normal, reviewed=reviewed)

    def _chain(self, lowest: str, count: int, thoracic: int) -> tuple[str, ...]:
        try:
            return names_up(lowest, count, thoracic)
        except InputError as error:
            raise EditRefused(str(error)) from error

    def _named(self, boundaries: Sequence[Boundary], lowest: str, thoracic: int) -> BoundarySet:
        chain = self._chain(lowest, len(boundaries) + 1, thoracic)
        return self._with([replace(b, below=chain[i], above=chain[i + 1]) for i, b in enumerate(boundaries)])

    def _with(self, boundaries: Sequence[Boundary]) -> BoundarySet:
        ordered = tuple(boundaries)
        if self.profile is not None:
            depths, _, _ = valley_depths([one.z_mm for one in ordered], self.profile)
            ordered = tuple(replace(b, depth_suv=float(d)) for b, d in zip(ordered, depths, strict=True))
        same = len(ordered) == len(self.boundaries)  # a vertebra more or less: none is surer than all together
        return replace(self, boundaries=ordered, name_confidence=self.name_confidence if same else ())

    def _with_names_given(self) -> BoundarySet:
        return replace(self, level_confidence=1.0, level_reason="levels set by the user", name_confidence=())


def discounted(boundaries: BoundarySet, share: float, reason: str) -> BoundarySet:
    """The same boundaries with ``share`` of their confidence, and why: for conditions it was not measured under."""
    lessened = (
        replace(b, confidence=share * b.confidence, reasons=(*b.reasons, reason)) for b in boundaries.boundaries
    )
    return replace(boundaries, boundaries=tuple(lessened))
