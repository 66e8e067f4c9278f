"""What goes wrong in the panel, told to the user: a refusal in a line, a bug with its trace."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import slicer

from VertebraFLTLib.errors import Cancelled, InputError

log = logging.getLogger(__name__)


@contextmanager
def told(refused: Callable[[str], None] | None = None) -> Iterator[None]:
    """Runs an action of the user. ``refused`` takes the line of an InputError; without it a message box shows it."""
    try:
        yield
    except Cancelled as stop:
        slicer.util.showStatusMessage(str(stop), 5000)
    except InputError as error:
        (refused or slicer.util.errorDisplay)(str(error))
    except Exception as error:
        log.error("an action of the panel failed", exc_info=error)
        slicer.util.errorDisplay(f"VertebraFLT failed: {error}", detailedText=traceback.format_exc())


def say(label: Any, text: str) -> None:
    """Show a line, or no line at all."""
    label.text = text
    label.visible = bool(text)
