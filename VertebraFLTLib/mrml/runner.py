"""A run in the background: a process of its own that is asked how far it is, and that can be ended at any moment.

A process, not a thread: Slicer's main thread keeps Python's lock while it waits for the user, so that threads starve;
and a process can be ended in the middle of a network's forward pass, its memory with it.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Literal

from VertebraFLTLib.mrml.worker import ERROR, JOB, PROGRESS, RESULT, Job
from VertebraFLTLib.result import Result

State = Literal["running", "done", "failed", "cancelled"]

# Where each stage begins in a run of a full-size case with the network that ships, as a share of the whole.
_BEGINS = {
    "load model": 0.0,
    "suv": 0.03,
    "segmentation": 0.03,
    "boundaries": 0.95,
    "instances": 0.965,
    "quantification": 0.97,
    "surfaces": 0.98,
}
_TELLING = 0.08  # share of a run after which the remaining time is a figure worth showing
_LOG = "run.log"
_MOST_DETAILS = 8000  # characters: a traceback, not a day's warnings
_LIBRARY = Path(__file__).resolve().parents[2]


class BackgroundRun:
    """One run, begun when made. :meth:`poll` is called from a timer; nothing here blocks or touches a scene."""

    def __init__(self, job: Job) -> None:
        self.state: State = "running"
        self.stage = "load model"
        self.fraction = 0.0  # of the whole run
        self.remaining_s: float | None = None
        self.error = ""  # one line, when failed
        self.details = ""  # what the process said last, when it failed otherwise than by its input
        self.result: Result | None = None
        self._began = time.monotonic()
        self._folder = Path(tempfile.mkdtemp(prefix="vertebraflt-run-"))
        try:
            with (self._folder / JOB).open("wb") as file:
                pickle.dump(job, file, pickle.HIGHEST_PROTOCOL)
            self._process = self._start()
        except BaseException:
            self._clean_up()
            raise

    def poll(self) -> State:
        """Take in what the process has told since; the state."""
        if self.state != "running":
            return self.state
        status = self._process.poll()
        self._read_progress()
        if status is None:
            return self.state
        if status == 0:
            with (self._folder / RESULT).open("rb") as file:
                self.result = pickle.load(file)
            self.state, self.fraction, self.remaining_s = "done", 1.0, 0.0
        else:
            self.state, self.error = "failed", self._reason(status)
        self._clean_up()
        return self.state

    def cancel(self) -> None:
        """End the run; the process and all that it has started are gone when this returns."""
        if self.state != "running":
            return
        self._kill()
        self._process.wait(timeout=10)
        self.state = "cancelled"
        self._clean_up()

    def _start(self) -> subprocess.Popen[bytes]:
        # In Slicer sys.executable may be the application itself; its Python lies on the path under this name.
        python = shutil.which("PythonSlicer") or sys.executable
        paths = [str(_LIBRARY), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
        with (self._folder / _LOG).open("wb") as log:
            return subprocess.Popen(
                [python, "-m", "VertebraFLTLib.mrml.worker", str(self._folder)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=os.name == "posix",  # so that what it starts can be ended with it
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )

    def _kill(self) -> None:
        if os.name == "posix":
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        else:
            subprocess.run(["taskkill", "/F", "/T", "/PID", str(self._process.pid)], capture_output=True, check=False)

    def _read_progress(self) -> None:
        try:
            told = json.loads((self._folder / PROGRESS).read_text())
        except (OSError, ValueError):  # nothing told yet
            return
        self.stage = told["stage"]
        self.fraction = max(self.fraction, overall(told["stage"], told["fraction"]))
        if self.fraction >= _TELLING:
            elapsed = time.monotonic() - self._began
            self.remaining_s = elapsed * (1.0 - self.fraction) / self.fraction

    def _reason(self, status: int) -> str:
        with contextlib.suppress(OSError):
            return (self._folder / ERROR).read_text()
        self.details = (self._folder / _LOG).read_text(errors="replace")[-_MOST_DETAILS:].strip()
        if status < 0:
            return f"the run was ended by the system (signal {-status}); there may be too little memory"
        last = self.details.splitlines()[-1] if self.details else f"exit status {status}"
        return f"the run failed: {last}"

    def _clean_up(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)


def overall(stage: str, fraction: float) -> float:
    """How far a run is on the whole (0 to 1) that is ``fraction`` into a stage."""
    begins = list(_BEGINS.values())
    if stage not in _BEGINS:
        return 0.0
    at = list(_BEGINS).index(stage)
    end = begins[at + 1] if at + 1 < len(begins) else 1.0
    return begins[at] + (end - begins[at]) * fraction
