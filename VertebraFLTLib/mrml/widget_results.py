"""Section Results: the SUV table, the chart in the plot view, and the isosurfaces."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from VertebraFLTLib.io.writing import write_text
from VertebraFLTLib.mrml import exporting, views
from VertebraFLTLib.mrml.review import Event, ReviewPresenter
from VertebraFLTLib.mrml.widget_tables import as_text, fill, set_up
from VertebraFLTLib.mrml.widget_told import told
from VertebraFLTLib.mrml.widget_words import REGIONS, SUV_HEADINGS

_SHELLS = range(3)
# How the sliders show each way of choosing levels: highest value, decimals, step, unit.
_PERCENTILE, _SUV = range(2)
_SCALES = {_PERCENTILE: (100.0, 1, 1.0, " %"), _SUV: (50.0, 2, 0.1, " g/ml")}
_FIRST_SUV = (1.0, 2.0, 3.0)  # where the sliders stand when SUV is chosen first


class ResultsSection:
    """Binds what a presenter has measured, and the look of its surfaces."""

    def __init__(self, ui: Any) -> None:
        self.ui = ui
        self.review: ReviewPresenter | None = None
        self._filling = False
        self._levels = [getattr(ui, f"level{shell}Slider") for shell in _SHELLS]
        self._colors = [getattr(ui, f"color{shell}Button") for shell in _SHELLS]
        self._opacities = [getattr(ui, f"opacity{shell}Slider") for shell in _SHELLS]
        set_up(ui.suvTable)
        ui.surfaceByComboBox.addItems([_("Percentile of the region's uptake"), _("SUV")])
        ui.chartComboBox.addItems([_("Uptake profile with boundaries"), _("SUV by level")])
        ui.copyButton.clicked.connect(self.copy)
        ui.saveCsvButton.clicked.connect(self.save_csv)
        ui.chartComboBox.currentIndexChanged.connect(self._show_chart)
        ui.surfaceByComboBox.currentIndexChanged.connect(self._set_scale)
        ui.regionComboBox.currentIndexChanged.connect(self._show_region)
        ui.regionShownCheckBox.toggled.connect(self._set_shown)
        for slider in self._levels:
            slider.valueChanged.connect(self._set_levels)
        for shell in _SHELLS:
            self._colors[shell].colorChanged.connect(lambda *_args, shell=shell: self._set_color(shell))
            self._opacities[shell].valueChanged.connect(lambda *_args, shell=shell: self._set_opacity(shell))
        self.bind(None)

    def bind(self, review: ReviewPresenter | None) -> None:
        """Show another case, or none."""
        self.review = review
        names = ["copyButton", "saveCsvButton", "chartComboBox", "surfaceByComboBox", "regionComboBox"]
        for widget in (*(getattr(self.ui, name) for name in names), self.ui.regionShownCheckBox):
            widget.enabled = review is not None
        for widget in (*self._levels, *self._colors, *self._opacities):
            widget.enabled = review is not None
        self._show_table()
        self._show_surfaces()

    def on(self, event: Event) -> None:
        """Follow the presenter."""
        if event is Event.RESULTS:
            self._show_table()
        elif event in (Event.SURFACES, Event.SETTLED):
            self._show_surfaces()

    # --- table ----------------------------------------------------------------------------------------------------

    def copy(self, *_args: Any) -> None:
        """The whole table, as it is sorted, for a spreadsheet."""
        qt.QApplication.clipboard().setText(as_text(self.ui.suvTable))
        slicer.util.showStatusMessage(_("The table is on the clipboard"), 3000)

    def copy_selection(self) -> None:
        """The selected cells alone."""
        qt.QApplication.clipboard().setText(as_text(self.ui.suvTable, selected_only=True))

    def save_csv(self, *_args: Any) -> None:
        """The table as ``suv.csv`` of an export."""
        path = qt.QFileDialog.getSaveFileName(
            slicer.util.mainWindow(), _("Save the SUV table"), "suv.csv", _("Tables (*.csv)")
        )
        if path and self.review is not None:
            with told():
                write_text(path, exporting.suv_csv(self.review))

    def _show_table(self) -> None:
        table = self.ui.suvTable
        if self.review is None:
            table.rowCount = 0
            return
        values = self.review.nodes.suv_table.GetTable()
        columns = [values.GetColumn(c) for c in range(values.GetNumberOfColumns())]
        if table.columnCount != len(columns):
            table.columnCount = len(columns)
            for c, column in enumerate(columns):
                heading, tip = SUV_HEADINGS[column.GetName()]
                table.setHorizontalHeaderItem(c, qt.QTableWidgetItem(heading))
                table.horizontalHeaderItem(c).setToolTip(tip)
            # As measured, until a heading is clicked.
            table.horizontalHeader().setSortIndicator(-1, qt.Qt.AscendingOrder)
        rows = [[_rounded(column.GetValue(r)) for column in columns] for r in range(values.GetNumberOfRows())]
        fill(table, [[REGIONS.get(row[0], row[0]), *row[1:]] for row in rows])
        table.resizeColumnsToContents()

    # --- chart ----------------------------------------------------------------------------------------------------

    def _show_chart(self, *_args: Any) -> None:
        if self.review is not None:
            nodes = self.review.nodes
            plot = nodes.plot if self.ui.chartComboBox.currentIndex == 0 else nodes.bar_plot
            views.show_chart(slicer.mrmlScene, plot.chart)

    # --- surfaces -------------------------------------------------------------------------------------------------

    def _show_surfaces(self) -> None:
        self._filling = True
        try:
            regions = () if self.review is None else self.review.surfaces.regions
            combo, before = self.ui.regionComboBox, self.ui.regionComboBox.currentText
            shown = [REGIONS.get(region, region) for region in regions]
            if [combo.itemText(i) for i in range(combo.count)] != shown:
                combo.clear()
                combo.addItems(shown)
                combo.currentIndex = max(combo.findText(before), 0 if shown else -1)
            if self.review is not None:
                settings = self.review.surfaces.settings
                by = _PERCENTILE if settings.levels_suv is None else _SUV
                self.ui.surfaceByComboBox.currentIndex = by
                maximum, decimals, step, unit = _SCALES[by]
                for slider, value in zip(self._levels, settings.levels_suv or settings.percentiles, strict=False):
                    slider.decimals, slider.maximum, slider.singleStep, slider.suffix = decimals, maximum, step, unit
                    slider.value = value
        finally:
            self._filling = False
        self._show_region()

    def _set_scale(self, *_args: Any) -> None:
        if self.review is not None and not self._filling:
            levels = None if self.ui.surfaceByComboBox.currentIndex == _PERCENTILE else _FIRST_SUV
            with told():
                self.review.surfaces.set_levels(replace(self.review.surfaces.settings, levels_suv=levels))
            self._show_surfaces()

    def _set_levels(self, *_args: Any) -> None:
        if self.review is None or self._filling:
            return
        settings = self.review.surfaces.settings
        values = tuple(slider.value for slider in self._levels)
        chosen = {"percentiles": values} if settings.levels_suv is None else {"levels_suv": values}
        with told(refused=lambda line: slicer.util.showStatusMessage(line, 5000)):
            self.review.surfaces.set_levels(replace(settings, **chosen))

    def _region(self) -> str | None:
        index = self.ui.regionComboBox.currentIndex
        return None if self.review is None or index < 0 else self.review.surfaces.regions[index]

    def _show_region(self, *_args: Any) -> None:
        region = self._region()
        if region is None or self.review is None or self._filling:
            return
        surfaces = self.review.surfaces
        self._filling = True
        try:
            self.ui.regionShownCheckBox.checked = surfaces.shown(region)
            for shell in _SHELLS:
                self._colors[shell].color = qt.QColor.fromRgbF(*surfaces.color(region, shell))
                self._opacities[shell].value = surfaces.opacity(region, shell)
        finally:
            self._filling = False

    def _set_shown(self, *_args: Any) -> None:
        region = self._region()
        if region is not None and self.review is not None and not self._filling:
            with told():
                self.review.surfaces.show(region, self.ui.regionShownCheckBox.checked)

    def _set_color(self, shell: int) -> None:
        region, color = self._region(), self._colors[shell].color
        if region is not None and self.review is not None and not self._filling:
            with told():
                self.review.surfaces.set_color(region, shell, (color.redF(), color.greenF(), color.blueF()))

    def _set_opacity(self, shell: int) -> None:
        region = self._region()
        if region is not None and self.review is not None and not self._filling:
            with told():
                self.review.surfaces.set_opacity(region, shell, self._opacities[shell].value)


def _rounded(value: Any) -> Any:
    return round(value, 2) if isinstance(value, float) else value
