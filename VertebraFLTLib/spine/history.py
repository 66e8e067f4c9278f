"""Undo and redo of boundary edits, with a log of who changed what and when; all of it can be kept as text."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.spine.boundaries import BoundarySet
from VertebraFLTLib.spine.boundary import Boundary
from VertebraFLTLib.spine.profile import Profile

_VERSION = 1
_SET_FIELDS = ("bottom_z_mm", "top_z_mm", "level_confidence", "level_reason", "bottom_cut", "top_cut")


@dataclass(frozen=True)
class Entry:
    """One line of the log: ``when`` (UTC, ISO 8601), ``who`` (empty where not said), ``what`` in words."""

    when: str
    who: str
    what: str


@dataclass(frozen=True)
class Acceptance:
    """A reader's signature: ``when`` (UTC, ISO 8601), ``who``, a note, and the sha256 of the set's table."""

    when: str
    who: str
    note: str
    sha256: str


class History:
    """The sets of boundaries that a user went through, from the detected one on.

    Sets are immutable: undo goes back to an earlier one, exactly. A new edit after an undo forgets what was undone, but
    the log keeps every step, undone ones and undo itself included.
    """

    def __init__(self, start: BoundarySet) -> None:
        self._steps: list[tuple[str, BoundarySet]] = [("detected", start)]
        self._at = 0
        self._log: list[Entry] = []

    @property
    def current(self) -> BoundarySet:
        """The boundaries as they are now."""
        return self._steps[self._at][1]

    @property
    def detected(self) -> BoundarySet:
        """The boundaries as they were at the start."""
        return self._steps[0][1]

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to take back."""
        return self._at > 0

    @property
    def can_redo(self) -> bool:
        """Whether a step was taken back that can be taken again."""
        return self._at < len(self._steps) - 1

    @property
    def undo_text(self) -> str:
        """What undo takes back, in words; empty where there is nothing."""
        return self._steps[self._at][0] if self.can_undo else ""

    @property
    def redo_text(self) -> str:
        """What redo does again, in words; empty where there is nothing."""
        return self._steps[self._at + 1][0] if self.can_redo else ""

    @property
    def log(self) -> tuple[Entry, ...]:
        """Everything that was done, in order of time."""
        return tuple(self._log)

    def apply(self, what: str, edited: BoundarySet, who: str = "") -> BoundarySet:
        """Make ``edited`` the current set. ``what`` says in words what was changed; no change leaves no step."""
        if edited != self.current:
            del self._steps[self._at + 1 :]
            self._steps.append((what, edited))
            self._at += 1
            self.note(what, who)
        return self.current

    def undo(self, who: str = "") -> BoundarySet:
        """Take the last step back; nothing happens where there is none."""
        if self.can_undo:
            self.note(f"undo: {self._steps[self._at][0]}", who)
            self._at -= 1
        return self.current

    def redo(self, who: str = "") -> BoundarySet:
        """Take the step again that was taken back last; nothing happens where there is none."""
        if self.can_redo:
            self._at += 1
            self.note(f"redo: {self._steps[self._at][0]}", who)
        return self.current

    def reset(self, who: str = "") -> BoundarySet:
        """Back to the detected boundaries, as a step that can be undone like any other."""
        return self.apply("reset to detected", self.detected, who)

    def note(self, what: str, who: str = "") -> None:
        """Log something that changes no boundary, such as the acceptance of a case."""
        self._log.append(Entry(datetime.now(UTC).isoformat(timespec="seconds"), who, what))

    # --- as text --------------------------------------------------------------------------------------------------

    def to_json(self) -> str:
        """All of it as JSON; numbers are exact. Profiles are not part of it."""
        return json.dumps(
            {
                "format": "vertebraflt-history",
                "format_version": _VERSION,
                "at": self._at,
                "steps": [{"what": what, **_plain(one)} for what, one in self._steps],
                "log": [asdict(entry) for entry in self._log],
            },
            ensure_ascii=False,
        )

    @staticmethod
    def from_json(text: str, profile: Profile | None = None, name: str = "history") -> History:
        """What :meth:`to_json` wrote; every set gets ``profile``. Raises InputError where it is something else."""
        try:
            data = json.loads(text)
            if data["format_version"] != _VERSION:
                raise InputError(f"{name}: written by another version ({data['format_version']!r}) of this program")
            steps = [(str(step["what"]), _set_of(step, profile)) for step in data["steps"]]
            log = [Entry(str(e["when"]), str(e["who"]), str(e["what"])) for e in data["log"]]
            at = int(data["at"])
            if not 0 <= at < len(steps):
                raise ValueError(f"there is no step {at}")
        except InputError:
            raise
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{name}: not a history of boundary edits ({error})") from error
        history = History(steps[0][1])
        history._steps, history._at, history._log = steps, at, log
        return history


def _plain(one: BoundarySet) -> dict[str, Any]:
    bounds = [asdict(b) for b in one.boundaries]
    return {key: getattr(one, key) for key in _SET_FIELDS} | {
        "name_confidence": one.name_confidence,
        "boundaries": bounds,
    }


def _set_of(step: dict[str, Any], profile: Profile | None) -> BoundarySet:
    bounds = []
    for cells in step["boundaries"]:
        values: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in cells.items()}
        bounds.append(Boundary(**values))
    named = tuple(step.get("name_confidence", ()))
    return BoundarySet(tuple(bounds), **{key: step[key] for key in _SET_FIELDS}, name_confidence=named, profile=profile)
