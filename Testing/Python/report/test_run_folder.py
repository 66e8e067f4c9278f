"""The run's folder: every file of the list, masks in the CT's own geometry, a record that names its inputs."""

import hashlib
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image
from vtkmodules.vtkIOXML import vtkXMLPolyDataReader

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.quantification.suv_table import table_from_csv
from VertebraFLTLib.report import run_folder
from VertebraFLTLib.report.offscreen import CannotRender
from VertebraFLTLib.report.record import plain, to_json
from VertebraFLTLib.report.run_folder import write_report
from VertebraFLTLib.report.wording import NOTICE
from VertebraFLTLib.spine.boundaries import BoundarySet
from VertebraFLTLib.spine.profile import Profile

FIGURES = ("sagittal", "coronal", "profile", "uptake_3d", "suv_by_level")


@pytest.fixture(scope="module")
def folder(made_run, tmp_path_factory):
    path = tmp_path_factory.mktemp("run") / "out"
    path.mkdir()
    stages = []
    write_report(made_run, path, lambda stage, fraction: stages.append((stage, fraction)))
    assert stages[-1] == ("report", 1.0)
    return path


@pytest.fixture(scope="module")
def case(folder):
    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    return json.loads((folder / "case.json").read_text("utf-8"), parse_constant=refuse)


def test_every_file_of_the_list_is_there_and_nothing_else(folder, made_run):
    assert sorted(p.name for p in folder.iterdir()) == [
        "boundaries.csv", "case.json", "figures", "profile.csv", "report.html", "semantic.nii.gz",
        "surfaces", "suv.csv", "vertebrae.nii.gz",
    ]  # fmt: skip
    assert sorted(p.stem for p in (folder / "figures").iterdir()) == sorted(FIGURES)
    assert {p.name for p in (folder / "surfaces").iterdir()} == {f"{s.name}.vtp" for s in made_run.surfaces}
    assert "pelvis_p85.vtp" in {p.name for p in (folder / "surfaces").iterdir()}


def test_masks_return_in_the_geometry_of_the_file_on_disk(folder, made_run):
    for name, mask in (("semantic", made_run.semantic), ("vertebrae", made_run.vertebrae)):
        written = sitk.ReadImage(str(folder / f"{name}.nii.gz"))
        original = made_run.ct.original
        assert written.GetSize() == original.size and written.GetPixelID() == sitk.sitkUInt8
        np.testing.assert_allclose(written.GetDirection(), original.direction, atol=1e-5)
        np.testing.assert_allclose(written.GetOrigin(), original.origin, atol=1e-3)
        here = sitk.Resample(written, mask, sitk.Transform(), sitk.sitkNearestNeighbor)
        np.testing.assert_array_equal(sitk.GetArrayViewFromImage(here), sitk.GetArrayViewFromImage(mask))
    assert set(np.unique(sitk.GetArrayViewFromImage(made_run.vertebrae))) == {0, 20, 21, 22, 23, 24}


def test_tables_read_back(folder, made_run):
    rows = table_from_csv((folder / "suv.csv").read_text("utf-8"))
    assert [r.roi for r in rows] == [
        "L5", "L4", "L3", "L2", "L1", "vertebral_column", "pelvis", "hips", "sacrum", "sternum",
    ]  # fmt: skip
    profile = Profile.from_csv((folder / "profile.csv").read_text("utf-8"))
    np.testing.assert_array_equal(profile.voxels, made_run.profile.voxels)
    again = BoundarySet.from_csv((folder / "boundaries.csv").read_text("utf-8"), profile)
    assert [b.z_mm for b in again.boundaries] == [b.z_mm for b in made_run.boundaries.boundaries]


def test_surfaces_lie_on_the_bones_in_lps(folder):
    reader = vtkXMLPolyDataReader()
    reader.SetFileName(str(folder / "surfaces" / "sternum_p50.vtp"))
    reader.Update()
    low_x, high_x, low_y, high_y, low_z, high_z = reader.GetOutput().GetBounds()
    assert -11 < low_x < high_x < 11 and -52 < low_y < high_y < -38 and 146 < low_z < high_z < 214


@pytest.mark.parametrize("name", FIGURES)
def test_figures_are_pictures_of_something(folder, name):
    with Image.open(folder / "figures" / f"{name}.png") as figure:
        pixels = np.asarray(figure.convert("RGB"))
    assert min(pixels.shape[:2]) > 300
    assert 0.02 < np.mean(np.any(pixels != 255, axis=2)) < 0.98
    assert np.count_nonzero(np.bincount(pixels.astype(np.int64).reshape(-1, 3) @ (65536, 256, 1))) > 20  # colours


