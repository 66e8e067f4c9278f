"""The training configuration: what is read, and what is refused by name."""

import dataclasses
from pathlib import Path

import pytest

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.training.card import read_card
from VertebraFLTLib.training.config_file import read_config

GOOD = """
out = "weights"
start = "$DATA/earlier"
[data]
manifest = "$DATA/cases.toml"
phantoms = [3, 4]
[network]
width = 8
depth = 2
spacing_mm = [3, 3.0, 3.0]
[schedule]
patch = [16, 24, 32]
learning_rate = 1
[loss]
name = "dice"
[augmentation]
flip_all = true
"""


def write(folder, text):
    path = folder / "c.toml"
    path.write_text(text)
    return path


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.setenv("DATA", "/data")
    return read_config(write(tmp_path, GOOD))


def test_paths_variables_and_defaults(config, tmp_path):
    assert config.out == tmp_path / "weights" and config.path == tmp_path / "c.toml"
    assert str(config.start) == "/data/earlier" and str(config.data.manifest) == "/data/cases.toml"
    assert config.network.width == 8 and config.network.kind == "unet3d"
    assert config.network.spacing_mm == (3.0, 3.0, 3.0) and config.data.phantoms == (3, 4)
    assert config.augmentation.flip_all
    assert config.loss.class_weights == (0.1, 0.3, 0.3, 0.3, 0.3)  # eq. 15


def test_simulated_patients_alone_are_enough(tmp_path):
    config = read_config(write(tmp_path, "[data]\nphantoms = [1]"))
    assert config.data.manifest is None and config.start is None and config.out == tmp_path / "out" / "train"


def test_a_fold_starts_from_the_same_fold(config, tmp_path):
    config = dataclasses.replace(config, start=tmp_path / "earlier")
    assert config.for_fold(2).start == tmp_path / "earlier"  # without folds, of which nothing is known here
    (tmp_path / "earlier" / "fold0").mkdir(parents=True)
    (tmp_path / "earlier" / "folded.txt").touch()
    with pytest.raises(InputError, match=r"earlier: 'start' has fold0 but no fold2, .*; train its fold 2 first"):
        config.for_fold(2)
    (tmp_path / "earlier" / "fold2").mkdir()
    assert config.for_fold(2).start == tmp_path / "earlier" / "fold2"
    assert config.for_fold(2).start_name == "earlier/fold2"
    assert config.for_fold(None).start == tmp_path / "earlier"


def test_a_fold_has_a_folder_of_its_own(config):
    assert config.for_fold(None) is config
    assert config.for_fold(2).out == config.out / "fold2"
    assert config.for_fold(2).settings() == config.settings()


