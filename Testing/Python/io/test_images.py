"""Image files and zips: read with their geometry, and refused in one line where they are not what they should be."""

import gzip
import json
import stat
import struct
import zipfile

import numpy as np
import pytest
import SimpleITK as sitk

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.io import archive
from VertebraFLTLib.io.images import read_image

ALL_SUFFIXES = [".nii.gz", ".nii", ".nrrd", ".mha", ".mhd", ".nhdr"]


def ct_image(pixel=np.int16) -> sitk.Image:
    values = np.random.default_rng(3).integers(-1000, 1500, (6, 14, 12)).astype(pixel)
    image = sitk.GetImageFromArray(values)
    image.SetSpacing((2.0, 2.5, 5.0))
    image.SetOrigin((-12.0, 30.0, -400.0))
    image.SetDirection((0, -1, 0, 1, 0, 0, 0, 0, -1))
    return image


def refused(path, **options) -> str:
    with pytest.raises(InputError) as caught:
        read_image(path, **options)
    message = str(caught.value)
    assert "\n" not in message and str(path) in message
    return message


@pytest.mark.parametrize("suffix", ALL_SUFFIXES)
def test_every_format_is_read_with_its_geometry(tmp_path, suffix):
    image, path = ct_image(), tmp_path / f"ct{suffix}"
    sitk.WriteImage(image, str(path))
    loaded = read_image(path, modality="CT")
    assert loaded.image.GetPixelID() == sitk.sitkInt16
    assert loaded.original.size == image.GetSize()
    assert loaded.original.direction == pytest.approx(image.GetDirection(), abs=1e-6)
    for index in [(0, 0, 0), (11, 13, 5), (3, 7, 2)]:
        place = image.TransformIndexToPhysicalPoint(index)
        assert loaded.image[loaded.image.TransformPhysicalPointToIndex(place)] == image[index]
    assert loaded.source.kind == "file" and loaded.source.files == (2 if suffix in (".mhd", ".nhdr") else 1)
    assert len(loaded.source.sha256) == 64


@pytest.mark.parametrize(
    ("pixel", "kept"),
    [
        (np.int32, sitk.sitkInt16),
        (np.float32, sitk.sitkInt16),
        (np.float64, sitk.sitkInt16),
        (np.int16, sitk.sitkInt16),
    ],
)
def test_ct_of_whole_numbers_becomes_int16(tmp_path, pixel, kept):
    sitk.WriteImage(ct_image(pixel), str(tmp_path / "ct.nrrd"))
    loaded = read_image(tmp_path / "ct.nrrd", modality="CT")
    assert loaded.image.GetPixelID() == kept
    assert np.array_equal(
        np.sort(sitk.GetArrayFromImage(loaded.image), None), np.sort(sitk.GetArrayFromImage(ct_image()), None)
    )


def test_ct_with_fractions_stays_float(tmp_path):
    sitk.WriteImage(ct_image(np.float32) + 0.25, str(tmp_path / "ct.nrrd"))
    assert read_image(tmp_path / "ct.nrrd", modality="CT").image.GetPixelID() == sitk.sitkFloat32


def test_nifti_scaling_is_applied(tmp_path):
    sitk.WriteImage(ct_image(), str(tmp_path / "a.nii"))
    data = bytearray((tmp_path / "a.nii").read_bytes())
    struct.pack_into("<2f", data, 112, 0.5, -20.0)
    (tmp_path / "a.nii").write_bytes(data)
    values = sitk.GetArrayFromImage(read_image(tmp_path / "a.nii", modality="CT").image)
    assert np.sort(values, None) == pytest.approx(np.sort(sitk.GetArrayFromImage(ct_image()) * 0.5 - 20, None))


def test_a_mask_is_read_as_stored(tmp_path):
    mask = sitk.Image((8, 9, 10), sitk.sitkUInt8)
    sitk.WriteImage(mask, str(tmp_path / "mask.nii.gz"))
    assert read_image(tmp_path / "mask.nii.gz").image.GetPixelID() == sitk.sitkUInt8


def test_four_dimensions_with_one_frame_are_three(tmp_path):
    sitk.WriteImage(sitk.JoinSeries([ct_image()]), str(tmp_path / "one.nrrd"))
    assert read_image(tmp_path / "one.nrrd", modality="CT").image.GetDimension() == 3


