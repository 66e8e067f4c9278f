"""The timeline as one self-contained HTML page: figure, means by level and day, and where boundaries came from."""

from __future__ import annotations

from collections.abc import Sequence

from VertebraFLTLib import __version__
from VertebraFLTLib.longitudinal.timeline import DayRow, DayRun
from VertebraFLTLib.report.html import Column, Markup, box, heading, items, join, picture, table, tag
from VertebraFLTLib.report.page_style import CSS, PAGE
from VertebraFLTLib.report.wording import NOTICE, SUV_NOTE, region_name


def timeline_page(rows: Sequence[DayRow], runs: Sequence[DayRun], warnings: Sequence[str], figure: bytes) -> str:
    """The text of ``timeline.html``."""
    days = sorted({row.day for row in rows})
    parts = [
        tag("h1", "VertebraFLT timeline"),
        tag("p", "Days " + ", ".join(f"{day:g}" for day in days), class_="sub"),
        box("notice", NOTICE),
    ]
    if warnings:
        title = tag("strong", "1 warning" if len(warnings) == 1 else f"{len(warnings)} warnings")
        parts.append(box("warning", join([title, items(warnings)])))
    parts += [
        picture(
            figure,
            "Mean SUV by level and day",
            "Left: mean SUV of each vertebra, a colour a day. Right: the same over the days for the parts of the spine "
            "(vertebrae that every day has) and other bones.",
            tall=True,
        ),
        heading("Mean SUV by region and day"),
        _means(rows, days),
        tag("p", SUV_NOTE, class_="sub"),
        heading("Runs"),
        _runs(runs),
        tag("footer", f"VertebraFLT {__version__}. {NOTICE}"),
    ]
    return PAGE.substitute(version=__version__, title="VertebraFLT timeline", css=CSS, body=join(parts))


def _means(rows: Sequence[DayRow], days: Sequence[float]) -> Markup:
    found = {(row.roi, row.day): row for row in rows}
    regions = list(dict.fromkeys(row.roi for row in rows))
    columns = [Column("Region")]
    for day in days:
        columns += [Column(f"Day {day:g}", True), Column("Confidence", True)]
    columns.append(Column(f"Day {days[-1]:g} / day {days[0]:g}", True))
    lines = []
    for roi in regions:
        cells: list[str] = [region_name(roi)]
        for day in days:
            row = found.get((roi, day))
            cells.append("" if row is None else f"{row.suv_mean:.2f}" + ("" if row.complete else " (part)"))
            cells.append("" if row is None or row.confidence is None else f"{row.confidence:.2f}")
        first, last = found.get((roi, days[0])), found.get((roi, days[-1]))
        cells.append(f"{last.suv_mean / first.suv_mean:.2f}" if first and last and first.suv_mean > 0 else "")
        lines.append(cells)
    return table(columns, lines)


def _runs(runs: Sequence[DayRun]) -> Markup:
    columns = [Column("Day", True), Column("Run"), Column("Boundaries"), Column("Bones overlap (Dice)", True),
               Column("Names", True)]  # fmt: skip
    lines = []
    for run in sorted(runs, key=lambda one: one.day):
        carried = run.case.get("carried")
        lines.append(
            (
                f"{run.day:g}",
                run.folder,
                f"carried from {carried['reference']}" if carried else "found in this scan's uptake",
                f"{carried['registration']['rigid_dice']:.2f}" if carried else "",
                f"{run.case['boundaries']['level_confidence']:.2f}",
            )
        )
    return table(columns, lines)
