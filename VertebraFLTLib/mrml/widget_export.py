"""Section Export: the folder of a run, the case as one bundle, the report alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.mrml import dependencies, exporting
from VertebraFLTLib.mrml.review import ReviewPresenter
from VertebraFLTLib.mrml.widget_told import say, told
from VertebraFLTLib.mrml.widget_words import STAGES


class ExportSection:
    """Binds the three ways to take a case out of Slicer."""

    def __init__(self, ui: Any) -> None:
        self.ui = ui
        self.review: ReviewPresenter | None = None
        self.parameters: Any = None
        ui.exportButton.clicked.connect(self.export_folder)
        ui.exportSceneButton.clicked.connect(self.export_scene)
        ui.exportReportButton.clicked.connect(self.export_report)
        self.bind(None)

    def bind(self, review: ReviewPresenter | None) -> None:
        """Take out another case, or none."""
        self.review = review
        say(self.ui.exportLabel, "")
        for name in ("exportButton", "exportSceneButton", "exportReportButton"):
            getattr(self.ui, name).enabled = review is not None

    def export_folder(self, *_args: Any) -> None:
        """Everything, as the command line writes it."""
        folder = "" if self.parameters is None else str(self.parameters.exportFolder)
        with told():
            if folder in ("", "."):
                raise InputError(_("no export folder is chosen: choose one"))
            self._write(folder, lambda review: exporting.export_folder(review, folder, self._progress))

    def export_scene(self, *_args: Any) -> None:
        """The case alone as a Slicer bundle."""
        path = self._ask(_("Save the case"), "case.mrb", _("Slicer bundles (*.mrb)"))
        if path:
            with told():
                self._write(path, lambda review: exporting.export_mrb(review, path))

    def export_report(self, *_args: Any) -> None:
        """The report alone."""
        path = self._ask(_("Save the report"), "report.html", _("Web pages (*.html)"))
        if path:
            with told():
                self._write(path, lambda review: exporting.export_report(review, path))

    @staticmethod
    def _ask(title: str, name: str, kind: str) -> str:
        return str(qt.QFileDialog.getSaveFileName(slicer.util.mainWindow(), title, name, kind) or "")

    def _write(self, target: str, write: Callable[[ReviewPresenter], object]) -> None:
        if self.review is None:
            return
        dependencies.ensure(dependencies.EXPORT_PACKAGES)
        say(self.ui.exportLabel, "")
        with slicer.util.WaitCursor():
            write(self.review)
        say(self.ui.exportLabel, _("Written: {target}").format(target=target))

    @staticmethod
    def _progress(stage: str, fraction: float) -> None:
        slicer.util.showStatusMessage(f"{STAGES.get(stage, stage)} ({fraction:.0%})", 5000)
        slicer.app.processEvents()
