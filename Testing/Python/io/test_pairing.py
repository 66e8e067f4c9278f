"""A CT and a PET that do not belong together are told apart."""

from VertebraFLTLib.io.images import read_image
from VertebraFLTLib.io.pairing import check_pair


def pair(tmp_path, write_series, **of_pet):
    write_series(tmp_path / "ct", "CT")
    write_series(tmp_path / "pet", "PT", **of_pet)
    return read_image(tmp_path / "ct", modality="CT"), read_image(tmp_path / "pet", modality="PT")


def test_one_examination_gives_no_warning(tmp_path, write_series):
    assert check_pair(*pair(tmp_path, write_series)) == []


def test_another_patient_study_or_frame_is_warned_of(tmp_path, write_series):
    others = {"PatientID": "someone", "StudyInstanceUID": "1.9", "FrameOfReferenceUID": "1.8"}
    warnings = check_pair(*pair(tmp_path, write_series, **others))
    assert [word in text for word, text in zip(("patients", "studies", "frame"), warnings, strict=True)] == [True] * 3