def test_the_record_says_what_was_done_with_what(case, made_run):
    assert (case["format"], case["format_version"], case["notice"]) == ("vertebraflt-case", 1, NOTICE)
    ct = case["inputs"]["ct"]
    assert ct["path"] == "data/CT & <co>.zip" and ct["absolute_path"].endswith("/data/CT & <co>.zip")
    assert (ct["sha256"], ct["series_uid"], ct["files"]) == ("a" * 64, "1.2.3", 46)
    assert tuple(ct["geometry"]["size"]) == made_run.ct.original.size
    assert case["options"]["percentiles"] == [50, 85, 98] and case["options"]["views"] is None
    assert case["suv"] == plain(made_run.suv.to_json()) and case["suv"]["factor"] == 0.00042111
    assert case["segmentation"] == {"segmenter": "ensemble", "sha256": ["c", "d"], "dice": None}
    assert case["warnings"] == made_run.warnings and case["input_warnings"] == ["the CT is short"]
    assert case["timings_s"] == {"segmentation": 12.346} and case["peak_memory_mb"] == 1234.6
    assert {"VertebraFLT", "Python", "numpy", "SimpleITK", "vtk"} <= set(case["versions"])
    assert "Doe" not in json.dumps(case)


def test_the_record_holds_boundaries_with_reasons_regions_and_surfaces(case, folder, made_run):
    bounds = case["boundaries"]
    assert bounds["count"] == 4 and bounds["level_reason"] == "no sacrum in view"
    assert bounds["items"][3]["reasons"] == list(made_run.boundaries.boundaries[3].reasons)
    assert [v["level"] for v in bounds["vertebrae"]] == ["L5", "L4", "L3", "L2", "L1"]
    assert case["boundaries_sha256"] == hashlib.sha256((folder / "boundaries.csv").read_bytes()).hexdigest()
    pelvis = next(r for r in case["regions"] if r["roi"] == "pelvis")
    assert pelvis["suv_total_ml"] == pytest.approx(pelvis["suv_sum"] * 0.1)  # voxels of 5 x 5 x 4 mm
    assert all((folder / s["file"]).is_file() for s in case["surfaces"])


class Outline(HTMLParser):
    """Collects tags, attributes and text of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.words = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.words.append(data)


def test_the_page_is_self_contained_and_escapes_what_it_shows(folder):
    text = (folder / "report.html").read_text("utf-8")
    assert len(text) < 5e6
    page = Outline(text)
    assert not {"script", "link", "iframe", "object", "base"} & set(page.tags)
    assert page.tags.count("img") == len(FIGURES)
    addresses = [value for name, value in page.attributes if name in ("src", "href", "srcset", "data", "action")]
    assert len(addresses) == len(FIGURES) and all(a.startswith("data:image/png;base64,") for a in addresses)
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    without_images = re.sub(r"base64,[^\"]+", "", text)
    assert not re.search(r"https?:|url\(|@import", without_images)
    words = "".join(page.words)
    assert words.count('<script>alert("1")</script> & <img src=x>') == 3  # a warning, a boundary's reason, a SUV term


def test_the_page_says_what_a_reader_must_know(folder, made_run):
    words = " ".join(Outline((folder / "report.html").read_text("utf-8")).words)
    for part in (NOTICE, "1 warning", "CT & <co>.zip", "PatientWeight (0010,1030)", "SUV = value × 0.00042111",
                 "no sacrum in view", "L2 / L1", "Sternum", "a" * 64, "of which 1 below confidence 0.5"):  # fmt: skip
        assert part in words, part
    assert words.index("1 warning") < words.index("Summary")


def test_without_off_screen_rendering_the_report_goes_on_and_says_so(run, tmp_path, monkeypatch):
    def fail(result):
        raise CannotRender("there is no display")

    only = {"uptake_3d": fail, "profile": run_folder.FIGURES["profile"]}
    monkeypatch.setattr(run_folder, "FIGURES", only)
    run.surfaces = []
    write_report(run, tmp_path)
    assert not (tmp_path / "figures" / "uptake_3d.png").exists()
    assert run.warnings[-1] == "the 3-D view of uptake was not drawn: there is no display"
    assert json.loads((tmp_path / "case.json").read_text())["warnings"] == run.warnings
    assert "there is no display" in (tmp_path / "report.html").read_text("utf-8")


def test_a_run_without_boundaries_levels_or_surfaces_still_has_a_report(run, tmp_path):
    run.boundaries = BoundarySet((), 116.0, 224.0)
    run.suv_table = [r for r in run.suv_table if r.roi == "vertebral_column"]
    run.surfaces = []
    run.vertebrae = run.vertebrae * 0
    write_report(run, tmp_path)
    assert "No boundary was found." in (tmp_path / "report.html").read_text("utf-8")
    assert len(list((tmp_path / "figures").iterdir())) == len(FIGURES)


def test_a_folder_that_cannot_be_written_is_the_users_to_mend(run, tmp_path):
    (tmp_path / "out").write_text("a file, not a folder")
    with pytest.raises(InputError, match="cannot write"):
        write_report(run, tmp_path / "out")


def test_values_become_plain_json():
    record = plain({1: np.float32(1.5), "n": float("nan"), "a": np.arange(2), "t": (True, None), "i": np.int64(3)})
    assert json.loads(to_json(record)) == {"1": 1.5, "n": None, "a": [0, 1], "t": [True, None], "i": 3}
