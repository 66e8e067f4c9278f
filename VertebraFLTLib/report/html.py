"""Small pieces of HTML, everything escaped on the way in: so the page's builder cannot forget it."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any, NamedTuple


class Markup(str):
    """HTML that is ready to stand in a page; any other text is escaped."""

    __slots__ = ()


class Column(NamedTuple):
    """A table's column: its heading, and whether it holds numbers (set to the right)."""

    heading: str
    numeric: bool = False


def safe(value: Any) -> Markup:
    """The value as HTML text."""
    return value if isinstance(value, Markup) else Markup(escape(str(value)))


def join(parts: Iterable[Any], between: str = "\n") -> Markup:
    """Several pieces in a row."""
    return Markup(between.join(safe(part) for part in parts))


def tag(name: str, content: Any = "", **attributes: str | None) -> Markup:
    """An element; ``class_`` gives ``class``, attributes that are None are left out."""
    given = "".join(f' {key.rstrip("_")}="{escape(value)}"' for key, value in attributes.items() if value is not None)
    return Markup(f"<{name}{given}>{safe(content)}</{name}>")


def heading(text: str) -> Markup:
    """A section's heading."""
    return tag("h2", text)


def items(texts: Iterable[Any]) -> Markup:
    """A bulleted list."""
    return tag("ul", join(tag("li", text) for text in texts))


def box(kind: str, content: Any) -> Markup:
    """A box that stands out: ``"notice"`` or ``"warning"``."""
    return tag("div", content, class_=f"box {kind}", role="note")


def table(columns: Sequence[Column], rows: Iterable[Sequence[Any]], row_classes: Iterable[str | None] = ()) -> Markup:
    """A table with a head; ``row_classes`` gives each row's class, None for none."""
    head = tag("tr", join((tag("th", c.heading, class_="n" if c.numeric else None, scope="col") for c in columns), ""))
    classes = list(row_classes)
    body = []
    for n, row in enumerate(rows):
        cells = (tag("td", v, class_="n" if c.numeric else "t") for c, v in zip(columns, row, strict=True))
        body.append(tag("tr", join(cells, ""), class_=classes[n] if n < len(classes) else None))
    content = join([tag("thead", head), tag("tbody", join(body))])
    return tag("div", tag("table", content), class_="wide")


def facts(rows: Iterable[tuple[str, Any]]) -> Markup:
    """A table of names and values."""
    lines = (tag("tr", join([tag("th", n, scope="row"), tag("td", v, class_="t")], "")) for n, v in rows)
    return tag("div", tag("table", tag("tbody", join(lines)), class_="facts"), class_="wide")


def picture(png: bytes, alternative: str, caption: str, *, tall: bool = False) -> Markup:
    """A figure that carries its own image."""
    data = base64.b64encode(png).decode("ascii")
    image = Markup(f'<img src="data:image/png;base64,{data}" alt="{escape(alternative)}">')
    return tag("figure", join([image, tag("figcaption", caption)]), class_="tall" if tall else None)


def details(summary: str, content: Any) -> Markup:
    """A part that can be folded away; open at first, so that it prints."""
    return tag("details", join([tag("summary", summary), content]), open="")
