"""Prepared cases: the same training as from the images, without them; other grids and damaged files are refused."""

import dataclasses
import shutil

import numpy as np
import pytest

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.training import prepared
from VertebraFLTLib.training.config import DataConfig
from VertebraFLTLib.training.loop import train
from VertebraFLTLib.training.manifest import read_manifest
from VertebraFLTLib.training.prepared import cases_of, phantom_file, prepare, read_prepared


@pytest.fixture
def config(tiny, data, tmp_path):
    return tiny("unet3d", data, tmp_path / "run", steps=2)


def only_prepared(config, folder):
    """The manifest alone beside the prepared cases."""
    shutil.copy(config.data.manifest, folder / "cases.toml")
    return dataclasses.replace(config, data=DataConfig(folder / "cases.toml"), out=folder / "run")


def test_training_is_the_same_without_the_images(config, tmp_path):
    folder = prepare(config, tmp_path / "prepared")
    assert sorted(p.name for p in folder.iterdir()) == ["a.npz", "b.npz", "v.npz"]  # never the test case
    remote = only_prepared(config, folder)
    remote.data.manifest.write_text(remote.data.manifest.read_text().replace("[cases.t]", "[cases.a2]"))
    shutil.copy(folder / "a.npz", folder / "a2.npz")  # a test volume need not be there at all
    assert train(config, "cpu").joinpath("volume.safetensors").read_bytes() == (
        train(remote, "cpu").joinpath("volume.safetensors").read_bytes()
    )


def test_simulated_patients_are_found_among_the_prepared(config, case, tmp_path, monkeypatch):
    simulated = dataclasses.replace(case, simulated=True)
    monkeypatch.setattr(prepared, "simulated_case", lambda seed, network: simulated)
    config = dataclasses.replace(config, data=dataclasses.replace(config.data, phantoms=(5,)))
    folder = prepare(config, config.data.manifest.parent)
    monkeypatch.setattr(prepared, "simulated_case", None)
    manifest = read_manifest(config.data.manifest)
    found = cases_of(config, manifest.with_role("train"), ())[0]
    assert [c.name for c in found] == ["a", "b", "phantom5"] and found[2].simulated
    assert np.array_equal(found[2].hu, case.hu) and np.array_equal(found[2].labels, case.labels)
    assert phantom_file(folder, 5).exists()


def test_another_grid_and_damage_are_named(config, tmp_path):
    folder = prepare(config, tmp_path / "prepared")
    finer = dataclasses.replace(config.network, spacing_mm=(1.0, 1.0, 1.0))
    with pytest.raises(InputError, match=r"a\.npz: was prepared for voxels of .* and the config's are of"):
        read_prepared(folder / "a.npz", "a", finer)
    (folder / "a.npz").write_bytes((folder / "a.npz").read_bytes()[:200])
    with pytest.raises(InputError, match=r"a\.npz: not a prepared case"):
        read_prepared(folder / "a.npz", "a", config.network)


def test_a_folder_that_cannot_be_written_is_named(config, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write to"):
        prepare(config, tmp_path / "file")
