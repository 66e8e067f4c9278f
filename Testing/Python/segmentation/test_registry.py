"""From options to a segmenter: what is chosen, what is refused, and that nothing is imported unless chosen."""

import subprocess
import sys

import pytest

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.result import Options
from VertebraFLTLib.segmentation.registry import get_segmenter

MODULES = {
    "nnunet": ("nnunetv2", "nnunetv2.inference", "nnunetv2.inference.predict_from_raw_data"),
    "totalsegmentator": (
        *("totalsegmentator", "totalsegmentator.config", "totalsegmentator.map_to_binary"),
        "totalsegmentator.python_api",
    ),
}


@pytest.fixture
def nnunet_folder(tmp_path):
    (tmp_path / "fold_0").mkdir()
    (tmp_path / "fold_0" / "checkpoint_final.pth").write_bytes(b"weights")
    (tmp_path / "plans.json").write_text("{}")
    (tmp_path / "dataset.json").write_text('{"channel_names": {"0": "CT"}, "labels": {"background": 0, "L1": 1}}')
    return str(tmp_path)


def test_the_ensemble_is_the_default(model_folder):
    assert type(get_segmenter(Options(model_folder=str(model_folder)))).__name__ == "EnsembleSegmenter"


def test_a_mask_stands_in_for_a_segmenter():
    assert type(get_segmenter(Options(), mask="mask.nii.gz")).__name__ == "GivenMask"


@pytest.mark.parametrize("options", [Options(segmenter="nnunet"), Options(threshold=0.3), Options(model_folder="m")])
def test_with_a_mask_nothing_is_silently_ignored(options):
    with pytest.raises(InputError, match="leave"):
        get_segmenter(options, mask="mask.nii.gz")


@pytest.mark.parametrize(("segmenter", "package"), [("nnunet", "nnunetv2"), ("totalsegmentator", "TotalSegmentator")])
def test_a_missing_package_says_what_to_install(monkeypatch, segmenter, package, nnunet_folder):
    for name in MODULES[segmenter]:
        monkeypatch.setitem(sys.modules, name, None)  # how Python marks a module that cannot be imported
    folder = nnunet_folder if segmenter == "nnunet" else None
    with pytest.raises(InputError) as caught:
        get_segmenter(Options(segmenter=segmenter, device="cpu", model_folder=folder))
    message = str(caught.value)
    assert f'pip install "{package}>=' in message and f"vertebraflt[{segmenter}]" in message
    assert f"package {package.lower()} is not installed" in message and "\n" not in message


@pytest.mark.parametrize("option", [{"views": ("axial",)}, {"combine": "vote"}, {"threshold": 0.4}])
@pytest.mark.parametrize("segmenter", ["nnunet", "totalsegmentator"])
def test_options_of_the_ensemble_are_not_quietly_ignored(segmenter, option):
    with pytest.raises(InputError, match=f"--{next(iter(option))} is for --segmenter ensemble only"):
        get_segmenter(Options(segmenter=segmenter, **option))


def test_totalsegmentator_takes_no_model_folder():
    with pytest.raises(InputError, match="--model-folder is not for"):
        get_segmenter(Options(segmenter="totalsegmentator", model_folder="x"))


def test_nnunet_needs_a_folder():
    with pytest.raises(InputError, match="needs --model-folder"):
        get_segmenter(Options(segmenter="nnunet"))


def test_an_unknown_name_lists_the_known():
    with pytest.raises(InputError, match="choose one of ensemble, totalsegmentator, nnunet"):
        get_segmenter(Options(segmenter="magic"))


def test_optional_packages_are_not_imported_with_ours():
    code = (
        "import sys; from VertebraFLTLib.segmentation import registry, ensemble, nnunet, totalsegmentator; "
        "sys.exit(any(n.split('.')[0] in ('nnunetv2', 'totalsegmentator', 'nibabel') for n in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
