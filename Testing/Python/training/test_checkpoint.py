"""What a run writes as it goes: a checkpoint that is whole or refused, a log that can be taken up again."""

import csv

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.training.checkpoint import FILE, RunState, load_state, save_state, settings_of
from VertebraFLTLib.training.records import Records

SETTINGS = {"network": {"width": 4, "spacing_mm": (2.0, 2.0, 2.0)}, "run": {"fold": None}}


@pytest.fixture
def state():
    layer = torch.nn.Conv2d(2, 3, 3)
    optimizer = torch.optim.Adam(layer.parameters())
    layer(torch.ones(1, 2, 5, 5)).sum().backward()
    optimizer.step()
    return RunState(
        SETTINGS,
        stage="axial",
        step=7,
        done_stages=["shared"],
        best_dice=0.25,
        network=layer.state_dict(),
        optimizer=optimizer.state_dict(),
        rates={"best": -float("inf")},
        recent=[0.1, 0.2],
    )


def test_round_trip(state, tmp_path):
    save_state(state, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [FILE]
    read = load_state(tmp_path, SETTINGS)
    for name in ("settings", "stage", "step", "done_stages", "best_dice", "rates", "recent", "shared"):
        assert getattr(read, name) == getattr(state, name), name
    for name, value in state.network.items():
        assert torch.equal(read.network[name], value)
    for number, values in state.optimizer["state"].items():
        assert all(torch.equal(read.optimizer["state"][number][k], v) for k, v in values.items())


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(InputError, match=r"checkpoint\.pt: no checkpoint to resume from; leave out --resume"):
        load_state(tmp_path, SETTINGS)


@pytest.mark.parametrize("damage", ["empty", "garbage", "half", "bytes", "other", "a list", "a program"])
def test_a_damaged_file_is_refused_on_one_line(state, tmp_path, damage):
    save_state(state, tmp_path)
    path = tmp_path / FILE
    whole = path.read_bytes()
    content = {
        "empty": b"",
        "garbage": b"\x80\x02not a checkpoint at all" * 9,
        "half": whole[: len(whole) // 2],
        "bytes": whole[:200] + bytes(200) + whole[400:],
    }
    if damage in content:
        path.write_bytes(content[damage])
    else:
        torch.save({"other": {"step": 3}, "a list": [1, 2], "a program": print}[damage], path)
    with pytest.raises(InputError, match=r"checkpoint\.pt: the checkpoint is damaged or of another version") as caught:
        load_state(tmp_path, SETTINGS)
    assert "\n" not in str(caught.value)


def test_a_file_that_cannot_be_opened_is_not_called_damaged(state, tmp_path, monkeypatch):
    save_state(state, tmp_path)

    def refused(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(torch, "load", refused)
    with pytest.raises(InputError, match=r"checkpoint\.pt: cannot be read \(Permission denied\)"):
        load_state(tmp_path, SETTINGS)


def test_the_settings_of_a_run(state, tmp_path):
    assert settings_of(tmp_path) is None
    save_state(state, tmp_path)
    assert settings_of(tmp_path) == SETTINGS
    for damage in ({"step": 3}, [1, 2]):
        torch.save(damage, tmp_path / FILE)
        with pytest.raises(InputError, match="damaged or of another version"):
            settings_of(tmp_path)


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({**SETTINGS, "network": {"width": 8, "spacing_mm": (2.0, 2.0, 2.0)}}, r"\[network\] width"),
        ({**SETTINGS, "network": {"width": 4, "spacing_mm": (2.0, 2.0, 3.0)}}, r"\[network\] spacing_mm"),
        ({**SETTINGS, "run": {"fold": 1}}, r"\[run\] fold"),
        ({**SETTINGS, "loss": {"name": "dice"}}, r"\[loss\] name"),
    ],
)
def test_other_settings_are_named(state, tmp_path, settings, name):
    save_state(state, tmp_path)
    with pytest.raises(InputError, match=rf"was made with another {name}; restore the config or start afresh"):
        load_state(tmp_path, settings)


def test_a_kill_while_writing_leaves_the_former_checkpoint(state, tmp_path, monkeypatch):
    save_state(state, tmp_path)
    state.step = 8

    def killed(_, path):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", killed)
    with pytest.raises(KeyboardInterrupt):
        save_state(state, tmp_path)
    assert load_state(tmp_path, SETTINGS).step == 7


def rows(folder):
    with (folder / "log.csv").open(newline="") as file:
        return list(csv.reader(file))


def test_records_are_a_table_and_event_files(tmp_path):
    records = Records(tmp_path)
    records.add("volume", 25, {"loss": 1.25, "rate": 0.0012345678})
    records.close()
    assert rows(tmp_path) == [
        ["stage", "step", "quantity", "value"],
        ["volume", "25", "loss", "1.25"],
        ["volume", "25", "rate", "0.00123457"],
    ]
    (events,) = (tmp_path / "tensorboard" / "volume").iterdir()
    assert events.name.startswith("events.out.tfevents") and b"loss" in events.read_bytes()


def shown(folder, stage):
    """What TensorBoard shows of a stage's loss."""
    events = EventAccumulator(str(folder / "tensorboard" / stage))
    events.Reload()
    return [(event.step, event.value) for event in events.Scalars("loss")]


def test_the_board_forgets_what_a_resumed_run_repeats(tmp_path):
    first = Records(tmp_path)
    for stage in ("shared", "axial"):
        for step in (25, 50, 75):
            first.add(stage, step, {"loss": 1.0})
    first.close()
    resumed = Records(tmp_path)
    resumed.rewind(["shared"], "axial", 30)
    resumed.add("axial", 50, {"loss": 2.0})
    resumed.close()
    assert shown(tmp_path, "shared") == [(25, 1.0), (50, 1.0), (75, 1.0)]
    assert shown(tmp_path, "axial") == [(25, 1.0), (50, 2.0)]
    afresh = Records(tmp_path)
    afresh.rewind([], "", 0)
    afresh.add("shared", 25, {"loss": 3.0})
    afresh.close()
    assert shown(tmp_path, "shared") == [(25, 3.0)]


@pytest.mark.parametrize("torn", ["", "axial,7", "axial,75,lo", "axial,75,loss,1.\n"])
def test_what_will_be_repeated_is_dropped(tmp_path, torn):
    records = Records(tmp_path)
    for stage, steps in (("shared", (25, 50)), ("axial", (25, 50)), ("sagittal", (25,))):
        for step in steps:
            records.add(stage, step, {"loss": 1.0})
    with records.path.open("a") as file:
        file.write(torn)
    records.rewind(["shared"], "axial", 25)
    records.close()
    assert [row[:2] for row in rows(tmp_path)[1:]] == [["shared", "25"], ["shared", "50"], ["axial", "25"]]


def test_a_fresh_run_does_not_go_on_with_the_log_of_another(tmp_path):
    records = Records(tmp_path)
    records.rewind([], "", 0)  # nothing there yet
    records.add("volume", 25, {"loss": 1.0})
    records.rewind([], "", 0)
    records.add("volume", 25, {"loss": 2.0})
    records.close()
    assert [row[3] for row in rows(tmp_path)[1:]] == ["2"]
