"""`vertebraflt evaluate` as a user calls it, on a small pair of masks."""

import json

import numpy as np
import pytest
import SimpleITK as sitk


@pytest.fixture
def masks(tmp_path):
    """Files: truth (two bodies and a sacrum), pred (the bodies and the disc between them), levels, ignore."""
    levels = np.zeros((20, 16, 16), np.uint8)
    levels[3:8, 4:12, 4:12], levels[10:15, 4:12, 4:12] = 24, 23
    truth = (levels > 0).astype(np.uint8)
    pred = truth.copy()
    truth[0:2, 4:12, 4:12] = 4
    pred[8:10, 4:12, 4:12] = 1
    ignore = np.zeros_like(levels)
    ignore[8:10] = 1
    paths = {}
    for name, array in {"truth": truth, "pred": pred, "levels": levels, "ignore": ignore}.items():
        image = sitk.GetImageFromArray(array)
        image.SetSpacing((1.0, 1.0, 2.0))
        paths[name] = tmp_path / f"{name}.nii.gz"
        sitk.WriteImage(image, str(paths[name]))
    return paths


@pytest.fixture
def both(masks):
    return ("--truth", masks["truth"], "--pred", masks["pred"])


def test_json_is_a_list_as_before(call, both):
    rows = json.loads(call("evaluate", *both, "--json").out)
    assert [(r["label"], r["name"]) for r in rows] == [(1, "Vertebral bodies"), (4, "Sacrum")]
    assert rows[0]["dice"] == pytest.approx(2 * 640 / (640 + 768)) and rows[1]["dice"] == 0
    assert {"label", "dice", "iou", "tpr", "tnr", "assd_mm", "hd95_mm", "truth_ml", "pred_ml"} < set(rows[0])
    assert rows[1]["assd_mm"] is None


def test_json_with_levels_has_two_lists(call, both, masks):
    found = json.loads(call("evaluate", *both, "--levels", masks["levels"], "--json").out)
    assert [r["label"] for r in found["structures"]] == [1, 4]
    assert [(r["label"], r["name"]) for r in found["levels"]] == [(23, "L4"), (24, "L5")]
    for row in found["levels"]:  # a slice of the disc each
        assert row["dice"] == pytest.approx(2 * 320 / (320 + 384)) and row["tpr"] == 1


def test_tables_name_structures_and_levels(call, both, masks):
    lines = call("evaluate", *both, "--levels", masks["levels"]).out.splitlines()
    assert lines[0].split()[:3] == ["label", "name", "Dice"]
    assert lines[1].split()[:4] == ["1", "Vertebral", "bodies", "0.9091"]
    assert [line.split()[:3] for line in lines[-2:]] == [["23", "L4", "0.9091"], ["24", "L5", "0.9091"]]


def test_a_table_of_other_labels_has_no_names(call, masks):
    lines = call("evaluate", "--truth", masks["levels"], "--pred", masks["levels"]).out.splitlines()
    assert lines[0].split()[:2] == ["label", "Dice"] and lines[1].split()[:2] == ["23", "1.0000"]


def test_ignored_voxels_are_left_out(call, both, masks):
    found = json.loads(call("evaluate", *both, "--levels", masks["levels"], "--ignore", masks["ignore"], "--json").out)
    assert found["structures"][0]["dice"] == 1 and [r["dice"] for r in found["levels"]] == [1, 1]


def test_figures_are_written_and_output_stays_json(call, both, tmp_path):
    outcome = call("evaluate", *both, "--figures", tmp_path / "figures", "--json")
    assert outcome.status == 0 and len(json.loads(outcome.out)) == 2
    names = {p.name for p in (tmp_path / "figures").iterdir()}
    assert names == {"errors_vertebral_body.png", "errors_sacrum.png"}


@pytest.mark.parametrize("option", ["--pred", "--levels", "--ignore"])
def test_a_map_on_another_grid(call, masks, tmp_path, option):
    image = sitk.ReadImage(str(masks["pred"]))
    image.SetOrigin((0.0, 0.0, 4.0))
    sitk.WriteImage(image, str(tmp_path / "moved.nii.gz"))
    given = {"--truth": masks["truth"], "--pred": masks["pred"], option: tmp_path / "moved.nii.gz"}
    outcome = call("evaluate", *[text for pair in given.items() for text in pair])
    assert outcome.status == 2 and "moved.nii.gz" in outcome.fault and "different grids" in outcome.fault


def test_wrong_levels_and_figures(call, both, masks, tmp_path):
    fractions = sitk.Cast(sitk.ReadImage(str(masks["levels"])), sitk.sitkFloat32) * 0.5 + 0.25
    sitk.WriteImage(fractions, str(tmp_path / "fractions.nii.gz"))
    outcome = call("evaluate", *both, "--levels", tmp_path / "fractions.nii.gz")
    assert outcome.status == 2 and "fractions.nii.gz holds" in outcome.fault and "whole numbers" in outcome.fault
    outcome = call("evaluate", *both, "--figures", masks["truth"])
    assert outcome.status == 2 and "cannot write" in outcome.fault and outcome.out == ""
