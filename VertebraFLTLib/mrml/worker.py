"""A run in a process of its own: reads the job that the runner left in a folder, writes progress and result there."""

from __future__ import annotations

import json
import os
import pickle
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vtkmodules.util.pickle_support import serialize_VTK_data_object
from vtkmodules.vtkCommonDataModel import vtkDataObject

from VertebraFLTLib import pipeline
from VertebraFLTLib.errors import Cancelled, InputError
from VertebraFLTLib.io.images import LoadedImage
from VertebraFLTLib.io.suv_record import SuvOverrides
from VertebraFLTLib.result import Options, Result
from VertebraFLTLib.segmentation.registry import get_segmenter

JOB, PROGRESS, RESULT, ERROR = "job.pickle", "progress.json", "result.pickle", "error.txt"
_EVERY_S = 0.1  # how often progress is written at most


@dataclass(frozen=True)
class Job:
    """What a run needs, all of it plain data. ``mask``: path of a mask that takes the place of the segmenter."""

    ct: LoadedImage
    pet: LoadedImage
    options: Options
    overrides: SuvOverrides | None = None
    mask: str | None = None


def main(folder: Path) -> int:
    """Do the job; exit status as the command line's: 0 done, 2 the input is at fault, anything else is a bug."""
    parent = os.getppid()
    last = [0.0]

    def progress(stage: str, fraction: float) -> None:
        if os.name == "posix" and os.getppid() != parent:
            raise Cancelled("Slicer is gone")
        now = time.monotonic()
        if 0.0 < fraction < 1.0 and now - last[0] < _EVERY_S:
            return
        last[0] = now
        _replace(folder / PROGRESS, json.dumps({"stage": stage, "fraction": fraction}).encode())

    try:
        with (folder / JOB).open("rb") as file:
            job: Job = pickle.load(file)
        progress("load model", 0.0)
        segmenter = get_segmenter(job.options, job.mask)
        result = pipeline.run(job.ct, job.pet, segmenter, job.options, overrides=job.overrides, progress=progress)
        _write(result, folder / RESULT)
    except InputError as error:
        _replace(folder / ERROR, str(error).encode())
        return 2
    except Cancelled:
        return 3
    return 0


class _Pickler(pickle.Pickler):
    """Takes surfaces as well; VTK's own support misses the classes that its Python layer derives from them."""

    def reducer_override(self, value: Any) -> Any:
        return serialize_VTK_data_object(value) if isinstance(value, vtkDataObject) else NotImplemented


def _write(result: Result, path: Path) -> None:
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        _Pickler(file, pickle.HIGHEST_PROTOCOL).dump(result)
    os.replace(partial, path)


def _replace(path: Path, data: bytes) -> None:
    partial = path.with_suffix(".partial")
    partial.write_bytes(data)
    os.replace(partial, path)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
