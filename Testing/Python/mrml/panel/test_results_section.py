"""Sections Results and Export: the SUV table sorts by size, surfaces follow the sliders, files are written."""

from __future__ import annotations

import pytest

slicer = pytest.importorskip("slicer")

from VertebraFLTLib.mrml import exporting, views  # noqa: E402


def _column(table, name):
    heads = [table.horizontalHeaderItem(c).text() for c in range(table.columnCount)]
    return heads.index(name)


def _shown(table, column):
    return [table.item(row, column).text() for row in range(table.rowCount)]


def test_the_table_is_the_scenes_sorts_by_size_and_is_taken_along(reviewed, app, tmp_path):
    import qt

    table, node = reviewed.ui.suvTable, reviewed.review.nodes.suv_table
    assert table.rowCount == node.GetNumberOfRows()
    assert _shown(table, 0)[0] == node.GetTable().GetColumnByName("roi").GetValue(0)
    mean = _column(table, "Mean")
    table.sortItems(mean, qt.Qt.DescendingOrder)
    values = [float(text) for text in _shown(table, mean)]
    assert values == sorted(values, reverse=True)
    regions = _shown(table, 0)
    reviewed.review.select(3)
    reviewed.ui.deleteButton.click()
    assert table.rowCount == node.GetNumberOfRows() == len(regions) - 1
    values = [float(text) for text in _shown(table, mean)]
    assert values == sorted(values, reverse=True)  # the user's order is kept
    clipboard = qt.QApplication.clipboard()
    reviewed.ui.copyButton.click()
    lines = clipboard.text().split("\n")
    assert len(lines) == table.rowCount + 1 and lines[0].startswith("Region\tLabel\tVoxels")
    table.setCurrentCell(2, 0)
    reviewed.results.copy_selection()
    assert clipboard.text() == table.item(2, 0).text()
    app.choose_file(tmp_path / "mine.csv")
    reviewed.ui.saveCsvButton.click()
    assert (tmp_path / "mine.csv").read_text() == exporting.suv_csv(reviewed.review)
    assert (tmp_path / "mine.csv").read_text().startswith("roi,label,voxels,volume_ml")
    app.choose_file("")
    reviewed.ui.saveCsvButton.click()
    assert [path.name for path in tmp_path.iterdir()] == ["mine.csv"]


def test_the_plot_view_shows_profile_or_bars_and_regions_their_look(reviewed):
    import qt

    nodes = reviewed.review.nodes
    view = slicer.mrmlScene.GetSingletonNode(views.PLOT_VIEW, "vtkMRMLPlotViewNode")
    assert view.GetPlotChartNodeID() == nodes.plot.chart.GetID()
    reviewed.ui.chartComboBox.currentIndex = 1
    assert view.GetPlotChartNodeID() == nodes.bar_plot.chart.GetID()
    reviewed.ui.chartComboBox.currentIndex = 0
    assert view.GetPlotChartNodeID() == nodes.plot.chart.GetID()
    ui, surfaces = reviewed.ui, reviewed.review.surfaces
    ui.regionComboBox.currentIndex = ui.regionComboBox.findText("Pelvis")
    assert ui.opacity1Slider.value == pytest.approx(surfaces.opacity("pelvis", 1), abs=0.01)
    ui.opacity1Slider.value = 0.75
    ui.color2Button.color = qt.QColor(0, 128, 255)
    ui.regionShownCheckBox.checked = not surfaces.shown("pelvis")
    assert surfaces.opacity("pelvis", 1) == pytest.approx(0.75)
    assert surfaces.color("pelvis", 2) == pytest.approx((0, 128 / 255, 1), abs=0.01)
    assert surfaces.shown("pelvis") == ui.regionShownCheckBox.checked
    assert surfaces.opacity("sternum", 1) != pytest.approx(0.75)


def test_sliders_move_the_surfaces(reviewed, wait):
    ui, surfaces = reviewed.ui, reviewed.review.surfaces
    assert [ui.level0Slider.value, ui.level1Slider.value, ui.level2Slider.value] == [50.0, 85.0, 98.0]
    ui.level0Slider.value = 60.0
    assert surfaces.settings.percentiles == (60.0, 85.0, 98.0)
    ui.level0Slider.value = 99.0  # above the next one: refused, and nothing moves
    assert surfaces.settings.percentiles == (60.0, 85.0, 98.0)
    ui.surfaceByComboBox.currentIndex = 1
    assert surfaces.settings.levels_suv == (1.0, 2.0, 3.0) and ui.level2Slider.value == 3.0
    ui.level2Slider.value = 4.5
    assert surfaces.settings.levels_suv == (1.0, 2.0, 4.5)
    ui.surfaceByComboBox.currentIndex = 0
    assert surfaces.settings.levels_suv is None and ui.level0Slider.value == 60.0


def test_export_asks_for_a_folder_and_says_what_it_wrote(reviewed, app, tmp_path):
    ui = reviewed.ui
    ui.exportButton.click()
    assert app.told == [("error", "no export folder is chosen: choose one")]
    app.choose_file(tmp_path / "case.mrb")
    ui.exportSceneButton.click()
    assert (tmp_path / "case.mrb").stat().st_size > 10_000 and "case.mrb" in ui.exportLabel.text
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "notes.txt").write_text("mine")
    reviewed.parameters.exportFolder = tmp_path / "taken"
    app.told.clear()
    ui.exportButton.click()
    assert app.told[-1][0] == "error" and [path.name for path in (tmp_path / "taken").iterdir()] == ["notes.txt"]
