"""The whole story on the simulated patient: inputs, run, review, results, export, and on again tomorrow."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

slicer = pytest.importorskip("slicer")


def test_from_two_volumes_to_signed_off_tables(
    panel, app, patient_with_mask, wait, picture, save_and_open_again, tmp_path, monkeypatch
):
    import qt

    ui, scene = panel.ui, slicer.mrmlScene

    # 1. Inputs: the sample patient, chosen and understood.
    assert not ui.applyButton.enabled and ui.applyButton.text == "Apply"
    ui.sampleButton.click()
    assert ui.ctSelector.currentNode().GetName() == "Simulated CT"
    assert ui.petSelector.currentNode().GetName() == "Simulated FLT-PET"
    wait(lambda: "SUV" in ui.petStatusLabel.text, "how the PET becomes SUV")
    assert not ui.weightSpinBox.visible
    picture("1-inputs", "inputsCollapsibleButton")

    # 2. Run: progress, the button cancels meanwhile, the scene is untouched until the end.
    nodes_before = scene.GetNumberOfNodes()
    ui.applyButton.click()
    assert ui.applyButton.text == "Cancel" and not ui.inputsCollapsibleButton.enabled
    wait(lambda: ui.progressBar.value > 10, "progress")
    assert ui.stageLabel.text and scene.GetNumberOfNodes() == nodes_before
    picture("2-run", "runCollapsibleButton")
    wait(lambda: panel.review is not None, "the run")
    assert ui.applyButton.text == "Apply" and app.told == []
    assert ui.caseSelector.currentNode() is panel.parameters.caseNode is panel.review.nodes.case
    assert ui.usedLabel.text

    # 3. Review: the rows are linked with the views, edits go both ways, every step can be undone.
    review, table = panel.review, ui.boundaryTable
    count = table.rowCount
    assert count == len(review.rows) > 10
    table.selectRow(2)
    assert review.selected == review.listed[2]
    z = review.rows[review.selected].z_mm
    table.item(2, 2).setData(qt.Qt.DisplayRole, round(z + 3.0, 1))
    assert review.rows[review.selected].z_mm == pytest.approx(z + 3.0, abs=0.06)
    ui.insertButton.click()
    assert table.rowCount == count + 1 or ui.messageLabel.text  # a spine full of names has no room for one more
    ui.deleteButton.click()
    ui.undoButton.click()
    ui.undoButton.click()
    ui.redoButton.click()
    assert ui.undoButton.enabled and ui.historyTable.rowCount > 3
    ui.resetButton.click()
    assert [row.source for row in review.rows] == ["span-prior"] * count
    ui.boundaryTable.selectRow(1)
    table.item(1, 6).setCheckState(qt.Qt.Checked)
    assert review.rows[review.listed[1]].locked
    ui.tickAllButton.click()
    assert all(row.reviewed for row in review.rows)
    ui.noteLineEdit.text = "as measured"
    picture("3-review", "reviewCollapsibleButton")
    ui.acceptButton.click()
    assert "Accepted by" in ui.acceptedLabel.text and "as measured" in ui.acceptedLabel.text

    # 4. Results: table, chart, surfaces.
    assert ui.suvTable.rowCount == review.nodes.suv_table.GetNumberOfRows() > count
    assert ui.level1Slider.value == 85.0
    picture("4-results", "resultsCollapsibleButton")

    # 5. Export, save, and on again tomorrow.
    ui.exportCollapsibleButton.collapsed = False
    monkeypatch.chdir(tmp_path)
    panel.parameters.exportFolder = folder = Path("results/patient-01")
    ui.exportButton.click()
    assert [kind for kind, _ in app.told if kind != "status"] == []
    assert json.loads((folder / "case.json").read_text())["review"]
    assert {path.name for path in folder.iterdir()} >= {"report.html", "scene.mrb", "suv.csv"}
    picture("5-export", "exportCollapsibleButton")

    heights, signed = [row.z_mm for row in review.rows], ui.acceptedLabel.text
    save_and_open_again()
    assert panel.review is not None and panel.review is not review
    assert [row.z_mm for row in panel.review.rows] == pytest.approx(heights, abs=0.01)
    assert ui.acceptedLabel.text == signed and ui.undoButton.enabled
    ui.boundaryTable.selectRow(0)
    ui.deleteButton.click()
    assert ui.boundaryTable.rowCount == count - 1 and ui.acceptedLabel.text == "Not accepted yet."
