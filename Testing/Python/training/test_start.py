"""What a start has seen: a fold never goes on from weights that were trained on what it leaves out."""

import dataclasses
import json
import logging

import pytest
import torch

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.segmentation.weights import read_model
from VertebraFLTLib.training.checkpoint import FILE
from VertebraFLTLib.training.loop import train
from VertebraFLTLib.training.start import seen_by


def _warnings(caplog):
    """Only warnings: whatever ran before may have made the library's loggers more talkative."""
    return [record for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.fixture
def short(tiny, data, tmp_path):
    """``short(name, start=..., roles=...)``: a training of one step, with other roles for the cases where asked."""

    def make(name, start=None, kind="unet3d", manifest=data):
        config = tiny(kind, manifest, tmp_path / name, steps=1, shared_steps=1, view_steps=1)
        return dataclasses.replace(config, start=start)

    return make


@pytest.mark.parametrize("gone", [None, FILE, "manifest.json"])  # either of the two tells
def test_a_start_that_has_seen_the_fold_is_refused(gone, short, tmp_path):
    first = train(short("first"), "cpu")
    if gone:
        (first / gone).unlink()
    with pytest.raises(InputError, match="first: 'start' was trained on b, which this fold leaves out") as caught:
        train(short("second", first), "cpu", fold=1)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "second").exists()
    train(short("third", first), "cpu")  # leaves nothing out


def test_what_the_start_of_a_start_has_seen_counts(short, data, tmp_path):
    other = data.with_name("other.toml")  # b alone, then a alone: the second has seen both
    text = data.read_text()
    other.write_text(text.replace('role = "train"\nlicence = "free a"', 'role = "test"\nlicence = "free a"'))
    first = train(short("first", manifest=other), "cpu")
    other.write_text(text.replace('role = "train"\nlicence = "free b"', 'role = "test"\nlicence = "free b"'))
    second = train(short("second", first, manifest=other), "cpu")
    assert seen_by(second) == {"a", "b"}
    notes = read_model(second).manifest["training"]
    assert list(notes["cases"]) == ["a"] and notes["earlier_cases"] == ["b"]
    with pytest.raises(InputError, match="second: 'start' was trained on b"):
        train(short("third", second), "cpu", fold=1)


def test_each_fold_goes_on_from_its_own(short, tmp_path):
    first = short("first")
    train(first, "cpu", fold=1)
    second = short("second", first.out)
    folder = train(second, "cpu", fold=1)
    assert read_model(folder).manifest["training"]["started_from"] == "first/fold1"
    with pytest.raises(InputError, match="'start' has fold1 but no fold0"):
        train(second, "cpu", fold=0)
    # That of another fold, given by name, has seen what this one leaves out.
    with pytest.raises(InputError, match="fold1: 'start' was trained on a"):
        train(short("third", first.out / "fold1"), "cpu", fold=0)


@pytest.mark.parametrize("kind", ["unet3d", "unet2d"])
def test_simulated_patients_alone_may_start_any_fold(kind, short, tmp_path, caplog):
    first = train(short("first", kind=kind), "cpu")
    for name, section in (("manifest.json", "training"), (FILE, "settings")):
        if name == FILE:
            state = torch.load(first / name, weights_only=True)
            state[section]["run"]["cases"] = []
            torch.save(state, first / name)
        else:
            notes = json.loads((first / name).read_text())
            notes[section]["cases"] = {}
            (first / name).write_text(json.dumps(notes))
    with caplog.at_level(logging.WARNING, "VertebraFLTLib"):
        train(short("second", first, kind), "cpu", fold=1)
    assert not _warnings(caplog)


def test_weights_that_say_nothing_are_taken_with_a_warning(short, tmp_path, caplog):
    first = train(short("first"), "cpu")
    for name in (FILE, "manifest.json"):
        (first / name).unlink()
    assert seen_by(first) is None
    with caplog.at_level(logging.WARNING, "VertebraFLTLib"):
        train(short("second", first), "cpu")
        assert not _warnings(caplog)  # nothing is left out
        train(short("third", first), "cpu", fold=1)
    (record,) = _warnings(caplog)
    assert "does not say what it was trained on; make sure that it was not b" in record.getMessage()


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ('{"training": {"cases": ["a", "b"]}}', {"a", "b"}),
        ('{"training": {"cases": {"a": "CC0"}, "earlier_cases": ["b"]}}', {"a", "b"}),
        ('{"training": {"cases": {}}}', set()),
        ('{"training": {}}', None),
        ('{"training": null}', None),
        ("{}", None),
    ],
)
def test_what_a_manifest_tells(text, known, tmp_path):
    (tmp_path / "manifest.json").write_text(text)
    assert seen_by(tmp_path) == known


@pytest.mark.parametrize("text", ["", "[1]", "{"])
def test_a_damaged_manifest_is_named(text, tmp_path):
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(InputError, match=r"manifest\.json: not a readable model manifest"):
        seen_by(tmp_path)
