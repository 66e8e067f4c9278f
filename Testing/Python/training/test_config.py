"""The training configuration: what is read, and what is refused by name."""

import pytest

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.training.config import read_config

GOOD = """
out = "weights"
[data]
root = "$DATA/ct"
train = ["a", "b"]
validation = ["c"]
ignore_levels = { a = [18] }
[network]
width = 8
spacing_mm = [3.0, 3.0, 3.0]
"""


def write(folder, text):
    path = folder / "c.toml"
    path.write_text(text)
    return path


def test_paths_variables_and_defaults(tmp_path, monkeypatch):
    monkeypatch.setenv("DATA", "/data")
    config = read_config(write(tmp_path, GOOD))
    assert config.out == tmp_path / "weights"
    assert str(config.data.root) == "/data/ct"
    assert config.network.width == 8 and config.network.depth == 4
    assert config.network.spacing_mm == (3.0, 3.0, 3.0)
    assert config.schedule.class_weights == (0.1, 0.3, 0.3, 0.3, 0.3)  # eq. 15


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("width = 8", "widht = 8"), "unknown entries.*widht"),
        (('validation = ["c"]', 'validation = ["a"]'), "one role"),
        (('train = ["a", "b"]', ""), "needs 'train'"),
        (("[data]", "[data"), "not valid TOML"),
        (('train = ["a", "b"]', "train = 5"), "must be a list"),
        (("width = 8", "width = 0"), "above 0"),
        (("[network]", "schedule = 3\n[network]"), "unknown entries"),
        (("spacing_mm = [3.0, 3.0, 3.0]", "spacing_mm = [3.0]"), "spacing_mm 3"),
    ],
)
def test_faults_are_named(tmp_path, change, message):
    with pytest.raises(InputError, match=message):
        read_config(write(tmp_path, GOOD.replace(*change)))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match="nowhere.toml"):
        read_config(tmp_path / "nowhere.toml")
