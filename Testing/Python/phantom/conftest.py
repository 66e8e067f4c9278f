"""One small patient for all tests of the phantom that only look."""

from __future__ import annotations

import pytest

from VertebraFLTLib.phantom import PhantomCase, PhantomOptions, PhantomSize, make_phantom


@pytest.fixture(scope="session")
def small_case() -> PhantomCase:
    return make_phantom(seed=1, day=28, size="small")


@pytest.fixture(scope="session")
def tiny() -> PhantomSize:
    """Grids so coarse that a patient takes a fraction of a second; only for what does not depend on sampling."""
    return PhantomSize((48, 48, 84), (8.0, 8.0, 10.0), (48, 48, 105), (8.0, 8.0, 8.0), 45.0, (1, 1, 1))


@pytest.fixture(scope="session")
def quiet() -> PhantomOptions:
    return PhantomOptions(pet_noise=0.0, ct_noise_hu=0.0)
