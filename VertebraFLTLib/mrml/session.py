"""What a reader can do to the boundaries of a case: edit, undo, tick and sign; no node is touched here."""

from __future__ import annotations

import getpass
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from VertebraFLTLib.mrml import tables
from VertebraFLTLib.mrml.rows import BoundaryRow, doubtful_first, normal_of, rows_of
from VertebraFLTLib.spine.boundaries import BoundarySet
from VertebraFLTLib.spine.boundary import EditRefused
from VertebraFLTLib.spine.history import Acceptance, Entry, History
from VertebraFLTLib.spine.levels import order_up, thoracic_count


class ReviewSession(ABC):
    """Edits raise EditRefused, in one line, and then change nothing; each is one step of the history.

    Boundaries and vertebrae count from 0, the lowest. What shows them overrides :meth:`_show` and :meth:`_signed`.
    """

    def __init__(self, history: History, acceptances: Sequence[Acceptance], who: str | None) -> None:
        """``who``: the reader; by default the login name."""
        self.who = who if who is not None else _login()
        self.selected: int | None = None
        self._history, self._acceptances = history, list(acceptances)

    @abstractmethod
    def _show(self) -> None:
        """The boundaries are others now."""

    @abstractmethod
    def _signed(self) -> None:
        """The boundaries were accepted."""

    # --- what is shown --------------------------------------------------------------------------------------------

    @property
    def boundaries(self) -> BoundarySet:
        """The boundaries as they are now."""
        return self._history.current

    @property
    def rows(self) -> tuple[BoundaryRow, ...]:
        """The boundaries from the lowest up."""
        return rows_of(self.boundaries.boundaries)

    @property
    def listed(self) -> tuple[int, ...]:
        """Indices of the rows in the order of reading: doubtful ones first."""
        return doubtful_first(self.rows)

    @property
    def levels(self) -> tuple[str, ...]:
        """Names of the vertebrae from the lowest up: one more than boundaries."""
        return self.boundaries.names

    @property
    def lowest_choices(self) -> tuple[str, ...]:
        """What the lowest vertebra could be called, from the lowest up."""
        order = order_up(thoracic_count(self.levels))
        return tuple(order[: max(len(order) - len(self.levels) + 1, 0)])

    # --- edits ----------------------------------------------------------------------------------------------------

    def move(self, index: int, z_mm: float) -> None:
        """Put a boundary at a height (mm)."""
        self._apply(f"{self._name(index)} to {z_mm:.1f} mm", self.boundaries.move(index, z_mm))

    def tilt(self, index: int, sagittal_deg: float, coronal_deg: float) -> None:
        """Turn a boundary's plane about its centre; angles as in the rows."""
        if not max(abs(sagittal_deg), abs(coronal_deg)) < 89.0:
            raise EditRefused(f"a boundary tilted by {sagittal_deg:g} and {coronal_deg:g} degrees is no disc")
        edited = self.boundaries.tilt(index, normal_of(sagittal_deg, coronal_deg))
        self._apply(f"{self._name(index)} tilted by {sagittal_deg:.0f} and {coronal_deg:.0f} degrees", edited)

    def insert(self, z_mm: float | None = None) -> int:
        """Add a boundary at a height, by default halfway from the selected one to the next above; its index."""
        if z_mm is None:
            z_mm = self._halfway()
        edited = self.boundaries.insert(z_mm) if self.rows else self._first(z_mm)
        self.selected = sum(one.z_mm < z_mm for one in self.boundaries.boundaries)
        self._apply(f"boundary added at {z_mm:.1f} mm", edited)
        return self.selected

    def delete(self, index: int | None = None) -> None:
        """Take a boundary away, by default the selected one."""
        index = self.selected if index is None else index
        if index is None:
            raise EditRefused("no boundary is selected: select the one to delete")
        self._apply(f"{self._name(index)} deleted", self.boundaries.delete(index))

    def shift_levels(self, steps: int) -> None:
        """Call every vertebra by the name ``steps`` levels higher (negative: lower)."""
        way = f"{abs(steps)} {'up' if steps > 0 else 'down'}"
        self._apply(f"all levels shifted {way}", self.boundaries.shift_levels(steps))

    def set_lowest(self, level: str) -> None:
        """Name the lowest vertebra; all others by counting upwards."""
        self._apply(f"lowest level set to {level}", self.boundaries.set_lowest(level))

    def rename(self, vertebra: int, level: str) -> None:
        """Name one vertebra, counting on from it."""
        before = self.levels[vertebra] if 0 <= vertebra < len(self.levels) else "?"
        self._apply(f"{before} renamed to {level}", self.boundaries.rename(vertebra, level))

    def lock(self, index: int, on: bool = True) -> None:
        """Have a boundary refuse to be moved, tilted or deleted, or not any more."""
        self._apply(f"{self._name(index)} {'locked' if on else 'unlocked'}", self.boundaries.lock(index, on))

    def review(self, index: int, on: bool = True) -> None:
        """Tick a boundary as seen, or take the tick away."""
        self._apply(f"{self._name(index)} {'' if on else 'not '}reviewed", self.boundaries.review(index, on))

    def review_all(self) -> None:
        """Tick all boundaries as seen."""
        edited = self.boundaries
        for index in range(len(edited.boundaries)):
            edited = edited.review(index)
        self._apply("all boundaries reviewed", edited)

    # --- history --------------------------------------------------------------------------------------------------

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to take back."""
        return self._history.can_undo

    @property
    def can_redo(self) -> bool:
        """Whether a step was taken back."""
        return self._history.can_redo

    @property
    def undo_text(self) -> str:
        """The step that undo takes back; empty where there is none."""
        return self._history.undo_text

    @property
    def redo_text(self) -> str:
        """The step that redo takes again; empty where there is none."""
        return self._history.redo_text

    @property
    def log(self) -> tuple[Entry, ...]:
        """Everything that was done: when, who, what."""
        return self._history.log

    def undo(self) -> None:
        """Take the last step back, where there is one."""
        if self.can_undo:
            self._history.undo(self.who)
            self._show()

    def redo(self) -> None:
        """Take the step again that was taken back last, where there is one."""
        if self.can_redo:
            self._history.redo(self.who)
            self._show()

    def reset(self) -> None:
        """Back to what was detected, as a step that can be undone."""
        self._history.reset(self.who)
        self._show()

    # --- acceptance -----------------------------------------------------------------------------------------------

    @property
    def accepted(self) -> Acceptance | None:
        """The last signature under these very boundaries, names and ticks; None where they differ from all signed."""
        now = _sha256(self.boundaries)
        return next((one for one in reversed(self._acceptances) if one.sha256 == now), None)

    def accept(self, note: str = "") -> None:
        """Sign the boundaries as they are. Undone edits and new ones leave the signature, which then counts no more."""
        when = datetime.now(UTC).isoformat(timespec="seconds")
        self._acceptances.append(Acceptance(when, self.who, note, _sha256(self.boundaries)))
        self._history.note(f"accepted{f': {note}' if note else ''}", self.who)
        self._signed()

    # --- inner workings -------------------------------------------------------------------------------------------

    def _apply(self, what: str, edited: BoundarySet) -> None:
        if edited != self.boundaries:
            self._history.apply(what, edited, self.who)
            self._show()

    def _name(self, index: int) -> str:
        bounds = self.boundaries.boundaries
        return tables.boundary_name(bounds[index]) if 0 <= index < len(bounds) else f"boundary {index}"

    def _first(self, z_mm: float) -> BoundarySet:
        """A boundary where no detector found any: called L4/L5 until the reader says better."""
        profile = self.boundaries.profile
        if profile is None:
            raise EditRefused("there is no uptake profile to place a boundary on")
        single = BoundarySet.single("L5", z_mm, profile)
        reason = "assumed for the first boundary: set the lowest level"
        return replace(single, level_confidence=0.0, level_reason=reason)

    def _halfway(self) -> float:
        if self.selected is None:
            raise EditRefused("no boundary is selected: select the one above which to add another")
        heights = [one.z_mm for one in self.boundaries.boundaries]
        above = [*heights, self.boundaries.top_z_mm][self.selected + 1]
        return (heights[self.selected] + above) / 2


def _sha256(boundaries: BoundarySet) -> str:
    return hashlib.sha256(boundaries.to_csv().encode()).hexdigest()


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # no such thing where the process has no user's name
        return ""
