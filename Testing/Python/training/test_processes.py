"""A training on two processes, as torchrun starts them: both end, one writes, and the model is whole."""

import csv
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

from lightning_fabric import Fabric

from VertebraFLTLib.progress import silent
from VertebraFLTLib.segmentation.weights import read_model
from VertebraFLTLib.training.checkpoint import RunState
from VertebraFLTLib.training.fit import Fit
from VertebraFLTLib.training.stages import new_network, stages

ROOT = Path(__file__).resolve().parents[3]

# Two stages and validations that can end them: what all processes must decide alike, or one waits for ever.
CONFIG = """
out = "out"
[data]
manifest = "cases.toml"
[network]
kind = "unet2d"
width = 4
depth = 1
context = 0
spacing_mm = [10, 10, 10]
[schedule]
views = ["axial"]
shared_steps = 4
view_steps = 9
batch = 1
rates = "plateau"
plateau_patience = 1
patience = 2
validate_every = 1
checkpoint_every = 2
threads = 1
"""

# What torchrun does, but that both processes are forked from one that has imported everything: a third of the time.
TORCHRUN = """
import sys
from torch.distributed.launcher.api import LaunchConfig, elastic_launch
from VertebraFLTLib.cli.main import main
import VertebraFLTLib.training.loop

def work(*arguments):
    sys.exit(main(list(arguments)))

settings = LaunchConfig(1, 1, 2, run_id="test", rdzv_backend="c10d", rdzv_endpoint="localhost:0", start_method="fork")
elastic_launch(settings, work)(*sys.argv[1:])
"""


def test_two_processes_train_one_model(data, tmp_path):
    (tmp_path / "c.toml").write_text(CONFIG)
    command = [sys.executable, "-c", TORCHRUN, "train", str(tmp_path / "c.toml"), "--device", "cpu"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    out = tmp_path / "out"
    assert done.stdout.split() == [str(out)]  # the first alone speaks
    assert done.stderr.count(" voxels\n") == 3  # a, b and v are read by both, and said once
    assert {path.name for path in out.iterdir()} == {
        *("shared.safetensors", "axial.safetensors", "checkpoint.pt", "log.csv", "manifest.json", "tensorboard")
    }
    assert {path.name: len(list(path.iterdir())) for path in (out / "tensorboard").iterdir()} == {
        "shared": 1,
        "axial": 1,
    }
    with (out / "log.csv").open(newline="") as file:
        rows = [tuple(row.values())[:3] for row in csv.DictReader(file)]
    assert rows and len(rows) == len(set(rows))
    assert list(read_model(out).files) == ["axial"]


def test_all_processes_decide_by_the_score_of_the_first(tiny, tmp_path):
    """Each has batch statistics, and so a Dice, of its own; were one to stop alone, the others would wait for ever."""
    config = tiny("unet3d", None, tmp_path, patience=1)
    (stage,) = stages(config)
    state = RunState({}, stage=stage.name, step=1)
    other = Fabric(accelerator="cpu", devices=1)
    fit = Fit(other, new_network(config.network), stage, config, state, None, silent)
    answers = iter([0.7, 0.6])
    fit.fabric = SimpleNamespace(is_global_zero=False, broadcast=lambda mine: next(answers))
    assert fit._validate([]) is False and (state.best_dice, state.best_step) == (0.7, 1)
    assert fit._validate([]) is True
    assert not list(tmp_path.glob("*.safetensors"))  # only the first writes
