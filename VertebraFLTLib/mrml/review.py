"""The review of one case without any widget: what is shown, selected, edited, undone, ticked and accepted."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace
from enum import Enum, auto
from typing import Any

from VertebraFLTLib import pipeline
from VertebraFLTLib.mrml.case import SceneNodes, missing_role, read_content, write_content
from VertebraFLTLib.mrml.display import CaseDisplay
from VertebraFLTLib.mrml.drags import Drags
from VertebraFLTLib.mrml.rows import next_doubtful
from VertebraFLTLib.mrml.scheduler import IMMEDIATE, Scheduler
from VertebraFLTLib.mrml.session import ReviewSession
from VertebraFLTLib.mrml.surfaces import SurfaceControl, SurfaceSettings
from VertebraFLTLib.mrml.watching import Reactions, Watch
from VertebraFLTLib.report.wording import SEGMENTER_NAMES
from VertebraFLTLib.result import Result, Review
from VertebraFLTLib.spine.history import Acceptance, History


class Event(Enum):
    """What has changed; see :meth:`ReviewPresenter.observe`."""

    BOUNDARIES = auto()  # rows, log, what can be undone
    SELECTION = auto()
    RESULTS = auto()  # SUV tables, warnings
    SETTLED = auto()  # the segments follow the boundaries again
    SURFACES = auto()  # some of the surfaces, or where they lie
    ACCEPTED = auto()
    REFUSED = auto()  # a drag was refused; ``message`` says why
    CLOSED = auto()  # the case is gone from the scene, or goes on elsewhere; ``message`` says which


class ReviewPresenter(ReviewSession):
    """One reader at one case: every edit at once in its nodes, every drag in its views an edit.

    History, signatures and settings lie in the scene with all else: another presenter goes on from there another day.
    """

    def __init__(
        self,
        nodes: SceneNodes,
        result: Result,
        history: History,
        *,
        who: str | None = None,
        scheduler: Scheduler = IMMEDIATE,
    ) -> None:
        """See :func:`VertebraFLTLib.mrml.logic.open_review`."""
        self._content = read_content(nodes.case)
        super().__init__(history, [Acceptance(**one) for one in self._content["acceptances"]], who)
        self.message = ""
        self._result, self._scheduler = result, scheduler
        passing = pipeline.doubts(result.suv, result.boundaries)
        self._lasting = [warning for warning in result.warnings if warning not in passing]
        self._observers: list[Callable[[Event], None]] = []
        settings = SurfaceSettings.from_json(self._content["surfaces"])
        self._display = CaseDisplay(nodes, result, settings, scheduler, self._settled, self._surfaces_changed)
        self._drags = Drags(self._display, scheduler, lambda: self.boundaries, self._apply, self._put_back)
        reactions = Reactions(
            self._drags.moved,
            self._plane_taken,
            self._drags.let_go,
            self._nodes_removed,
            self._case_modified,
            self._scene_closes,
        )
        self._watch = Watch(nodes.case.GetScene(), nodes, reactions)
        self._drags.end()  # the table may have been edited while nobody watched
        self._show()

    # --- what is shown --------------------------------------------------------------------------------------------

    @property
    def nodes(self) -> SceneNodes:
        """The case's nodes; planes and surfaces come and go with edits."""
        return replace(self._display.nodes, surfaces=self.surfaces.models)

    @property
    def surfaces(self) -> SurfaceControl:
        """The isosurfaces."""
        return self._display.surfaces

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader must know before trusting the figures."""
        return (*self._lasting, *pipeline.doubts(self._result.suv, self.boundaries))

    @property
    def result(self) -> Result:
        """The case as reviewed so far, for reports and files; call :meth:`settle` first where surfaces matter."""
        return replace(
            self._result,
            vertebrae=self._display.vertebrae(),
            boundaries=self.boundaries,
            suv_table=list(self._display.table),
            surfaces=self.surfaces.surfaces,
            warnings=list(self.warnings),
            edited=self._result.edited or self.boundaries != self._history.detected,
            review=Review(self.log, self.accepted),
        )

    @property
    def used(self) -> str:
        """What the run used, in one line: device, kind of segmenter, seconds."""
        told = self._result.segmentation
        parts = [told.get("device"), SEGMENTER_NAMES.get(str(told.get("segmenter")), told.get("segmenter"))]
        seconds = sum(self._result.timings_s.values())
        return ", ".join(str(part) for part in [*parts, f"{seconds:.0f} s" if seconds else None] if part)

    @property
    def content(self) -> dict[str, Any]:
        """What the case's node remembers: history, signatures, where the surfaces lie, what was run."""
        return dict(self._content)

    # --- selection ------------------------------------------------------------------------------------------------

    def select(self, index: int | None, jump: bool = True) -> None:
        """Select a boundary, or none: its marker, plane and row are marked, and the slice views go there."""
        if index is not None and not 0 <= index < len(self.boundaries.boundaries):
            index = None
        self.selected = index
        with self._watch.quiet():
            self._display.select(index, jump)
        self._tell(Event.SELECTION)

    def select_next_doubtful(self, step: int = 1) -> int | None:
        """Select the next doubtful boundary above (-1: below), going round; None where there is none left."""
        found = next_doubtful(self.rows, self.selected, step)
        if found is not None:
            self.select(found)
        return found

    # --- deferred work, observers ---------------------------------------------------------------------------------

    def end_drag(self) -> None:
        """A marker in the plot was let go: make the drag an edit now."""
        self._drags.end()

    @property
    def pending(self) -> bool:
        """Whether segments or surfaces are behind the tables."""
        return self._display.pending

    def settle(self) -> None:
        """Have segments and surfaces follow now."""
        with self._watch.quiet():
            self._display.settle()

    def observe(self, callback: Callable[[Event], None]) -> Callable[[], None]:
        """Have ``callback`` told of every :class:`Event`; what is returned ends that."""
        self._observers.append(callback)

        def stop() -> None:
            with suppress(ValueError):
                self._observers.remove(callback)

        return stop

    def close(self) -> None:
        """Let go of the scene. The nodes stay, with all that was done."""
        self._scheduler.cancel()
        self._watch.stop()

    # --- inner workings -------------------------------------------------------------------------------------------

    def _show(self) -> None:
        """Have everything say what the history says, and keep the history."""
        self.message = ""
        if self.selected is not None and self.selected >= len(self.boundaries.boundaries):
            self.selected = None
        selected = self._display.selected
        self._redraw()
        self._keep()
        self._tell(Event.BOUNDARIES)
        self._tell(Event.RESULTS)
        if self.selected != selected:
            self._tell(Event.SELECTION)

    def _redraw(self) -> None:
        with self._watch.quiet():
            before = self._display.nodes.planes
            self._display.selected = self.selected
            self._display.show(self.boundaries)
            if self._display.nodes.planes != before:
                self._watch.watch_planes(self._display.nodes.planes)

    def _put_back(self, why: str) -> None:
        """A drag came to nothing: ``why`` in words where it was refused."""
        self._redraw()
        if why:
            self.message = why
            self._tell(Event.REFUSED)

    def _signed(self) -> None:
        self._keep()
        self._tell(Event.ACCEPTED)

    def _plane_taken(self, plane: Any) -> None:
        self._drags.taken()
        index = next((i for i, node in enumerate(self._display.nodes.planes) if node is plane), None)
        if index is not None and index != self.selected:
            self.select(index, jump=False)

    def _keep(self) -> None:
        """Write what the case's node has to remember."""
        self._content |= {
            "history": self._history.to_json(),
            "acceptances": [asdict(one) for one in self._acceptances],
            "surfaces": self.surfaces.settings.to_json(),
        }
        with self._watch.quiet():
            self._kept = write_content(self._display.nodes.case, self._content)

    def _settled(self) -> None:
        self._tell(Event.SETTLED)

    def _surfaces_changed(self) -> None:
        if self._content["surfaces"] != self.surfaces.settings.to_json():
            self._keep()
        self._tell(Event.SURFACES)

    def _nodes_removed(self) -> None:
        case = self._display.nodes.case
        missing = "the review" if case.GetScene() is None else missing_role(case)
        if missing:
            self._end(f"{missing} was deleted from the scene")
            return
        with self._watch.quiet():
            self._display.take_stock()
            self._watch.watch_planes(self._display.nodes.planes)

    def _case_modified(self) -> None:
        if self._display.nodes.case.GetText() != self._kept:
            self._end("the review was changed by another panel or script: open it again")

    def _scene_closes(self) -> None:
        self._end("the scene was closed")

    def _end(self, why: str) -> None:
        self.close()
        self.message = why
        self._tell(Event.CLOSED)

    def _tell(self, event: Event) -> None:
        for callback in list(self._observers):
            callback(event)
