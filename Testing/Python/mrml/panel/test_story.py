"""The whole story on the simulated patient: inputs, run, review, results, export, save, and on again tomorrow."""

from __future__ import annotations

import json

import pytest

slicer = pytest.importorskip("slicer")


def test_from_two_volumes_to_signed_off_tables(module, panel, app, patient_with_mask, wait, picture, tmp_path):
    ui = panel.ui
    # 1. Inputs.
    assert not ui.applyButton.enabled and ui.applyButton.text == "Apply"
    ui.sampleButton.click()
    assert panel.parameters.ct.GetName() == "Simulated CT" and ui.applyButton.enabled
    assert "SUV" in ui.petStatusLabel.text and not ui.weightSpinBox.visible
    picture("1-inputs")

    # 2. Run.
    nodes_before = slicer.mrmlScene.GetNumberOfNodes()
    ui.applyButton.click()
    assert ui.applyButton.text == "Cancel" and not ui.inputsCollapsibleButton.enabled
    wait(lambda: ui.progressBar.value > 10, "progress")
    assert slicer.mrmlScene.GetNumberOfNodes() == nodes_before
    assert ui.stageLabel.text
    picture("2-run")
    wait(lambda: panel.review is not None, "the run")
    assert ui.applyButton.text == "Apply" and app.told == []
    assert panel.parameters.caseNode is panel.review.nodes.case
    assert ui.usedLabel.text

    # 3. Review.
    review, table = panel.review, ui.boundaryTable
    count = table.rowCount
    assert count == len(review.rows) > 10
    review.select(review.listed[2])
    assert table.currentRow() == 2
    ui.deleteButton.click()
    assert table.rowCount == count - 1
    ui.undoButton.click()
    assert table.rowCount == count and ui.redoButton.enabled
    picture("3-review")
    ui.tickAllButton.click()
    assert all(row.reviewed for row in review.rows)
    ui.noteLineEdit.text = "as measured"
    ui.acceptButton.click()
    assert "Accepted by" in ui.acceptedLabel.text and "as measured" in ui.acceptedLabel.text

    # 4. Results.
    assert ui.suvTable.rowCount == review.nodes.suv_table.GetNumberOfRows()
    picture("4-results")

    # 5. Export.
    panel.parameters.exportFolder = tmp_path / "out"
    ui.exportButton.click()
    assert app.told == [] or all(kind == "status" for kind, _ in app.told)
    assert json.loads((tmp_path / "out" / "case.json").read_text())
    picture("5-export")
