"""SUV for image files: the file's own mark, a BIDS sidecar, or the user's word; nothing is guessed."""

import json

import numpy as np
import pytest
import SimpleITK as sitk

from VertebraFLTLib.io.images import read_image
from VertebraFLTLib.io.suv import SuvOverrides, SuvRefused, pet_to_suv
from VertebraFLTLib.io.units import SUV_MARK
from VertebraFLTLib.io.writing import write_image

SIDECAR = {
    "Units": "Bq/mL",
    "BodyWeight": 60,
    "InjectedRadioactivity": 300,
    "InjectedRadioactivityUnits": "MBq",
    "TracerRadionuclide": "F18",
    "TracerName": "FLT",
    "ImageDecayCorrected": True,
    "ImageDecayCorrectionTime": 0,
    "InjectionStart": -6586.2,
}


def pet_image(scale: float = 1.0) -> sitk.Image:
    return sitk.GetImageFromArray(np.random.default_rng(0).uniform(0, 9 * scale, (5, 9, 8)).astype(np.float32))


def loaded(path, scale: float = 1.0, description: str | None = None, sidecar: dict | None = None):
    write_image(pet_image(scale), path, description)
    if sidecar is not None:
        path.with_name(path.name.split(".")[0] + ".json").write_text(json.dumps(sidecar))
    return read_image(path, modality="PT")


def refused(pet, units="auto", overrides=None) -> str:
    with pytest.raises(SuvRefused) as caught:
        pet_to_suv(pet, units, overrides)
    return str(caught.value)


@pytest.mark.parametrize("suffix", [".nii.gz", ".nii", ".nrrd", ".mha"])
def test_the_mark_survives_each_format_and_is_believed(tmp_path, suffix):
    pet = loaded(tmp_path / f"pet{suffix}", description=SUV_MARK)
    image, record = pet_to_suv(pet)
    assert record.factor == 1.0 and record.term("units").source == "file"
    assert np.array_equal(sitk.GetArrayFromImage(image), sitk.GetArrayFromImage(pet_image()))


def test_a_file_that_says_nothing_is_refused(tmp_path):
    message = refused(loaded(tmp_path / "pet.nii.gz"))
    assert "--pet-units" in message and "pet.nii.gz" in message


@pytest.mark.parametrize("text", ["PET resampled", "5.0.11 SUVA", "FreeSurfer"])
def test_notes_that_say_nothing_of_units_are_no_proof(tmp_path, text):
    refused(loaded(tmp_path / "pet.nii.gz", description=text))


@pytest.mark.parametrize("text", ["SUVlbm g/ml", "SUL", "SUV BSA"])
def test_another_normalisation_is_refused(tmp_path, text):
    assert "body weight" in refused(loaded(tmp_path / "pet.nii.gz", description=text))


def test_the_user_can_say_that_it_is_suv(tmp_path):
    _, record = pet_to_suv(loaded(tmp_path / "pet.nii.gz"), "suv")
    assert record.factor == 1.0 and "user states" in record.method and record.term("units").source == "option"


def test_suv_beyond_all_tissue_is_warned_of(tmp_path):
    _, record = pet_to_suv(loaded(tmp_path / "pet.nii.gz", scale=5000), "suv")
    assert "more than any tissue" in record.warnings[0]
    _, record = pet_to_suv(loaded(tmp_path / "faint.nii.gz", scale=1e-3), "suv")
    assert "only" in record.warnings[0]


def test_bqml_by_options_with_decay(tmp_path):
    stated = SuvOverrides(60, 300e6, injection_time="23:30:00", scan_time="01:10:00", half_life_s=6000)
    _, record = pet_to_suv(loaded(tmp_path / "pet.nii.gz", 1000), "bqml", stated)
    assert record.factor == pytest.approx(60_000 / 150e6, rel=1e-12)
    assert {term.source for term in record.terms} == {"option", "computed"}


def test_bqml_by_options_of_a_dose_at_scan_time(tmp_path):
    stated = SuvOverrides(60, 300e6, decay_correction="ADMIN")
    _, record = pet_to_suv(loaded(tmp_path / "pet.nii.gz", 1000), "bqml", stated)
    assert record.factor == pytest.approx(60_000 / 300e6, rel=1e-12)


@pytest.mark.parametrize(
    ("stated", "option"),
    [
        (SuvOverrides(), "--decay-correction"),
        (SuvOverrides(decay_correction="ADMIN"), "--weight"),
        (SuvOverrides(weight_kg=60, decay_correction="ADMIN"), "--dose"),
        (SuvOverrides(60, 3e8, "08:00"), "--half-life"),
        (SuvOverrides(60, 3e8, "08:00", half_life_s=6586.2), "--scan-time"),
        (SuvOverrides(60, 3e8, scan_time="08:00", half_life_s=6586.2), "--injection-time"),
    ],
)
def test_bqml_without_all_terms_is_refused(tmp_path, stated, option):
    assert option in refused(loaded(tmp_path / "pet.nii.gz", 1000), "bqml", stated)


def test_a_bids_sidecar_suffices(tmp_path):
    _, record = pet_to_suv(loaded(tmp_path / "pet.nii.gz", 1000, sidecar=SIDECAR))
    assert record.factor == pytest.approx(60_000 / 150e6, rel=1e-12)
    assert record.tracer == "FLT" and record.term("dose").source == "sidecar"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"BodyWeight": None}, "--weight"),
        ({"InjectedRadioactivityUnits": None}, "--dose"),
        ({"ImageDecayCorrected": False}, "NONE"),
        ({"TracerRadionuclide": "C11"}, "--half-life"),
        ({"InjectionStart": None}, "--decay-correction"),
    ],
)
def test_a_sidecar_with_gaps_is_refused(tmp_path, changes, words):
    assert words in refused(loaded(tmp_path / "pet.nii.gz", 1000, sidecar=SIDECAR | changes))


def test_options_fill_a_sidecars_gaps(tmp_path):
    pet = loaded(tmp_path / "pet.nii.gz", 1000, sidecar=SIDECAR | {"BodyWeight": None})
    assert pet_to_suv(pet, "auto", SuvOverrides(weight_kg=60))[1].factor == pytest.approx(60_000 / 150e6)


@pytest.mark.parametrize("units", ["g/mL", "SUV", "SUVbw"])
def test_a_sidecar_that_says_suv(tmp_path, units):
    assert pet_to_suv(loaded(tmp_path / "pet.nii.gz", sidecar={"Units": units}))[1].factor == 1.0


def test_file_and_sidecar_that_disagree_are_refused(tmp_path):
    assert "disagree" in refused(loaded(tmp_path / "pet.nii.gz", description=SUV_MARK, sidecar=SIDECAR))


def test_unknown_units_are_refused(tmp_path):
    assert "--pet-units" in refused(loaded(tmp_path / "pet.nii.gz"), "counts")
