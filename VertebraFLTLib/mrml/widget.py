"""The module's panel over the widgets of VertebraFLT.ui: binds its sections to a parameter node and a presenter."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from typing import Any

import slicer

from VertebraFLTLib.mrml import logic, views
from VertebraFLTLib.mrml.case import CASE_ATTRIBUTE
from VertebraFLTLib.mrml.layout import register_layout
from VertebraFLTLib.mrml.review import Event, ReviewPresenter
from VertebraFLTLib.mrml.widget_export import ExportSection
from VertebraFLTLib.mrml.widget_inputs import InputsSection
from VertebraFLTLib.mrml.widget_plot import PlotLink
from VertebraFLTLib.mrml.widget_results import ResultsSection
from VertebraFLTLib.mrml.widget_review import ReviewSection
from VertebraFLTLib.mrml.widget_run import RunSection
from VertebraFLTLib.mrml.widget_scheduler import QtScheduler
from VertebraFLTLib.mrml.widget_shortcuts import Shortcuts
from VertebraFLTLib.mrml.widget_told import say, told
from VertebraFLTLib.mrml.widget_words import name_choices

_PARAMETER = "SlicerParameterName"  # the dynamic property of a bound widget in the form


class CasePanel:
    """The panel; made anew on reload."""

    def __init__(self, ui: Any) -> None:
        self.ui = ui
        self.parameters: Any = None
        self.review: ReviewPresenter | None = None
        self._case: Any = None  # the node under review, or that could not be opened
        self._stop: Callable[[], None] | None = None
        self._tag: int | None = None
        self._scheduler, self._review_scheduler = QtScheduler(), QtScheduler()  # the presenter drops all of its own
        ui.caseSelector.addAttribute("vtkMRMLTextNode", CASE_ATTRIBUTE)
        self.inputs = InputsSection(ui, self._scheduler)
        self.run = RunSection(ui, finished=self.finished, changed=self._run_changed)
        self.boundaries, self.results, self.export = ReviewSection(ui), ResultsSection(ui), ExportSection(ui)
        self.plot = PlotLink()
        ui.chartComboBox.currentIndexChanged.connect(lambda *_: self.plot.follow())  # a chart shown anew has new plots
        press = self.boundaries.press
        undo, redo = (lambda: press("undoButton")), (lambda: press("redoButton"))
        self._keys = Shortcuts(
            slicer.util.mainWindow() or ui.boundaryTable.window(),
            {
                "Ctrl+Z": undo,
                "Ctrl+Y": redo,
                "Ctrl+Shift+Z": redo,
                "F8": lambda: press("nextDoubtfulButton"),
                "Shift+F8": lambda: press("previousDoubtfulButton"),
                "F9": lambda: press("doneAndNextButton"),
            },
            everywhere=True,
        )
        self._keys.enable(False)  # until the module is opened
        edits = {"+": lambda: press("insertButton"), "Delete": lambda: press("deleteButton")}
        self._table_keys = Shortcuts(ui.boundaryTable, edits, everywhere=False)
        self._copy_key = Shortcuts(ui.suvTable, {"Ctrl+C": self.results.copy_selection}, everywhere=False)

    # --- life of the module ---------------------------------------------------------------------------------------

    def set_parameters(self, parameters: Any) -> None:
        """Bind the widgets to another parameter node, or to none."""
        if self.parameters is not None and self._tag is not None:
            self.parameters.disconnectGui(self._tag)
        self.inputs.offer_all()
        self.parameters = self.export.parameters = parameters
        self._tag = None
        if parameters is not None:
            register_layout(slicer.mrmlScene)  # which a scene file does not keep
            named = {widget.property(_PARAMETER): widget for widget in vars(self.ui).values()}
            self._tag = parameters.connectParametersToGui({name: widget for name, widget in named.items() if name})
            name_choices(self.ui)
        self.inputs.bind(parameters)
        self.run.bind(parameters)
        self.update()

    def update(self, *_args: Any) -> None:
        """The parameter node changed: follow its inputs, and its case."""
        for line in (self.ui.modelFolderLineEdit, self.ui.exportFolderLineEdit):
            if line.currentPath == ".":  # how an empty path reads
                line.currentPath = ""
        self.inputs.update()
        self.run.update()
        case = None if self.parameters is None else self.parameters.caseNode
        if case is not self._case:
            self.open(case)

    def scene_changed(self, *_args: Any) -> None:
        """Nodes came or went: offer what fits, once the scene is quiet."""
        self._scheduler.call_later("offer", 300, self.inputs.offer_what_fits)

    def entered(self, on: bool) -> None:
        """The module is opened, or left: its keys are its own while it is open."""
        self._keys.enable(on)
        if on:
            self.inputs.offer_what_fits()
            self.plot.follow()

    def leave_scene(self) -> None:
        """The scene closes: stop the run, let go of nodes that are about to go."""
        self.run.cancel()
        self.set_parameters(None)
        self._scheduler.cancel()
        self._review_scheduler.cancel()

    def remove(self) -> None:
        """The module goes: nothing of it stays in Slicer's window."""
        self.leave_scene()
        for keys in (self._keys, self._table_keys, self._copy_key):
            keys.remove()

    # --- cases ----------------------------------------------------------------------------------------------------

    def open(self, case: Any, result: Any = None) -> None:
        """Review another case, or none; ``result`` saves reading it back from the scene."""
        if self._stop is not None:
            self._stop()
        if self.review is not None:
            self.review.close()
        self.review, self._stop, self._case = None, None, case
        if case is not None:
            with told():
                self.review = logic.open_review(case, who=_who(), scheduler=self._review_scheduler, result=result)
                self._stop = self.review.observe(self._on)
                self.ui.reviewCollapsibleButton.collapsed = self.ui.resultsCollapsibleButton.collapsed = False
                _set_layout(views.show_review(slicer.mrmlScene, self.review.nodes))
        say(self.ui.usedLabel, "" if self.review is None else self.review.used)
        for section in (self.boundaries, self.results, self.export, self.plot):
            section.bind(self.review)

    def finished(self, run: logic.CaseRun) -> None:
        """A run is in the scene: review it, in the layout made for that."""
        self.open(run.nodes.case, run.result)
        self.parameters.caseNode = run.nodes.case
        self.ui.inputsCollapsibleButton.collapsed = True
        if slicer.app.layoutManager() is not None:
            slicer.util.resetSliceViews()
            slicer.util.resetThreeDViews()

    def _run_changed(self) -> None:
        self.ui.inputsCollapsibleButton.enabled = self.run.run is None

    def _on(self, event: Event) -> None:
        if event is Event.CLOSED:
            message = "" if self.review is None else self.review.message
            self.review = self._stop = None
            for section in (self.boundaries, self.results, self.export, self.plot):
                section.bind(None)
            say(self.ui.messageLabel, message)
            return
        self.boundaries.on(event)
        self.results.on(event)
        self.plot.follow()


def _set_layout(layout: int) -> None:
    manager = slicer.app.layoutManager()  # none without a main window
    if manager is not None:
        manager.setLayout(layout)


def _who() -> str:
    """The name in Slicer's settings of the user, else of the login."""
    return str(slicer.app.applicationLogic().GetUserInformation().GetName() or getpass.getuser())
