"""The module and its panel over a stand-in of Slicer's application: the calls fit together, Cancel cancels."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType, SimpleNamespace

import pytest

slicer = pytest.importorskip("slicer")

from VertebraFLTLib import pipeline  # noqa: E402
from VertebraFLTLib.mrml import dependencies, logic, sample  # noqa: E402
from VertebraFLTLib.mrml.scene import private_scene  # noqa: E402
from VertebraFLTLib.resources import resource_path  # noqa: E402


class Signal:
    def __init__(self):
        self.slots = []

    def connect(self, slot):
        self.slots.append(slot)

    def emit(self):
        for slot in self.slots:
            slot()


def _widget():
    return SimpleNamespace(
        clicked=Signal(), enabled=False, visible=True, text="", toolTip="", value=0, table=None, setMRMLTableNode=None
    )


def _wrapper(described):
    """Stands in for parameterNodeWrapper: plain attributes with their defaults."""

    def start(self, node):
        for name in described.__annotations__:
            setattr(self, name, getattr(described, name, None))

    body = {"__init__": start, "connectGui": lambda self, ui: 1, "disconnectGui": lambda self, tag: None}
    return type(described.__name__, (described,), body)


@pytest.fixture
def told(monkeypatch):
    """Messages that the user was shown, with Slicer's application in place."""
    shown = []
    i18n, parameters, scripted, qt = (
        ModuleType(name)
        for name in ("slicer.i18n", "slicer.parameterNodeWrapper", "slicer.ScriptedLoadableModule", "qt")
    )
    i18n.tr, i18n.translate = (lambda text: text), (lambda context, text: text)
    parameters.parameterNodeWrapper, parameters.Choice = _wrapper, list
    for name in ("ScriptedLoadableModule", "ScriptedLoadableModuleWidget", "ScriptedLoadableModuleLogic"):
        setattr(scripted, name, type(name, (), {"__init__": lambda self, parent=None: None}))
    import unittest

    scripted.ScriptedLoadableModuleTest = type("ScriptedLoadableModuleTest", (unittest.TestCase,), {})
    qt.QIcon = str
    for module in (i18n, parameters, scripted, qt):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    for name in ("parameter_node", "widget"):
        monkeypatch.delitem(sys.modules, f"VertebraFLTLib.mrml.{name}", raising=False)
    layouts = SimpleNamespace(setLayout=lambda layout: shown.append(("layout", layout)))
    app = SimpleNamespace(processEvents=lambda: None, layoutManager=lambda: layouts)
    monkeypatch.setattr(slicer, "app", app, raising=False)
    monkeypatch.setattr(slicer, "mrmlScene", private_scene(), raising=False)
    util = importlib.import_module("slicer.util")
    monkeypatch.setattr(slicer, "util", util, raising=False)
    monkeypatch.setattr(util, "errorDisplay", lambda text, **_: shown.append(("error", text)))
    monkeypatch.setattr(util, "showStatusMessage", lambda text, *_: shown.append(("status", text)))
    for name in ("resetSliceViews", "resetThreeDViews"):
        monkeypatch.setattr(util, name, lambda: None)
    monkeypatch.setattr(dependencies, "ensure_for_run", lambda: None)
    yield shown
    for name in ("parameter_node", "widget"):
        sys.modules.pop(f"VertebraFLTLib.mrml.{name}", None)


@pytest.fixture
def panel(told, phantom, monkeypatch):
    from VertebraFLTLib.mrml.parameter_node import VertebraFLTParameterNode
    from VertebraFLTLib.mrml.widget import CasePanel

    names = ["applyButton", "exportButton", "progressBar", "stageLabel", "warningsLabel", "deviceLabel"]
    names += ["inputsCollapsibleButton", "exportCollapsibleButton", "suvTableView", "boundaryTableView"]
    ui = SimpleNamespace(**{name: _widget() for name in names})
    for view in (ui.suvTableView, ui.boundaryTableView):
        view.setMRMLTableNode = lambda node, view=view: setattr(view, "table", node)
    volumes = sample.add_phantom(slicer.mrmlScene, phantom)
    monkeypatch.setattr(logic, "get_segmenter", lambda options: volumes.truth)
    panel = CasePanel(ui)
    assert not ui.applyButton.enabled
    panel.set_parameters(VertebraFLTParameterNode(None))
    panel.parameters.ct, panel.parameters.pet = volumes.ct, volumes.pet
    panel.update()
    return panel


