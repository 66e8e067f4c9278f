"""Section Review: rows, buttons, keys and typed cells are the presenter's edits, and refusals are told in the panel."""

from __future__ import annotations

import pytest

slicer = pytest.importorskip("slicer")

DONE, NAME, HEIGHT, CONFIDENCE, SAGITTAL, CORONAL, LOCK = range(7)


@pytest.fixture
def table(reviewed):
    return reviewed.ui.boundaryTable


def _cell(table, row, column):
    return table.item(row, column)


def _row_of(panel, index):
    return panel.review.listed.index(index)


def test_rows_and_selection_are_the_presenters(reviewed, table):
    review = reviewed.review
    assert table.rowCount == len(review.rows)
    for at, index in enumerate(review.listed):
        row = review.rows[index]
        assert _cell(table, at, NAME).text() == row.name
        assert float(_cell(table, at, HEIGHT).text()) == pytest.approx(row.z_mm, abs=0.06)
        assert _cell(table, at, CONFIDENCE).background().color().redF() == pytest.approx(row.color[0], abs=0.01)
    table.selectRow(3)
    assert review.selected == review.listed[3]
    review.select(review.listed[5])
    assert table.currentRow() == 5
    assert reviewed.ui.renameComboBox.currentText == review.rows[review.selected].above


def test_a_typed_height_moves_the_boundary_or_says_why_not(reviewed, table, app):
    import qt

    review = reviewed.review
    at = _row_of(reviewed, 4)
    z = review.rows[4].z_mm
    _cell(table, at, HEIGHT).setData(qt.Qt.DisplayRole, round(z + 2.0, 1))
    assert review.rows[4].z_mm == pytest.approx(z + 2.0, abs=0.06)
    assert review.rows[4].source == "user" and reviewed.ui.undoButton.enabled
    at, z = _row_of(reviewed, 4), review.rows[4].z_mm
    _cell(table, at, HEIGHT).setData(qt.Qt.DisplayRole, 9000.0)
    assert "9000" in reviewed.ui.messageLabel.text and reviewed.ui.messageLabel.visible
    assert review.rows[4].z_mm == z and float(_cell(table, at, HEIGHT).text()) == pytest.approx(z, abs=0.06)
    assert app.told == []
    reviewed.ui.tickAllButton.click()
    assert reviewed.ui.messageLabel.text == "" and not reviewed.ui.messageLabel.visible


def test_ticks_locks_and_tilts(reviewed, table):
    import qt

    review = reviewed.review
    _cell(table, _row_of(reviewed, 2), DONE).setCheckState(qt.Qt.Checked)
    assert review.rows[2].reviewed
    _cell(table, _row_of(reviewed, 2), LOCK).setCheckState(qt.Qt.Checked)
    assert review.rows[2].locked
    _cell(table, _row_of(reviewed, 3), SAGITTAL).setData(qt.Qt.DisplayRole, 7.0)
    _cell(table, _row_of(reviewed, 3), CORONAL).setData(qt.Qt.DisplayRole, -4.0)
    assert (review.rows[3].sagittal_deg, review.rows[3].coronal_deg) == pytest.approx((7.0, -4.0), abs=0.1)
    ui = reviewed.ui
    review.select(5)
    ui.sagittalSpinBox.value = 6.0
    assert review.rows[5].sagittal_deg == pytest.approx(6.0, abs=0.1)
    review.select(6)
    assert ui.sagittalSpinBox.value == pytest.approx(review.rows[6].sagittal_deg, abs=0.1)
    assert review.rows[5].sagittal_deg == pytest.approx(6.0, abs=0.1)


def test_buttons_edit(reviewed, table):
    ui, review = reviewed.ui, reviewed.review
    count, names, detected = len(review.rows), review.levels, [row.z_mm for row in review.rows]
    review.select(3)
    ui.deleteButton.click()
    assert table.rowCount == len(review.rows) == count - 1
    ui.undoButton.click()
    assert table.rowCount == count and review.levels == names
    ui.redoButton.click()
    assert table.rowCount == count - 1
    review.select(2)
    ui.insertButton.click()
    assert table.rowCount == count
    ui.resetButton.click()
    assert [row.z_mm for row in review.rows] == detected and review.levels == names


def test_levels_are_named_from_the_boxes(reviewed):
    ui, review = reviewed.ui, reviewed.review
    review.delete(len(review.rows) - 1)  # room at the top for names to move up
    assert ui.lowestComboBox.currentText == review.levels[0] == "L5"
    ui.levelsUpButton.click()
    assert review.levels[:2] == ("L4", "L3") and ui.lowestComboBox.currentText == "L4"
    ui.levelsDownButton.click()
    _choose(ui.lowestComboBox, "L4")
    assert review.levels[:2] == ("L4", "L3")
    _choose(ui.lowestComboBox, "L5")
    index = review.levels.index("L1")
    review.select(index)
    _choose(ui.renameComboBox, "T13")
    assert review.levels[index + 1] == "T13"


def _choose(combo, text):
    """As a hand chooses an item."""
    combo.currentIndex = combo.findText(text)
    combo.activated.emit(combo.currentIndex)


def test_doubtful_ones_are_walked_through_and_all_is_signed(reviewed):
    ui, review = reviewed.ui, reviewed.review
    doubtful = [row.index for row in review.rows if row.doubtful]
    for _ in range(len(doubtful) + 1):
        ui.nextDoubtfulButton.click()
        if review.selected is None or not ui.doneAndNextButton.enabled:
            break
        ui.doneAndNextButton.click()
    assert all(review.rows[index].reviewed for index in doubtful)
    # A signature falls with an edit and comes back with undo.
    ui.tickAllButton.click()
    ui.noteLineEdit.text = "second reading"
    ui.acceptButton.click()
    accepted = ui.acceptedLabel.text
    assert "second reading" in accepted and ui.historyTable.rowCount > 0
    reviewed.review.select(3)
    ui.deleteButton.click()
    assert ui.acceptedLabel.text == "Not accepted yet."
    ui.undoButton.click()
    assert ui.acceptedLabel.text == accepted