def test_missing_voxels_of_a_pet_are_empty_with_a_warning(tmp_path):
    values = np.ones((5, 10, 10), np.float32)
    values[0, :5] = np.nan
    sitk.WriteImage(sitk.GetImageFromArray(values), str(tmp_path / "pet.nrrd"))
    loaded = read_image(tmp_path / "pet.nrrd", modality="PT")
    assert sitk.GetArrayFromImage(loaded.image).min() == 0
    assert "50 voxels (10.0 %) are NaN" in loaded.warnings[0]


def test_missing_path(tmp_path):
    assert "does not exist" in refused(tmp_path / "nowhere.nii.gz", modality="CT")


@pytest.mark.parametrize("suffix", ALL_SUFFIXES)
def test_text_by_an_images_name(tmp_path, suffix, capfd):
    path = tmp_path / f"text{suffix}"
    path.write_text("these are not voxels\n" * 100)
    assert "cannot be read as" in refused(path, modality="CT")
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("suffix", [".nii.gz", ".nii", ".nrrd", ".mha"])
def test_a_truncated_file_is_refused_in_silence(tmp_path, suffix, capfd):
    whole, half = tmp_path / f"whole{suffix}", tmp_path / f"half{suffix}"
    sitk.WriteImage(ct_image(), str(whole))
    half.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    message = refused(half, modality="CT")
    assert "damaged" in message or "incomplete" in message
    assert capfd.readouterr().err == ""


def test_a_header_without_its_voxels(tmp_path, capfd):
    sitk.WriteImage(ct_image(), str(tmp_path / "ct.mhd"))
    (tmp_path / "ct.raw").unlink()
    assert "cannot be read" in refused(tmp_path / "ct.mhd", modality="CT")
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: ct_image()[:, :, 0], "2-D image"),
        (lambda: ct_image()[:, :, 0:1], "single slice"),
        (lambda: sitk.JoinSeries([ct_image(), ct_image()]), "4-D image"),
        (lambda: sitk.Compose([ct_image()] * 3), "colour"),
        (lambda: sitk.RealAndImaginaryToComplex(*[ct_image(np.float32)] * 2), "complex"),
        (lambda: sitk.Cast(ct_image() * 0, sitk.sitkFloat32), "not in Hounsfield units"),
    ],
)
def test_images_of_another_kind(tmp_path, make, words):
    path = tmp_path / "image.nrrd"
    sitk.WriteImage(make(), str(path))
    assert words in refused(path, modality="CT")


def test_a_pet_that_is_zero_or_not_a_number(tmp_path):
    for name, fill in (("zero", 0.0), ("nan", np.nan)):
        path = tmp_path / f"{name}.nii.gz"
        sitk.WriteImage(sitk.GetImageFromArray(np.full((5, 9, 9), fill, np.float32)), str(path))
        refused(path, modality="PT")


def test_a_header_that_claims_many_dimensions(tmp_path):
    sitk.WriteImage(ct_image(), str(tmp_path / "ct.mha"))
    data = (tmp_path / "ct.mha").read_bytes().replace(b"NDims = 3", b"NDims = 73")
    (tmp_path / "ct.mha").write_bytes(data)
    assert "NDims" in refused(tmp_path / "ct.mha", modality="CT")


def test_sheared_axes(tmp_path):
    sitk.WriteImage(ct_image(), str(tmp_path / "a.nii"))
    data = bytearray((tmp_path / "a.nii").read_bytes())
    struct.pack_into("<2h", data, 252, 0, 1)
    struct.pack_into("<12f", data, 280, 1, 0, 0.4, 0, 0, 1, 0, 0, 0, 0, 1, 0)
    (tmp_path / "a.nii").write_bytes(data)
    assert "sheared" in refused(tmp_path / "a.nii", modality="CT")


def test_an_image_that_does_not_say_its_orientation(tmp_path):
    sitk.WriteImage(ct_image(), str(tmp_path / "a.nii"))
    data = bytearray((tmp_path / "a.nii").read_bytes())
    struct.pack_into("<2h", data, 252, 0, 0)
    (tmp_path / "a.nii").write_bytes(data)
    assert "oriented" in read_image(tmp_path / "a.nii", modality="CT").warnings[0]


def test_other_files(tmp_path):
    (tmp_path / "image.jpg").write_bytes(b"\xff\xd8\xff\xe0" + b"0" * 200)
    assert "not an image that is read here" in refused(tmp_path / "image.jpg", modality="CT")
    sitk.WriteImage(ct_image(), str(tmp_path / "ct.nii"))
    assert "--series" in refused(tmp_path / "ct.nii", modality="CT", series="2")


