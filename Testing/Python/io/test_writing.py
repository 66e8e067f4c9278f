"""Results appear whole or not at all, and nobody's files are lost."""

import os

import numpy as np
import pytest
import SimpleITK as sitk

from VertebraFLTLib.errors import Cancelled, InputError
from VertebraFLTLib.io.writing import StagedFolder, check_can_write, sha256_of, write_image, write_text


def names(folder) -> set[str]:
    return {entry.name for entry in folder.iterdir()}


@pytest.mark.parametrize("suffix", [".nii.gz", ".nii", ".nrrd", ".mha"])
def test_an_image_comes_back_as_it_was(tmp_path, suffix):
    image = sitk.GetImageFromArray(np.arange(60, dtype=np.uint8).reshape(3, 4, 5))
    image.SetSpacing((1.5, 2, 3))
    image.SetDirection((-1, 0, 0, 0, -1, 0, 0, 0, 1))
    path = tmp_path / "new folder" / f"mask{suffix}"
    write_image(image, path)
    back = sitk.ReadImage(str(path))
    assert np.array_equal(sitk.GetArrayFromImage(back), sitk.GetArrayFromImage(image))
    assert back.GetDirection() == image.GetDirection() and back.GetSpacing() == image.GetSpacing()
    assert names(path.parent) == {path.name}


def test_files_have_the_users_permissions(tmp_path):
    (tmp_path / "plain").write_text("")
    write_text(tmp_path / "ours", "")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_an_image_name_without_a_known_suffix(tmp_path):
    with pytest.raises(InputError, match="nii.gz"):
        write_image(sitk.Image((3, 3, 3), sitk.sitkUInt8), tmp_path / "mask.png")


@pytest.mark.parametrize("write", [lambda p: write_text(p, "x"), lambda p: write_image(sitk.Image(3, 3, 3, 1), p)])
def test_a_file_that_cannot_be_written(tmp_path, write):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="cannot write"):
        write(tmp_path / "file" / "out.nii.gz")


def test_text_is_written_as_given(tmp_path):
    write_text(tmp_path / "a.csv", "z_mm\n1\n")
    assert (tmp_path / "a.csv").read_bytes() == b"z_mm\n1\n"


def test_hash_of_several_files(tmp_path):
    (tmp_path / "a").write_bytes(b"ab")
    (tmp_path / "b").write_bytes(b"c")
    assert sha256_of([tmp_path / "a", tmp_path / "b"]).startswith("ba7816bf8f01cfea")  # FIPS 180-2: "abc"


def test_a_new_folder_appears_with_its_parents(tmp_path):
    out = tmp_path / "a" / "b"
    with StagedFolder(out) as folder:
        (folder / "case.json").write_text("{}")
        assert not out.exists()
    assert names(out) == {"case.json"} and names(out.parent) == {"b"}


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, Cancelled, SystemExit])
def test_a_failure_leaves_nothing_behind(tmp_path, error):
    out = tmp_path / "a" / "b"
    with pytest.raises(error), StagedFolder(out) as folder:
        (folder / "half").write_text("written")
        raise error
    assert names(tmp_path) == set()


def test_a_failure_leaves_the_earlier_run_as_it_was(tmp_path):
    out = tmp_path / "out"
    with StagedFolder(out) as folder:
        (folder / "case.json").write_text("first")
    with pytest.raises(KeyboardInterrupt), StagedFolder(out) as folder:
        (folder / "case.json").write_text("second")
        raise KeyboardInterrupt
    assert (out / "case.json").read_text() == "first" and names(tmp_path) == {"out"}


def test_a_new_run_replaces_the_earlier_one_and_keeps_what_is_not_its_own(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    for name in ("case.json", "suv.csv", "my notes.txt"):
        (out / name).write_text("old")
    (out / "surfaces").mkdir()
    (out / "surfaces" / "old.vtp").write_text("old")
    with StagedFolder(out) as folder:
        (folder / "case.json").write_text("new")
    assert names(out) == {"case.json", "my notes.txt"}
    assert (out / "case.json").read_text() == "new" and names(tmp_path) == {"out"}


@pytest.mark.parametrize("fails", [False, True])
def test_a_folder_that_cannot_be_renamed_is_filled_in_place(tmp_path, monkeypatch, fails):
    """The working folder (``--out .``) or a mount point."""
    out = tmp_path / "out"
    out.mkdir()
    for name in ("case.json", "suv.csv", "my notes.txt"):
        (out / name).write_text("old")
    monkeypatch.chdir(out)
    number = out.stat().st_ino
    try:
        with StagedFolder(".") as folder:
            (folder / "case.json").write_text("new")
            if fails:
                raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass
    assert out.stat().st_ino == number and names(tmp_path) == {"out"}
    assert names(out) == {"case.json", "my notes.txt"} | ({"suv.csv"} if fails else set())
    assert (out / "case.json").read_text() == ("old" if fails else "new")


def test_an_empty_folder_is_taken(tmp_path):
    (tmp_path / "out").mkdir()
    with StagedFolder(tmp_path / "out") as folder:
        (folder / "case.json").write_text("{}")
    assert names(tmp_path / "out") == {"case.json"}


def test_a_folder_without_the_marker_is_the_users_whatever_its_files_are_called(tmp_path):
    (tmp_path / "paper" / "figures").mkdir(parents=True)
    (tmp_path / "paper" / "figures" / "fig1.tex").write_text("mine")
    with pytest.raises(InputError, match="figures"), StagedFolder(tmp_path / "paper"):
        pass
    assert (tmp_path / "paper" / "figures" / "fig1.tex").read_text() == "mine"


def test_asking_whether_a_file_can_be_written_makes_nothing(tmp_path):
    check_can_write(tmp_path / "a" / "b" / "mask.nii.gz", image=True)
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write"):
        check_can_write(tmp_path / "file" / "mask.nii.gz")


def test_a_foreign_folder_is_refused(tmp_path):
    (tmp_path / "thesis.docx").write_text("years of work")
    with pytest.raises(InputError, match=r"thesis\.docx"), StagedFolder(tmp_path):
        pass
    assert names(tmp_path) == {"thesis.docx"}


def test_a_file_in_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "out").write_text("file")
    with pytest.raises(InputError, match="must be a folder"), StagedFolder(tmp_path / "out"):
        pass
    with pytest.raises(InputError, match="cannot write"), StagedFolder(tmp_path / "out" / "below"):
        pass


def test_an_unwritable_place_is_refused(tmp_path, monkeypatch):
    def denied(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkdtemp", denied)
    with pytest.raises(InputError, match="Permission denied"), StagedFolder(tmp_path / "new" / "out"):
        pass
    assert names(tmp_path) == set()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_parent_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(InputError, match="cannot write"), StagedFolder(tmp_path / "out"):
            pass
    finally:
        tmp_path.chmod(0o700)
