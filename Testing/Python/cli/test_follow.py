"""`follow` and `timeline` as a user calls them, on a simulated patient who lies differently on another day."""

from __future__ import annotations

import csv
import json
import shutil

import pytest

from VertebraFLTLib.follow_up import refuse_other_patient
from VertebraFLTLib.io.images import ImageSource, LoadedImage
from VertebraFLTLib.phantom import Pose, write_phantom

FILES = {"--ct": "ct.nii.gz", "--pet": "pet_suv.nii.gz", "--mask": "truth_semantic.nii.gz"}


def table(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def day_7(tmp_path_factory, days):
    """The patient of ``finished`` on day 7, turned and bent, as files."""
    folder = tmp_path_factory.mktemp("day7") / "p"
    write_phantom(days[7], folder)
    return days[7], [text for option, name in FILES.items() for text in (option, str(folder / name))]


@pytest.fixture(scope="module")
def followed(tmp_path_factory, finished, day_7):
    from VertebraFLTLib.cli.main import main

    out = tmp_path_factory.mktemp("followed") / "out"
    arguments = ["follow", "--reference", finished, *day_7[1], "--label", "day 7", "--no-scene", "--out", out]
    assert main([str(a) for a in arguments]) == 0
    return out


def test_a_normal_run_folder_with_the_carried_boundaries(followed, finished, day_7):
    assert {p.name for p in followed.iterdir()} == {p.name for p in finished.iterdir()}
    assert (followed / "figures" / "registration.png").stat().st_size > 50_000
    found, lent = table(followed / "boundaries.csv"), table(finished / "boundaries.csv")
    assert [(r["below"], r["above"]) for r in found] == [(r["below"], r["above"]) for r in lent]
    assert {r["source"] for r in found} == {"carried"}
    true_z = {(b.below, b.above): b.z_mm for b in day_7[0].boundaries}
    assert max(abs(float(r["z_mm"]) - true_z[r["below"], r["above"]]) for r in found) < 2.0
    assert all(float(a["confidence"]) <= float(b["confidence"]) for a, b in zip(found, lent, strict=True))


def test_record_and_report_say_where_they_came_from(followed, finished):
    case, before = (json.loads((folder / "case.json").read_text()) for folder in (followed, finished))
    assert before["carried"] is None
    assert case["carried"]["label"] == "day 7" and case["carried"]["reference"] == str(finished)
    assert case["carried"]["reference_ct_sha256"] == before["inputs"]["ct"]["sha256"]
    assert case["carried"]["registration"]["rigid_dice"] > 0.8
    assert case["options"]["detector"] == "carried"
    page = (followed / "report.html").read_text()
    assert f"Carried from the run {finished}" in page and "day 7" in page


def test_the_timeline_of_both_days(call, followed, finished, tmp_path):
    done = call("timeline", followed, finished, "--days", "7,28", "--out", tmp_path / "t")
    assert done.status == 0 and "warning" not in done.err
    assert {p.name for p in (tmp_path / "t").iterdir()} == {"timeline.csv", "timeline.png", "timeline.html"}
    rows = table(tmp_path / "t" / "timeline.csv")
    l3 = {r["day"]: r for r in rows if r["roi"] == "L3"}
    for day, folder in (("7", followed), ("28", finished)):
        wanted = next(r for r in table(folder / "suv.csv") if r["roi"] == "L3")
        assert float(l3[day]["suv_mean"]) == pytest.approx(float(wanted["suv_mean"]), rel=1e-5)
    assert call("timeline", followed, finished, "--days", "7,28", "--out", tmp_path / "t").status == 0  # over its own


def test_days_before_the_transplant_are_numbers_not_options(call, followed, finished, tmp_path):
    assert call("timeline", followed, finished, "--days", "-1,28", "--out", tmp_path / "t").status == 0
    assert {r["day"] for r in table(tmp_path / "t" / "timeline.csv")} == {"-1", "28"}


@pytest.mark.parametrize(
    ("days", "words"), [("7", "1 days for 2 runs"), ("7,x", "not a number"), ("7,nan", "must be numbers")]
)
def test_wrong_days_are_refused(call, tmp_path, days, words):
    refused = call("timeline", tmp_path / "a", tmp_path / "b", "--days", days, "--out", tmp_path / "t")
    assert refused.status == 2 and words in refused.fault and not (tmp_path / "t").exists()


def test_what_cannot_be_a_reference_is_refused(call, followed, finished, day_7, tmp_path):
    def follow(reference, out):
        return call("follow", "--reference", reference, *day_7[1], "--out", out, "--no-scene")

    assert "no such file" in follow(tmp_path, tmp_path / "o").fault
    assert "is the reference itself" in follow(finished, finished).fault
    assert "carried from" in follow(followed, tmp_path / "o").fault
    edited = tmp_path / "edited"
    shutil.copytree(finished, edited)
    (edited / "boundaries.csv").write_text((edited / "boundaries.csv").read_text().replace("span-prior", "user"))
    refused = follow(edited, tmp_path / "o")
    assert refused.status == 2 and f"vertebraflt rebuild {edited}" in refused.fault
    assert not (tmp_path / "o").exists()


def test_another_patient_by_dicom_is_refused():
    def image(path, **header):
        return LoadedImage(None, None, ImageSource(path, "dicom", 1, "0", header=header))

    reference, same, other = (image(p, PatientKey=k) for p, k in (("r", "a"), ("ct", "a"), ("pet", "b")))
    refuse_other_patient(reference, same, image("file.nii"))
    with pytest.raises(Exception, match=r"pet is of another patient than the reference \(r\)"):
        refuse_other_patient(reference, same, other)


def test_the_phantoms_pose_is_given_by_numbers(call, tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr("VertebraFLTLib.phantom.make_phantom", lambda **arguments: made.append(arguments))
    monkeypatch.setattr("VertebraFLTLib.phantom.write_phantom", lambda case, out: None)
    pose = ("--shift", "-5,0,10", "--turn", "-2,1,3", "--kyphosis", "-4", "--scoliosis", "2")
    assert call("phantom", "--out", tmp_path / "p", "--day", "-1", *pose).status == 0
    assert call("phantom", "--out", tmp_path / "p", "--pose", "3").status == 0
    assert [one["options"].pose for one in made] == [
        Pose((-5.0, 0.0, 10.0), (-2.0, 1.0, 3.0), -4.0, 2.0),
        Pose.of_another_day(3),
    ]
    assert "stands alone" in call("phantom", "--out", tmp_path / "p", "--pose", "1", "--kyphosis", "3").fault
    assert "three numbers" in call("phantom", "--out", tmp_path / "p", "--turn", "1,2").fault
