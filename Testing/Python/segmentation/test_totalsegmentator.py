"""TotalSegmentator as a segmenter: geometry, labels, what is asked of it, and what is said when it cannot.

The same tests run against TotalSegmentator itself where it is installed, with nothing replaced but the fetching of
weights and nnU-Net's prediction of one file; and against a stand-in that follows its documented interface. Both
"predict" the class of a voxel from the brightness of its neighbour to the patient's right, so that a flipped or
swapped axis displaces the mask.
"""

import json
import math
import sys
import types

import numpy as np
import pytest
import SimpleITK as sitk

from VertebraFLTLib.errors import Cancelled, InputError
from VertebraFLTLib.progress import silent
from VertebraFLTLib.result import Options
from VertebraFLTLib.segmentation.registry import get_segmenter
from VertebraFLTLib.segmentation.totalsegmentator import TotalSegmentatorSegmenter, on_grid_of, ras_affine

NAMES = ("", "body", "intervertebral_discs", "hip_left", "hip_right", "sacrum", "vertebrae_S1", "sternum")
HU = np.array([-1000, 300, 500, 700, 900, 1100, 1300, 1500])
OURS = np.array([0, 1, 0, 2, 2, 4, 4, 3], np.uint8)
AS_BODY = np.array([0, 1, 2, 0, 0, 0, 1, 0], np.uint8)  # S1 has a body too, and the body model finds it
SPACING = 1.5  # the models' own: nothing is resampled, and the answer is exact


def classes():
    """Class of each voxel (k, j, i) in LPS order."""
    truth = np.zeros((40, 50, 60), np.uint8)
    truth[22:38, 25:36, 24:38] = 1
    truth[18:22, 25:36, 24:38] = 2
    truth[4:16, 20:30, 44:54] = 3
    truth[4:14, 20:32, 4:15] = 4
    truth[4:12, 34:44, 24:36] = 5
    truth[12:15, 34:44, 24:36] = 6
    truth[20:36, 4:8, 26:36] = 7
    return truth


def answer():
    return OURS[np.roll(classes(), 1, axis=2)]


def as_ct(truth, tilt=0.0):
    image = sitk.GetImageFromArray(HU[truth].astype(np.int16))
    image.SetSpacing([SPACING] * 3)
    image.SetOrigin((-31.5, 12.25, -407.0))
    c, s = math.cos(tilt), math.sin(tilt)
    image.SetDirection((1, 0, 0, 0, c, -s, 0, s, c))
    return image


def nearest_class(hu):
    return np.abs(np.asarray(hu, float)[..., None] - HU).argmin(-1)


def numbers(class_map):
    """For each of our test's classes its number in this map of TotalSegmentator's, 0 where it has none."""
    by_name = {name: number for number, name in class_map.items()}
    return np.array([by_name.get(name, 0) for name in NAMES])


# --- TotalSegmentator, or the stand-in


@pytest.fixture
def calls():
    return []


@pytest.fixture
def fails():
    """Put a function in here to be called where weights would be fetched."""
    return []


def fetch(fails, task):
    for fail in fails:
        fail(task)


@pytest.fixture
def real(tmp_path, monkeypatch, calls, fails):
    """TotalSegmentator itself, its home in the temporary folder, without network and without weights."""
    pytest.importorskip("totalsegmentator", reason="the optional package TotalSegmentator is not installed")
    monkeypatch.setenv("TOTALSEG_HOME_DIR", str(tmp_path / "home"))
    for name in ("raw", "preprocessed", "results"):  # TotalSegmentator sets them itself
        monkeypatch.setenv(f"nnUNet_{name}", str(tmp_path))
    import nibabel
    import requests
    import totalsegmentator.nnunet as inside
    from totalsegmentator import map_to_binary, python_api

    def predict(dir_in, dir_out, task_id, *args, **kwargs):
        calls.append(task_id)
        image = nibabel.load(f"{dir_in}/s01_0000.nii.gz")
        assert nibabel.aff2axcodes(image.affine) == ("R", "A", "S")
        found = nearest_class(np.roll(image.get_fdata(), -1, axis=0))
        if task_id == 305:
            labels = AS_BODY[found]
        elif task_id in map_to_binary.map_taskid_to_partname_ct:
            part = map_to_binary.map_taskid_to_partname_ct[task_id]
            labels = numbers(map_to_binary.class_map_5_parts[part])[found]
        else:
            labels = numbers(map_to_binary.class_map["total"])[found]
        nibabel.save(nibabel.Nifti1Image(labels.astype(np.uint8), image.affine), f"{dir_out}/s01.nii.gz")

    def no_network(*args, **kwargs):
        calls.append("network")
        raise requests.ConnectionError

    monkeypatch.setattr(inside, "nnUNetv2_predict", predict)
    monkeypatch.setattr(python_api, "download_pretrained_weights", lambda task: fetch(fails, task))
    monkeypatch.setattr(requests, "post", no_network)


