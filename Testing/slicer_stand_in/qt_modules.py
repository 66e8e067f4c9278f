"""The modules ``qt`` and ``ctk`` as PythonQt lays them out: every class in one flat namespace."""

from __future__ import annotations

import os
import sys
from types import ModuleType

from PySide6 import QtCore, QtGui, QtUiTools, QtWidgets
from shibokensupport import feature

from slicer_stand_in import widgets

_TRUE_PROPERTY = 0x02  # Qt's properties are attributes, as in PythonQt: button.text = "Apply"
# What the form names and the stand-in lacks.
_HARMLESS = ("qMRMLWidget::mrmlSceneChanged", "(sender name:", "(receiver name:", "filters could not", "SizeHints")


class FormLoader(QtUiTools.QUiLoader):
    """Knows the ctk and qMRML widgets, as Slicer's own loader does through its plug-ins."""

    def __init__(self, parent=None):
        super().__init__(parent)
        for widget in widgets.FORM_WIDGETS:
            self.registerCustomWidget(widget)


class FileDialog:
    """Answers at once with :attr:`answer`, where a user would look for a file."""

    answer = ""

    @classmethod
    def getSaveFileName(cls, *_):
        return cls.answer


def speak_pythonqt(*names: str) -> None:
    """Let the modules of these names use Qt's properties as attributes."""
    # Shiboken asks every module loaded for an attribute; torch's own answer with an error of theirs.
    torch_names = {name: sys.modules.pop(name) for name in list(sys.modules) if name in ("torch.classes", "torch.ops")}
    try:
        for name in names:
            feature.set_selection(_TRUE_PROPERTY, name)
    finally:
        sys.modules.update(torch_names)


def application() -> QtWidgets.QApplication:
    """The one Qt application of the process, which never draws on a screen."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    QtCore.qInstallMessageHandler(_tell)
    return QtWidgets.QApplication.instance() or QtWidgets.QApplication(["Slicer"])


def _tell(kind, context, text):
    if not any(part in text for part in _HARMLESS):
        print(f"Qt: {text}")


def qt_module() -> ModuleType:
    made = ModuleType("qt")
    for source in (QtCore, QtGui, QtWidgets, QtUiTools):
        for name in dir(source):
            if name.startswith("Q"):
                setattr(made, name, getattr(source, name))
    made.QUiLoader, made.QFileDialog = FormLoader, FileDialog
    return made


def ctk_module() -> ModuleType:
    made = ModuleType("ctk")
    for widget in widgets.FORM_WIDGETS:
        if widget.__name__.startswith("ctk"):
            setattr(made, widget.__name__, widget)
    return made
