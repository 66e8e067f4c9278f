"""Training volumes on the working grid as files, for a machine that has the GPU but not the images."""

from __future__ import annotations

import logging
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.training.cases import TrainingCase, load_case, simulated_case
from VertebraFLTLib.training.config import NetworkConfig, TrainConfig
from VertebraFLTLib.training.manifest import CaseEntry, read_manifest

log = logging.getLogger(__name__)


def prepare(config: TrainConfig, folder: Path) -> Path:
    """Write every volume that ``config`` may read (NAME.npz; never one with the role test) and its simulated patients.

    A manifest whose root is this folder needs no images. Returns the folder. Raises InputError where it cannot be
    written to.
    """
    manifest = read_manifest(config.data.manifest) if config.data.manifest else None
    network = config.network
    jobs: dict[Path, Callable[[], TrainingCase]] = {}
    for entry in (*manifest.with_role("train"), *manifest.with_role("validation")) if manifest else ():
        jobs[folder / entry.prepared.name] = partial(load_case, entry, network)
    for seed in config.data.phantoms:
        jobs[phantom_file(folder, seed)] = partial(simulated_case, seed, network)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, make in jobs.items():
            case = make()
            temporary = path.with_suffix(".partial.npz")
            np.savez_compressed(
                temporary,
                hu=case.hu,
                labels=case.labels,
                slice_mm=case.slice_mm,
                simulated=case.simulated,
                spacing_mm=network.spacing_mm,
            )
            temporary.replace(path)
    except OSError as error:
        raise InputError(f"cannot write to {folder}: {error.strerror or error}; choose another folder") from error
    return folder


def cases_of(
    config: TrainConfig, train: tuple[CaseEntry, ...], validation: tuple[CaseEntry, ...]
) -> tuple[list[TrainingCase], list[TrainingCase]]:
    """(training, validation) cases, as they were prepared or else from the images; simulated patients join the
    training ones."""
    network = config.network
    fitted = [_case(entry, network) for entry in train]
    for seed in config.data.phantoms:
        files = [phantom_file(entry.root, seed) for entry in (*train, *validation)]
        ready = next((path for path in files if path.exists()), None)
        name = f"phantom{seed}"
        fitted.append(read_prepared(ready, name, network) if ready else simulated_case(seed, network))
    return fitted, [_case(entry, network) for entry in validation]


def phantom_file(folder: Path, seed: int) -> Path:
    """Where the simulated patient of that seed lies in a folder of prepared cases."""
    return folder / f"phantom{seed}.npz"


def read_prepared(path: Path, name: str, network: NetworkConfig) -> TrainingCase:
    """Raises InputError for a file that is damaged, or was prepared for another grid."""
    try:
        with np.load(path) as stored:
            spacing = tuple(stored["spacing_mm"].tolist())
            case = TrainingCase(
                name, stored["hu"], stored["labels"], float(stored["slice_mm"]), bool(stored["simulated"])
            )
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: not a prepared case ({error}); prepare it again, or delete it") from error
    if spacing != network.spacing_mm:
        raise InputError(
            f"{path}: was prepared for voxels of {spacing} mm and the config's are of {network.spacing_mm}; prepare it "
            "again with this config"
        )
    log.info("%s: %s voxels, prepared", name, case.hu.shape)
    return case


def _case(entry: CaseEntry, network: NetworkConfig) -> TrainingCase:
    if entry.prepared.exists():
        return read_prepared(entry.prepared, entry.name, network)
    return load_case(entry, network)
