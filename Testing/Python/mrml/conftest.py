"""A small made-up result whose every voxel and number is known, on any grid."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from vtkmodules.vtkFiltersSources import vtkSphereSource

slicer = pytest.importorskip("slicer", reason="slicer-core (extra 'standalone') is not installed")

from VertebraFLTLib import pipeline  # noqa: E402
from VertebraFLTLib.io.geometry import OriginalGeometry, to_lps  # noqa: E402
from VertebraFLTLib.io.images import ImageSource, LoadedImage  # noqa: E402
from VertebraFLTLib.io.suv import SuvRecord  # noqa: E402
from VertebraFLTLib.mrml.inputs import load_from_node  # noqa: E402
from VertebraFLTLib.mrml.sample import add_phantom  # noqa: E402
from VertebraFLTLib.mrml.scene import private_scene  # noqa: E402
from VertebraFLTLib.phantom import PhantomCase, make_phantom  # noqa: E402
from VertebraFLTLib.quantification.surfaces import Surface  # noqa: E402
from VertebraFLTLib.quantification.suv_table import RegionSuv  # noqa: E402
from VertebraFLTLib.result import Options, Result  # noqa: E402
from VertebraFLTLib.spine.boundaries import Boundary, BoundarySet  # noqa: E402
from VertebraFLTLib.spine.profile import Profile  # noqa: E402

LEVEL_CODES = {"L5": 24, "L4": 23, "L3": 22, "T13": 28}
SPHERE_CENTRE_LPS = (12.0, -30.0, 44.0)


def _rotation() -> np.ndarray:
    a, b = np.deg2rad(11.0), np.deg2rad(-7.0)
    about_x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    about_z = np.array([[np.cos(b), -np.sin(b), 0], [np.sin(b), np.cos(b), 0], [0, 0, 1]])
    return about_x @ about_z


# Direction matrices (LPS): straight, as NIfTI is often stored, with axes permuted and mirrored, and oblique.
GEOMETRIES = {
    "straight": np.eye(3),
    "ras": np.diag([-1.0, -1.0, 1.0]),
    "left-handed": np.diag([1.0, 1.0, -1.0]),
    "permuted": np.array([[0.0, 0.0, -1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]),
    "oblique": _rotation(),
    "oblique-flipped": _rotation() @ np.diag([1.0, -1.0, 1.0]),
}


def make_image(array: np.ndarray, spacing: tuple[float, ...], direction: np.ndarray) -> sitk.Image:
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(spacing)
    image.SetOrigin((-31.5, 12.25, -104.0))
    image.SetDirection(direction.ravel().tolist())
    return image


def _loaded(image: sitk.Image, modality: str, header: dict[str, Any]) -> LoadedImage:
    source = ImageSource(f"{modality}.nii.gz", "file", 1, "0" * 64, None, modality, header)
    return LoadedImage(to_lps(image), OriginalGeometry.of(image), source)


def make_result(geometry: str = "straight", header: dict[str, Any] | None = None, tracer: str | None = "FLT") -> Result:
    direction = GEOMETRIES[geometry]
    rng = np.random.default_rng(3)
    shape = (30, 18, 22)
    semantic = np.zeros(shape, np.uint8)
    semantic[2:28, 6:11, 8:14] = 1
    semantic[1:8, 4:14, 1:6] = 2
    semantic[1:8, 4:14, 16:21] = 2
    semantic[20:26, 0:2, 9:13] = 3  # reaches the image's edge
    semantic[0:2, 8:12, 8:14] = 4
    vertebrae = np.zeros(shape, np.uint8)
    for index, code in enumerate(LEVEL_CODES.values()):
        vertebrae[3 + 6 * index : 8 + 6 * index, 6:11, 8:14] = code
    spacing = (1.25, 1.5, 5.0)
    ct = make_image(rng.integers(-1000, 1500, shape).astype(np.int16), spacing, direction)
    pet = make_image(rng.random((38, 12, 14)).astype(np.float32) * 5, (2.1, 2.2, 4.0), direction)

    z = np.arange(40) * 4.0 - 100.0
    mean = (2.5 + np.cos(z / 5.0)).round(3)
    profile = Profile(np.arange(40.0), z, mean, np.full(40, 25, np.int64))
    names = [*list(LEVEL_CODES)[:3], "L2"]
    heights = [-58.0987654, -26.0955533, 5.9076588]  # more digits than a scene's tables keep
    bounds = tuple(
        Boundary(
            names[i],
            names[i + 1],
            (heights[i] + 100.0) / 4.0,
            heights[i],
            0.8,
            0.9 - 0.3 * i,
            "span-prior",
            ("noisy",) * i,
            (-3.0 - i, 4.0, heights[i]),
        )
        for i in range(3)
    )
    table = [
        RegionSuv(roi, label, 100 + i, 12.345 + i, 54051.25, 2.5, 0.5, 0.1, 2.4, 3.1, 4.2, 5.5, 4.9)
        for i, (roi, label) in enumerate([("L5", "24"), ("L4", "23"), ("vertebral_column", "1"), ("pelvis", "2+4")])
    ]
    sphere = vtkSphereSource()
    sphere.SetCenter(SPHERE_CENTRE_LPS)
    sphere.SetRadius(6)
    sphere.Update()
    surfaces = [
        Surface(region, percentile, level, color, sphere.GetOutput())
        for region in ("vertebral_column", "L5")
        for percentile, level, color in (
            (50.0, 2.0, (1.0, 1.0, 0.0)),
            (85.0, 3.0, (1.0, 0.6, 0.0)),
            (98.0, 4.0, (1.0, 0.0, 0.0)),
        )
    ]
    loaded_ct, loaded_pet = _loaded(ct, "CT", header or {}), _loaded(pet, "PT", header or {})
    return Result(
        ct=loaded_ct,
        pet=loaded_pet,
        pet_suv=loaded_pet.image,
        suv=SuvRecord("SUV", 1.0, "given in SUV", tracer=tracer),
        semantic=to_lps(make_image(semantic, spacing, direction)),
        vertebrae=to_lps(make_image(vertebrae, spacing, direction)),
        profile=profile,
        boundaries=BoundarySet(bounds, -98.0, 58.0, 0.9, "set by hand", False, False, profile),
        suv_table=table,
        surfaces=surfaces,
        options=Options(),
    )


class Waiting:
    """A scheduler under the test's hand: what was put off waits until it is let go."""

    def __init__(self) -> None:
        self.waiting: dict[str, Callable[[], None]] = {}

    def call_later(self, key: str, milliseconds: int, function: Callable[[], None]) -> None:
        self.waiting[key] = function

    def cancel(self) -> None:
        self.waiting.clear()

    def let_go(self) -> None:
        while self.waiting:
            self.waiting.pop(next(iter(self.waiting)))()


@pytest.fixture
def wait() -> Waiting:
    """Such a scheduler."""
    return Waiting()


@pytest.fixture(scope="session")
def phantom() -> PhantomCase:
    """A small simulated patient, made once."""
    return make_phantom(size="small")


@pytest.fixture(scope="session")
def phantom_result(phantom: PhantomCase) -> Result:
    """The small patient's result from its own volumes and true mask, computed once."""
    scene = private_scene()
    volumes = add_phantom(scene, phantom)
    ct, pet = load_from_node(volumes.ct, "CT"), load_from_node(volumes.pet, "PT")
    return pipeline.run(ct, pet, volumes.truth, Options(lowest="L5"))


@pytest.fixture
def result_on() -> Callable[..., Result]:
    """Makes a result on a grid of :data:`GEOMETRIES`."""
    return make_result
