"""The Slicer module VertebraFLT: the four classes that Slicer looks for; everything else is in VertebraFLTLib."""

import sys
from pathlib import Path

import qt
import slicer
import vtk
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

# In a clone the library lies beside this module's folder; installed, it lies beside this file.
ROOT = Path(__file__).resolve().parents[1]
if (ROOT / "VertebraFLTLib").is_dir() and str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))


def resource(*parts):
    """Path of a resource, in a clone as in an installed extension."""
    from VertebraFLTLib.resources import resource_path

    return str(resource_path(*parts))


class VertebraFLT(ScriptedLoadableModule):
    """What Slicer shows of the module before it is opened."""

    def __init__(self, parent):
        super().__init__(parent)
        parent.title = "VertebraFLT"
        parent.categories = [translate("qSlicerAbstractCoreModule", "Nuclear Medicine")]
        parent.dependencies = ["Volumes", "Segmentations", "Tables", "Plots", "Models"]
        parent.contributors = ["VertebraFLT contributors"]
        parent.helpText = _(
            "Measures FLT-PET uptake of the bone marrow, vertebra by vertebra. Choose a CT and a PET of one "
            "examination and press Apply; check the boundaries between the vertebrae on the uptake profile. "
            "For research use only."
        )
        parent.acknowledgementText = _("See README.md for the method's source and how to cite it.")
        parent.icon = qt.QIcon(resource("Icons", "VertebraFLT.png"))


class VertebraFLTWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """Slicer's life cycle of a module's panel; behaviour is in VertebraFLTLib.mrml.widget."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = self.panel = self._parameters = None

    def resourcePath(self, filename):
        return resource(filename)

    def setup(self):
        super().setup()
        from VertebraFLTLib.mrml.widget import CasePanel

        widget = slicer.util.loadUI(self.resourcePath("UI/VertebraFLT.ui"))
        self.layout.addWidget(widget)
        widget.setMRMLScene(slicer.mrmlScene)
        self.logic = VertebraFLTLogic()
        self.panel = CasePanel(slicer.util.childWidgetVariables(widget))
        slicer.modules.terminologies.logic().LoadTerminologyFromFile(resource("VertebraFLT.term.json"))
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.onSceneEndClose)
        self.initializeParameterNode()

    def cleanup(self):
        self.setParameterNode(None)
        self.removeObservers()

    def enter(self):
        self.initializeParameterNode()

    def exit(self):
        if not self.panel.running:
            self.setParameterNode(None)

    def onSceneStartClose(self, caller, event):
        self.panel.forget_case()
        self.setParameterNode(None)

    def onSceneEndClose(self, caller, event):
        if self.parent.isEntered:
            self.initializeParameterNode()

    def initializeParameterNode(self):
        self.setParameterNode(self.logic.getParameterNode())

    def setParameterNode(self, parameters):
        if self._parameters is not None:
            self.removeObserver(self._parameters, vtk.vtkCommand.ModifiedEvent, self.panel.update)
        self._parameters = parameters
        if self.panel is not None:
            self.panel.set_parameters(parameters)
        if parameters is not None:
            self.addObserver(parameters, vtk.vtkCommand.ModifiedEvent, self.panel.update)

    def onReload(self):
        for name in [name for name in sys.modules if name.split(".")[0] == "VertebraFLTLib"]:
            del sys.modules[name]
        super().onReload()


class VertebraFLTLogic(ScriptedLoadableModuleLogic):
    """For scripts: ``VertebraFLTLogic().run(ctNode, petNode)``; see VertebraFLTLib.mrml.logic."""

    def getParameterNode(self):
        from VertebraFLTLib.mrml.parameter_node import VertebraFLTParameterNode

        return VertebraFLTParameterNode(super().getParameterNode())

    def run(self, ctNode, petNode, options=None, **keywords):
        """Run a case on two volumes of the scene; returns the data and the nodes made (CaseRun)."""
        from VertebraFLTLib.mrml.logic import run_case

        return run_case(slicer.mrmlScene, ctNode, petNode, options, **keywords)


class VertebraFLTTest(ScriptedLoadableModuleTest):
    """A small simulated patient through the module's logic, with the true mask in place of the network's."""

    def setUp(self):
        slicer.mrmlScene.Clear()

    def runTest(self):
        self.setUp()
        self.test_phantom()

    def test_phantom(self):
        from VertebraFLTLib.mrml.sample import run_sample

        case = run_sample(slicer.mrmlScene)
        self.assertGreater(len(case.result.boundaries.boundaries), 10)
        self.assertEqual(case.nodes.suv_table.GetNumberOfRows(), len(case.result.suv_table))
        self.assertIsNotNone(case.nodes.segmentation.GetSegmentation().GetSegment("vertebra_L3"))
