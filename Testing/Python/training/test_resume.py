"""A training that is cut off anywhere and resumed ends with the same bits as one that was not."""

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from VertebraFLTLib.errors import Cancelled, InputError
from VertebraFLTLib.segmentation.weights import read_model
from VertebraFLTLib.training import fit, loop
from VertebraFLTLib.training.checkpoint import FILE, load_state
from VertebraFLTLib.training.loop import train

ROOT = Path(__file__).resolve().parents[3]
# Steps at which to stop: all of them once for each kind of network, one in the other precision.
STOPS = [
    *(("unet3d", "bf16-mixed", n) for n in range(1, 6)),
    *(("unet2d", "32-true", n) for n in range(1, 8)),
    ("unet3d", "32-true", 4),
    ("unet2d", "bf16-mixed", 5),
]


@pytest.fixture(scope="module")
def manifest(write_data, tmp_path_factory):
    return write_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(autouse=True)
def _rows_often(monkeypatch):
    # Not the rhythm of the checkpoints (2), so that a row's mean spans one.
    monkeypatch.setattr(fit, "_ROW_EVERY", 3)


def outcome(folder):
    """All that a user keeps of a training."""
    weights = {path.name: path.read_bytes() for path in folder.glob("*.safetensors")}
    return weights, (folder / "log.csv").read_text(), (folder / "manifest.json").read_text()


@pytest.fixture(scope="module")
def whole(manifest, tiny, tmp_path_factory):
    """What the uninterrupted training gives, once for each kind and precision."""
    known = {}

    def give(kind, precision, **settings):
        key = (kind, precision, *settings.items())
        if key not in known:
            config = tiny(kind, manifest, tmp_path_factory.mktemp("whole") / "out", precision=precision, **settings)
            known[key] = outcome(train(config, "cpu"))
        return known[key]

    return give


def stopping_at(count):
    """A progress callback that ends the run at its ``count``-th step."""
    left = [count]

    def progress(stage, fraction):
        left[0] -= 1
        if left[0] == 0:
            raise Cancelled

    return progress


@pytest.mark.parametrize(("kind", "precision", "step"), STOPS)
def test_cut_off_at_any_step(kind, precision, step, manifest, tiny, whole, tmp_path):
    config = tiny(kind, manifest, tmp_path / "out", precision=precision)
    with pytest.raises(Cancelled):
        train(config, "cpu", progress=stopping_at(step))
    assert outcome(train(config, "cpu", resume=True)) == whole(kind, precision)


@pytest.fixture
def cut_off_at_write(monkeypatch):
    """``cut_off_at_write(n, when)``: the run ends just before or just after it writes its ``n``-th checkpoint."""
    original = loop.save_state

    def arrange(write, when):
        left = [write]

        def save(state, folder):
            left[0] -= 1
            if left[0] == 0 and when == "before":
                raise Cancelled
            original(state, folder)
            if left[0] == 0:
                raise Cancelled

        for module in (loop, fit):
            monkeypatch.setattr(module, "save_state", save)

    return arrange


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("write", [1, 4, 5, 7, 10])  # the first, the last of a stage, the first of the next, the last
def test_cut_off_beside_any_checkpoint(write, when, manifest, tiny, whole, tmp_path, cut_off_at_write):
    """Between stages too: just before a checkpoint is written, and just after it is."""
    config = tiny("unet2d", manifest, tmp_path / "out")
    cut_off_at_write(write, when)
    with pytest.raises(Cancelled):
        train(config, "cpu")
    if (write, when) == (1, "before"):  # nothing was kept yet: the run is begun again
        with pytest.raises(InputError, match="no checkpoint to resume from"):
            train(config, "cpu", resume=True)
    resume = (write, when) != (1, "before")
    assert outcome(train(config, "cpu", resume=resume)) == whole("unet2d", "32-true")


def test_cut_off_twice(manifest, tiny, whole, tmp_path):
    config = tiny("unet2d", manifest, tmp_path / "out")
    for resume, steps in ((False, 4), (True, 2)):
        with pytest.raises(Cancelled):
            train(config, "cpu", resume=resume, progress=stopping_at(steps))
    assert outcome(train(config, "cpu", resume=True)) == whole("unet2d", "32-true")


