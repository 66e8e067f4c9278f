"""The list of labelled volumes: roles and folds, what is refused, and that the test cases are never read."""

import re

import numpy as np
import pytest
import SimpleITK as sitk

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.training import cases
from VertebraFLTLib.training.cases import IGNORED, load_labels
from VertebraFLTLib.training.config import DataConfig, NetworkConfig, ScheduleConfig, TrainConfig
from VertebraFLTLib.training.manifest import read_manifest
from VertebraFLTLib.training.prepared import cases_of

NETWORK = NetworkConfig(spacing_mm=(10.0, 10.0, 10.0))


def names(entries):
    return [entry.name for entry in entries]


def test_roles_and_folds(data):
    manifest = read_manifest(data)
    assert names(manifest.with_role("validation")) == ["v"] and names(manifest.with_role("test")) == ["t"]
    assert manifest.folds == (0, 1)
    assert [names(part) for part in manifest.split(None)] == [["a", "b"], []]
    assert [names(part) for part in manifest.split(1)] == [["a"], ["b"]]
    assert manifest.cases[0].licence == "free a" and manifest.cases[0].patient == "a"


def test_a_fold_that_no_case_has_is_named(data):
    data.write_text(data.read_text().replace('role = "validation"', 'role = "validation"\nfold = 7'))
    with pytest.raises(InputError, match=r"no training case has fold 7; folds there are: 0, 1"):
        read_manifest(data).split(7)


def test_volumes_of_one_patient_stay_together(data):
    data.write_text(data.read_text().replace("[cases.a]", '[cases.a]\npatient = "p"'))
    read_manifest(data)
    data.write_text(data.read_text().replace("[cases.b]", '[cases.b]\npatient = "p"'))
    with pytest.raises(InputError, match="patient p has several roles or folds"):
        read_manifest(data)
    data.write_text(data.read_text().replace("fold = 1", "fold = 0"))
    assert names(read_manifest(data).split(0)[1]) == ["a", "b"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('role = "test"', 'role = "exam"'), r"\[cases.t\] role is 'exam'; choose from train"),
        (("fold = 1", "fold = -1"), r"\[cases.b\] fold must be a whole number"),
        (("fold = 1", "fold = true"), r"\[cases.b\] fold must be a whole number"),
        (("fold = 1", 'ignore_levels = "T11"'), r"\[cases.b\] ignore_levels must be a list"),
        (("fold = 1", "fould = 1"), r"\[cases.b\] has unknown entries \['fould'\]"),
        (("[cases.a]", "[cases.a"), "not valid TOML"),
        (("[cases.a]", "[cases]\nx = 1\n[cases.a]"), r"\[cases.x\] must be a table"),
        (("[cases.a]", "[cases.nobody]"), r"nobody_ct\.nii\.gz: not found; check root and case names in"),
        (("fold = 1", "ignore_levels = [18]"), r"b_levels\.nii\.gz: not found"),
    ],
)
def test_faults_are_named_on_one_line(data, change, message):
    data.write_text(data.read_text().replace(*change))
    with pytest.raises(InputError, match=message) as caught:
        read_manifest(data)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "cases = 3", "[cases]"])
def test_a_manifest_without_cases_is_refused(tmp_path, text):
    (tmp_path / "m.toml").write_text(text)
    with pytest.raises(InputError, match=r"needs a table \[cases.NAME\]"):
        read_manifest(tmp_path / "m.toml")


def test_a_missing_manifest_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.toml: cannot be read"):
        read_manifest(tmp_path / "none.toml")


def test_the_root_may_be_a_variable(data, tmp_path, monkeypatch):
    moved = tmp_path / "elsewhere" / "m.toml"
    moved.parent.mkdir()
    moved.write_text('root = "$SCANS"\n' + data.read_text())
    monkeypatch.delenv("SCANS", raising=False)
    with pytest.raises(InputError, match=re.escape("root is $SCANS; set that environment variable")):
        read_manifest(moved)
    monkeypatch.setenv("SCANS", str(tmp_path))
    assert read_manifest(moved).cases[0].file("ct") == tmp_path / "a_ct.nii.gz"


