"""The Slicer module VertebraFLT: the four classes that Slicer looks for; everything else is in VertebraFLTLib."""

import runpy
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
        parent.dependencies = ["Volumes", "Segmentations", "Tables", "Plots", "Models", "Markups", "SampleData"]
        parent.contributors = ["VertebraFLT contributors"]
        parent.helpText = _(
            "Bone-marrow uptake of FLT, vertebra by vertebra. Research only. F8: next doubtful boundary; F9: tick it."
        )
        parent.acknowledgementText = _("See README.md for the method's source and how to cite it.")
        parent.icon = qt.QIcon(resource("Icons", "VertebraFLT.png"))
        slicer.app.connect("startupCompleted()", offerSample)


def offerSample():
    from VertebraFLTLib.mrml import layout, widget_sample

    layout.register_layout(slicer.mrmlScene)  # before a scene that was saved in it is opened
    widget_sample.offer_sample()


class VertebraFLTWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """Slicer's life cycle of a module's panel; behaviour is in VertebraFLTLib.mrml."""

    def __init__(self, parent=None):
        VTKObservationMixin.__init__(self)
        self.logic, self.panel, self._parameters = VertebraFLTLogic(), None, None
        ScriptedLoadableModuleWidget.__init__(self, parent)

    def resourcePath(self, filename):
        return resource(filename)

    def setup(self):
        super().setup()
        from VertebraFLTLib.mrml.widget import CasePanel

        widget = slicer.util.loadUI(self.resourcePath("UI/VertebraFLT.ui"))
        self.layout.addWidget(widget)
        widget.setMRMLScene(slicer.mrmlScene)
        self.panel = CasePanel(slicer.util.childWidgetVariables(widget))
        slicer.modules.terminologies.logic().LoadTerminologyFromFile(resource("VertebraFLT.term.json"))
        scene = slicer.mrmlScene
        self.addObserver(scene, scene.StartCloseEvent, self.onSceneStartClose)
        for event in (scene.EndCloseEvent, scene.EndImportEvent):
            self.addObserver(scene, event, self.onSceneEnd)
        for event in (scene.NodeAddedEvent, scene.NodeRemovedEvent):
            self.addObserver(scene, event, self.panel.scene_changed)
        self.initializeParameterNode()

    def cleanup(self):
        self.removeObservers()
        self.panel.remove()

    def enter(self):
        self.initializeParameterNode()

    def exit(self):
        self.panel.entered(False)

    def onSceneStartClose(self, caller, event):
        self.setParameterNode(None)
        self.panel.leave_scene()

    def onSceneEnd(self, caller, event):
        if self.parent.isEntered:
            self.initializeParameterNode()

    def initializeParameterNode(self):
        self.setParameterNode(self.logic.getParameterNode())
        self.panel.entered(bool(self.parent.isEntered))  # after a reload no enter() follows

    def setParameterNode(self, parameters):
        if self._parameters is not None:
            self.removeObserver(self._parameters, vtk.vtkCommand.ModifiedEvent, self.panel.update)
        self._parameters = parameters
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
    """A small patient through the logic; in a clone also the tests of the Slicer layer, as pytest runs them."""

    def runTest(self):
        slicer.mrmlScene.Clear()
        self.test_phantom()
        runner = ROOT / "Testing" / "run_in_slicer.py"
        if runner.is_file():
            self.assertEqual(runpy.run_path(str(runner))["main"]([str(runner.parent / "Python" / "mrml")]), 0)

    def test_phantom(self):
        from VertebraFLTLib.mrml.sample import run_sample

        case = run_sample(slicer.mrmlScene)
        self.assertIsNotNone(case.nodes.segmentation.GetSegmentation().GetSegment("vertebra_L3"))
