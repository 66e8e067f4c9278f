"""Section Run: Apply starts a process, its progress is shown, and the same button cancels it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from VertebraFLTLib.mrml import dependencies, logic
from VertebraFLTLib.mrml.parameter_node import options_of, overrides_of
from VertebraFLTLib.mrml.widget_told import told
from VertebraFLTLib.mrml.widget_words import STAGES, remaining

_POLL_MS = 150


class RunSection:
    """Binds Apply, Cancel and the progress of a run; ``finished`` takes what :func:`logic.finish_run` returns."""

    def __init__(self, ui: Any, finished: Callable[[logic.CaseRun], None], changed: Callable[[], None]) -> None:
        self.ui = ui
        self.run: Any = None
        self.parameters: Any = None
        self._finished, self._changed = finished, changed
        self._timer = qt.QTimer()
        self._timer.timeout.connect(self._poll)
        ui.applyButton.clicked.connect(self.apply_or_cancel)
        self.update()

    def bind(self, parameters: Any) -> None:
        """Work on another parameter node, or on none."""
        self.parameters = parameters
        self.update()

    def update(self) -> None:
        """What the button does now, and how far the run is."""
        parameters, running = self.parameters, self.run is not None
        ready = parameters is not None and parameters.ct is not None and parameters.pet is not None
        button = self.ui.applyButton
        button.text = _("Cancel") if running else _("Apply")
        button.enabled = running or ready
        button.toolTip = (
            _("Stop the run; the scene stays as it is.")
            if running
            else _("Segment the bones, find the boundaries, measure uptake.")
            if ready
            else _("Choose a CT and a PET.")
        )
        self.ui.progressBar.visible = self.ui.stageLabel.visible = running
        if running:
            self.ui.progressBar.value = round(100 * self.run.fraction)
            stage = STAGES.get(self.run.stage, self.run.stage)
            self.ui.stageLabel.text = " – ".join(part for part in (stage, remaining(self.run.remaining_s)) if part)

    def apply_or_cancel(self, *_args: Any) -> None:
        """The button's two meanings."""
        if self.run is None:
            self.apply()
        else:
            self.cancel()

    def apply(self) -> None:
        """Start a run in a process of its own; packages that are missing are installed first, after asking."""
        parameters = self.parameters
        with told():
            dependencies.ensure_for_run()
            options, overrides = options_of(parameters), overrides_of(parameters)
            self.run = logic.start_run(slicer.mrmlScene, parameters.ct, parameters.pet, options, overrides=overrides)
            self._timer.start(_POLL_MS)
        self._update_all()

    def cancel(self) -> None:
        """End the run, if there is one; its process is gone afterwards, and the scene was not touched."""
        if self.run is not None:
            self.run.cancel()
            self._end()
            slicer.util.showStatusMessage(_("Cancelled; nothing was changed"), 5000)

    def _poll(self) -> None:
        run = self.run
        if run is None:
            return
        state = run.poll()
        if state == "running":
            self.update()
            return
        self._end()
        if state == "failed":
            more = {"detailedText": run.details} if run.details else {}  # a bug's trace; a refusal has none
            slicer.util.errorDisplay(run.error, **more)
        elif state == "done":
            with told():
                self._finished(logic.finish_run(run))

    def _end(self) -> None:
        self._timer.stop()
        self.run = None
        self._update_all()

    def _update_all(self) -> None:
        self.update()
        self._changed()