def test_what_plateau_and_patience_have_counted_is_kept(manifest, tiny, whole, tmp_path, monkeypatch):
    dice = iter([0.4, 0.3, 0.4, 0.2, 0.1] * 9)
    monkeypatch.setattr(fit, "dice_scores", lambda network, case, view: {1: next(dice)})
    settings = {"steps": 8, "rates": "plateau", "plateau_patience": 2, "patience": 3, "validate_every": 1}
    settings |= {"optimizer": "adam", "checkpoint_every": 1}
    expected = whole("unet3d", "32-true", **settings)
    steps = [int(row["step"]) for row in csv.DictReader(expected[1].splitlines())]
    assert max(steps) == 4  # three validations without a better one
    for stop in (2, 3, 4):
        config = tiny("unet3d", manifest, tmp_path / f"{stop}" / "out", **settings)
        dice = iter([0.4, 0.3, 0.4, 0.2, 0.1])
        with pytest.raises(Cancelled):
            train(config, "cpu", progress=stopping_at(stop))
        dice = iter([0.4, 0.3, 0.4, 0.2, 0.1][stop - 1 :])
        assert outcome(train(config, "cpu", resume=True)) == expected


@pytest.mark.parametrize("keep", ["best", "last"])
@pytest.mark.parametrize(
    ("write", "left"), [(4, 3), (5, 3), (9, 0)]
)  # an early stop's, its stage's end, the last stop's
def test_cut_off_beside_an_early_stop(
    write, left, keep, manifest, tiny, whole, tmp_path, monkeypatch, cut_off_at_write
):
    """Each stage has 9 steps and is stopped by the third validation: the first was the best."""
    original = fit.Fit._score

    def score(self, cases):
        dice = {1: 0.5 - 0.01 * self.state.step}  # of the step alone, so that a resumed run finds the same
        monkeypatch.setattr(fit, "dice_scores", lambda network, case, view: dice)
        return original(self, cases)

    monkeypatch.setattr(fit.Fit, "_score", score)
    settings = {"shared_steps": 9, "view_steps": 9, "views": ("axial",), "patience": 2, "keep": keep}
    settings |= {"validate_every": 1, "checkpoint_every": 1}
    expected = whole("unet2d", "32-true", **settings)
    stages = {(row["stage"], int(row["step"])) for row in csv.DictReader(expected[1].splitlines())}
    assert stages == {(stage, step) for stage in ("shared", "axial") for step in (1, 2, 3)}
    config = tiny("unet2d", manifest, tmp_path / "out", **settings)
    cut_off_at_write(write, "after")
    with pytest.raises(Cancelled):
        train(config, "cpu")
    steps = []
    assert outcome(train(config, "cpu", resume=True, progress=lambda *_: steps.append(1))) == expected
    assert len(steps) == left


def test_a_training_goes_on_with_the_data_and_processes_it_began_with(manifest, tiny, tmp_path, monkeypatch):
    config = tiny("unet3d", manifest, tmp_path / "out", steps=1)
    train(config, "cpu")
    run = load_state(tmp_path / "out", {}).settings["run"]
    assert run == {
        "fold": None,
        "cases": ["a", "b"],
        "validation": ["v"],
        "start": None,
        "processes": 1,
        "earlier_cases": [],
    }
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(InputError, match=r"was made with another \[run\] processes"):
        train(config, "cpu", resume=True)


def test_a_finished_training_stays_as_it_is(manifest, tiny, whole, tmp_path):
    config = tiny("unet2d", manifest, tmp_path / "out")
    train(config, "cpu")
    assert outcome(train(config, "cpu", resume=True)) == whole("unet2d", "32-true")
    with pytest.raises(InputError, match="holds a training run already; go on with --resume, or give another 'out'"):
        train(config, "cpu")


def test_a_run_killed_by_the_system(manifest, tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(fit, "_ROW_EVERY", 25)  # as in the other process
    settings = {"steps": 30, "validate_every": 5, "checkpoint_every": 4}
    text = (
        f'out = "killed"\n[data]\nmanifest = "{manifest.as_posix()}"\n'
        "[network]\nwidth = 4\ndepth = 1\nspacing_mm = [10, 10, 10]\n"
        '[schedule]\npatch = [16, 16, 16]\nthreads = 1\nprecision = "32-true"\n'
        + "".join(f"{key} = {value}\n" for key, value in settings.items())
    )
    (tmp_path / "c.toml").write_text(text)
    command = [sys.executable, "-m", "VertebraFLTLib", "train", str(tmp_path / "c.toml"), "--device", "cpu"]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"})
    out, until = tmp_path / "killed", time.monotonic() + 120
    while not (out / "volume.safetensors").exists() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert (out / FILE).exists() and not (out / "manifest.json").exists()
    config = tiny("unet3d", manifest, out, **settings)
    resumed = train(config, "cpu", resume=True)
    expected = train(tiny("unet3d", manifest, tmp_path / "whole", **settings), "cpu")
    assert outcome(resumed)[:2] == outcome(expected)[:2]
    assert read_model(resumed).digest == read_model(expected).digest
