"""Behaviour of the module's panel: binds widgets to parameters, runs a case with progress and cancel, shows it."""

from __future__ import annotations

import logging
from typing import Any

import slicer
from slicer.i18n import tr as _

from VertebraFLTLib.errors import Cancelled, InputError
from VertebraFLTLib.mrml import dependencies, views
from VertebraFLTLib.mrml.logic import CaseRun, export_case, run_case
from VertebraFLTLib.mrml.parameter_node import options_of

log = logging.getLogger(__name__)

_STAGES = {
    "reading": _("Reading the volumes"),
    "suv": _("Deriving SUV"),
    "segmentation": _("Segmenting the bones"),
    "boundaries": _("Finding the boundaries"),
    "instances": _("Parting the vertebrae"),
    "quantification": _("Measuring uptake"),
    "surfaces": _("Making surfaces"),
    "report": _("Writing the report"),
    "scene": _("Writing the scene"),
}


class CasePanel:
    """The panel over the widgets of VertebraFLT.ui; made anew on reload."""

    def __init__(self, ui: Any) -> None:
        self.ui = ui
        self.parameters: Any = None
        self.case: CaseRun | None = None
        self.running = False
        self._cancelled = False
        self._gui_tag: Any = None
        ui.applyButton.clicked.connect(self.apply_or_cancel)
        ui.exportButton.clicked.connect(self.export)
        ui.progressBar.visible = False
        self.update()

    def set_parameters(self, parameters: Any) -> None:
        """Bind the widgets to another parameter node, or to none."""
        if self.parameters is not None:
            self.parameters.disconnectGui(self._gui_tag)
        self.parameters = parameters
        if parameters is not None:
            self._gui_tag = parameters.connectGui(self.ui)
        self.update()

    def forget_case(self) -> None:
        """The scene closes: stop a run, and let go of nodes that are no more."""
        self.cancel()
        self.case = None

    def update(self, *_: Any) -> None:
        """What may be pressed now, and what the tables show."""
        ready = self.parameters is not None and self.parameters.ct is not None and self.parameters.pet is not None
        self.ui.applyButton.text = "Cancel" if self.running else "Apply"
        self.ui.applyButton.enabled = self.running or ready
        self.ui.applyButton.toolTip = "" if ready else "Choose a CT and a PET"
        self.ui.exportButton.enabled = self.case is not None and not self.running
        for name in ("inputsCollapsibleButton", "exportCollapsibleButton"):
            getattr(self.ui, name).enabled = not self.running
        if self.parameters is not None:
            self.ui.suvTableView.setMRMLTableNode(self.parameters.suvTable)
            self.ui.boundaryTableView.setMRMLTableNode(self.parameters.boundaryTable)

    def apply_or_cancel(self, *_: Any) -> None:
        """The button's two meanings."""
        if self.running:
            self.cancel()
        else:
            self.apply()

    def cancel(self) -> None:
        """Stop the run at its next report of progress."""
        self._cancelled = True

    def apply(self) -> None:
        """Run the case and show it; errors that the user can mend are one line."""
        parameters = self.parameters
        with self._work():
            dependencies.ensure_for_run()
            case = run_case(
                slicer.mrmlScene, parameters.ct, parameters.pet, options_of(parameters), progress=self._progress
            )
            self.case, nodes = case, case.nodes
            parameters.segmentation = nodes.segmentation
            parameters.suvTable = nodes.suv_table
            parameters.profileTable = nodes.profile_table
            parameters.boundaryTable = nodes.boundary_table
            parameters.profileChart = nodes.plot.chart
            self.ui.warningsLabel.text = "\n".join(case.result.warnings)
            self.ui.deviceLabel.text = str(case.result.segmentation.get("device", ""))
            slicer.app.layoutManager().setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutConventionalPlotView)
            views.show(slicer.mrmlScene, nodes.ct, nodes.pet, nodes.plot.chart)
            slicer.util.resetSliceViews()
            slicer.util.resetThreeDViews()

    def export(self, *_: Any) -> None:
        """Write the folder of the last run."""
        case, folder = self.case, self.parameters.exportFolder
        if case is None:
            return
        with self._work():
            if not str(folder) or str(folder) == ".":
                raise InputError("no export folder is chosen: choose one")
            dependencies.ensure(dependencies.EXPORT_PACKAGES)
            export_case(case.result, folder, self._progress)
            slicer.util.showStatusMessage(f"Written to {folder}", 5000)

    def _work(self) -> _Work:
        return _Work(self)

    def _progress(self, stage: str, fraction: float) -> None:
        self.ui.progressBar.value = round(100 * fraction)
        self.ui.stageLabel.text = _STAGES.get(stage, stage)
        slicer.app.processEvents()  # repaints, and lets a press of Cancel through
        if self._cancelled:
            raise Cancelled("cancelled by the user")


class _Work:
    """While it lasts: progress shown, Apply means Cancel; afterwards: as before, an error told."""

    def __init__(self, panel: CasePanel) -> None:
        self.panel = panel

    def __enter__(self) -> None:
        self.panel.running, self.panel._cancelled = True, False
        self.panel.ui.progressBar.visible = True
        self.panel.update()

    def __exit__(self, kind: Any, error: Any, trace: Any) -> bool:
        self.panel.running = False
        self.panel.ui.progressBar.visible = False
        self.panel.ui.stageLabel.text = ""
        self.panel.update()
        if isinstance(error, Cancelled):
            slicer.util.showStatusMessage(str(error), 5000)
            return True
        if isinstance(error, InputError):
            slicer.util.errorDisplay(str(error))
            return True
        if isinstance(error, Exception):
            log.error("the run failed", exc_info=error)
            slicer.util.errorDisplay(f"VertebraFLT failed: {error}", detailedText=_trace(error))
            return True
        return False


def _trace(error: BaseException) -> str:
    import traceback

    return "".join(traceback.format_exception(error))
