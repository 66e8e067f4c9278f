"""A simulated patient on disk and a way to call the command line as a user does, without a new process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from VertebraFLTLib.cli.main import main


@dataclass(frozen=True)
class Outcome:
    status: int
    out: str
    err: str

    @property
    def fault(self) -> str:
        """The one line of an error; everything else on stderr is progress or a warning."""
        lines = [line for line in self.err.splitlines() if line.startswith("vertebraflt: ")]
        assert len(lines) == 1, self.err
        return lines[0]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """``call("run", "--ct", path, ...)``."""

    def run(*arguments: object) -> Outcome:
        capsys.readouterr()
        status = main([str(a) for a in arguments])
        captured = capsys.readouterr()
        return Outcome(status, captured.out, captured.err)

    return run


@pytest.fixture
def images(patient_folder: Path) -> list[str]:
    """The arguments --ct, --pet and --mask of the simulated patient."""
    files = {"--ct": "ct.nii.gz", "--pet": "pet_suv.nii.gz", "--mask": "truth_semantic.nii.gz"}
    return [text for option, name in files.items() for text in (option, str(patient_folder / name))]


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, patient_folder: Path) -> Path:
    """One run of the patient with the true mask; other tests read it and copy it."""
    out = tmp_path_factory.mktemp("run") / "out"
    files = [str(patient_folder / n) for n in ("ct.nii.gz", "pet_suv.nii.gz", "truth_semantic.nii.gz")]
    status = main(["run", "--ct", files[0], "--pet", files[1], "--mask", files[2], "--out", str(out), "--no-scene"])
    assert status == 0
    return out