@pytest.fixture
def stand_in(tmp_path, monkeypatch, calls, fails):
    home = tmp_path / "home"

    class Nifti1Image:
        def __init__(self, dataobj, affine):
            self.dataobj, self.affine, self.shape = dataobj, affine, dataobj.shape

    def setup_totalseg():
        home.mkdir()
        (home / "config.json").write_text('{"send_usage_stats": true, "prediction_counter": 0}')

    def set_config_key(key, value):
        config = json.loads((home / "config.json").read_text())
        (home / "config.json").write_text(json.dumps({**config, key: value}))

    class_map = {
        "vertebrae_body": {1: "vertebrae_body", 2: "intervertebral_discs"},
        "total": {25: "sacrum", 26: "vertebrae_S1", 77: "hip_left", 78: "hip_right", 116: "sternum", 1: "spleen"},
    }

    def totalsegmentator(
        input, output=None, ml=False, fast=False, task="total", roi_subset=None, quiet=False, skip_saving=False,
        device="gpu",
    ):  # fmt: skip
        assert ml and quiet and output is not None and device in ("gpu", "cpu")
        print("If you use this tool please cite ...")
        fetch(fails, task)
        calls.append((task, fast))
        assert not (task == "vertebrae_body" and fast) and (roi_subset is None) == (task != "total")
        to_right = int(np.abs(input.affine[0, :3]).argmax())
        found = nearest_class(np.roll(input.dataobj, -int(np.sign(input.affine[0, to_right])), axis=to_right))
        if task == "vertebrae_body":
            return Nifti1Image(AS_BODY[found], input.affine)
        labels = numbers({n: name for n, name in class_map["total"].items() if name in roi_subset})[found]
        return Nifti1Image(labels.astype(np.uint8), input.affine)

    modules = {
        "nibabel": {"Nifti1Image": Nifti1Image},
        "requests": {"RequestException": OSError, "ConnectionError": ConnectionError},
        "totalsegmentator": {},
        "totalsegmentator.config": {
            "get_totalseg_dir": lambda: home,
            "setup_totalseg": setup_totalseg,
            "set_config_key": set_config_key,
        },
        "totalsegmentator.map_to_binary": {"class_map": class_map},
        "totalsegmentator.python_api": {"totalsegmentator": totalsegmentator},
    }
    for name, content in modules.items():
        module = types.ModuleType(name)
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, name, module)
        if "." in name:
            setattr(sys.modules[name.split(".")[0]], name.split(".")[1], module)
    monkeypatch.setattr("importlib.metadata.version", lambda package: "2.0-stand-in")


@pytest.fixture(params=["stand_in", "real"])
def package(request):
    request.getfixturevalue(request.param)
    return request.param


# --- the tests


@pytest.mark.parametrize(("order", "tilt"), [("LPS", 0.0), ("RAS", 0.0), ("PIR", 0.0), ("LPS", 0.3), ("SAL", 0.3)])
def test_the_mask_lies_where_it_should_for_any_axis_order(package, order, tilt):
    ct = sitk.DICOMOrient(as_ct(classes(), tilt), order)
    found = TotalSegmentatorSegmenter(device="cpu", fast=False).segment(ct, silent)
    assert found.mask.GetPixelID() == sitk.sitkUInt8
    assert found.mask.GetSize() == ct.GetSize() and found.mask.GetSpacing() == ct.GetSpacing()
    assert found.mask.GetOrigin() == ct.GetOrigin() and found.mask.GetDirection() == ct.GetDirection()
    assert np.array_equal(sitk.GetArrayFromImage(sitk.DICOMOrient(found.mask, "LPS")), answer())
    assert found.warnings == ()


def test_on_the_cpu_the_bones_come_from_the_fast_model(package, calls):
    found = get_segmenter(Options(segmenter="totalsegmentator", device="cpu")).segment(as_ct(classes()), silent)
    assert found.details["fast"] is True
    wanted = [("vertebrae_body", False), ("total", True)] if package == "stand_in" else [305, 298, 297]
    assert [call for call in calls if call != "network"] == wanted
    mask = sitk.GetArrayFromImage(found.mask)
    truth = answer()
    for label in (1, 2, 3, 4):  # at 3 mm their edges are not exact
        dice = 2 * ((mask == label) & (truth == label)).sum() / ((mask == label).sum() + (truth == label).sum())
        assert dice > 0.85


