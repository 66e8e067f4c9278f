"""How soon the scene follows a dragged boundary, and how long a run in the background makes Slicer wait."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from VertebraFLTLib.mrml.logic import open_review, run_case, start_run
from VertebraFLTLib.mrml.review import ReviewPresenter
from VertebraFLTLib.mrml.sample import Sample, add_phantom
from VertebraFLTLib.mrml.scene import build_scene, private_scene
from VertebraFLTLib.phantom import PhantomCase
from VertebraFLTLib.result import Options, Result

DRAGS_MM = (3.0, -2.0, 4.0, -3.0, 2.5, -4.0, 3.5, -2.5, 2.0, -3.5)


class _Later:
    """Puts everything off until it is asked for, as the widget's timers do."""

    def __init__(self) -> None:
        self.waiting: dict[str, Callable[[], None]] = {}

    def call_later(self, key: str, milliseconds: int, function: Callable[[], None]) -> None:
        self.waiting[key] = function

    def cancel(self) -> None:
        self.waiting.clear()


def report(patient: PhantomCase) -> str:
    """The tables for one simulated patient: drags cut with its true mask, a run in the background with the networks."""
    scene = private_scene()
    sample = add_phantom(scene, patient)
    options = Options(lowest=patient.levels[0])
    case = run_case(scene, sample.ct, sample.pet, options, segmenter=sample.truth)
    began = time.perf_counter()
    review = open_review(case.nodes.case, scheduler=_Later(), result=case.result)
    opening = time.perf_counter() - began
    review.settle()
    tables, rest = _drag(review)
    began = time.perf_counter()
    open_review(case.nodes.case, scheduler=_Later()).close()
    reopening = time.perf_counter() - began
    size = "x".join(str(n) for n in patient.ct.GetSize())
    lines = [
        f"CT {size}, {len(DRAGS_MM)} drags of {min(map(abs, DRAGS_MM)):g} to {max(map(abs, DRAGS_MM)):g} mm.",
        "",
        "| after a drag | median | worst | aim |",
        "| --- | --- | --- | --- |",
        f"| tables and labels | {_ms(np.median(tables))} | {_ms(max(tables))} | 150 ms |",
        f"| segments and surfaces | {_ms(np.median(rest))} | {_ms(max(rest))} | 1 s |",
        "",
        "| what Slicer waits for | time |",
        "| --- | --- |",
        *(f"| {what} | {_ms(seconds)} |" for what, seconds in _waits(scene, sample, case.result)),
        f"| a review opened after the run | {_ms(opening)} |",
        f"| a review opened from the scene's nodes alone | {_ms(reopening)} |",
    ]
    return "\n".join(lines)


def _drag(review: ReviewPresenter) -> tuple[list[float], list[float]]:
    """Seconds until tables and labels have followed each drag, and from there until segments and surfaces have."""
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
    return tables, rest


def _waits(scene: Any, sample: Sample, result: Result) -> Iterator[tuple[str, float]]:
    """What a run in the background keeps the user interface from: its start, its end, and Cancel in the middle."""
    began = time.perf_counter()
    run = start_run(scene, sample.ct, sample.pet)
    yield "a run is started (Apply)", time.perf_counter() - began
    while run.poll() == "running" and (run.stage != "segmentation" or run.fraction < 0.15):
        time.sleep(0.05)
    began = time.perf_counter()
    run.cancel()
    yield "Cancel in the middle of segmentation", time.perf_counter() - began
    began = time.perf_counter()
    build_scene(result, scene, ct_node=sample.ct, pet_node=sample.pet)
    yield "a result becomes nodes", time.perf_counter() - began


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.0f} ms"
