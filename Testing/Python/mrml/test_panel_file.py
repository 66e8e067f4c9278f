"""The panel's .ui file fits the code over it: every widget the code names is there, and bound to a parameter."""

from __future__ import annotations

import ast
import re
from xml.etree import ElementTree

from VertebraFLTLib.resources import resource_path

LIBRARY = resource_path().parent / "VertebraFLTLib" / "mrml"
FORM = ElementTree.parse(resource_path("UI", "VertebraFLT.ui")).getroot()
WIDGETS = {widget.get("name"): widget for widget in FORM.iter("widget")}


def _property(widget, name):
    found = [p for p in widget.findall("property") if p.get("name") == name]
    return "".join(found[0].itertext()).strip() if found else None


def _parameters():
    tree = ast.parse((LIBRARY / "parameter_node.py").read_text(encoding="utf-8"))
    (wrapper,) = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    return {field.target.id for field in wrapper.body if isinstance(field, ast.AnnAssign)}


def test_every_widget_the_code_uses_exists():
    code = (LIBRARY / "widget.py").read_text(encoding="utf-8")
    used = set(re.findall(r"\bui\.(\w+)\.", code)) | set(re.findall(r'"(\w+CollapsibleButton)"', code))
    assert used <= set(WIDGETS)
    assert {"applyButton", "exportButton", "progressBar"} <= used


def test_names_are_unique():
    names = [widget.get("name") for widget in FORM.iter("widget")]
    assert len(names) == len(set(names))


def test_bound_widgets_name_parameters():
    bound = {_property(w, "SlicerParameterName") for w in WIDGETS.values()} - {None}
    assert bound <= _parameters()
    assert {"ct", "pet", "petUnits", "lowestLevel", "detector", "device", "exportFolder"} == bound


def test_sections_are_there_in_order():
    titles = [_property(w, "text") for w in WIDGETS.values() if w.get("class") == "ctkCollapsibleButton"]
    assert titles == ["Inputs", "Run", "Results", "Export"]


def test_node_selectors_know_the_scene():
    selectors = {name for name, widget in WIDGETS.items() if widget.get("class") == "qMRMLNodeComboBox"}
    told = {c.findtext("receiver") for c in FORM.iter("connection") if "mrmlSceneChanged" in c.findtext("signal")}
    assert selectors == told == {"ctSelector", "petSelector"}


def test_what_a_user_touches_has_a_tooltip():
    touched = ("qMRMLNodeComboBox", "QComboBox", "QPushButton", "ctkPathLineEdit")
    assert all(_property(widget, "toolTip") for widget in WIDGETS.values() if widget.get("class") in touched)


def test_custom_classes_are_declared():
    declared = {custom.findtext("class") for custom in FORM.iter("customwidget")}
    used = {widget.get("class") for widget in WIDGETS.values()}
    assert {name for name in used if not name.startswith("Q")} == declared
