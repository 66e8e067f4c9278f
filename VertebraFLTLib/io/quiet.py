"""Keeps what ITK's readers write to the terminal from the user; what matters is checked and said by this library."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import SimpleITK as sitk

_lock = threading.RLock()


@contextmanager
def quiet_itk() -> Iterator[None]:
    """No warnings from ITK, nor from the format libraries below it that write to file descriptor 2 themselves."""
    with _lock:
        before = sitk.ProcessObject.GetGlobalWarningDisplay()
        sitk.ProcessObject.SetGlobalWarningDisplay(False)
        try:
            saved = os.dup(2)
        except OSError:  # no terminal at all, as in a windowed application
            saved = -1
        try:
            if saved >= 0:
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, 2)
                os.close(nowhere)
            yield
        finally:
            if saved >= 0:
                os.dup2(saved, 2)
                os.close(saved)
            sitk.ProcessObject.SetGlobalWarningDisplay(before)
