"""The phantom's front door: seeds, sizes, options, refusals, files."""

from __future__ import annotations

import csv
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from VertebraFLTLib.errors import Cancelled, InputError
from VertebraFLTLib.phantom import SIZES, PhantomCase, PhantomOptions, PhantomSize, make_phantom, write_phantom
from VertebraFLTLib.phantom.case import patient_scene
from VertebraFLTLib.phantom.writing import FILES


def test_same_seed_gives_the_same_bits(small_case: PhantomCase) -> None:
    again = make_phantom(seed=1, day=28, size="small")
    for name in ("ct", "pet_suv", "semantic", "vertebrae", "pet_truth_suv", "pet_semantic", "pet_vertebrae"):
        assert sitk.Hash(getattr(again, name)) == sitk.Hash(getattr(small_case, name)), name
    assert again.boundaries == small_case.boundaries
    assert dict(again.marrow_suv) == dict(small_case.marrow_suv)


def test_seeds_differ_modestly() -> None:
    scenes = [patient_scene(seed) for seed in range(12)]
    heights = np.array([[d.centre[2] for d in s.plan.discs] for s in scenes])
    assert np.all(heights.std(axis=0)[2:] > 0.5)
    assert np.ptp(heights[:, -1]) < 80  # C2/C1: stature varies by a few percent
    lumbar = np.array([s.uptake.by_level["L3"] for s in scenes])
    assert 0.03 < lumbar.std() / lumbar.mean() < 0.35


def test_one_patient_at_every_day_and_size(tiny: PhantomSize, small_case: PhantomCase) -> None:
    ablated, recovered = make_phantom(1, -1, tiny), make_phantom(1, 28, tiny)
    assert ablated.boundaries[3].centre == small_case.boundaries[3].centre
    assert ablated.marrow_suv["L3"] < 0.2 * recovered.marrow_suv["L3"]
    assert sitk.Hash(ablated.ct) == sitk.Hash(recovered.ct)


def test_geometry(small_case: PhantomCase) -> None:
    for image, size, spacing in (
        (small_case.ct, (128, 128, 167), (3.0, 3.0, 5.0)),
        (small_case.pet_suv, (96, 96, 209), (4.0, 4.0, 4.0)),
    ):
        assert image.GetSize() == size
        assert image.GetSpacing() == pytest.approx(spacing)
        assert image.GetDirection() == (1, 0, 0, 0, 1, 0, 0, 0, 1)
    assert small_case.ct.GetPixelID() == sitk.sitkInt16
    assert small_case.pet_suv.GetPixelID() == sitk.sitkFloat32
    assert small_case.semantic.GetPixelID() == small_case.vertebrae.GetPixelID() == sitk.sitkUInt8


def test_full_size_is_that_of_the_thesis() -> None:
    full = SIZES["full"]
    assert (full.ct_size, full.pet_size) == ((512, 512, 188), (144, 144, 238))
    assert full.ct_spacing == pytest.approx((1.17, 1.17, 5.0), abs=0.005)
    assert full.pet_spacing == (4.0, 4.0, 4.0)
    ct, pet = full.ct_grid(), full.pet_grid()
    centre_ct = [o + (n - 1) * s / 2 for o, n, s in zip(ct.origin, ct.size, ct.spacing, strict=True)]
    centre_pet = [o + (n - 1) * s / 2 for o, n, s in zip(pet.origin, pet.size, pet.spacing, strict=True)]
    assert centre_ct == pytest.approx(centre_pet)
    assert 238 * 4.0 - 188 * 5.0 == 12.0  # the PET overhangs the CT by 6 mm at either end


