"""Section Review: the boundaries as rows, the buttons that edit them, and the signature at the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import slicer
from slicer.i18n import tr as _

from VertebraFLTLib.anatomy import LEVELS
from VertebraFLTLib.mrml.review import Event, ReviewPresenter
from VertebraFLTLib.mrml.widget_tables import fill, paint, set_up, value_at
from VertebraFLTLib.mrml.widget_told import say, told
from VertebraFLTLib.mrml.widget_words import moment
from VertebraFLTLib.spine.history import Acceptance

_DONE, _NAME, _HEIGHT, _CONFIDENCE, _SAGITTAL, _CORONAL, _LOCK, _REMARKS = range(8)
_EVERY_CASE = (
    *("insertButton", "resetButton", "levelsDownButton", "levelsUpButton", "lowestComboBox", "tickAllButton"),
    *("acceptButton", "noteLineEdit", "nextDoubtfulButton", "previousDoubtfulButton"),
)
_SELECTED_ONLY = ("deleteButton", "doneAndNextButton", "renameComboBox", "sagittalSpinBox", "coronalSpinBox")


class ReviewSection:
    """Binds a presenter's boundaries; every edit goes to it, and what it says comes back."""

    def __init__(self, ui: Any) -> None:
        self.ui = ui
        self.review: ReviewPresenter | None = None
        self._filling = False
        table = ui.boundaryTable
        for shown in (table, ui.historyTable):
            set_up(shown)
            shown.horizontalHeader().stretchLastSection = True
        table.cellChanged.connect(self._typed)
        table.itemSelectionChanged.connect(self._chosen)
        ui.renameComboBox.addItems([level.name for level in LEVELS])
        for name, action in {
            "insertButton": lambda review: review.insert(),
            "deleteButton": lambda review: review.delete(),
            "undoButton": lambda review: review.undo(),
            "redoButton": lambda review: review.redo(),
            "resetButton": lambda review: review.reset(),
            "levelsUpButton": lambda review: review.shift_levels(1),
            "levelsDownButton": lambda review: review.shift_levels(-1),
            "nextDoubtfulButton": lambda review: _step(review, 1),
            "previousDoubtfulButton": lambda review: _step(review, -1),
            "doneAndNextButton": self._done_and_next,
            "tickAllButton": lambda review: review.review_all(),
            "acceptButton": lambda review: review.accept(ui.noteLineEdit.text),
        }.items():
            getattr(ui, name).clicked.connect(self._asker(action))
        ui.lowestComboBox.activated.connect(
            self._asker(lambda review: review.set_lowest(ui.lowestComboBox.currentText))
        )
        ui.renameComboBox.activated.connect(self._asker(self._rename))
        for box in (ui.sagittalSpinBox, ui.coronalSpinBox):
            box.valueChanged.connect(self._asker(self._tilt))
        self.bind(None)

    def bind(self, review: ReviewPresenter | None) -> None:
        """Show another case, or none."""
        self.review = review
        say(self.ui.messageLabel, "")
        self.ui.noteLineEdit.text = ""
        for name in _EVERY_CASE:
            getattr(self.ui, name).enabled = review is not None
        self._show_boundaries()

    def on(self, event: Event) -> None:
        """Follow the presenter."""
        if event in (Event.BOUNDARIES, Event.ACCEPTED):
            say(self.ui.messageLabel, "")
            self._show_boundaries()
        elif event is Event.SELECTION:
            self._show_selection()
        elif event is Event.RESULTS:
            self._show_warnings()
        elif event is Event.REFUSED and self.review is not None:
            self._refuse(self.review.message)

    def press(self, button: str) -> None:
        """As the user presses a button; for keys."""
        if getattr(self.ui, button).enabled:
            getattr(self.ui, button).click()

    # --- to the presenter -----------------------------------------------------------------------------------------

    def _asker(self, action: Callable[[ReviewPresenter], object]) -> Callable[..., None]:
        def ask(*_args: Any) -> None:
            if self.review is None or self._filling:
                return
            with told(refused=self._refuse):
                action(self.review)

        return ask

    def _refuse(self, line: str) -> None:
        self._show_boundaries()  # what was typed goes back to what holds
        say(self.ui.messageLabel, line)

    def _typed(self, row: int, column: int) -> None:
        if self.review is None or self._filling:
            return
        index, value = self.review.listed[row], value_at(self.ui.boundaryTable, row, column)
        boundary = self.review.rows[index]
        with told(refused=self._refuse):
            if column == _DONE:
                self.review.review(index, value)
            elif column == _LOCK:
                self.review.lock(index, value)
            elif column == _HEIGHT:
                self.review.move(index, value)
            elif column == _SAGITTAL:
                self.review.tilt(index, value, boundary.coronal_deg)
            elif column == _CORONAL:
                self.review.tilt(index, boundary.sagittal_deg, value)

    def _chosen(self) -> None:
        row = self.ui.boundaryTable.currentRow()
        if self.review is not None and not self._filling and row >= 0:
            self.review.select(self.review.listed[row])

    def _rename(self, review: ReviewPresenter) -> None:
        if review.selected is not None:
            review.rename(review.selected + 1, self.ui.renameComboBox.currentText)

    def _tilt(self, review: ReviewPresenter) -> None:
        if review.selected is not None:
            review.tilt(review.selected, self.ui.sagittalSpinBox.value, self.ui.coronalSpinBox.value)

    @staticmethod
    def _done_and_next(review: ReviewPresenter) -> None:
        if review.selected is not None:
            review.review(review.selected, True)
        _step(review, 1)

    # --- from the presenter ---------------------------------------------------------------------------------------

    def _show_boundaries(self) -> None:
        review, table = self.review, self.ui.boundaryTable
        shown = [] if review is None else [review.rows[index] for index in review.listed]
        self._filling = True
        try:
            fill(
                table,
                [
                    (
                        row.reviewed,
                        row.name,
                        round(row.z_mm, 1),
                        f"{row.confidence:.0%}",
                        round(row.sagittal_deg, 1),
                        round(row.coronal_deg, 1),
                        row.locked,
                        "; ".join((*row.reasons, row.source)),
                    )
                    for row in shown
                ],
                editable=(_HEIGHT, _SAGITTAL, _CORONAL),
            )
            for at, row in enumerate(shown):
                paint(table, at, _CONFIDENCE, row.color)
            table.resizeColumnsToContents()
            self._show_history()
        finally:
            self._filling = False
        self._show_selection()
        self._show_warnings()

    def _show_selection(self) -> None:
        review, ui = self.review, self.ui
        selected = None if review is None else review.selected
        self._filling = True
        try:
            for name in _SELECTED_ONLY:
                getattr(ui, name).enabled = selected is not None
            if review is None:
                ui.lowestComboBox.clear()
                return
            if selected is None:
                ui.boundaryTable.clearSelection()
            else:
                ui.boundaryTable.selectRow(review.listed.index(selected))
                row = review.rows[selected]
                ui.renameComboBox.currentIndex = ui.renameComboBox.findText(row.above)
                ui.sagittalSpinBox.value, ui.coronalSpinBox.value = row.sagittal_deg, row.coronal_deg
            ui.lowestComboBox.clear()
            ui.lowestComboBox.addItems(list(review.lowest_choices))
            ui.lowestComboBox.currentIndex = ui.lowestComboBox.findText(review.levels[0])
        finally:
            self._filling = False

    def _show_history(self) -> None:
        review, ui = self.review, self.ui
        log = () if review is None else review.log
        fill(ui.historyTable, [(moment(line.when), line.who, line.what) for line in reversed(log)])
        ui.historyTable.resizeColumnsToContents()
        for button, can, text in (
            (ui.undoButton, review is not None and review.can_undo, "" if review is None else review.undo_text),
            (ui.redoButton, review is not None and review.can_redo, "" if review is None else review.redo_text),
        ):
            button.enabled = can
            keys = "Ctrl+Z" if button is ui.undoButton else "Ctrl+Y"
            button.toolTip = f"{text} ({keys})" if text else keys
        say(ui.acceptedLabel, "" if review is None else _signature(review.accepted))

    def _show_warnings(self) -> None:
        say(self.ui.warningsLabel, "" if self.review is None else "\n".join(self.review.warnings))


def _step(review: ReviewPresenter, step: int) -> None:
    if review.select_next_doubtful(step) is None:
        slicer.util.showStatusMessage(_("No doubtful boundary is left to tick"), 3000)


def _signature(signed: Acceptance | None) -> str:
    if signed is None:
        return _("Not accepted yet.")
    said = _("Accepted by {who}, {when}. {note}")
    return said.format(who=signed.who, when=moment(signed.when), note=signed.note).strip()
