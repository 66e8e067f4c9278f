"""Spines whose course is known: straight lines with made-up bands, and a simulated patient on three days."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import SimpleITK as sitk

from VertebraFLTLib.column import column_of
from VertebraFLTLib.longitudinal.registration import Registration, Scan, register
from VertebraFLTLib.longitudinal.rigid import Rigid
from VertebraFLTLib.longitudinal.spine_line import SpineLine
from VertebraFLTLib.phantom import PhantomCase


@pytest.fixture(scope="session")
def scans(days: dict[int, PhantomCase]) -> dict[int, Scan]:
    """The same with true masks, ready for registration."""
    return {day: Scan(one.ct, one.semantic, column_of(one.semantic)) for day, one in days.items()}


@pytest.fixture(scope="session")
def registered(scans: dict[int, Scan]) -> dict[int, Registration]:
    """Day 28 laid upon days -1 and 7."""
    return {day: register(scans[28], scans[day]) for day in (-1, 7)}


@pytest.fixture
def straight() -> Callable[..., SpineLine]:
    """``straight(length_mm, bottom_mm)``: an upright line through (0, 0), bone from 20 mm above its first point on."""

    def make(length_mm: int = 300, bottom_mm: float = 0.0) -> SpineLine:
        n = length_mm + 41
        points = np.stack([np.zeros(n), np.zeros(n), bottom_mm - 20.0 + np.arange(n)], axis=1)
        return SpineLine(points, np.broadcast_to(np.eye(3), (n, 3, 3)).copy(), 20, 20 + length_mm)

    return make


@pytest.fixture
def banded() -> Callable[..., sitk.Image]:
    """``banded(bands, bottom_mm)``: a CT of 2 mm slices, HU by height from ``bottom_mm`` on; 0 elsewhere."""

    def make(bands: np.ndarray, bottom_mm: float = 0.0, low_mm: float = -60.0, high_mm: float = 460.0) -> sitk.Image:
        z = np.arange(low_mm, high_mm, 2.0)
        hu = np.interp(z - bottom_mm, np.arange(len(bands)), bands, 0.0, 0.0)
        image = sitk.GetImageFromArray(np.broadcast_to(hu[:, None, None], (len(z), 16, 16)).astype(np.int16))
        image.SetSpacing((2.0, 2.0, 2.0))
        image.SetOrigin((-15.0, -15.0, low_mm))
        return image

    return make


@pytest.fixture
def unmoved() -> Rigid:
    """A patient who lies where he lay."""
    return Rigid(np.eye(3), np.zeros(3), 0.95, True)
