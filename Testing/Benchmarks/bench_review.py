"""How soon the scene follows after a boundary was dragged: tables and labels first, then segments and surfaces."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from VertebraFLTLib.mrml.logic import open_review, run_case
from VertebraFLTLib.mrml.sample import add_phantom
from VertebraFLTLib.mrml.scene import private_scene
from VertebraFLTLib.phantom import PhantomCase
from VertebraFLTLib.result import Options

DRAGS_MM = (3.0, -2.0, 4.0, -3.0, 2.5, -4.0, 3.5, -2.5, 2.0, -3.5)
HEADER = "| after a drag | median | worst | aim |\n| --- | --- | --- | --- |"


class _Later:
    """Puts everything off until it is asked for, as the widget's timers do."""

    def __init__(self) -> None:
        self.waiting: dict[str, Callable[[], None]] = {}

    def call_later(self, key: str, milliseconds: int, function: Callable[[], None]) -> None:
        self.waiting[key] = function

    def cancel(self) -> None:
        self.waiting.clear()


def report(patient: PhantomCase) -> str:
    """The table for one simulated patient, cut with its true mask."""
    scene = private_scene()
    sample = add_phantom(scene, patient)
    case = run_case(scene, sample.ct, sample.pet, Options(lowest=patient.levels[0]), segmenter=sample.truth)
    began = time.perf_counter()
    review = open_review(case.nodes.case, scheduler=_Later(), result=case.result)
    opening = time.perf_counter() - began
    review.settle()
    column = review.nodes.boundary_table.GetTable().GetColumnByName("z_mm")
    tables, rest = [], []
    for index, by_mm in enumerate(DRAGS_MM, start=2):
        column.SetValue(index, column.GetValue(index) + by_mm)
        review.nodes.boundary_table.GetTable().Modified()
        began = time.perf_counter()
        review.end_drag()
        dropped = time.perf_counter()
        review.settle()
        tables.append(dropped - began)
        rest.append(time.perf_counter() - dropped)
    began = time.perf_counter()
    again = open_review(case.nodes.case, scheduler=_Later())
    reopening = time.perf_counter() - began
    again.close()
    size = "x".join(str(n) for n in patient.ct.GetSize())
    return "\n".join(
        [
            HEADER,
            _row("tables and labels", tables, "150 ms"),
            _row("segments and surfaces", rest, "1 s"),
            "",
            f"CT {size}, {len(DRAGS_MM)} drags of {min(map(abs, DRAGS_MM)):g} to {max(map(abs, DRAGS_MM)):g} mm. "
            f"Review opened after the run in {opening:.1f} s, from the scene's nodes alone in {reopening:.1f} s.",
        ]
    )


def _row(what: str, seconds: list[float], aim: str) -> str:
    return f"| {what} | {1000 * float(np.median(seconds)):.0f} ms | {1000 * max(seconds):.0f} ms | {aim} |"
