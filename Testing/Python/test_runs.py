"""Whole runs with the shipped networks, from files to scene: a simulated patient and the real PET/CT pair."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import SimpleITK as sitk

from VertebraFLTLib.cli.main import main
from VertebraFLTLib.evaluation.metrics import compare_masks


def run_cli(*arguments):
    assert main([str(a) for a in arguments]) == 0


@pytest.fixture(scope="module")
def simulated(tmp_path_factory, patient_folder):
    out = tmp_path_factory.mktemp("simulated") / "run"
    run_cli("run", "--ct", patient_folder / "ct.nii.gz", "--pet", patient_folder / "pet_suv.nii.gz", "--out", out)
    return out


@pytest.fixture(scope="module")
def real(tmp_path_factory, shared):
    pair = shared / "petct" / "acrin_nsclc042"
    out = tmp_path_factory.mktemp("real") / "run"
    run_cli("run", "--ct", pair / "CT.zip", "--pet", pair / "PET.zip", "--out", out)
    return out


@pytest.fixture(params=["simulated", "real"])
def run(request):
    return request.getfixturevalue(request.param)


def table(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def nodes(scene, class_name):
    return [scene.GetNthNodeByClass(i, class_name) for i in range(scene.GetNumberOfNodesByClass(class_name))]


def test_the_folder_is_complete(run):
    names = {p.name for p in run.iterdir()}
    assert names == {
        *("case.json", "semantic.nii.gz", "vertebrae.nii.gz", "profile.csv", "boundaries.csv", "suv.csv"),
        *("surfaces", "figures", "report.html", "scene.mrb"),
    }
    drawn = {p.name for p in (run / "figures").iterdir()}
    assert drawn == {"sagittal.png", "coronal.png", "profile.png", "uptake_3d.png", "suv_by_level.png"}
    case = json.loads((run / "case.json").read_text())
    assert len(case["segmentation"]["weights_sha256"]) == 64
    assert {"read", "segmentation", "boundaries", "report", "scene"} <= set(case["timings_s"])


def test_the_scene_says_what_the_files_say(run, read_mrb):
    scene = read_mrb(run / "scene.mrb")
    counts = {
        "vtkMRMLScalarVolumeNode": 2,
        "vtkMRMLSegmentationNode": 1,
        "vtkMRMLPlotChartNode": 2,  # profile, and bars by level
        "vtkMRMLPlotSeriesNode": 5,
        "vtkMRMLTableNode": 4,
        "vtkMRMLModelNode": len(list((run / "surfaces").glob("*.vtp"))),
    }
    assert {name: len(nodes(scene, name)) for name in counts} == counts

    rows = table(run / "suv.csv")
    levels = {row["roi"] for row in rows if row["roi"][1:].isdigit()}
    segmentation = nodes(scene, "vtkMRMLSegmentationNode")[0].GetSegmentation()
    ids = {segmentation.GetNthSegmentID(i) for i in range(segmentation.GetNumberOfSegments())}
    assert {f"vertebra_{name}" for name in levels} <= ids and {"vertebral_column", "sternum"} <= ids
    for i in range(segmentation.GetNumberOfSegments()):
        assert "SCT^" in segmentation.GetNthSegment(i).GetTerminology()

    sizes = sorted(node.GetTable().GetNumberOfRows() for node in nodes(scene, "vtkMRMLTableNode"))
    boundaries, profile = table(run / "boundaries.csv"), table(run / "profile.csv")
    assert sizes == sorted([len(rows), len(boundaries), len(profile), len(levels)])

    chart, bars = nodes(scene, "vtkMRMLPlotChartNode")
    assert (chart.GetNumberOfPlotSeriesNodes(), bars.GetNumberOfPlotSeriesNodes()) == (4, 1)
    assert chart.GetEnablePointMoveAlongX() and not chart.GetEnablePointMoveAlongY()

    hierarchy = scene.GetSubjectHierarchyNode()
    volume_items = [hierarchy.GetItemByDataNode(v) for v in nodes(scene, "vtkMRMLScalarVolumeNode")]
    parents = {hierarchy.GetItemParent(item) for item in volume_items}
    assert len(parents) == 1 and parents != {hierarchy.GetSceneItemID()}


def test_the_simulated_patient_is_segmented(simulated, patient, patient_folder):
    scores = compare_masks(
        sitk.ReadImage(str(patient_folder / "truth_semantic.nii.gz")),
        sitk.ReadImage(str(simulated / "semantic.nii.gz")),
        "truth",
        "run",
    )
    dice = {score.label: score.dice for score in scores}
    assert dice[1] > 0.8 and dice[2] > 0.8 and dice[3] > 0.6 and dice[4] > 0.6, dice
    truth = {(b.below, b.above): b.z_mm for b in patient.boundaries}
    found = {(r["below"], r["above"]): float(r["z_mm"]) for r in table(simulated / "boundaries.csv")}
    named = [abs(truth[k] - z) for k, z in found.items() if k in truth and k[0][0] in "LT"]
    assert len(named) >= 16 and np.median(named) < 2.0 and max(named) < 8.0


def test_the_real_pair_is_measured_and_doubted(real):
    case = json.loads((real / "case.json").read_text())
    assert case["suv"]["factor"] == pytest.approx(0.000421110, abs=1e-9)  # by an independent tool
    assert case["suv"]["tracer"] == "FDG"
    assert any("FDG" in warning for warning in case["warnings"])
    assert any("level names are an inference" in warning for warning in case["warnings"])
    assert case["boundaries"]["level_confidence"] < 0.9 and "ribs" in case["boundaries"]["level_reason"]


def test_the_real_masks_lie_on_bone(real, shared):
    from VertebraFLTLib.io.images import read_image

    ct = sitk.GetArrayFromImage(read_image(shared / "petct" / "acrin_nsclc042" / "CT.zip", modality="CT").image)
    mask = sitk.GetArrayFromImage(read_image(real / "semantic.nii.gz").image)
    column, sternum = mask == 1, mask == 3
    # Marrow and cortex against soft tissue (about 40 HU) and lung: nearly all of it is denser.
    assert np.mean(ct[column] > 60) > 0.9 and np.median(ct[column]) > 120
    assert np.mean(ct[sternum] > 20) > 0.85
    # One column from the bottom slice of the CT to the neck, open at discs alone, the sternum in front of it.
    present = np.flatnonzero(column.any(axis=(1, 2)))
    assert present[0] == 0 and present[-1] > 0.85 * len(column) and np.diff(present).max() <= 4  # slices of 3.27 mm
    assert np.argwhere(sternum)[:, 1].mean() < np.argwhere(column)[:, 1].mean() - 60
