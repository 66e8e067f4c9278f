"""Batches come in order, samplers take turns, processes have their own; trouble and an early end are passed on."""

import threading

import pytest

from VertebraFLTLib.training.prefetch import batches


class Named:
    def __init__(self, name, fail_at=None):
        self.name, self.fail_at = name, fail_at

    def batch(self, step, size):
        if step == self.fail_at:
            raise ValueError("no such patch")
        return self.name, step, size


def test_samplers_take_turns():
    found = list(batches([Named("a"), Named("b")], 3, 7, 2))
    assert found == [(3, ("b", 3, 2)), (4, ("a", 4, 2)), (5, ("b", 5, 2)), (6, ("a", 6, 2))]
    assert list(batches([Named("a")], 4, 4, 2)) == []


def test_no_two_processes_have_the_same_batch():
    drawn = [list(batches([Named("a"), Named("b")], 0, 6, 1, rank, 3)) for rank in range(3)]
    steps = [(sampler, step) for one in drawn for _, (sampler, step, _) in one]
    assert len(set(steps)) == 18
    # ... and all are at the same sampler, so that a view has its turn in all.
    assert [[b[0] for _, b in one] for one in drawn] == [["a", "b"] * 3] * 3


def test_trouble_in_the_thread_reaches_the_loop():
    with pytest.raises(ValueError, match="no such patch"):
        list(batches([Named("a", fail_at=2)], 0, 5, 1))


def test_an_early_end_leaves_no_thread():
    coming = batches([Named("a")], 0, 100, 1)
    next(coming)
    coming.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("batches")]
