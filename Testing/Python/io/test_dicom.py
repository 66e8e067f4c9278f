"""DICOM series: found, chosen, ordered by position, rescaled slice by slice; what is wrong is named."""

import shutil
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.uid import RLELossless, generate_uid
from scipy.spatial.transform import Rotation

from VertebraFLTLib.errors import Cancelled, InputError
from VertebraFLTLib.io.images import read_image


def array(loaded) -> np.ndarray:
    return sitk.GetArrayFromImage(loaded.image)


def refused(path, **options) -> str:
    with pytest.raises(InputError) as caught:
        read_image(path, **options)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_slices_come_in_order_of_position_not_of_name_or_number(tmp_path, write_series):
    expected = write_series(tmp_path / "CT" / "deep" / "deeper")
    loaded = read_image(tmp_path, modality="CT")
    assert loaded.image.GetPixelID() == sitk.sitkInt16
    assert np.array_equal(array(loaded), expected)
    assert loaded.image.GetSpacing() == (4.0, 2.0, 3.0)
    assert loaded.image.GetOrigin() == (-20.0, -30.0, 0.0)
    assert loaded.source.kind == "dicom" and loaded.source.files == 5 and loaded.source.modality == "CT"
    assert loaded.warnings == ()


def test_the_hash_does_not_depend_on_file_names(tmp_path, write_series):
    write_series(tmp_path / "a")
    (tmp_path / "b").mkdir()
    for number, path in enumerate(sorted((tmp_path / "a").iterdir(), reverse=True)):
        shutil.copy(path, tmp_path / "b" / f"IM{number}")
    first, second = (read_image(tmp_path / name, modality="CT") for name in "ab")
    assert first.source.sha256 == second.source.sha256


@pytest.mark.parametrize("slopes", [[1, 0.5, 2.25, 3, 0.125], [0.1, 0.2, 0.3, 0.4, 0.5]])
def test_pet_slope_is_each_slices_own(tmp_path, write_series, read_headers, slopes):
    """The first slope being whole must not make the others whole (as ITK's default output type would)."""
    expected = write_series(tmp_path, "PT", slopes=slopes, intercept=0.0)
    values = array(read_image(tmp_path, modality="PT"))
    assert values.dtype == np.float32
    assert values == pytest.approx(expected, rel=1e-6)
    by_pydicom = [
        one.pixel_array * float(one.RescaleSlope) + float(one.RescaleIntercept) for one in read_headers(tmp_path)
    ]
    assert values == pytest.approx(np.array(by_pydicom), rel=1e-6)


def test_ct_of_16_unsigned_bits_does_not_overflow(tmp_path, write_series):
    stored = np.random.default_rng(0).integers(0, 4000, (5, 8, 10))
    expected = write_series(tmp_path, stored=stored, BitsStored=16, HighBit=15)
    assert np.array_equal(array(read_image(tmp_path, modality="CT")), expected)


def test_padding_below_air_becomes_air(tmp_path, write_series):
    write_series(tmp_path, intercept=-3024.0)
    values = array(read_image(tmp_path, modality="CT"))
    assert values.min() == -1024


@pytest.mark.parametrize("row", ["feet first", "sagittal", "oblique"])
def test_any_orientation_keeps_voxels_where_they_are(tmp_path, write_series, row):
    orientation = {
        "feet first": (-1, 0, 0, 0, 1, 0),
        "sagittal": (0, 1, 0, 0, 0, -1),
        "oblique": tuple(Rotation.from_euler("xyz", [12, 8, -5], degrees=True).as_matrix()[:, :2].T.ravel()),
    }[row]
    expected = write_series(tmp_path, orientation=orientation, corner=(5.0, 6.0, 7.0))
    image = read_image(tmp_path, modality="CT").image
    across, down = np.array(orientation[:3], float), np.array(orientation[3:], float)
    normal = np.cross(across, down)
    for k, j, i in [(0, 0, 0), (4, 7, 9), (2, 3, 5)]:
        place = np.array([5.0, 6.0, 7.0]) + i * 4 * across + j * 2 * down + k * 3 * normal
        index = image.TransformPhysicalPointToIndex(place.tolist())
        assert image[index] == expected[k, j, i]
        assert image.TransformIndexToPhysicalPoint(index) == pytest.approx(place, abs=1e-4)


def test_compressed_pixels_are_read(tmp_path, write_series):
    expected = write_series(tmp_path)
    for path in tmp_path.iterdir():
        one = pydicom.dcmread(path)
        one.compress(RLELossless)
        one.save_as(path)
    assert np.array_equal(array(read_image(tmp_path, modality="CT")), expected)


def test_files_without_preamble_are_read(tmp_path, write_series):
    expected = write_series(tmp_path)
    for path in tmp_path.iterdir():
        one = pydicom.dcmread(path)
        del one.file_meta
        one.preamble = None
        pydicom.dcmwrite(path, one, implicit_vr=True, little_endian=True, enforce_file_format=False)
    assert np.array_equal(array(read_image(tmp_path, modality="CT")), expected)


