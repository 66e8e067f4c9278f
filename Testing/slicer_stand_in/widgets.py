"""The ctk and qMRML widgets that the panel's form names, with the properties and signals that it uses."""

from __future__ import annotations

from PySide6.QtCore import Property, Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QGroupBox,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from slicer.util import getNodesByClass


class qMRMLWidget(QWidget):
    """Hands its scene to the widgets within it, as the form's connections do in Slicer."""

    def setMRMLScene(self, scene):
        for child in self.findChildren(QWidget):
            if hasattr(child, "setMRMLScene"):
                child.setMRMLScene(scene)


class ctkCollapsibleButton(QWidget):
    """A titled section that folds away."""

    def __init__(self, parent=None):
        super().__init__(parent)
        self._title = QToolButton(self)
        self._title.setAutoRaise(True)
        self._title.clicked.connect(lambda: self._collapse(not self._collapsed))
        self._collapsed = False
        self._text = ""
        self.setContentsMargins(4, 26, 4, 2)

    def _fold(self):
        self._title.setText(f"{'▸' if self._collapsed else '▾'} {self._text}")
        self._title.setGeometry(0, 0, self.width(), 24)
        self.setMaximumHeight(26 if self._collapsed else 16777215)

    def resizeEvent(self, event):
        self._fold()

    def _rename(self, text):
        self._text = text
        self._fold()

    def _collapse(self, collapsed):
        self._collapsed = collapsed
        self._fold()

    text = Property(str, lambda self: self._text, _rename)
    collapsed = Property(bool, lambda self: self._collapsed, _collapse)


class ctkCollapsibleGroupBox(QGroupBox):
    """A group box that folds away."""

    def __init__(self, parent=None):
        super().__init__(parent)
        self.setCheckable(True)
        self.toggled.connect(lambda on: self.setMaximumHeight(16777215 if on else 26))

    collapsed = Property(bool, lambda self: not self.isChecked(), lambda self, folded: self.setChecked(not folded))


class ctkSliderWidget(QWidget):
    """A slider and a spin box of one value."""

    valueChanged = Signal(float)

    def __init__(self, parent=None):
        super().__init__(parent)
        self._slider, self._box = QSlider(self), QDoubleSpinBox(self)
        self._slider.setOrientation(Qt.Orientation.Horizontal)
        self._slider.setRange(0, 1000)
        self._tracking = True
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._slider)
        layout.addWidget(self._box)
        self._box.valueChanged.connect(self._changed)
        self._slider.sliderMoved.connect(lambda at: self._box.setValue(self._low() + at / 1000 * self._span()))

    def _low(self):
        return self._box.minimum()

    def _span(self):
        return (self._box.maximum() - self._box.minimum()) or 1.0

    def _changed(self, value):
        self._slider.setValue(round(1000 * (value - self._low()) / self._span()))
        self.valueChanged.emit(value)

    def _track(self, on):
        self._tracking = on

    value = Property(float, lambda self: self._box.value(), lambda self, v: self._box.setValue(v))
    minimum = Property(float, lambda self: self._box.minimum(), lambda self, v: self._box.setMinimum(v))
    maximum = Property(float, lambda self: self._box.maximum(), lambda self, v: self._box.setMaximum(v))
    singleStep = Property(float, lambda self: self._box.singleStep(), lambda self, v: self._box.setSingleStep(v))
    pageStep = Property(float, lambda self: 0.0, lambda self, v: None)
    decimals = Property(int, lambda self: self._box.decimals(), lambda self, v: self._box.setDecimals(v))
    suffix = Property(str, lambda self: self._box.suffix(), lambda self, v: self._box.setSuffix(v))
    tracking = Property(bool, lambda self: self._tracking, _track)


class ctkPathLineEdit(QWidget):
    """A path that is typed or chosen."""

    currentPathChanged = Signal(str)

    def __init__(self, parent=None):
        super().__init__(parent)
        self._line = QLineEdit(self)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._line)
        layout.addWidget(QToolButton(self, text="..."))
        self._line.textChanged.connect(self.currentPathChanged)

    currentPath = Property(str, lambda self: self._line.text(), lambda self, v: self._line.setText(v))


