"""How long labels and table take to follow an edit of the boundaries, on one case, beside computing them anew."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from SimpleITK import GetArrayViewFromImage

from VertebraFLTLib.column import column_of, vertebra_mask
from VertebraFLTLib.live import LiveCase
from VertebraFLTLib.phantom import PhantomCase
from VertebraFLTLib.pipeline import find_boundaries
from VertebraFLTLib.quantification.suv_table import measure
from VertebraFLTLib.result import Options
from VertebraFLTLib.spine.boundaries import BoundarySet

HEADER = "| edit | edits | median | longest |\n| --- | --- | --- | --- |"
Edit = Callable[[BoundarySet, int], BoundarySet]


def _tilted(one: BoundarySet, index: int) -> BoundarySet:
    x, y, z = one.boundaries[index].normal
    return one.tilt(index, (x, y + 0.06, z))


EDITS: dict[str, Edit] = {
    "move by 3 mm": lambda one, i: one.move(i, one.boundaries[i].z_mm + 3.0),
    "tilt by 3 degrees": _tilted,
    "delete, and insert again: all names above change": lambda one, i: one.delete(i),
    "shift all levels down": lambda one, _: one.shift_levels(-1),
}


def rows(patient: PhantomCase) -> list[str]:
    """One table row a kind of edit, made at each boundary in turn and taken back again (timed too), in milliseconds.

    Raises AssertionError where the followed labels or table are not what a fresh computation gives.
    """
    column = column_of(patient.semantic)
    profile, start = find_boundaries(patient.pet_suv, patient.semantic, column, Options())
    began = time.perf_counter()
    live = LiveCase(patient.semantic, column, patient.pet_suv, start)
    prepared = time.perf_counter() - began
    lines = []
    for name, edit in EDITS.items():
        took = []
        for index in range(len(start.boundaries)):
            edited = edit(start, index)
            for one in (edited, start):  # the edit, and its undo
                began = time.perf_counter()
                live.update(one)
                _ = live.table
                took.append(1000 * (time.perf_counter() - began))
        lines.append(f"| {name} | {len(took)} | {np.median(took):.0f} ms | {max(took):.0f} ms |")
    live.update(edited := start.delete(0).move(3, start.boundaries[4].z_mm + 2.0))
    began = time.perf_counter()
    labels = vertebra_mask(patient.semantic, column, edited, profile.spacing_mm)
    table = measure(patient.pet_suv, patient.semantic, labels, edited)
    fresh = 1000 * (time.perf_counter() - began)
    assert np.array_equal(GetArrayViewFromImage(labels), live.vertebrae) and table == live.table
    lines.append(f"| the same anew, without following | 1 | {fresh:.0f} ms | {fresh:.0f} ms |")
    lines.append(f"| preparing the case, once | 1 | {1000 * prepared:.0f} ms | {1000 * prepared:.0f} ms |")
    return lines
