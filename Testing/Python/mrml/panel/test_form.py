"""The panel's .ui file fits the code over it: what the code names is there, bound, explained, and in reach of Tab."""

from __future__ import annotations

import ast
import re
from xml.etree import ElementTree

import pytest

from VertebraFLTLib.resources import resource_path

LIBRARY = resource_path().parent / "VertebraFLTLib" / "mrml"
FORM = ElementTree.parse(resource_path("UI", "VertebraFLT.ui")).getroot()
WIDGETS = {widget.get("name"): widget for widget in FORM.iter("widget")}
TOUCHED = {
    *("qMRMLNodeComboBox", "QComboBox", "QPushButton", "QCheckBox", "QLineEdit", "QDoubleSpinBox", "QTableWidget"),
    *("ctkPathLineEdit", "ctkSliderWidget", "ctkColorPickerButton"),
}
CODE = {path.name: path.read_text(encoding="utf-8") for path in LIBRARY.glob("widget*.py")}


def _property(widget, name):
    found = [p for p in widget.findall("property") if p.get("name") == name]
    return "".join(found[0].itertext()).strip() if found else None


def _parameters():
    tree = ast.parse((LIBRARY / "parameter_node.py").read_text(encoding="utf-8"))
    (wrapper,) = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    return {field.target.id for field in wrapper.body if isinstance(field, ast.AnnAssign)}


@pytest.mark.parametrize("name", CODE)
def test_every_widget_the_code_uses_exists(name):
    kinds = "Button|Label|ComboBox|Selector|Table|SpinBox|LineEdit|CheckBox|Slider|Bar"
    used = set(re.findall(r"\bui\.(\w+)\.", CODE[name])) | set(re.findall(rf'"([a-z]\w+(?:{kinds}))"', CODE[name]))
    assert used <= set(WIDGETS)


def test_every_widget_that_is_touched_is_used_by_the_code():
    code = "".join(CODE.values())
    shells = re.compile(r"(level|color|opacity)\d(Slider|Button)")
    touched = {
        name for name, widget in WIDGETS.items() if widget.get("class") in TOUCHED and not shells.fullmatch(name)
    }
    unbound = {name for name in touched if not _property(WIDGETS[name], "SlicerParameterName")}
    assert {name for name in unbound if name not in code} == set()


def test_names_are_unique():
    names = [widget.get("name") for widget in FORM.iter("widget")]
    assert len(names) == len(set(names))


def test_every_parameter_is_bound_once():
    bound = [_property(w, "SlicerParameterName") for w in WIDGETS.values()]
    assert sorted(name for name in bound if name) == sorted(_parameters())


def test_sections_are_there_in_order():
    titles = [_property(w, "text") for w in WIDGETS.values() if w.get("class") == "ctkCollapsibleButton"]
    assert titles == ["Inputs", "Run", "Review", "Results", "Export"]


def test_node_selectors_know_the_scene():
    selectors = {name for name, widget in WIDGETS.items() if widget.get("class") == "qMRMLNodeComboBox"}
    told = {c.findtext("receiver") for c in FORM.iter("connection") if "mrmlSceneChanged" in c.findtext("signal")}
    assert selectors == told == {"ctSelector", "petSelector", "caseSelector"}


def test_what_a_user_touches_has_a_tooltip():
    assert [n for n, w in WIDGETS.items() if w.get("class") in TOUCHED and not _property(w, "toolTip")] == []


def test_tab_goes_through_all_of_it_from_top_to_bottom():
    stops = [stop.text for stop in FORM.iter("tabstop")]
    assert stops == [name for name, widget in WIDGETS.items() if widget.get("class") in TOUCHED]


def test_nothing_is_styled():
    assert not {"styleSheet", "palette", "font"} & {p.get("name") for p in FORM.iter("property")}


def test_custom_classes_are_declared():
    declared = {custom.findtext("class") for custom in FORM.iter("customwidget")}
    used = {widget.get("class") for widget in WIDGETS.values()}
    assert {name for name in used if not name.startswith("Q")} == declared
