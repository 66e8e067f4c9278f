"""``slicer.app`` and what a scripted module is built from, put in place for the time of a test."""

from __future__ import annotations

import sys
import unittest
from types import ModuleType, SimpleNamespace

import slicer
import slicer.util
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QVBoxLayout, QWidget

from slicer_stand_in import parameters, qt_modules, views, widgets
from slicer_stand_in.qt_modules import FileDialog, speak_pythonqt
from VertebraFLTLib.resources import resource_path


class Application:
    """Slicer's application: what the user was told, and what they will answer."""

    def __init__(self, scene):
        self.qt = qt_modules.application()
        self.told: list[tuple[str, str]] = []
        self.answer_yes = True
        self.started = []
        self._layouts = views.LayoutManager(scene)

    def choose_file(self, path):
        """What the next file dialog answers."""
        FileDialog.answer = str(path)

    def tell(self, kind):
        return lambda text, *_, **__: self.told.append((kind, text))

    def ask(self, text, *_, **__):
        self.told.append(("asked", text))
        return self.answer_yes

    def press(self, widget, key, modifiers=Qt.KeyboardModifier.NoModifier):
        """As a finger on a key, while ``widget`` has the focus."""
        self.qt.setActiveWindow(widget.window())
        widget.setFocus()
        QTest.keyClick(widget, key, modifiers)

    # what modules call

    def layoutManager(self):
        return self._layouts

    def setOverrideCursor(self, cursor):
        self.qt.setOverrideCursor(cursor)

    def restoreOverrideCursor(self):
        self.qt.restoreOverrideCursor()

    def processEvents(self):
        self.qt.processEvents()

    def connect(self, signal, slot):
        assert signal == "startupCompleted()"
        self.started.append(slot)

    def moduleManager(self):
        return SimpleNamespace(connect=lambda *_: None, disconnect=lambda *_: None)

    def applicationLogic(self):
        return SimpleNamespace(GetUserInformation=lambda: SimpleNamespace(GetName=lambda: "Dr. A. Reader"))

    def testingEnabled(self):
        return False


class _Module:
    def __init__(self, parent):
        self.parent, self.moduleName = parent, type(self).__name__


class _ModuleParent(widgets.qMRMLWidget):
    isEntered = False


class _ModuleWidget:
    def __init__(self, parent=None):
        self.parent = parent or _ModuleParent()
        self.layout = self.parent.layout() or QVBoxLayout(self.parent)

    def setup(self):
        pass

    def onReload(self):
        pass


class _ModuleLogic:
    def __init__(self, parent=None):
        self.moduleName = type(self).__name__.removesuffix("Logic")

    def getParameterNode(self):
        scene = slicer.mrmlScene
        node = scene.GetSingletonNode(self.moduleName, "vtkMRMLScriptedModuleNode")
        if node is None:
            node = slicer.vtkMRMLScriptedModuleNode()
            node.SetSingletonTag(self.moduleName)
            node.SetModuleName(self.moduleName)
            node = scene.AddNode(node)
        return node


class _ModuleTest(unittest.TestCase):
    def delayDisplay(self, message, *_):
        pass


def _modules() -> dict[str, ModuleType]:
    i18n, scripted = ModuleType("slicer.i18n"), ModuleType("slicer.ScriptedLoadableModule")
    i18n.tr, i18n.translate = (lambda text: text), (lambda context, text: text)
    scripted.ScriptedLoadableModule, scripted.ScriptedLoadableModuleWidget = _Module, _ModuleWidget
    scripted.ScriptedLoadableModuleLogic, scripted.ScriptedLoadableModuleTest = _ModuleLogic, _ModuleTest
    made = (i18n, scripted, parameters.module(), qt_modules.qt_module(), qt_modules.ctk_module())
    return {module.__name__: module for module in made}


def _child_variables(widget):
    found = {child.objectName(): child for child in widget.findChildren(QWidget)}
    return SimpleNamespace(**{name: child for name, child in found.items() if name and not name.startswith("qt_")})


def install(monkeypatch, scene, speaking=()) -> Application:
    """Put the stand-in in place of what slicer-core lacks, for as long as ``monkeypatch`` lasts.

    ``speaking``: names of modules that use Qt's properties as attributes, besides those of the product.
    """
    app = Application(scene)
    for name, module in _modules().items():
        monkeypatch.setitem(sys.modules, name, module)
    for name in [name for name in sys.modules if _depends(name)]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(slicer, "app", app, raising=False)
    monkeypatch.setattr(slicer, "mrmlScene", scene, raising=False)
    terminologies = SimpleNamespace(LoadTerminologyFromFile=lambda path: None)
    modules = SimpleNamespace(terminologies=SimpleNamespace(logic=lambda: terminologies))
    monkeypatch.setattr(slicer, "modules", modules, raising=False)
    for widget in widgets.FORM_WIDGETS:
        if widget.__name__.startswith("qMRML"):
            monkeypatch.setattr(slicer, widget.__name__, widget, raising=False)
    shown = {
        "errorDisplay": app.tell("error"),
        "infoDisplay": app.tell("info"),
        "warningDisplay": app.tell("warning"),
        "showStatusMessage": app.tell("status"),
        "confirmOkCancelDisplay": app.ask,
        "confirmYesNoDisplay": app.ask,
        "mainWindow": lambda *_: None,
        "childWidgetVariables": _child_variables,
        "resetSliceViews": lambda *_: None,
        "resetThreeDViews": lambda *_: None,
    }
    for name, function in shown.items():
        monkeypatch.setattr(slicer.util, name, function)
    speak_pythonqt("slicer.util", "VertebraFLT", *_panel_modules(), *speaking)
    return app


def uninstall(monkeypatch) -> None:
    """Undo :func:`install`; modules of the panel are imported anew by whoever comes next."""
    slicer.app.layoutManager().close()
    monkeypatch.undo()
    for name in [name for name in sys.modules if _depends(name)]:
        del sys.modules[name]


def _depends(name: str) -> bool:
    """Whether a module of the product was built on ``qt`` or the parameter node wrapper."""
    built = ("VertebraFLTLib.mrml.widget", "VertebraFLTLib.mrml.parameter_node")
    return name == "VertebraFLT" or name.startswith(built)


def _panel_modules() -> list[str]:
    folder = resource_path().parent / "VertebraFLTLib" / "mrml"
    return [f"VertebraFLTLib.mrml.{path.stem}" for path in folder.glob("widget*.py")]
