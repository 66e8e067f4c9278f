"""The report's account of the review: who accepted the case, and everything that was changed, by whom and when."""

from __future__ import annotations

from VertebraFLTLib.report.html import Column, Markup, details, facts, heading, join, table
from VertebraFLTLib.result import Result

_COLUMNS = [Column("When (UTC)"), Column("Who"), Column("What")]


def review_section(result: Result) -> Markup:
    """Nothing for a case that nobody has reviewed."""
    review = result.review
    if review is None:
        return Markup("")
    bounds = result.boundaries.boundaries
    ticked = sum(b.reviewed for b in bounds)
    rows = [
        ("Accepted", "no" if review.accepted is None else _signature(review.accepted.who, review.accepted.when)),
        *([("Note", review.accepted.note)] if review.accepted is not None and review.accepted.note else []),
        ("Boundaries ticked as seen", f"{ticked} of {len(bounds)}"),
        ("Steps", str(len(review.log))),
    ]
    log = table(_COLUMNS, [(_moment(entry.when), entry.who, entry.what) for entry in review.log])
    return join([heading("Review"), facts(rows), *([details("What was done", log)] if review.log else [])])


def _signature(who: str, when: str) -> str:
    return f"{f'by {who}, ' if who else ''}{_moment(when)} UTC"


def _moment(when: str) -> str:
    return when[:16].replace("T", " ")
