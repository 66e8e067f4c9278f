"""A reviewed case on disk, and the example of docs/slicer-batch.md as it stands there."""

from __future__ import annotations

import csv
import json
import re
import sys

import pytest
import SimpleITK as sitk

slicer = pytest.importorskip("slicer")
slicer_util = pytest.importorskip("slicer.util")

from VertebraFLTLib import pipeline  # noqa: E402
from VertebraFLTLib.errors import Cancelled, InputError  # noqa: E402
from VertebraFLTLib.io.writing import RUN_FILES  # noqa: E402
from VertebraFLTLib.mrml.case import cases_of  # noqa: E402
from VertebraFLTLib.mrml.exporting import export_folder, export_mrb, export_report, suv_csv  # noqa: E402
from VertebraFLTLib.mrml.logic import open_review  # noqa: E402
from VertebraFLTLib.mrml.sample import TrueMask  # noqa: E402
from VertebraFLTLib.mrml.scene import build_scene, private_scene  # noqa: E402
from VertebraFLTLib.mrml.volumes import add_volume  # noqa: E402
from VertebraFLTLib.report import run_folder  # noqa: E402
from VertebraFLTLib.resources import resource_path  # noqa: E402
from VertebraFLTLib.segmentation import registry  # noqa: E402
from VertebraFLTLib.spine.boundaries import BoundarySet  # noqa: E402

DOCS = resource_path().parent / "docs"


@pytest.fixture(autouse=True)
def no_figures(monkeypatch):
    """Figures have tests of their own, and take seconds."""
    monkeypatch.setattr(run_folder, "FIGURES", {})


@pytest.fixture
def review(result_on):
    result = result_on()
    scene = private_scene()
    presenter = open_review(build_scene(result, scene).case, who="Dr. <Reader>", result=result)
    presenter.move(1, -30.0)
    presenter.accept("seen & signed")
    yield presenter
    scene.Clear(1)


def test_the_folder_is_that_of_the_command_line_with_the_review_in_it(review, tmp_path, read_mrb):
    seen = []
    export_folder(review, tmp_path / "out", lambda stage, fraction: seen.append(stage))
    assert {path.name for path in (tmp_path / "out").iterdir()} == set(RUN_FILES)
    assert {"report", "scene"} <= set(seen)
    stored = BoundarySet.from_csv((tmp_path / "out" / "boundaries.csv").read_text(), review.boundaries.profile)
    assert stored.boundaries[1].z_mm == -30.0
    record = json.loads((tmp_path / "out" / "case.json").read_text())
    assert record["edited"] and record["review"]["accepted"]["who"] == "Dr. <Reader>"
    assert [entry["what"] for entry in record["review"]["log"]] == ["L3/L4 to -30.0 mm", "accepted: seen & signed"]
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Dr. &lt;Reader&gt;" in page and "seen &amp; signed" in page and "Dr. <Reader>" not in page
    (case,) = cases_of(read_mrb(tmp_path / "out" / "scene.mrb"))
    assert open_review(case, who="x").boundaries.boundaries[1].z_mm == -30.0


def test_a_cancelled_export_leaves_nothing(review, tmp_path):
    def cancel(stage, fraction):
        if stage == "scene":
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        export_folder(review, tmp_path / "out", cancel)
    assert list(tmp_path.iterdir()) == []


def test_one_bundle_and_one_table(review, tmp_path, read_mrb):
    export_mrb(review, tmp_path / "case.mrb")
    (case,) = cases_of(read_mrb(tmp_path / "case.mrb"))
    again = open_review(case, who="x")
    assert again.log == review.log and again.accepted == review.accepted and again.boundaries == review.boundaries
    rows = list(csv.DictReader(suv_csv(review).splitlines()))
    assert [row["roi"] for row in rows][:2] == ["L5", "L4"]
    assert float(rows[1]["suv_mean"]) == pytest.approx(review.result.suv_table[1].suv_mean, rel=1e-6)


def test_the_report_alone(review, tmp_path):
    export_report(review, tmp_path / "mine.html")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.html"]
    assert "seen &amp; signed" in (tmp_path / "mine.html").read_text()
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write"):
        export_report(review, tmp_path / "file" / "mine.html")


def test_the_documented_examples_run_as_they_stand(result_on, tmp_path, monkeypatch):
    """With a made-up result in place of the pipeline's, and what slicer-core lacks in that of the application."""
    result = result_on()
    cohort, by_script = re.findall(r"```python\n(.*?)```", (DOCS / "slicer-batch.md").read_text(), re.S)
    assert len([line for line in cohort.splitlines() if line]) <= 12
    scene = private_scene()
    for name, image in (("ct", result.ct.image), ("pet_suv", result.pet_suv)):
        sitk.WriteImage(image, str(tmp_path / f"{name}.nii.gz"))

    def load(path):
        name = path.rsplit("/", 1)[1].split(".")[0]
        return add_volume(scene, sitk.ReadImage(path), name)

    kept, left = {}, []
    monkeypatch.setattr(slicer, "mrmlScene", scene, raising=False)
    monkeypatch.setattr(slicer, "util", slicer_util, raising=False)
    monkeypatch.setattr(slicer_util, "loadVolume", load)
    monkeypatch.setattr(slicer_util, "exit", lambda: left.append("left"))
    monkeypatch.setattr(registry, "get_segmenter", lambda options: TrueMask(result.semantic))
    monkeypatch.setattr(pipeline, "run", lambda *_, **__: result)
    monkeypatch.setattr(sys, "argv", ["cohort.py", str(tmp_path)])
    monkeypatch.chdir(tmp_path)
    exec(cohort.replace("slicer.mrmlScene.Clear()", "pass"), kept)
    assert left == ["left"]
    assert (tmp_path / "vertebraflt" / "report.html").is_file() and (tmp_path / "vertebraflt" / "scene.mrb").is_file()
    exec(by_script, kept)
    assert kept["review"].accepted is not None and kept["review"].levels[0] == "L6"
    assert json.loads((tmp_path / "reviewed" / "case.json").read_text())["review"]["accepted"]["who"] == "a script"
    scene.Clear(1)