def test_test_cases_are_never_read(data, monkeypatch):
    read = []
    original = cases.read_image
    monkeypatch.setattr(cases, "read_image", lambda path: read.append(path.name) or original(path))
    manifest = read_manifest(data)
    config = TrainConfig(data.parent, DataConfig(), NETWORK, ScheduleConfig())
    train, validation = cases_of(config, manifest.split(0)[0], manifest.with_role("validation"))
    assert names(train) == ["b"] and names(validation) == ["v"]
    assert {name[0] for name in read} == {"b", "v"}


def test_a_case_without_labels_is_refused(data):
    data.with_name("b_semantic.nii.gz").unlink()
    with pytest.raises(InputError, match=r"b_semantic\.nii\.gz: not found"):
        read_manifest(data)


def test_ignored_parts_are_marked_on_the_grid_of_the_ct(data):
    shape = (20, 24, 24)
    ignore, levels = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    ignore[:3], levels[15:], levels[10:15] = 1, 18, 17
    for kind, array in (("ignore", ignore), ("levels", levels)):
        image = sitk.GetImageFromArray(array)
        image.SetSpacing((10, 10, 10))
        sitk.WriteImage(image, str(data.with_name(f"a_{kind}.nii.gz")))
    data.write_text(data.read_text().replace("fold = 0", "fold = 0\nignore_levels = [18]"))
    labels = sitk.GetArrayFromImage(load_labels(read_manifest(data).cases[0]))
    assert (labels[:3] == IGNORED).all() and (labels[15:] == IGNORED).all()
    assert set(np.unique(labels[3:15])) == {0, 1, 3}


def test_an_ignore_mask_on_another_grid_is_refused(data):
    sitk.WriteImage(sitk.Image(5, 5, 5, sitk.sitkUInt8), str(data.with_name("a_ignore.nii.gz")))
    fault = r"a_ignore\.nii\.gz and .*a_semantic\.nii\.gz lie on different grids"
    with pytest.raises(InputError, match=fault):
        load_labels(read_manifest(data).cases[0])
    moved = sitk.Cast(sitk.ReadImage(str(data.with_name("a_semantic.nii.gz"))), sitk.sitkUInt8)
    moved.SetOrigin((0, 0, 30))
    sitk.WriteImage(moved, str(data.with_name("a_ignore.nii.gz")))
    with pytest.raises(InputError, match=fault + ".*in different places"):
        load_labels(read_manifest(data).cases[0])


@pytest.mark.parametrize(("pixel", "value"), [("int16", -1), ("uint16", 256), ("uint8", 5), ("float32", 0.5)])
def test_labels_that_mean_nothing_are_refused(data, pixel, value):
    path = data.with_name("a_semantic.nii.gz")
    labels = sitk.ReadImage(str(path))
    array = sitk.GetArrayFromImage(labels).astype(pixel)
    array[0, 0, 0] = value
    strange = sitk.GetImageFromArray(array)
    strange.CopyInformation(labels)
    sitk.WriteImage(strange, str(path))
    with pytest.raises(
        InputError, match=rf"a_semantic\.nii\.gz: mask has values \[{value}\].*255 not scored"
    ) as caught:
        load_labels(read_manifest(data).cases[0])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("pixel", ["int8", "int16", "float32"])
def test_whole_numbers_of_any_type_are_labels(data, pixel):
    path = data.with_name("a_semantic.nii.gz")
    labels = sitk.ReadImage(str(path))
    other = sitk.GetImageFromArray(sitk.GetArrayFromImage(labels).astype(pixel))
    other.CopyInformation(labels)
    sitk.WriteImage(other, str(path))
    ignore = sitk.Cast(labels, sitk.sitkUInt8) == 3
    sitk.WriteImage(ignore, str(data.with_name("a_ignore.nii.gz")))
    array = sitk.GetArrayFromImage(load_labels(read_manifest(data).cases[0]))
    assert array.dtype == np.uint8 and set(np.unique(array)) == {0, 1, IGNORED}
