"""Figure and page of the timeline."""

from __future__ import annotations

import re

import pytest

from VertebraFLTLib.longitudinal.timeline import DayRow, DayRun
from VertebraFLTLib.report.timeline_figure import timeline_figure
from VertebraFLTLib.report.timeline_page import timeline_page


def row(roi, day, suv, complete=1, confidence=0.9):
    return DayRow(
        roi, day, suv, 0.2, suv, suv, suv, suv, 10 * suv, 20.0, 20 * suv, complete, confidence, "carried", "r"
    )


@pytest.fixture
def rows():
    levels = [row(name, day, day + 2.0 + n) for n, name in enumerate(("L5", "L4", "T12")) for day in (-1.0, 28.0)]
    return [*levels, row("T11", 28.0, 9.0, complete=0), row("pelvis", -1.0, 1.0), row("pelvis", 28.0, 3.0)]


def test_each_day_has_its_line_and_what_is_unsure_is_hollow(rows):
    by_level, by_day = timeline_figure(rows).axes
    assert [text.get_text() for text in by_level.get_yticklabels()] == ["L5", "L4", "T12", "T11"]
    drawn = {line.get_label(): line for line in by_level.lines}
    assert list(drawn["day -1"].get_xdata()) == [1.0, 2.0, 3.0]
    hollow = [line for line in by_level.lines if line.get_markerfacecolor() == "white"]
    assert [list(line.get_xdata()) for line in hollow] == [[], [9.0]]
    means = {line.get_label(): list(line.get_ydata()) for line in by_day.lines}
    assert means["Lumbar (L5 to L4)"] == pytest.approx([1.5, 30.5])
    assert means["Thoracic (T12)"] == pytest.approx([3.0, 32.0])  # T11 is not on every day
    assert means["Pelvis"] == [1.0, 3.0]


def test_the_page_is_self_contained_and_escapes(rows):
    record = {"boundaries": {"level_confidence": 0.9}}
    carried = {"reference": "<r28>", "registration": {"rigid_dice": 0.87}}
    runs = [DayRun(28.0, "<r28>", record), DayRun(-1.0, "r-1", {**record, "carried": carried})]
    page = timeline_page(rows, runs, ["<b>take care</b>"], b"png")
    assert "data:image/png;base64," in page and not re.search(r'(src|href)="(?!data:)', page)
    assert "<b>take" not in page and "&lt;b&gt;take care" in page and "carried from &lt;r28&gt;" in page
    assert "9.00 (part)" in page
    line = re.search(r"<tr><td[^>]*>L5</td>.*?</tr>", page, re.S)[0]
    assert re.findall(r">([\d.]+)<", line) == ["1.00", "0.90", "30.00", "0.90", "30.00"]