def test_details_say_what_was_used(package, capsys):
    details = TotalSegmentatorSegmenter(device="cpu").segment(as_ct(classes()), silent).details
    assert details["segmenter"] == "totalsegmentator" and details["model"].startswith("TotalSegmentator 2.")
    assert details["tasks"]["vertebrae_body"] == {"vertebral_body": ["vertebrae_body"]}
    assert details["device"].startswith("cpu")
    json.dumps(details)
    assert capsys.readouterr().out == ""


def test_no_statistics_are_sent_unless_the_user_had_settings_that_send_them(package, tmp_path, calls):
    TotalSegmentatorSegmenter(device="cpu", fast=False).segment(as_ct(classes()), silent)
    config = tmp_path / "home" / "config.json"
    assert json.loads(config.read_text())["send_usage_stats"] is False
    assert "network" not in calls
    config.write_text(json.dumps({**json.loads(config.read_text()), "send_usage_stats": True}))
    TotalSegmentatorSegmenter(device="cpu", fast=False)
    assert json.loads(config.read_text())["send_usage_stats"] is True


def test_bones_out_of_view_leave_no_label(package):
    truth = np.where(classes() == 1, 1, 0)
    found = TotalSegmentatorSegmenter(device="cpu", fast=False).segment(as_ct(truth), silent)
    assert np.array_equal(sitk.GetArrayFromImage(found.mask), np.roll(truth, 1, axis=2))


def test_weights_that_cannot_be_fetched(package, fails):
    def fail(task):
        raise sys.modules["requests"].ConnectionError("Max retries exceeded\nName or service not known")

    fails.append(fail)
    with pytest.raises(InputError, match="could not fetch its weights for task vertebrae_body") as caught:
        TotalSegmentatorSegmenter(device="cpu").segment(as_ct(classes()), silent)
    message = str(caught.value)
    assert "totalseg_download_weights -t vertebrae_body" in message and "\n" not in message


def test_a_licence_that_is_missing(package, fails):
    def fail(task):
        print("In contrast to the other tasks this task is not openly available.\nIt requires a license.")
        sys.exit(1)

    fails.append(fail)
    with pytest.raises(
        InputError, match="refused task vertebrae_body.*requires a license.*totalseg_set_license"
    ) as caught:
        TotalSegmentatorSegmenter(device="cpu").segment(as_ct(classes()), silent)
    assert "\n" not in str(caught.value)


def test_progress_and_cancelling_between_tasks(package, calls):
    seen = []
    segmenter = TotalSegmentatorSegmenter(device="cpu", fast=False)
    segmenter.segment(as_ct(classes()), lambda stage, fraction: seen.append((stage, fraction)))
    assert {stage for stage, _ in seen} == {"segmentation"} and [f for _, f in seen] == sorted(f for _, f in seen)
    assert seen[-1][1] == 1.0
    done = len(calls)

    def cancel(stage, fraction):
        if fraction > 0.3:
            raise Cancelled

    with pytest.raises(Cancelled):
        segmenter.segment(as_ct(classes()), cancel)
    assert len(calls) == done + 1  # the second task was not begun


def test_settings_that_cannot_be_written_are_said(stand_in, monkeypatch):
    def fail():
        raise PermissionError(13, "Permission denied", "/home/.totalsegmentator")

    monkeypatch.setattr(sys.modules["totalsegmentator.config"], "setup_totalseg", fail)
    with pytest.raises(InputError, match="TOTALSEG_HOME_DIR"):
        TotalSegmentatorSegmenter(device="cpu")


# --- geometry, against hand-worked cases


def test_affine_of_a_hand_worked_case():
    image = sitk.Image([4, 5, 6], sitk.sitkInt16)
    image.SetSpacing((2.0, 3.0, 4.0))
    image.SetOrigin((10.0, 20.0, 30.0))
    # i runs to superior, j to left, k to posterior
    image.SetDirection((0, 1, 0, 0, 0, 1, 1, 0, 0))
    expected = [[0, -3, 0, -10], [0, 0, -4, -20], [2, 0, 0, 30], [0, 0, 0, 1]]
    assert np.array_equal(ras_affine(image), expected)
    i, j, k = 3, 1, 5
    right, anterior, superior, _ = ras_affine(image) @ (i, j, k, 1)
    assert (-right, -anterior, superior) == image.TransformIndexToPhysicalPoint((i, j, k))


def test_a_result_in_another_axis_order_is_brought_to_the_ct():
    ct = as_ct(classes(), tilt=0.3)
    for order in ("LPS", "RAS", "PIR"):
        other = sitk.DICOMOrient(ct, order)
        array = nearest_class(sitk.GetArrayFromImage(other)).astype(np.uint8).transpose(2, 1, 0)
        found = on_grid_of(types.SimpleNamespace(dataobj=array, affine=ras_affine(other)), ct)
        assert np.array_equal(found, classes())
