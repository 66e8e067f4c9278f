"""Every fault a user can make: status 2, one clear line, no traceback, nothing written."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest
import SimpleITK as sitk

from VertebraFLTLib.cli import main as entry


@pytest.fixture
def refuse(call, tmp_path):
    """Call `run` into a new folder, expect status 2, check that nothing is left, return the line."""

    def run(*arguments, **changes):
        out = changes.get("out", tmp_path / "results" / "run")
        before = sorted(p for p in tmp_path.rglob("*"))
        outcome = call("run", *arguments, "--out", out, "--no-scene")
        assert outcome.status == 2, outcome.err
        assert "Traceback" not in outcome.err and outcome.err.count("\n") == len(outcome.err.splitlines())
        assert sorted(p for p in tmp_path.rglob("*")) == before, "something was left behind"
        return outcome.fault

    return run


def with_option(images, option, value):
    changed = list(images)
    changed[changed.index(option) + 1] = str(value)
    return changed


def pet_of(patient_folder, tmp_path, change, name="pet.nii.gz"):
    """The patient's PET with other values, marked as SUV."""
    image = sitk.ReadImage(str(patient_folder / "pet_suv.nii.gz"))
    array = change(sitk.GetArrayFromImage(image))
    changed = sitk.GetImageFromArray(array)
    changed.CopyInformation(image)
    changed.SetMetaData("ITK_FileNotes", "SUVbw g/ml")
    sitk.WriteImage(changed, str(tmp_path / name))
    return tmp_path / name


def test_a_missing_path(refuse, images, tmp_path):
    assert "nowhere.nii.gz" in refuse(*with_option(images, "--ct", tmp_path / "nowhere.nii.gz"))


def test_a_text_file_renamed(refuse, images, tmp_path):
    (tmp_path / "ct.nii.gz").write_text("this is no image\n")
    assert "ct.nii.gz" in refuse(*with_option(images, "--ct", tmp_path / "ct.nii.gz"))


def test_an_empty_folder(refuse, images, tmp_path):
    (tmp_path / "ct").mkdir()
    assert "ct" in refuse(*with_option(images, "--ct", tmp_path / "ct"))


def test_a_folder_with_two_ct_series(refuse, images, tmp_path, write_series):
    write_series(tmp_path / "ct" / "a", SeriesDescription="thin")
    write_series(tmp_path / "ct" / "b", SeriesDescription="thick")
    line = refuse(*with_option(images, "--ct", tmp_path / "ct"))
    assert "--series" in line and "thin" in line and "thick" in line


def test_a_missing_slice(refuse, images, tmp_path, write_series):
    write_series(tmp_path / "ct", positions=(0.0, 3.0, 6.0, 12.0, 15.0))
    line = refuse(*with_option(images, "--ct", tmp_path / "ct"))
    assert "missing" in line and "6" in line and "12" in line


@pytest.mark.parametrize(
    ("tags", "named"),
    [
        ({"RadiopharmaceuticalInformationSequence": []}, "(0018,107"),
        ({"PatientWeight": None}, "(0010,1030)"),
        ({"DecayCorrection": "OTHER"}, "(0054,1102)"),
        ({"Units": "CNTS"}, "(0054,1001)"),
    ],
)
def test_a_pet_without_what_suv_needs(refuse, images, tmp_path, write_series, tags, named):
    write_series(tmp_path / "pet", "PT", positions=np.arange(0.0, 800.0, 40.0), pixel_spacing=(40.0, 40.0),
                 corner=(-200.0, -200.0, 50.0), **tags)  # fmt: skip
    assert named in refuse(*with_option(images, "--pet", tmp_path / "pet"))


def test_a_pet_without_dose(refuse, images, tmp_path, write_series):
    def drop(_, header):
        del header.RadiopharmaceuticalInformationSequence[0].RadionuclideTotalDose

    write_series(tmp_path / "pet", "PT", positions=np.arange(0.0, 800.0, 40.0), pixel_spacing=(40.0, 40.0),
                 corner=(-200.0, -200.0, 50.0), change=drop)  # fmt: skip
    line = refuse(*with_option(images, "--pet", tmp_path / "pet"))
    assert "(0018,1074)" in line and "--dose" in line


def test_a_pet_file_without_units(refuse, images, patient_folder, tmp_path):
    pet = pet_of(patient_folder, tmp_path, lambda a: a)
    plain = sitk.Image(sitk.ReadImage(str(pet)))
    plain.SetMetaData("ITK_FileNotes", "")
    sitk.WriteImage(plain, str(tmp_path / "plain.nii.gz"))
    assert "--pet-units" in refuse(*with_option(images, "--pet", tmp_path / "plain.nii.gz"))