def test_a_broken_sidecar_is_told(tmp_path):
    sitk.WriteImage(ct_image(), str(tmp_path / "ct.nii.gz"))
    (tmp_path / "ct.json").write_text("{")
    assert "not valid JSON" in read_image(tmp_path / "ct.nii.gz", modality="CT").warnings[0]
    (tmp_path / "ct.json").write_text(json.dumps({"Units": "HU"}))
    assert read_image(tmp_path / "ct.nii.gz", modality="CT").source.header["Sidecar"] == {"Units": "HU"}


def test_a_zip_of_nested_dicom_folders(tmp_path, write_series, zip_folder):
    expected = write_series(tmp_path / "in")
    path = zip_folder(tmp_path / "in", tmp_path / "study.zip", inside="a/b/c/")
    loaded = read_image(path, modality="CT")
    assert np.array_equal(sitk.GetArrayFromImage(loaded.image), expected)
    assert loaded.source.path == str(path) and loaded.source.kind == "dicom"
    assert loaded.source.sha256 == read_image(tmp_path / "in", modality="CT").source.sha256


def test_a_zip_of_one_image(tmp_path, zip_folder):
    (tmp_path / "in").mkdir()
    sitk.WriteImage(ct_image(), str(tmp_path / "in" / "ct.nii.gz"))
    path = zip_folder(tmp_path / "in", tmp_path / "one.zip", inside="folder/")
    loaded = read_image(path, modality="CT")
    assert loaded.source.kind == "file"
    assert loaded.source.sha256 == read_image(tmp_path / "in" / "ct.nii.gz", modality="CT").source.sha256


def test_a_zip_of_two_images_is_refused(tmp_path, zip_folder):
    (tmp_path / "in").mkdir()
    for name in ("a.nii.gz", "b.nii.gz"):
        sitk.WriteImage(ct_image(), str(tmp_path / "in" / name))
    assert "2 images" in refused(zip_folder(tmp_path / "in", tmp_path / "two.zip"), modality="CT")


@pytest.mark.parametrize(
    "name", ["../escaped.dcm", "/etc/escaped.dcm", "a/../../escaped.dcm", "..\\escaped.dcm", "C:\\escaped.dcm"]
)
def test_a_zip_that_reaches_outside_its_folder(tmp_path, name):
    path = tmp_path / "evil.zip"
    with zipfile.ZipFile(path, "w") as zipped:
        zipped.writestr(name, b"x" * 200)
    assert "outside its folder" in refused(path, modality="CT")
    assert not list(tmp_path.rglob("escaped*"))


def test_a_zip_with_a_symbolic_link(tmp_path):
    path, link = tmp_path / "link.zip", zipfile.ZipInfo("link.dcm")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "w") as zipped:
        zipped.writestr(link, "/etc/passwd")
    assert "outside its folder" in refused(path, modality="CT")


def test_a_zip_bomb(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "_RATIO_MATTERS_FROM", 1 << 20)
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("zeros.nii", bytes(8 << 20))
    assert "unpack to" in refused(path, modality="CT")


def test_a_zip_that_is_none_or_is_damaged(tmp_path, write_series, zip_folder):
    (tmp_path / "text.zip").write_text("not a zip")
    assert "not a sound zip" in refused(tmp_path / "text.zip", modality="CT")
    write_series(tmp_path / "in")
    path = zip_folder(tmp_path / "in", tmp_path / "ct.zip")
    data = bytearray(path.read_bytes())
    (tmp_path / "cut.zip").write_bytes(data[: len(data) // 2])
    assert "not a sound zip" in refused(tmp_path / "cut.zip", modality="CT")
    data[400:430] = bytes(30)
    path.write_bytes(data)
    assert "not a sound zip" in refused(path, modality="CT")


def test_an_empty_zip(tmp_path):
    zipfile.ZipFile(tmp_path / "empty.zip", "w").close()
    assert "no DICOM images (it is empty)" in refused(tmp_path / "empty.zip", modality="CT")


def test_a_gzip_stream_with_a_wrong_check_sum(tmp_path):
    sitk.WriteImage(ct_image(), str(tmp_path / "a.nii"))
    packed = bytearray(gzip.compress((tmp_path / "a.nii").read_bytes()))
    packed[-8:-4] = b"\1\2\3\4"
    (tmp_path / "a.nii.gz").write_bytes(packed)
    assert "damaged" in refused(tmp_path / "a.nii.gz", modality="CT")