def test_ct_looks_like_ct(small_case: PhantomCase) -> None:
    hu = sitk.GetArrayViewFromImage(small_case.ct)
    assert hu.min() >= -1024
    assert hu.max() <= 3071
    air, lung = np.mean(hu < -950), np.mean((hu > -920) & (hu < -780))
    fat, flesh = np.mean((hu > -140) & (hu < -60)), np.mean((hu > 0) & (hu < 90))
    assert air > 0.3
    assert 0.03 < lung < 0.2
    assert fat > 0.05
    assert flesh > 0.08
    corner = hu[:, :6, :6].astype(np.float64)
    assert corner.std() < 10  # the air beside the patient is quiet


def test_all_levels_fit_into_the_small_field() -> None:
    small = SIZES["small"]
    for seed in range(25):
        atlas = patient_scene(seed).plan.body("C1")
        assert atlas.upper[2] < small.ct_bottom_mm + 167 * 5.0


def test_other_sampling_and_unusual_spines(tiny: PhantomSize) -> None:
    thin = replace(tiny, ct_size=(48, 48, 279), ct_spacing=(8.0, 8.0, 3.0), pet_spacing=(8.0, 8.0, 3.0))
    assert make_phantom(0, 28, thin).ct.GetSpacing() == (8.0, 8.0, 3.0)
    case = make_phantom(0, 28, tiny, PhantomOptions(lumbar=6, thoracic=13))
    assert case.levels[0] == "L6"
    assert "T13" in case.levels
    codes = set(np.unique(sitk.GetArrayViewFromImage(case.vertebrae)))
    assert {25, 28} <= codes


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"day": 3}, "day is 3"),
        ({"size": "huge"}, "'huge'"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_wrong_arguments_are_refused_in_one_line(arguments: dict, named: str) -> None:
    with pytest.raises(InputError, match=named) as error:
        make_phantom(**arguments)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "options", [{"lumbar": 3}, {"thoracic": 14}, {"pet_noise": -1.0}, {"psf_fwhm_mm": float("nan")}]
)
def test_wrong_options_are_refused(options: dict) -> None:
    with pytest.raises(InputError, match=next(iter(options))):
        PhantomOptions(**options)


def test_progress_is_told_and_can_stop(tiny: PhantomSize) -> None:
    told: list[tuple[str, float]] = []
    make_phantom(0, 28, tiny, progress=lambda stage, fraction: told.append((stage, fraction)))
    assert {stage for stage, _ in told} >= {"phantom CT", "phantom PET"}
    assert all(0 <= fraction <= 1 for _, fraction in told)

    def stop(stage: str, fraction: float) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        make_phantom(0, 28, tiny, progress=stop)


def test_files(tmp_path: Path, tiny: PhantomSize) -> None:
    case = make_phantom(3, 7, tiny)
    out = tmp_path / "p"
    write_phantom(case, out)
    write_phantom(case, out)  # over its own earlier result
    assert sorted(p.name for p in out.iterdir()) == sorted(FILES)
    pet = sitk.ReadImage(str(out / "pet_suv.nii.gz"))
    assert pet.GetMetaData("descrip").startswith("SUVbw g/ml")
    assert np.allclose(sitk.GetArrayViewFromImage(pet), sitk.GetArrayViewFromImage(case.pet_suv))
    assert pet.GetOrigin() == pytest.approx(case.pet_suv.GetOrigin(), abs=1e-3)
    ct = sitk.ReadImage(str(out / "ct.nii.gz"))
    assert sitk.Hash(ct) == sitk.Hash(case.ct)
    rows = list(csv.DictReader((out / "truth_boundaries.csv").read_text().splitlines()))
    assert list(rows[0])[:5] == ["index", "below", "above", "pet_slice", "z_mm"]
    assert len(rows) == 24
    assert float(rows[4]["z_mm"]) == pytest.approx(case.boundaries[4].z_mm, abs=1e-3)


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path, tiny: PhantomSize) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InputError):
        write_phantom(make_phantom(0, 28, tiny), tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_small_is_made_fast() -> None:
    start = time.process_time()
    make_phantom(9, 28, "small")
    assert time.process_time() - start < 8.0  # 2 s on an idle core
