"""The parameter node wrapper: typed attributes kept in a vtkMRMLScriptedModuleNode, bound to widgets by name."""

from __future__ import annotations

import pathlib
import typing
from dataclasses import dataclass
from types import ModuleType

import slicer
import vtk
from PySide6 import QtWidgets

from slicer_stand_in import widgets


@dataclass(frozen=True)
class Choice:
    """A value must be one of these."""

    choices: list

    def check(self, value):
        if value not in self.choices:
            raise ValueError(f"{value!r} is none of {self.choices}")


@dataclass(frozen=True)
class WithinRange:
    """A number must lie within."""

    minimum: float
    maximum: float

    def check(self, value):
        if not self.minimum <= value <= self.maximum:
            raise ValueError(f"{value!r} is not within {self.minimum} to {self.maximum}")


class _Field:
    def __init__(self, name, hint, default):
        self.name = name
        self.kind, *self.rules = typing.get_args(hint) if typing.get_origin(hint) is typing.Annotated else (hint,)
        self.node = isinstance(self.kind, type) and issubclass(self.kind, slicer.vtkMRMLNode)
        self.default = default if default is not None or self.node else self.kind()

    def __get__(self, wrapper, owner=None):
        if wrapper is None:
            return self
        node = wrapper.parameterNode
        if self.node:
            return node.GetNodeReference(self.name)
        text = node.GetParameter(self.name)
        return text == "True" if self.kind is bool else self.kind(text)

    def __set__(self, wrapper, value):
        for rule in self.rules:
            rule.check(value)
        kinds = (int, float) if self.kind is float else self.kind
        if not (isinstance(value, kinds) or (self.node and value is None)):
            raise TypeError(f"{self.name} is {self.kind.__name__}, not {type(value).__name__}")
        with slicer.util.NodeModify(wrapper.parameterNode):
            wrapper.parameterNode.SetParameter(self.name, "" if self.node else str(value))
            if self.node:
                wrapper.parameterNode.SetNodeReferenceID(self.name, value.GetID() if value is not None else None)


def _connector(widget, field):
    """How a widget shows a field: signal, read, write."""
    kind = type(widget)
    if kind is widgets.qMRMLNodeComboBox and field.node:
        return widget.currentNodeChanged, widget.currentNode, widget.setCurrentNode
    if kind is widgets.ctkPathLineEdit and field.kind is pathlib.Path:
        path = (lambda: pathlib.Path(widget.currentPath)), (lambda value: setattr(widget, "currentPath", str(value)))
        return widget.currentPathChanged, *path
    if kind is QtWidgets.QLineEdit and field.kind is str:
        return widget.textChanged, widget.text, widget.setText
    if kind is QtWidgets.QCheckBox and field.kind is bool:
        return widget.stateChanged, widget.isChecked, widget.setChecked
    if kind is QtWidgets.QDoubleSpinBox and field.kind is float:
        (limits,) = [rule for rule in field.rules if isinstance(rule, WithinRange)]
        widget.setRange(limits.minimum, limits.maximum)
        return widget.valueChanged, widget.value, widget.setValue
    if kind is QtWidgets.QComboBox and field.kind is str:
        ((choices),) = [rule.choices for rule in field.rules if isinstance(rule, Choice)]
        widget.clear()
        widget.addItems(choices)
        read = (lambda: choices[widget.currentIndex()]), (lambda value: widget.setCurrentIndex(choices.index(value)))
        return widget.currentIndexChanged, *read
    raise RuntimeError(f"no connector from {field.name} to {kind.__name__}")


class _Wrapper:
    def __init__(self, node):
        self.parameterNode, self._bound, self._showing = node, {}, False
        for field in self._fields.values():
            if not node.HasParameter(field.name):
                field.__set__(self, field.default)

    def connectParametersToGui(self, mapping):
        tag = len(self._bound)
        self._bound[tag] = connections = []
        for name, widget in mapping.items():
            signal, read, write = _connector(widget, self._fields[name])
            write(getattr(self, name))

            def changed(*_, name=name, read=read):
                if not self._showing:
                    setattr(self, name, read())

            signal.connect(changed)
            connections.append((name, signal, changed, write))
        self.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: self._show())
        return tag

    def disconnectGui(self, tag):
        for _, signal, changed, _ in self._bound.pop(tag, []):
            signal.disconnect(changed)

    def _show(self):
        if self._showing:
            return
        self._showing = True
        try:
            for name, _, _, write in [one for bound in self._bound.values() for one in bound]:
                write(getattr(self, name))
        finally:
            self._showing = False

    def AddObserver(self, event, callback, priority=0.0):
        return self.parameterNode.AddObserver(event, callback, priority)

    def RemoveObserver(self, tag):
        self.parameterNode.RemoveObserver(tag)


def parameterNodeWrapper(described):
    hints = typing.get_type_hints(described, include_extras=True)
    fields = {name: _Field(name, hint, getattr(described, name, None)) for name, hint in hints.items()}
    return type(described.__name__, (_Wrapper, described), {"_fields": fields, **fields})


def module():
    """The module ``slicer.parameterNodeWrapper``."""
    made = ModuleType("slicer.parameterNodeWrapper")
    made.parameterNodeWrapper, made.Choice, made.WithinRange = parameterNodeWrapper, Choice, WithinRange
    return made