def test_modality_chooses_between_ct_and_pet(tmp_path, write_series):
    write_series(tmp_path / "a", "CT")
    write_series(tmp_path / "b", "PT")
    assert read_image(tmp_path, modality="CT").source.modality == "CT"
    assert read_image(tmp_path, modality="PT").source.header["Units"] == "BQML"


def test_localisers_captures_and_projections_are_passed_over(tmp_path, write_series):
    write_series(tmp_path / "ct")
    write_series(tmp_path / "scout", ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"], SeriesNumber=1)
    write_series(tmp_path / "mip", SeriesDescription="MIP Range", SeriesNumber=9)
    write_series(tmp_path / "report", SOPClassUID="1.2.840.10008.5.1.4.1.1.7", SeriesNumber=99)
    (tmp_path / "DICOMDIR").write_bytes(b"index")
    assert read_image(tmp_path, modality="CT").source.header["SeriesNumber"] == 2


def test_a_localiser_within_the_series_is_passed_over(tmp_path, write_series):
    write_series(tmp_path / "ct", series_uid="1.9.9")
    write_series(tmp_path / "lo", series_uid="1.9.9", orientation=(0, 1, 0, 0, 0, -1), positions=[0.0])
    assert read_image(tmp_path, modality="CT").source.files == 5


def test_a_much_smaller_series_is_passed_over(tmp_path, write_series):
    write_series(tmp_path / "whole", positions=np.arange(12) * 3.0)
    write_series(tmp_path / "part", SeriesNumber=7)
    assert read_image(tmp_path, modality="CT").source.files == 12


def test_two_series_that_could_be_meant_are_listed(tmp_path, write_series):
    write_series(tmp_path / "a", series_uid="1.2.3.111111", SeriesDescription="soft tissue")
    write_series(tmp_path / "b", series_uid="1.2.3.222222", SeriesDescription="bone", SeriesNumber=5)
    message = refused(tmp_path, modality="CT")
    for part in ("2 CT series", "'soft tissue'", "'bone'", "5 slices", "1.2.3.222222"[-12:], "--series", str(tmp_path)):
        assert part in message
    for series in ("5", "1.2.3.222222", "222222"):
        assert read_image(tmp_path, modality="CT", series=series).source.series_uid == "1.2.3.222222"


def test_a_series_that_is_not_there_or_not_of_the_modality(tmp_path, write_series):
    write_series(tmp_path / "a", "CT")
    write_series(tmp_path / "b", "PT")
    assert "--series" in refused(tmp_path, modality="CT", series="77")
    assert "not CT" in refused(tmp_path, modality="CT", series="3")
    assert "no PT series" in refused(tmp_path / "a", modality="PT")


def test_the_attenuation_corrected_pet_is_preferred(tmp_path, write_series):
    write_series(tmp_path / "nac", "PT", CorrectedImage=["DECY"], SeriesNumber=4)
    write_series(tmp_path / "ac", "PT", SeriesNumber=5)
    loaded = read_image(tmp_path, modality="PT")
    assert loaded.source.header["SeriesNumber"] == 5
    assert "attenuation-corrected" in loaded.warnings[0]


def test_a_missing_slice_is_named(tmp_path, write_series):
    write_series(tmp_path, positions=[0, 3, 6, 12, 15, 18], corner=(0, 0, -135.0))
    message = refused(tmp_path, modality="CT")
    assert "slice missing between z=-129.0 and z=-123.0 mm" in message and str(tmp_path) in message


def test_several_missing_slices_are_counted(tmp_path, write_series):
    write_series(tmp_path, positions=[0, 3, 6, 15, 18, 21, 27, 30])
    assert "3 slices missing" in refused(tmp_path, modality="CT")


def test_uneven_spacing_is_named(tmp_path, write_series):
    write_series(tmp_path, positions=[0, 3, 6, 9, 12.9, 15.9, 18.9])
    assert "unevenly spaced" in refused(tmp_path, modality="CT")


def test_two_spacings_in_one_series_are_uneven(tmp_path, write_series):
    positions = np.concatenate([np.arange(20) * 3.0, 57 + np.arange(1, 20) * 3.2])
    write_series(tmp_path, positions=positions)
    assert "unevenly spaced" in refused(tmp_path, modality="CT")


def test_positions_rounded_by_the_scanner_are_even(tmp_path, write_series):
    write_series(tmp_path, "PT", positions=np.round(np.arange(40) * 3.27, 1))
    loaded = read_image(tmp_path, modality="PT")
    assert loaded.image.GetSpacing()[2] == pytest.approx(3.27, abs=2e-3)


def test_doubled_positions_are_named(tmp_path, write_series):
    write_series(tmp_path, positions=[0, 3, 6, 6, 9, 12])
    assert "two slices at the same position z=6.0" in refused(tmp_path, modality="CT")


def test_copies_of_a_file_do_no_harm(tmp_path, write_series):
    write_series(tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "copy")
    loaded = read_image(tmp_path, modality="CT")
    assert loaded.source.files == 5 and "5 files are copies" in loaded.warnings[0]


def test_slices_that_all_bear_one_uid_are_still_slices(tmp_path, write_series):
    """Some de-identifiers give every file the same SOP Instance UID."""
    expected = write_series(tmp_path, SOPInstanceUID="1.2.3.4.5")
    assert np.array_equal(array(read_image(tmp_path, modality="CT")), expected)


def test_a_dynamic_series_is_named_as_such(tmp_path, write_series):
    for minute in range(3):
        write_series(tmp_path / str(minute), "PT", series_uid="1.5", AcquisitionTime=f"10{minute:02d}00")
    assert "dynamic or gated" in refused(tmp_path, modality="PT")


def test_a_tilted_gantry_is_named(tmp_path, write_series):
    write_series(tmp_path, shift_per_mm=0.3)
    assert "tilted gantry" in refused(tmp_path, modality="CT")


def test_slices_without_a_position_are_refused_by_the_tag(tmp_path, write_series):
    def without(index, one):
        del one.ImagePositionPatient

    write_series(tmp_path, change=without)
    assert "Image Position (Patient) (0020,0032)" in refused(tmp_path, modality="CT")


def test_several_patients_in_one_series_are_refused(tmp_path, write_series):
    def rename(index, one):
        one.PatientID = f"p{index}"

    write_series(tmp_path, change=rename)
    assert "several patients" in refused(tmp_path, modality="CT")


def test_multi_frame_files_are_refused_clearly(tmp_path, write_series):
    write_series(tmp_path, positions=[0.0], SOPClassUID="1.2.840.10008.5.1.4.1.1.2.1", NumberOfFrames=60)
    assert "multi-frame" in refused(tmp_path, modality="CT")


def test_one_slice_alone_is_refused(tmp_path, write_series):
    write_series(tmp_path, positions=[0.0], names=["one.dcm"])
    assert "several slices" in refused(tmp_path, modality="CT")
    assert "single DICOM file" in refused(tmp_path / "one.dcm", modality="CT")


def test_damaged_pixels_are_refused(tmp_path, write_series, capfd):
    write_series(tmp_path)
    path = next(iter(tmp_path.iterdir()))
    path.write_bytes(path.read_bytes()[:-60])
    assert "cannot be read" in refused(tmp_path, modality="CT")
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("seed", range(12))
def test_damaged_headers_never_end_in_a_traceback(tmp_path, write_series, seed):
    write_series(tmp_path, "PT")
    random = np.random.default_rng(seed)
    path = sorted(tmp_path.iterdir())[seed % 5]
    data = bytearray(path.read_bytes())
    for place in random.integers(140, len(data), 25):
        data[place] = random.integers(256)
    path.write_bytes(data)
    try:
        loaded = read_image(tmp_path, modality="PT")
        assert len(array(loaded)) >= 3
    except InputError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize(("content", "words"), [({}, "empty"), ({"notes.txt": b"no image"}, "notes.txt")])
def test_a_folder_without_dicom_is_refused(tmp_path, content, words):
    for name, data in content.items():
        (tmp_path / name).write_bytes(data)
    message = refused(tmp_path, modality="CT")
    assert "no DICOM images" in message and words in message


def test_reading_can_be_cancelled(tmp_path, write_series):
    write_series(tmp_path)

    def stop(stage: str, fraction: float) -> None:
        if fraction >= 0.5:
            raise Cancelled

    with pytest.raises(Cancelled):
        read_image(tmp_path, modality="CT", progress=stop)


def test_header_values_that_differ_between_slices_are_listed(tmp_path, write_series):
    def heavier(index, one):
        one.PatientWeight = 70.0 + index

    write_series(tmp_path, "PT", change=heavier)
    assert read_image(tmp_path, modality="PT").source.header["Inconsistent"] == ["PatientWeight"]


def test_the_header_names_nobody(tmp_path, write_series):
    write_series(tmp_path, "PT", PatientName="Doe^Jane", PatientID="MRN-4711", series_uid=generate_uid())
    header = str(read_image(tmp_path, modality="PT").source.header)
    assert "Doe" not in header and "4711" not in header


def test_real_ct_and_pet_agree_with_pydicom(shared: Path, tmp_path, read_headers):
    import zipfile

    for name, modality in (("CT", "CT"), ("PET", "PT")):
        path = shared / "petct" / "acrin_nsclc042" / f"{name}.zip"
        loaded = read_image(path, modality=modality)
        assert loaded.image.GetSize()[2] == 135 and loaded.source.files == 135
        zipfile.ZipFile(path).extractall(tmp_path / name)
        values = array(loaded)
        for k, one in list(enumerate(read_headers(tmp_path / name)))[::17]:
            expected = one.pixel_array * float(one.RescaleSlope) + float(one.RescaleIntercept)
            if modality == "CT":
                expected = np.maximum(expected, -1024)
            assert np.allclose(values[k], expected, rtol=1e-6)
            assert loaded.image.TransformIndexToPhysicalPoint((0, 0, k)) == pytest.approx(
                [float(value) for value in one.ImagePositionPatient], abs=0.05
            )