class ctkColorPickerButton(QPushButton):
    """A button in the colour it stands for."""

    colorChanged = Signal(QColor)

    def __init__(self, parent=None):
        super().__init__(parent)
        self._color, self._named = QColor(), True

    def _paint(self, color):
        if color != self._color:
            self._color = QColor(color)
            palette = self.palette()
            palette.setColor(palette.ColorRole.Button, self._color)
            self.setPalette(palette)
            self.colorChanged.emit(self._color)

    def _name(self, on):
        self._named = on

    color = Property(QColor, lambda self: QColor(self._color), _paint)
    displayColorName = Property(bool, lambda self: self._named, _name)


class _Filter:
    """The proxy model of a node selector, of which the hidden ids are used."""

    def __init__(self, box):
        self._box, self._hidden = box, []

    @property
    def hiddenNodeIDs(self):
        return list(self._hidden)

    @hiddenNodeIDs.setter
    def hiddenNodeIDs(self, ids):
        self._hidden = list(ids)
        self._box.refill()


class qMRMLNodeComboBox(QWidget):
    """Chooses a node of the scene by class, attribute and hidden ids; follows what is added and removed."""

    currentNodeChanged = Signal("QVariant")

    def __init__(self, parent=None):
        super().__init__(parent)
        self._box = QComboBox(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._box)
        self._scene, self._tags, self._types, self._attributes = None, [], [], []
        self._nodes, self._current, self._filter = [], None, _Filter(self)
        self._flags = dict.fromkeys(("children", "add", "remove"), True) | {"none": False}
        self._box.activated.connect(lambda index: self.setCurrentNode(self._offered()[index]))

    def _offered(self):
        return ([None] if self._flags["none"] else []) + self._nodes

    def _fits(self, node):
        exact = not self._flags["children"]
        named = [node.GetClassName() == name if exact else node.IsA(name) for name in self._types]
        attributes = [node.GetAttribute(key) is not None for cls, key in self._attributes if node.IsA(cls)]
        shown = node.GetID() not in self._filter.hiddenNodeIDs and not node.GetHideFromEditors()
        return any(named) and all(attributes) and shown

    def refill(self, *_):
        if self._scene is not None and self._scene.IsBatchProcessing():
            return
        kinds = [] if self._scene is None else self._types
        found = [node for kind in kinds for node in getNodesByClass(kind, self._scene)]
        self._nodes = [node for node in found if self._fits(node)]
        self._box.clear()
        self._box.addItems(["None" if node is None else node.GetName() for node in self._offered()])
        known = self._current is None or self._current in self._nodes
        self.setCurrentNode(self._current if known else None)
        if self._current is None and not self._flags["none"] and self._nodes:
            self.setCurrentNode(self._nodes[0])

    def setMRMLScene(self, scene):
        for tag in self._tags:
            self._scene.RemoveObserver(tag)
        self._scene = scene
        events = () if scene is None else (scene.NodeAddedEvent, scene.NodeRemovedEvent, scene.EndBatchProcessEvent)
        self._tags = [scene.AddObserver(event, self.refill) for event in events]
        self.refill()

    def setCurrentNode(self, node):
        offered = self._offered()
        node = node if node in offered else None
        self._box.setCurrentIndex(offered.index(node) if node in offered else -1)
        if node is not self._current:
            self._current = node
            self.currentNodeChanged.emit(node)

    def currentNode(self):
        return self._current

    def nodeCount(self):
        return len(self._nodes)

    def nodeFromIndex(self, index):
        return self._nodes[index]

    def addAttribute(self, node_class, name):
        self._attributes.append((node_class, name))
        self.refill()

    def sortFilterProxyModel(self):
        return self._filter

    def _type(self, names):
        self._types = list(names)
        self.refill()

    def _flag(name):
        def change(self, on):
            self._flags[name] = on
            self.refill()

        return Property(bool, lambda self: self._flags[name], change)

    nodeTypes = Property("QStringList", lambda self: self._types, _type)
    showChildNodeTypes, noneEnabled = _flag("children"), _flag("none")
    addEnabled, removeEnabled = _flag("add"), _flag("remove")


FORM_WIDGETS = (
    *(ctkCollapsibleButton, ctkCollapsibleGroupBox, ctkColorPickerButton, ctkPathLineEdit, ctkSliderWidget),
    *(qMRMLNodeComboBox, qMRMLWidget),
)
