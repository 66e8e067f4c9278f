"""A small made-up run: five vertebrae, hips, sacrum and sternum in a CT that lay on disk in another orientation."""

import copy

import numpy as np
import pytest
import SimpleITK as sitk

from VertebraFLTLib.io.geometry import OriginalGeometry, to_lps, z_map
from VertebraFLTLib.io.images import ImageSource, LoadedImage
from VertebraFLTLib.io.suv_record import SuvRecord, SuvTerm
from VertebraFLTLib.quantification.coverage import Grid
from VertebraFLTLib.quantification.surfaces import percentile_surfaces
from VertebraFLTLib.quantification.suv_table import measure
from VertebraFLTLib.result import Options, Result
from VertebraFLTLib.spine.boundaries import Boundary, BoundarySet
from VertebraFLTLib.spine.instances import label_vertebrae
from VertebraFLTLib.spine.profile import uptake_profile

EVIL = '<script>alert("1")</script> & <img src=x>'
DISCS = (136.0, 158.0, 180.0, 202.0)


def image(array, spacing, origin):
    result = sitk.GetImageFromArray(np.ascontiguousarray(array))
    result.SetSpacing(spacing)
    result.SetOrigin(origin)
    return result


def bones(x, y, z):
    """Labels at points in mm: a column at (0, 30) from z 116 to 224, sternum in front, hips and sacrum below."""
    labels = np.zeros(np.broadcast(x, y, z).shape, np.uint8)
    labels[(np.abs(x) < 50) & (np.abs(x) > 30) & (np.abs(y - 20) < 25) & (z > 75) & (z < 125)] = 2
    labels[(np.abs(x) < 15) & (np.abs(y - 35) < 10) & (z > 80) & (z < 112)] = 4
    labels[(np.hypot(x, y - 30) < 17) & (z > 116) & (z < 224)] = 1
    labels[(np.abs(x) < 10) & (np.abs(y + 45) < 6) & (z > 150) & (z < 210)] = 3
    return labels


@pytest.fixture(scope="session")
def made_run():
    ct_grid = ((2.0, 2.0, 4.0), (-70.0, -80.0, 60.0))
    z, y, x = np.meshgrid(
        *(o + s * np.arange(n) for o, s, n in ((60, 4, 46), (-80, 2, 80), (-70, 2, 70))), indexing="ij"
    )
    labels = bones(x, y, z)
    body = np.hypot(x / 65, (y + 3) / 72) < 1
    hu = np.where(body, 30, -1000) + np.where(labels > 0, 350, 0)
    ct = image(hu.astype(np.int16), *ct_grid)
    semantic = image(labels, *ct_grid)

    z, y, x = np.meshgrid(
        *(o + s * np.arange(n) for o, s, n in ((56, 4, 48), (-82, 5, 33), (-72, 5, 30))), indexing="ij"
    )
    on_pet = bones(x, y, z)
    disc = np.min(np.abs(z[..., None] - np.array(DISCS)), axis=-1)
    uptake = np.where(on_pet > 0, 4.0, 0.6) * np.where(on_pet == 1, 1 - 0.7 * np.exp(-((disc / 4) ** 2)), 1.0)
    noise = np.random.default_rng(1).normal(1.0, 0.05, uptake.shape)
    pet = sitk.SmoothingRecursiveGaussian(
        image((uptake * noise).astype(np.float32), (5.0, 5.0, 4.0), (-72.0, -82.0, 56.0)), 2.5
    )

    profile = uptake_profile(sitk.GetArrayViewFromImage(pet), on_pet == 1, z_map(pet))
    names = ("L5", "L4", "L3", "L2", "L1")
    boundaries = BoundarySet(
        tuple(
            Boundary(
                names[n],
                names[n + 1],
                (d - 56) / 4,
                d,
                2.5,
                0.95 if n < 3 else 0.2,
                "span-prior",
                () if n < 3 else (EVIL,),
            )
            for n, d in enumerate(DISCS)
        ),
        bottom_z_mm=116.0,
        top_z_mm=224.0,
        level_confidence=0.8,
        level_reason="no sacrum in view",
    )
    vertebrae = image(label_vertebrae(labels == 1, Grid.of(ct).ijk_to_lps, boundaries, 4.0), *ct_grid)
    stored = sitk.Flip(sitk.PermuteAxes(ct, (2, 0, 1)), (True, False, True), False)
    assert np.array_equal(sitk.GetArrayViewFromImage(to_lps(stored)), sitk.GetArrayViewFromImage(ct))
    zipped = ImageSource("data/CT & <co>.zip", "dicom", 46, "a" * 64, "1.2.3", "CT", {"PatientName": "Doe^Jane"})
    single = ImageSource("data/pet.nii.gz", "file", 1, "b" * 64, None, "PT")
    weight = SuvTerm("weight", 70.0, "kg", "PatientWeight (0010,1030)", "header")
    return Result(
        ct=LoadedImage(ct, OriginalGeometry.of(stored), zipped),
        pet=LoadedImage(pet, OriginalGeometry.of(pet), single),
        pet_suv=pet,
        suv=SuvRecord(
            "BQML",
            0.00042111,
            "SUVbw from weight and decay-corrected dose",
            (weight, SuvTerm("note", EVIL, "", None, "option")),
            "FLT",
        ),
        semantic=semantic,
        vertebrae=vertebrae,
        profile=profile,
        boundaries=boundaries,
        suv_table=measure(pet, semantic, vertebrae),
        surfaces=percentile_surfaces(pet, semantic, vertebrae),
        options=Options(),
        segmentation={"segmenter": "ensemble", "sha256": ("c", "d"), "dice": np.float32("nan")},
        warnings=[EVIL],
        input_warnings=["the CT is short"],
        timings_s={"segmentation": 12.3456},
        peak_memory_mb=1234.56,
    )  # fmt: skip


@pytest.fixture
def run(made_run):
    """The run with lists of its own, so that a test may add to them."""
    mine = copy.copy(made_run)
    mine.warnings = list(made_run.warnings)
    return mine
