"""The module's life: opened and left, scene closed and opened again, nodes deleted, reloaded, keys and plot linked."""

from __future__ import annotations

import ast
import sys

import pytest

slicer = pytest.importorskip("slicer")

from VertebraFLTLib.resources import resource_path  # noqa: E402


def test_the_module_file_has_what_slicer_looks_for_and_imports_little():
    tree = ast.parse((resource_path().parent / "VertebraFLT" / "VertebraFLT.py").read_text(encoding="utf-8"))
    classes = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    assert classes == {"VertebraFLT", "VertebraFLTWidget", "VertebraFLTLogic", "VertebraFLTTest"}
    names = [alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in tree.body if isinstance(node, ast.ImportFrom)]
    assert {name.split(".")[0] for name in names} <= {*sys.stdlib_module_names, "qt", "slicer", "vtk"}


def test_leaving_and_opening_again_keeps_the_review(module, reviewed):
    review = reviewed.review
    review.select(4)
    module.exit()
    module.enter()
    assert reviewed.review is review and review.selected == 4
    reviewed.ui.deleteButton.click()
    assert reviewed.ui.undoButton.enabled


def test_closing_the_scene_empties_the_panel(module, reviewed):
    slicer.mrmlScene.Clear()
    ui = reviewed.ui
    assert reviewed.review is None and ui.boundaryTable.rowCount == ui.suvTable.rowCount == 0
    assert not ui.acceptButton.enabled and not ui.exportButton.enabled and not ui.applyButton.enabled


def test_a_deleted_node_ends_the_review_in_words(reviewed, app):
    slicer.mrmlScene.RemoveNode(reviewed.review.nodes.pet)
    assert reviewed.review is None and "PET" in reviewed.ui.messageLabel.text
    assert reviewed.ui.boundaryTable.rowCount == 0 and not reviewed.ui.insertButton.enabled
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTextNode", "another")  # nothing is tried again
    assert app.told == []


def test_a_press_on_a_marker_selects_and_its_release_ends_the_drag(reviewed):
    view = _plot_view()
    if not hasattr(view, "pick"):
        pytest.skip("in Slicer a hand picks")
    review = reviewed.review
    view.pick(review.nodes.plot.boundaries, 6)
    assert review.selected == 6 and reviewed.ui.boundaryTable.currentRow() == review.listed.index(6)
    heights = review.nodes.boundary_table.GetTable().GetColumnByName("z_mm")
    z = heights.GetValue(6)
    heights.SetValue(6, z + 1.5)
    heights.Modified()
    review.nodes.boundary_table.Modified()
    view.pick()
    assert review.rows[6].z_mm == pytest.approx(z + 1.5) and reviewed.ui.undoButton.enabled
    chart = view.chart()
    plots = [chart.GetPlot(i) for i in range(chart.GetNumberOfPlots())]
    draggable = {plot.GetLabel() for plot in plots if plot.GetSelectable()}
    assert len(plots) > 1 and draggable == {reviewed.review.nodes.plot.boundaries.GetName()}


def _plot_view():
    layouts = slicer.app.layoutManager()
    found = [layouts.plotWidget(i) for i in range(layouts.plotViewCount)]
    (view,) = [one.plotView() for one in found if one.mrmlPlotViewNode().GetLayoutName() == "PlotView1"]
    return view


def test_keys_do_what_the_help_says(module, reviewed, app):
    import qt

    if not hasattr(app, "press"):
        pytest.skip("in Slicer a hand presses keys")
    ui, review = reviewed.ui, reviewed.review
    count = len(review.rows)
    review.select(4)
    app.press(ui.boundaryTable, qt.Qt.Key_Delete)
    assert len(review.rows) == count - 1
    app.press(ui.suvTable, qt.Qt.Key_Z, qt.Qt.ControlModifier)  # anywhere in the window
    assert len(review.rows) == count
    app.press(ui.suvTable, qt.Qt.Key_Y, qt.Qt.ControlModifier)
    assert len(review.rows) == count - 1
    review.select(2)
    app.press(ui.boundaryTable, qt.Qt.Key_Plus)
    assert len(review.rows) == count
    doubtful = [row.index for row in review.rows if row.doubtful and not row.reviewed]
    review.select(None)
    app.press(ui.suvTable, qt.Qt.Key_F8)
    assert review.selected in doubtful or not doubtful
    if doubtful:
        at = review.selected
        app.press(ui.suvTable, qt.Qt.Key_F9)
        assert review.rows[at].reviewed and review.selected != at
    module.exit()
    app.press(ui.boundaryTable, qt.Qt.Key_Z, qt.Qt.ControlModifier)
    assert len(review.rows) == count  # the module was left: its keys are Slicer's again


def test_two_cases_in_one_scene(reviewed, phantom):
    from VertebraFLTLib.mrml import logic

    first, made = reviewed.review.nodes.case, reviewed.review.nodes
    reviewed.review.delete(3)
    reviewed.finished(logic.run_case(slicer.mrmlScene, made.ct, made.pet, segmenter=object()))
    second = reviewed.review.nodes.case
    assert second is not first and reviewed.ui.caseSelector.nodeCount() == 2
    count = len(reviewed.review.rows)
    reviewed.ui.caseSelector.setCurrentNode(first)
    assert reviewed.review.nodes.case is first and len(reviewed.review.rows) == count - 1
    assert reviewed.review.can_undo  # the history is in the scene


def test_reload_drops_the_library(module):
    import VertebraFLTLib.mrml.tables  # noqa: F401

    if hasattr(slicer.modules, "vertebraflt"):
        pytest.skip("in Slicer this would reload the module under test")
    kept = {name: sys.modules[name] for name in sys.modules if name.startswith("VertebraFLTLib")}
    try:
        module.onReload()
        assert not [name for name in sys.modules if name.startswith("VertebraFLTLib")]
    finally:
        sys.modules.update(kept)


def test_the_sample_is_offered_without_a_download(app, module, monkeypatch, phantom):
    from types import ModuleType, SimpleNamespace

    from VertebraFLTLib.mrml import sample

    if not hasattr(app, "started"):
        pytest.skip("Slicer has registered it at its start")
    offered = {}
    sampleData = ModuleType("SampleData")
    sampleData.SampleDataLogic = SimpleNamespace(registerCustomSampleDataSource=offered.update)
    sampleData.SampleDataLogic.registerCustomSampleDataSource = lambda **keywords: offered.update(keywords)
    monkeypatch.setitem(sys.modules, "SampleData", sampleData)
    monkeypatch.setattr(sample, "make_phantom", lambda **_: phantom)
    sys.modules["VertebraFLT"].VertebraFLT(SimpleNamespace())
    (start,) = app.started
    start()
    assert offered["uris"] == [] and offered["category"] == "VertebraFLT"
    ct, pet = offered["customDownloader"](None)
    assert slicer.mrmlScene.IsNodePresent(ct) and slicer.mrmlScene.IsNodePresent(pet)