def test_settings_are_what_decides_the_result(config, tmp_path):
    settings = config.settings()
    assert set(settings) == {"data", "network", "schedule", "loss", "augmentation"}
    assert settings["data"]["manifest"] == "cases.toml" and "threads" not in settings["schedule"]
    assert "steps" in settings["schedule"] and "view_steps" not in settings["schedule"]  # those of a 2-D network
    for name, other in (("width = 8", "width = 4"), ('"dice"', '"focal"'), ("flip_all = true", "flip_all = false")):
        assert read_config(write(tmp_path, GOOD.replace(name, other))).settings() != settings
    same = read_config(write(tmp_path, GOOD.replace("patch", "threads = 7\npatch")))
    assert same.settings() == settings


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("width = 8", "widht = 8"), r"\[network\] has unknown entries.*widht"),
        (('out = "weights"', "out = 3"), "out must be a text"),
        (('"weights"', '"$NOWHERE/weights"'), r"out is \$NOWHERE/weights; set that environment variable"),
        (("$DATA/earlier", "${NOWHERE}"), r"start is \$\{NOWHERE\}; set that environment variable"),
        (
            ("$DATA/cases", "$NOWHERE/cases"),
            r"\[data\] manifest is \$NOWHERE/cases.toml; set that environment variable",
        ),
        (("width = 8", "width = 8\ncontext = 1"), r"\[network\] context is not used by a unet3d; leave it out"),
        (("learning_rate = 1", 'views = ["axial"]'), r"\[schedule\] views is not used by a unet3d"),
        (("learning_rate = 1", "shared_steps = 1200"), r"\[schedule\] shared_steps is not used by a unet3d"),
        (("learning_rate = 1", "view_steps = 3"), r"\[schedule\] view_steps is not used by a unet3d"),
        (
            ("learning_rate = 1", 'optimizer = "adam"\nweight_decay = 1e-4'),
            r"\[schedule\] weight_decay is not used by optimizer adam",
        ),
        (("flip_all = true", "slice_mm = [6.0, 2.0]"), "slice_mm must be the thinnest slice, then the thickest"),
        (("out =", "oot ="), r"unknown entries \['oot'\]; known are out, start"),
        (("[data]", "[data"), "not valid TOML"),
        (("[data]", "schedule = 3\n[data]"), "not valid TOML"),  # named twice
        (("phantoms = [3, 4]", "phantoms = 5"), r"\[data\] phantoms must be a list"),
        (("phantoms = [3, 4]", 'phantoms = ["x"]'), r"\[data\] phantoms must be a list, each entry a whole number"),
        (("width = 8", "width = [8]"), r"\[network\] width must not be a list"),
        (("width = 8", "width = 0"), "width must be a whole number above 0"),
        (("width = 8", "width = 8.5"), r"\[network\] width must be a whole number"),
        (("width = 8", "width = true"), r"\[network\] width must be a whole number"),
        (("width = 8", "context = -1"), "context must not be below 0"),
        (("learning_rate = 1", 'learning_rate = "fast"'), r"\[schedule\] learning_rate must be a number"),
        (("learning_rate = 1", "learning_rate = 0"), "learning_rate, spacing_mm and patch must be above 0"),
        (("learning_rate = 1", "steps = 0"), "steps must be a whole number above 0"),
        (("learning_rate = 1", "seed = -4"), "seed must not be below 0"),
        (("flip_all = true", "flip_all = 1"), r"\[augmentation\] flip_all must be true or false"),
        (("flip_all = true", "metal = 1.5"), "metal must be a share from 0 to 1"),
        (("phantoms = [3, 4]", "phantom_share = 2"), "phantom_share must be a share from 0 to 1"),
        (("spacing_mm = [3, 3.0, 3.0]", "spacing_mm = [3.0]"), "spacing_mm must be a list of 3 numbers"),
        (("[16, 24, 32]", "[16, 16]"), "patch must be a list of 3 numbers"),
        (("[16, 24, 32]", "[16, 16, 20]"), "patch must be multiples of 4, 8, 8"),
        (("[16, 24, 32]", "[0, 16, 16]"), "patch must be above 0"),
        (("flip_all = true", "slice_mm = [3.0]"), "slice_mm must be a list of 2 numbers"),
        (('name = "dice"', "class_weights = [1.0]"), "class_weights must be a list of 5 numbers"),
        (('name = "dice"', "deep = [0.3]"), "deep must be a list of 2 numbers, or empty"),
        (('name = "dice"', 'name = "hinge"'), r"\[loss\] name is 'hinge'; choose from dice_ce, cross_entropy"),
        (("width = 8", 'kind = "unet4d"'), r"\[network\] kind is 'unet4d'; choose from unet3d, unet2d"),
        (("learning_rate = 1", 'optimizer = "sgd"'), r"\[schedule\] optimizer is 'sgd'; choose from adamw, adam"),
        (("learning_rate = 1", 'rates = "up"'), r"\[schedule\] rates is 'up'; choose from cosine, plateau, constant"),
        (("learning_rate = 1", 'keep = "all"'), r"\[schedule\] keep is 'all'; choose from best, last"),
        (("learning_rate = 1", 'precision = "8"'), r"\[schedule\] precision is '8'; choose from bf16-mixed"),
        (("learning_rate = 1", 'views = ["oblique"]'), r"\[schedule\] views has 'oblique'; choose from axial"),
    ],
)
def test_faults_are_named_on_one_line(config, tmp_path, change, message):
    with pytest.raises(InputError, match=message) as caught:
        read_config(write(tmp_path, GOOD.replace(*change)))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        ("views = []", "views must name at least one view"),
        ('views = ["axial", "axial"]', "each once"),
        ("shared_steps = 0\nview_steps = 0", "nothing would be trained"),
        ("view_steps = 5\n[network]\ndepth = 5", "depth of a unet2d must be at most 4"),
        ("steps = 5", r"\[schedule\] steps is not used by a unet2d; leave it out"),
        ("patch = [96, 96, 96]", r"\[schedule\] patch is not used by a unet2d"),
        ("[loss]\ndeep = []\n[network]", r"\[loss\] deep is not used by a unet2d"),
    ],
)
def test_faults_of_2d_trainings(tmp_path, schedule, message):
    text = f"[data]\nphantoms = [1]\n[schedule]\n{schedule}\n"
    text += 'kind = "unet2d"' if "[network]" in schedule else '[network]\nkind = "unet2d"'
    with pytest.raises(InputError, match=message):
        read_config(write(tmp_path, text))


def test_data_of_some_kind_are_needed(tmp_path):
    with pytest.raises(InputError, match=r"\[data\] needs 'manifest' .* or 'phantoms'"):
        read_config(write(tmp_path, "[network]\nwidth = 4"))


def test_simulated_patients_alone_must_be_drawn(tmp_path):
    with pytest.raises(InputError, match="phantom_share is 0 and there is no manifest"):
        read_config(write(tmp_path, "[data]\nphantoms = [1]\nphantom_share = 0"))


FILES = sorted((Path(__file__).parents[3] / "docs" / "training").glob("*.toml"))
CARDS = [path for path in FILES if path.stem.endswith("-card")]


@pytest.mark.parametrize("path", [p for p in FILES if p not in CARDS and p.stem != "cases"], ids=lambda p: p.stem)
def test_the_trainings_of_the_documentation_are_right(path):
    config = read_config(path)
    assert config.start is None or config.start.name in {p.stem for p in FILES}  # a phase that is documented too
    assert config.data.manifest in (None, path.with_name("cases.toml"))


@pytest.mark.parametrize("path", CARDS, ids=lambda p: p.stem)
def test_the_cards_of_the_documentation_are_right(path):
    config = read_config(path.with_name(path.name.replace("-card", "")))
    assert read_card(path, config, range(5))["thresholds"]


def test_a_section_must_be_a_table(tmp_path):
    with pytest.raises(InputError, match=r"\[loss\] must be a table"):
        read_config(write(tmp_path, "loss = 3\n[data]\nphantoms = [1]"))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.toml: cannot be read"):
        read_config(tmp_path / "nowhere.toml")