def _count():
    return slicer.mrmlScene.GetNumberOfNodes()


@pytest.fixture
def quick(phantom_result, monkeypatch):
    """The pipeline answers at once with the result of these very volumes."""

    def run(*_, progress, **__):
        for stage in ("suv", "segmentation", "boundaries", "surfaces"):
            progress(stage, 0.5)
        return phantom_result

    monkeypatch.setattr(pipeline, "run", run)


def test_apply_runs_and_shows_the_case(panel, told, quick):
    assert panel.ui.applyButton.enabled and panel.ui.applyButton.text == "Apply"
    panel.ui.applyButton.clicked.emit()
    assert [kind for kind, _ in told] == ["layout"]
    assert panel.ui.suvTableView.table is panel.case.nodes.suv_table is panel.parameters.suvTable
    assert panel.ui.boundaryTableView.table is panel.parameters.boundaryTable
    assert panel.ui.exportButton.enabled and not panel.running and not panel.ui.progressBar.visible
    panel.forget_case()
    panel.set_parameters(None)
    assert not panel.ui.applyButton.enabled and not panel.ui.exportButton.enabled


def test_the_button_cancels_while_it_runs(panel, told, monkeypatch):
    before, seen = _count(), []

    def press():
        if panel.ui.stageLabel.text.startswith("Finding"):
            seen.append(panel.ui.applyButton.text)
            panel.ui.applyButton.clicked.emit()

    monkeypatch.setattr(slicer.app, "processEvents", press)
    panel.ui.applyButton.clicked.emit()
    assert seen == ["Cancel"]
    assert told == [("status", "cancelled by the user")]
    assert _count() == before and panel.case is None
    assert panel.ui.applyButton.text == "Apply" and panel.ui.applyButton.enabled


def test_an_error_is_one_line_and_leaves_the_scene(panel, told):
    before = _count()
    units = slicer.vtkCodedEntry()
    units.SetValueSchemeMeaning("1", "UCUM", "no units")
    panel.parameters.pet.SetVoxelValueUnits(units)
    panel.ui.applyButton.clicked.emit()
    ((kind, text),) = told
    assert kind == "error" and "Simulated FLT-PET" in text and "\n" not in text
    assert _count() == before and panel.ui.applyButton.enabled


def test_export_asks_for_a_folder(panel, told, quick):
    panel.ui.applyButton.clicked.emit()
    told.clear()
    panel.parameters.exportFolder = ""
    panel.ui.exportButton.clicked.emit()
    assert told == [("error", "no export folder is chosen: choose one")]


def test_the_module_file_has_what_slicer_looks_for(told, quick, phantom, monkeypatch):
    monkeypatch.setattr(sample, "make_phantom", lambda **_: phantom)
    path = resource_path().parent / "VertebraFLT" / "VertebraFLT.py"
    spec = importlib.util.spec_from_file_location("VertebraFLT", path)
    module = importlib.util.module_from_spec(spec)
    before = set(sys.modules)
    spec.loader.exec_module(module)
    assert not {name for name in set(sys.modules) - before if name.startswith(("VertebraFLTLib", "torch"))}
    parent = SimpleNamespace()
    module.VertebraFLT(parent)
    assert parent.title == "VertebraFLT" and parent.categories == ["Nuclear Medicine"]
    assert parent.icon.endswith("VertebraFLT.png")
    module.VertebraFLTTest("runTest").runTest()
