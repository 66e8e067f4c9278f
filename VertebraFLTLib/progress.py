"""How long work tells how far it is, and how it is stopped: one callback for both."""

from typing import Protocol


class Progress(Protocol):
    """Called as ``progress(stage, fraction)`` with a fraction of 0 to 1 within the named stage.

    To cancel, the callback raises :class:`VertebraFLTLib.errors.Cancelled`; every stage lets it pass.
    """

    def __call__(self, stage: str, fraction: float) -> None: ...


def silent(stage: str, fraction: float) -> None:
    """The progress callback that does nothing."""
