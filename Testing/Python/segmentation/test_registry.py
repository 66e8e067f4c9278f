"""From options to a segmenter: what is chosen, what is refused, and that nothing is imported unless chosen."""

import subprocess
import sys

import pytest

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.result import SEGMENTERS, Options
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


@pytest.fixture
def folders(model_folder, volume_folder):
    return {"EnsembleSegmenter": str(model_folder), "VolumeSegmenter": str(volume_folder)}


@pytest.mark.parametrize("kind", ["EnsembleSegmenter", "VolumeSegmenter"])
@pytest.mark.parametrize("named", [False, True])
def test_a_model_folder_brings_its_own_kind(folders, kind, named):
    segmenter = {"EnsembleSegmenter": "ensemble", "VolumeSegmenter": "volume"}[kind] if named else None
    made = get_segmenter(Options(model_folder=folders[kind], segmenter=segmenter, threshold=0.3, device="cpu"))
    assert type(made).__name__ == kind
    thresholds = made.thresholds if isinstance(made.thresholds, list) else made.thresholds["axial"]
    assert thresholds == [0.3] * 4


@pytest.mark.parametrize("options", [{}, {"segmenter": "volume"}])
def test_the_3d_networks_that_ship_are_the_default(options):
    made = get_segmenter(Options(device="cpu", **options))
    assert type(made).__name__ == "VolumeSegmenter" and made.model.name == "unet3d"
    assert [second for _, second in made.looks()] == [False, True]  # each looks once, one of them into the mirror


@pytest.mark.parametrize("options", [{"views": ("axial",)}, {"combine": "vote"}, {"segmenter": "ensemble"}])
def test_whoever_asks_for_views_has_the_ensemble(options):
    made = get_segmenter(Options(device="cpu", **options))
    assert type(made).__name__ == "EnsembleSegmenter" and made.model.name == "unet2d-views"
    assert made.views == options.get("views", made.model.views)


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("VolumeSegmenter", {"views": ("axial",)}, "holds a 3-D network; leave out --segmenter ensemble, --views and"),
        ("VolumeSegmenter", {"combine": "vote"}, "holds a 3-D network; leave out"),
        ("VolumeSegmenter", {"segmenter": "ensemble"}, "holds a 3-D network; leave out --segmenter ensemble"),
        ("VolumeSegmenter", {"segmenter": "volume", "views": ("axial",)}, "--views is for --segmenter ensemble only"),
        ("VolumeSegmenter", {"segmenter": "volume", "combine": "vote"}, "--combine is for --segmenter ensemble only"),
        ("EnsembleSegmenter", {"segmenter": "volume"}, "holds 2-D networks, one a view; use --segmenter ensemble"),
    ],
)
def test_options_of_the_other_kind_are_refused_by_name(folders, kind, options, message):
    with pytest.raises(InputError, match=message) as caught:
        get_segmenter(Options(model_folder=folders[kind], device="cpu", **options))
    assert "\n" not in str(caught.value)


def test_a_mask_stands_in_for_a_segmenter():
    assert type(get_segmenter(Options(), mask="mask.nii.gz")).__name__ == "GivenMask"


@pytest.mark.parametrize(
    "options",
    [*(Options(segmenter=name) for name in SEGMENTERS), Options(threshold=0.3), Options(model_folder="m")],
)
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
    name = next(iter(option))
    owner = "the product's own networks" if name == "threshold" else "--segmenter ensemble"
    with pytest.raises(InputError, match=f"--{name} is for {owner} only; leave it out with --segmenter {segmenter}"):
        get_segmenter(Options(segmenter=segmenter, **option))


def test_totalsegmentator_takes_no_model_folder():
    with pytest.raises(InputError, match="--model-folder is not for"):
        get_segmenter(Options(segmenter="totalsegmentator", model_folder="x"))


def test_nnunet_needs_a_folder():
    with pytest.raises(InputError, match="needs --model-folder"):
        get_segmenter(Options(segmenter="nnunet"))


def test_an_unknown_name_lists_the_known():
    with pytest.raises(InputError, match="choose one of ensemble, volume, totalsegmentator, nnunet"):
        get_segmenter(Options(segmenter="magic"))


def test_optional_packages_are_not_imported_with_ours():
    code = (
        "import sys; from VertebraFLTLib.segmentation import registry, ensemble, volume, nnunet, totalsegmentator; "
        "sys.exit(any(n.split('.')[0] in ('nnunetv2', 'totalsegmentator', 'nibabel') for n in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
