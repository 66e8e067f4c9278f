"""What running other people's segmentation packages needs: said when missing, kept quiet, their labels made ours."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import SimpleITK as sitk

from VertebraFLTLib.anatomy import Structure
from VertebraFLTLib.errors import InputError
from VertebraFLTLib.segmentation.cleanup import clean_up
from VertebraFLTLib.segmentation.protocol import Segmentation


class Chatter(io.TextIOBase):
    """Takes what a package prints: each line goes to the log at debug level; the last ones are kept for messages."""

    def __init__(self, log: logging.Logger) -> None:
        self.log = log
        self.lines: list[str] = []

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        for line in filter(None, map(str.strip, text.splitlines())):
            self.log.debug("%s", line)
            self.lines = [*self.lines[-19:], line]
        return len(text)

    @property
    def said(self) -> str:
        """The last lines in one, for an error's reason."""
        return " ".join(self.lines[-6:])[-400:]


@contextlib.contextmanager
def quiet(log: logging.Logger) -> Iterator[Chatter]:
    """Nothing printed or warned inside reaches standard output, which belongs to our own command's result.

    Standard error is left alone: our progress bar is there, and theirs for what they download.
    """
    chatter = Chatter(log)
    with contextlib.redirect_stdout(chatter), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield chatter


@contextlib.contextmanager
def optional_package(segmenter: str, requirement: str, log: logging.Logger) -> Iterator[Chatter]:
    """Around the imports of an optional package: one that is missing or broken becomes an InputError that says so.

    ``requirement`` is how pip is asked for it; the extra named as ``segmenter`` does it too.
    """
    install = f'pip install "{requirement}" (or the extra vertebraflt[{segmenter}])'
    try:
        with quiet(log) as chatter:
            yield chatter
    except ModuleNotFoundError as error:
        name = (error.name or str(error)).split(".")[0]
        raise InputError(f"--segmenter {segmenter}: the Python package {name} is not installed; {install}") from error
    except ImportError as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"--segmenter {segmenter}: its package cannot be imported ({reason}); mend it with {install}"
        ) from error


def as_segmentation(
    labels: np.ndarray, ct: sitk.Image, details: dict[str, Any], missing: tuple[Structure, ...], warned: list[str]
) -> Segmentation:
    """A label array (k, j, i, uint8, ours) on the grid of ``ct`` cleaned up; what the model lacks is said."""
    mask = sitk.GetImageFromArray(labels)
    mask.CopyInformation(ct)
    mask, removed = clean_up(mask, ct)
    if missing:
        names = " nor ".join(s.name.lower() for s in missing)
        warned = [*warned, f"the segmentation model knows no {names}: not measured"]
    return Segmentation(mask, {**details, "removed_by_clean_up_ml": removed}, tuple(warned))


def part_of(progress: Callable[[str, float], None], start: float, end: float) -> Callable[[float], None]:
    """Reports a fraction of a part as a fraction of the whole stage of segmentation."""
    return lambda fraction: progress("segmentation", start + (end - start) * min(1.0, max(0.0, fraction)))