def test_ct_and_pet_without_overlap(refuse, images, patient_folder, tmp_path):
    image = sitk.ReadImage(str(patient_folder / "pet_suv.nii.gz"))
    image.SetOrigin((0.0, 0.0, 5000.0))
    image.SetMetaData("ITK_FileNotes", "SUVbw g/ml")
    sitk.WriteImage(image, str(tmp_path / "pet.nii.gz"))
    assert "overlap" in refuse(*with_option(images, "--pet", tmp_path / "pet.nii.gz"))


def test_a_pet_that_is_zero(refuse, images, patient_folder, tmp_path):
    line = refuse(*with_option(images, "--pet", pet_of(patient_folder, tmp_path, lambda a: a * 0)))
    assert "zero" in line and "pet.nii.gz" in line


def test_a_pet_without_numbers(refuse, images, patient_folder, tmp_path):
    # As MetaImage: the NIfTI reader itself turns NaN into 0.
    line = refuse(*with_option(images, "--pet", pet_of(patient_folder, tmp_path, lambda a: a * np.nan, "pet.mha")))
    assert "NaN" in line and "pet.mha" in line


def test_a_2d_image(refuse, images, tmp_path):
    sitk.WriteImage(sitk.Image(20, 20, sitk.sitkInt16), str(tmp_path / "slice.mha"))
    assert "2-D" in refuse(*with_option(images, "--ct", tmp_path / "slice.mha"))


def test_a_mask_without_a_column(refuse, images, patient_folder, tmp_path):
    mask = sitk.ReadImage(str(patient_folder / "truth_semantic.nii.gz"))
    sitk.WriteImage(mask * sitk.Cast(mask != 1, sitk.sitkUInt8), str(tmp_path / "mask.nii.gz"))
    assert "column" in refuse(*with_option(images, "--mask", tmp_path / "mask.nii.gz"))


def test_a_mask_with_strange_labels(refuse, images, patient_folder, tmp_path):
    mask = sitk.ReadImage(str(patient_folder / "truth_semantic.nii.gz"))
    sitk.WriteImage(sitk.Cast(mask, sitk.sitkUInt8) * 20, str(tmp_path / "mask.nii.gz"))
    assert "20" in refuse(*with_option(images, "--mask", tmp_path / "mask.nii.gz"))


def test_an_output_that_is_a_file(refuse, images, tmp_path):
    (tmp_path / "file").write_text("mine")
    assert "file" in refuse(*images, out=tmp_path / "file")
    assert "cannot write" in refuse(*images, out=tmp_path / "file" / "below")
    assert (tmp_path / "file").read_text() == "mine"


def test_an_output_folder_with_other_files(refuse, images, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1.tex").write_text("years of work")
    assert "chapter1.tex" in refuse(*images, out=tmp_path / "thesis")


def test_an_output_where_nobody_may_write(refuse, images):
    assert "cannot write" in refuse(*images, out="/proc/vertebraflt")


def test_a_zip_that_escapes_its_folder(refuse, images, tmp_path):
    with zipfile.ZipFile(tmp_path / "ct.zip", "w") as archive:
        archive.writestr("../../escaped.dcm", b"DICM")
    line = refuse(*with_option(images, "--ct", tmp_path / "ct.zip"))
    assert "ct.zip" in line


@pytest.mark.parametrize("text", ["fifty", "50,,98", "50;85", "-1,50", "50,101", "nan"])
def test_wrong_percentiles(refuse, images, text):
    assert "--percentiles" in refuse(*images, f"--percentiles={text}")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--lowest", "X9"), "X9"),
        (("--threshold", "2"), "--threshold"),
        (("--views", "oblique"), "--views"),
        (("--dose", "much"), "--dose"),
        (("--detector", "oracle"), "--detector"),
        (("--nonsense",), "--nonsense"),
    ],
)
def test_wrong_options(refuse, images, arguments, word):
    assert word in refuse(*images, *arguments)


def test_debug_shows_the_traceback(call, images, tmp_path):
    arguments = with_option(images, "--ct", tmp_path / "nowhere.nii.gz")
    outcome = call("run", *arguments, "--out", tmp_path / "out", "--debug")
    assert outcome.status == 2 and "Traceback" in outcome.err and "nowhere" in outcome.fault


def test_a_bug_is_called_one(call, images, tmp_path, monkeypatch):
    def broken(args, progress):
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(entry.COMMANDS["run"], "execute", broken)
    outcome = call("run", *images, "--out", tmp_path / "out")
    assert outcome.status == 1 and "internal error" in outcome.fault and "Traceback" not in outcome.err


def test_no_command_at_all(call):
    outcome = call()
    assert outcome.status == 2 and "COMMAND" in outcome.fault


def test_a_series_that_neither_image_has(refuse, images):
    line = refuse(*images, "--series", "77")
    assert "--series 77" in line
