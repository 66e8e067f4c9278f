"""What a command says at its end: where the results are, the main figures, and every warning."""

from __future__ import annotations

import logging

from VertebraFLTLib.result import Result
from VertebraFLTLib.spine.name_confidence import in_words

log = logging.getLogger(__name__)


def say_result(result: Result, out: str) -> None:
    """Results to standard output, warnings to the log."""
    for warning in result.warnings:
        log.warning("warning: %s", warning)
    vertebrae = [row for row in result.suv_table if row.roi[0] in "CTL" and row.roi[1:].isdigit()]
    if vertebrae:
        print(
            f"{len(vertebrae)} vertebrae, {vertebrae[0].roi} to {vertebrae[-1].roi} "
            f"(confidence of the names {in_words(result.boundaries)})"
        )
    for row in result.suv_table:
        if row not in vertebrae:
            print(f"{row.roi:<18} SUV mean {row.suv_mean:6.2f}  volume {row.volume_ml:7.1f} ml")
    print(f"results: {out}   (open report.html, or scene.mrb in 3D Slicer)")
