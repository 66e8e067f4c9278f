"""Labels and table that follow edits equal those computed anew from the same boundaries, whatever the edits were."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st

from VertebraFLTLib.column import column_of, vertebra_mask
from VertebraFLTLib.errors import InputError
from VertebraFLTLib.live import Changed, LiveCase
from VertebraFLTLib.quantification.coverage import Grid
from VertebraFLTLib.quantification.suv_table import measure
from VertebraFLTLib.spine.boundaries import Boundary, BoundarySet
from VertebraFLTLib.spine.centre_line import centre_line
from VertebraFLTLib.spine.levels import names_up
from VertebraFLTLib.spine.planes import place


class Small:
    """A bent column of 300 mm and a hip on a coarse CT, uptake by chance, six boundaries on it."""

    def __init__(self, turned: bool = False) -> None:
        random = np.random.default_rng(5)
        k, j, i = np.indices((70, 26, 20))
        middle = 12 + 5 * np.sin(k / 22)
        mask = (np.hypot(j - middle, i - 10) < 4.5).astype(np.uint8) * ((k > 4) & (k < 66))
        mask[:20, 2:6, 2:6] = 2
        self.semantic = self._image(mask, (4.0, 4.0, 5.0), (-40.0, -50.0, 0.0))
        uptake = random.uniform(0.5, 8.0, (95, 26, 22)).astype(np.float32)
        self.pet = self._image(uptake, (4.2, 4.2, 3.7), (-44.0, -52.0, -3.0))
        if turned:  # a PET on an oblique grid
            angle = 0.12
            c, s = np.cos(angle), np.sin(angle)
            self.pet.SetDirection((1, 0, 0, 0, c, -s, 0, s, c))
        self.column = column_of(self.semantic)
        names = names_up("T12", 7)
        heights = (70.0, 105.0, 140.0, 176.0, 208.0, 240.0)
        bounds = tuple(
            Boundary(names[n], names[n + 1], z / 3.7, z, 1.0, 0.9, "span-prior") for n, z in enumerate(heights)
        )
        line = centre_line(self.column, Grid.of(self.semantic).ijk_to_lps)
        self.start = place(BoundarySet(bounds, 24.0, 328.0), line, "oblique")

    @staticmethod
    def _image(array: np.ndarray, spacing: tuple[float, ...], origin: tuple[float, ...]) -> sitk.Image:
        image = sitk.GetImageFromArray(array)
        image.SetSpacing(spacing)
        image.SetOrigin(origin)
        return image

    def live(self) -> LiveCase:
        return LiveCase(self.semantic, self.column, self.pet, self.start)

    def check(self, live: LiveCase, boundaries: BoundarySet) -> None:
        labels = vertebra_mask(self.semantic, self.column, boundaries, self.pet.GetSpacing()[2])
        assert np.array_equal(live.vertebrae, sitk.GetArrayViewFromImage(labels))
        assert live.table == measure(self.pet, self.semantic, labels, boundaries)


@pytest.fixture(scope="module", params=[False, True], ids=["axial PET", "oblique PET"])
def small(request) -> Small:
    return Small(request.param)


EDITS: dict[str, Callable[[BoundarySet, int, float], BoundarySet]] = {
    "move": lambda s, i, x: s.move(i, s.boundaries[i].z_mm + 12 * x),
    "tilt": lambda s, i, x: s.tilt(i, (0.3 * x, 0.4 * x - 0.1, 1.0)),
    "insert": lambda s, i, x: s.insert(s.boundaries[i].z_mm + 20 * x),
    "delete": lambda s, i, x: s.delete(i),
    "shift": lambda s, i, x: s.shift_levels(i - 2),
    "thirteen": lambda s, i, x: s.rename(i, "T13"),
}


@settings(max_examples=8, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([*EDITS]), st.integers(0, 6), st.floats(-1, 1)), min_size=1, max_size=6))
def test_following_edits_is_the_same_as_computing_anew(small, sequence):
    live, now = small.live(), small.start
    for what, index, by in sequence:
        try:
            now = EDITS[what](now, index, by)
        except (InputError, IndexError):
            continue
        live.update(now)
    small.check(live, now)
    live.update(small.start)
    small.check(live, small.start)


def test_it_says_what_an_edit_changed(small):
    live, start = small.live(), small.start
    names = start.names
    assert live.update(start) == Changed((), ())
    assert live.update(start.lock(2).review(1)) == Changed((), ())  # nothing that shows in labels or table
    moved = live.update(start.move(2, start.boundaries[2].z_mm + 6))
    assert set(names[2:4]) <= set(moved.levels) <= set(names[1:5]) and moved.gone == ()
    live.update(start)
    shifted = live.update(start.shift_levels(-1))
    assert shifted.levels[0] == "L1" and shifted.gone == (live_top(start),)


def live_top(boundaries: BoundarySet) -> str:
    return boundaries.vertebrae()[-1].level


def test_untouched_rows_are_not_measured_again(small, monkeypatch):
    live, measured = small.live(), []
    row = type(live._uptake).row
    monkeypatch.setattr(
        type(live._uptake), "row", lambda self, region: measured.append(region.roi) or row(self, region)
    )
    live.update(small.start.move(4, small.start.boundaries[4].z_mm + 3))
    assert 2 <= len(measured) <= 4  # the two vertebrae it parts, and neighbours that share slices with them


def test_a_pet_beside_the_column_leaves_labels_only(small):
    pet = sitk.Image(small.pet)
    pet.SetOrigin((900.0, 0.0, 0.0))
    live = LiveCase(small.semantic, small.column, pet, small.start)
    live.update(small.start.delete(0))
    assert live.table == []
    assert len(np.unique(live.vertebrae)) > 4
