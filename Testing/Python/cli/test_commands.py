"""The commands on a simulated patient whose truth is known."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from hashlib import sha256

import numpy as np
import pytest
import SimpleITK as sitk

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.workflow import _review, refuse_to_lose_edits

RUN_FOLDER = {
    "case.json",
    "semantic.nii.gz",
    "vertebrae.nii.gz",
    "profile.csv",
    "boundaries.csv",
    "suv.csv",
    "surfaces",
    "figures",
    "report.html",
}


def table(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_the_folder_holds_what_is_promised(finished):
    assert {p.name for p in finished.iterdir()} == RUN_FOLDER
    assert {p.name for p in (finished / "figures").iterdir()} >= {"sagittal.png", "coronal.png", "profile.png"}
    assert any((finished / "surfaces").glob("vertebral_column_p50.vtp"))


def test_the_tables_have_the_promised_columns(finished):
    assert list(table(finished / "profile.csv")[0]) == ["pet_slice", "z_mm", "mean_suv", "voxels"]
    assert list(table(finished / "boundaries.csv")[0]) == [
        "index", "below", "above", "pet_slice", "z_mm", "depth_suv", "confidence", "source",
        "centre_x_mm", "centre_y_mm", "normal_x", "normal_y", "normal_z", "locked", "reviewed",
    ]  # fmt: skip
    rows = table(finished / "suv.csv")
    assert list(rows[0]) == [
        "roi", "label", "voxels", "volume_ml", "suv_sum", "suv_mean", "suv_sd", "suv_min", "suv_median", "suv_p85",
        "suv_p98", "suv_max", "suv_peak",
    ]  # fmt: skip
    assert [r["roi"] for r in rows][-5:] == ["vertebral_column", "pelvis", "hips", "sacrum", "sternum"]
    assert rows[0]["roi"] == "L5"


def test_boundaries_and_masks_are_near_the_truth(finished, patient):
    truth = {(b.below, b.above): b.z_mm for b in patient.boundaries}
    found = {(r["below"], r["above"]): float(r["z_mm"]) for r in table(finished / "boundaries.csv")}
    common = set(truth) & set(found)
    assert len(common) >= 17
    assert max(abs(truth[k] - found[k]) for k in common) <= 4.0  # one PET slice
    semantic = sitk.ReadImage(str(finished / "semantic.nii.gz"))
    assert semantic.GetSize() == patient.ct.GetSize()
    vertebrae = sitk.GetArrayFromImage(sitk.ReadImage(str(finished / "vertebrae.nii.gz")))
    true = sitk.GetArrayFromImage(patient.vertebrae)
    both = (vertebrae > 0) & (true > 0)
    assert (vertebrae == true)[both].mean() > 0.97


def test_the_record_explains_itself(finished, patient_folder):
    record = json.loads((finished / "case.json").read_text())
    assert record["suv"]["factor"] == 1.0
    assert record["inputs"]["ct"]["path"] == str(patient_folder / "ct.nii.gz")
    assert len(record["inputs"]["pet"]["sha256"]) == 64
    assert record["peak_memory_mb"] > 0 and record["timings_s"]["boundaries"] > 0


def test_nothing_is_left_of_a_run_that_is_interrupted(patient_folder, tmp_path):
    files = [str(patient_folder / n) for n in ("ct.nii.gz", "pet_suv.nii.gz", "truth_semantic.nii.gz")]
    command = [sys.executable, "-m", "VertebraFLTLib", "run", "--ct", files[0], "--pet", files[1], "--mask", files[2]]
    process = subprocess.Popen(
        [*command, "--out", str(tmp_path / "results" / "run")], stderr=subprocess.PIPE, text=True, env=os.environ
    )
    # Wait until a first stage is done, so that the work is under way.
    first = process.stderr.readline()
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 3, (first, err)
    assert "cancelled" in err and "Traceback" not in err
    assert not list(tmp_path.iterdir())


def test_rebuild_without_an_edit_changes_nothing(finished, call, tmp_path):
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(finished, copy)
    assert call("rebuild", copy, "--no-scene").status == 0
    refuse_to_lose_edits(copy)  # nothing was edited: it may still be replaced
    for name in ("boundaries.csv", "suv.csv", "profile.csv"):
        assert (copy / name).read_text() == (finished / name).read_text(), name
    before, after = (sitk.GetArrayFromImage(sitk.ReadImage(str(f / "vertebrae.nii.gz"))) for f in (finished, copy))
    assert np.array_equal(before, after)


def test_an_edited_boundary_moves_the_vertebrae_and_is_not_overwritten(finished, call, images, tmp_path):
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(finished, copy)
    rows = table(copy / "boundaries.csv")
    low = float(rows[2]["z_mm"])
    rows[2]["z_mm"] = str(low + 14.0)  # well into the body above
    with open(copy / "boundaries.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    refused = call("run", *images, "--out", copy, "--no-scene")
    assert refused.status == 2 and "rebuild" in refused.fault
    assert call("rebuild", copy, "--no-scene").status == 0
    volume = {
        name: {r["roi"]: float(r["volume_ml"]) for r in table(folder / "suv.csv")}
        for name, folder in (("before", finished), ("after", copy))
    }
    assert volume["after"]["L3"] > volume["before"]["L3"]
    assert volume["after"]["L2"] < volume["before"]["L2"]
    assert volume["after"]["T5"] == volume["before"]["T5"]
    again = call("run", *images, "--out", copy, "--no-scene")
    assert again.status == 2 and "corrected by hand" in again.fault


def test_rebuild_turns_the_planes_when_asked_but_for_locked_ones(finished, call, tmp_path):
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(finished, copy)
    rows = table(copy / "boundaries.csv")
    assert max(abs(float(r["normal_y"])) for r in rows) > 0.1  # oblique by default
    rows[1] |= {"locked": "1", "reviewed": "1"}
    with open(copy / "boundaries.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    assert call("rebuild", copy, "--no-scene", "--cuts", "axial").status == 0
    after = table(copy / "boundaries.csv")
    assert after[1] == rows[1]  # the locked one
    assert all(float(r["normal_z"]) == 1.0 for i, r in enumerate(after) if i != 1)
    before, turned = (sitk.GetArrayFromImage(sitk.ReadImage(str(f / "vertebrae.nii.gz"))) for f in (finished, copy))
    assert (before > 0).sum() > (turned > 0).sum()  # axial layers take wedges of bodies away


def test_a_run_may_be_repeated_where_nothing_was_edited(finished):
    refuse_to_lose_edits(finished)  # raises where it may not


def test_rebuild_of_a_folder_that_is_no_run(call, tmp_path):
    outcome = call("rebuild", tmp_path)
    assert outcome.status == 2 and "case.json" in outcome.fault


def test_rebuild_refuses_a_broken_table(finished, call, tmp_path):
    (tmp_path / "b.csv").write_text("index,below\n0,L5\n")
    outcome = call("rebuild", finished, "--boundaries", tmp_path / "b.csv")
    assert outcome.status == 2 and "b.csv" in outcome.fault


def test_boundaries_alone_are_those_of_the_run(finished, call, patient_folder, tmp_path):
    outcome = call(
        "boundaries",
        "--pet", patient_folder / "pet_suv.nii.gz",
        "--mask", finished / "semantic.nii.gz",
        "--out", tmp_path / "b",
    )  # fmt: skip
    assert outcome.status == 0
    assert (tmp_path / "b" / "boundaries.csv").read_text() == (finished / "boundaries.csv").read_text()


@pytest.mark.parametrize("detector", ["thesis", "kalman"])
def test_the_other_detectors_can_be_chosen(call, images, tmp_path, detector):
    assert call("boundaries", *images[2:], "--out", tmp_path / "b", "--detector", detector).status == 0
    assert {r["source"] for r in table(tmp_path / "b" / "boundaries.csv")} == {detector}


def test_the_lowest_level_can_be_given(call, images, tmp_path):
    assert call("boundaries", *images[2:], "--out", tmp_path / "b", "--lowest", "L4").status == 0
    assert table(tmp_path / "b" / "boundaries.csv")[0]["below"] == "L4"


def test_suv_tells_every_term(call, write_series, tmp_path):
    write_series(tmp_path / "pet", "PT")
    outcome = call("suv", "--pet", tmp_path / "pet", "--json")
    record = json.loads(outcome.out)
    terms = {t["name"]: t["value"] for t in record["terms"]}
    # 70 kg, 370 MBq at 09:00, scan at 10:00, half-life 6586.2 s.
    expected = 70e3 / (370e6 * 2 ** (-3600 / 6586.2))
    assert record["factor"] == pytest.approx(expected, rel=1e-9)
    assert terms["weight"] == 70.0 and terms["decay_time"] == 3600.0
    words = call("suv", "--pet", tmp_path / "pet").out
    assert "(0018,1074)" in words


def test_evaluate_finds_a_mask_equal_to_itself(call, patient_folder):
    truth = patient_folder / "truth_semantic.nii.gz"
    rows = json.loads(call("evaluate", "--truth", truth, "--pred", truth, "--json").out)
    assert [r["label"] for r in rows] == [1, 2, 3, 4] and all(r["dice"] == 1.0 for r in rows)


def test_segment_writes_the_mask_given(call, patient_folder, tmp_path):
    out = tmp_path / "mask.nii.gz"
    truth = patient_folder / "truth_semantic.nii.gz"
    outcome = call("segment", "--ct", patient_folder / "ct.nii.gz", "--mask", truth, "--out", out)
    assert outcome.status == 0
    one, other = (sitk.GetArrayFromImage(sitk.ReadImage(str(p))) for p in (out, truth))
    assert np.array_equal(one, other)
    assert call("segment", "--ct", patient_folder / "ct.nii.gz", "--out", tmp_path / "mask.txt").status == 2


def test_phantom_writes_its_five_files(patient_folder):
    assert {p.name for p in patient_folder.iterdir()} == {
        "ct.nii.gz", "pet_suv.nii.gz", "truth_semantic.nii.gz", "truth_vertebrae.nii.gz", "truth_boundaries.csv",
    }  # fmt: skip


def test_training_without_a_config_says_so(call, tmp_path):
    outcome = call("train", tmp_path / "none.toml")
    assert outcome.status == 2 and "none.toml" in outcome.fault


def test_an_island_beside_the_column_counts_nowhere(finished, call, images, patient_folder, tmp_path):
    mask = sitk.ReadImage(str(patient_folder / "truth_semantic.nii.gz"))
    array = sitk.GetArrayFromImage(mask)
    k, j, i = np.argwhere(array == 1).mean(axis=0).astype(int)
    array[k - 4 : k + 4, j - 4 : j + 4, i + 25 : i + 32] = 1
    island = sitk.GetImageFromArray(array)
    island.CopyInformation(mask)
    sitk.WriteImage(island, str(tmp_path / "mask.nii.gz"))
    arguments = [*images[:-1], str(tmp_path / "mask.nii.gz")]
    outcome = call("run", *arguments, "--out", tmp_path / "run", "--no-scene")
    assert outcome.status == 0
    warnings = json.loads((tmp_path / "run" / "case.json").read_text())["warnings"]
    assert any("20.2 ml" in w and "apart from the column" in w for w in warnings)
    assert (tmp_path / "run" / "suv.csv").read_text() == (finished / "suv.csv").read_text()


def test_nothing_of_the_users_is_overwritten(finished, call, images, patient_folder, tmp_path):
    import shutil

    ct = tmp_path / "ct.nii.gz"
    shutil.copy(patient_folder / "ct.nii.gz", ct)
    refused = call("segment", "--ct", ct, "--mask", images[-1], "--out", ct)
    assert refused.status == 2 and "input itself" in refused.fault
    pet_and_mask = images[2:]
    assert "whole run" in call("boundaries", *pet_and_mask, "--out", finished).fault
    assert call("boundaries", *pet_and_mask, "--out", tmp_path / "b").status == 0
    table_file = tmp_path / "b" / "boundaries.csv"
    table_file.write_text(table_file.read_text().replace("span-prior", "user", 1))
    assert "perhaps edited" in call("boundaries", *pet_and_mask, "--out", tmp_path / "b").fault


def test_a_mask_corrected_by_hand_is_kept_used_and_told(finished, call, images, tmp_path):
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(finished, copy)
    mask = sitk.ReadImage(str(copy / "semantic.nii.gz"))
    array = sitk.GetArrayFromImage(mask)
    array[array == 3] = 0
    k, j, i = np.argwhere(array == 1).mean(axis=0).astype(int)
    array[k - 4 : k + 4, j - 4 : j + 4, i + 25 : i + 32] = 1  # a slip of the brush beside the column
    edited = sitk.GetImageFromArray(array)
    edited.CopyInformation(mask)
    sitk.WriteImage(edited, str(copy / "semantic.nii.gz"))
    refused = call("run", *images, "--out", copy, "--no-scene")
    assert refused.status == 2 and "semantic.nii.gz was edited" in refused.fault
    assert call("rebuild", copy, "--no-scene").status == 0
    record = json.loads((copy / "case.json").read_text())
    assert record["segmentation"]["edited"] and any("edited by hand" in w for w in record["warnings"])
    before, after = ({r["roi"]: r for r in table(folder / "suv.csv")} for folder in (finished, copy))
    assert "sternum" not in after and after["vertebral_column"] == before["vertebral_column"]
    assert after["L3"] == before["L3"]


def test_a_signature_outlives_a_rebuild_until_the_boundaries_change(finished, call, tmp_path):
    import shutil

    from VertebraFLTLib.spine.boundaries import BoundarySet
    from VertebraFLTLib.spine.profile import Profile

    copy = tmp_path / "copy"
    shutil.copytree(finished, copy)
    record = json.loads((copy / "case.json").read_text())
    profile = Profile.from_csv((copy / "profile.csv").read_text(), "profile.csv")
    signed = BoundarySet.from_csv((copy / "boundaries.csv").read_text(), profile=profile).to_csv()
    entry = {"when": "2026-01-01T10:00:00+00:00", "who": "a reader", "what": "accepted"}
    acceptance = {"when": entry["when"], "who": "a reader", "note": "", "sha256": sha256(signed.encode()).hexdigest()}
    record["review"] = {"log": [entry], "accepted": acceptance}
    (copy / "case.json").write_text(json.dumps(record))
    with pytest.raises(InputError, match="was reviewed in Slicer"):
        refuse_to_lose_edits(copy)
    assert call("rebuild", copy, "--no-scene").status == 0
    after = json.loads((copy / "case.json").read_text())
    assert after["review"] == record["review"]
    assert [b["reasons"] for b in after["boundaries"]["items"]] == [b["reasons"] for b in record["boundaries"]["items"]]
    moved = BoundarySet.from_csv(signed, profile=profile).move(
        3, 5.0 + float(table(copy / "boundaries.csv")[3]["z_mm"])
    )
    assert _review(after, moved).accepted is None and len(_review(after, moved).log) == 1


def test_deleting_the_lowest_boundary_makes_names_no_surer(finished):
    from VertebraFLTLib.spine.boundaries import BoundarySet
    from VertebraFLTLib.spine.name_confidence import by_level
    from VertebraFLTLib.workflow import as_recorded

    case = json.loads((finished / "case.json").read_text())
    lines = (finished / "boundaries.csv").read_text().splitlines(keepends=True)
    without_lowest = BoundarySet.from_csv("".join([lines[0], *lines[2:]]))
    assert as_recorded(without_lowest, case).level_confidence == case["boundaries"]["level_confidence"]
    renamed = BoundarySet.from_csv("".join(lines[:-3])).shift_levels(1)
    assert as_recorded(renamed, case).level_confidence == 1.0
    whole = as_recorded(BoundarySet.from_csv("".join(lines)), case)
    assert by_level(whole) == case["boundaries"]["name_confidence"] and whole.name_confidence


@pytest.mark.parametrize("content", ["{}", "5", "nonsense"])
def test_a_record_that_is_none_is_named(call, tmp_path, content):
    (tmp_path / "case.json").write_text(content)
    outcome = call("rebuild", tmp_path)
    assert outcome.status == 2 and "not a run's record" in outcome.fault
