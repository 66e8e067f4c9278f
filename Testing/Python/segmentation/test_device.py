"""The device: what is asked for is given or refused in words."""

import pytest
import torch

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.segmentation import device
from VertebraFLTLib.segmentation.device import choose_device, device_words


def test_cpu_is_always_there():
    assert choose_device("cpu").type == "cpu"
    assert device_words(torch.device("cpu")).startswith("cpu (")


def test_auto_falls_back_to_the_cpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto").type == "cpu"


def test_cuda_without_a_card_says_what_to_do(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match="use --device cpu"):
        choose_device("cuda")


def test_a_card_that_fails_its_test_is_not_used(monkeypatch):
    monkeypatch.setattr(device, "_cuda_fault", lambda: "the CUDA device failed a test convolution (no kernel image)")
    assert choose_device("auto").type == "cpu"
    with pytest.raises(InputError, match="no kernel image"):
        choose_device("cuda")


def test_an_unknown_device_is_refused():
    with pytest.raises(InputError, match="choose auto, cpu or cuda"):
        choose_device("tpu")
