"""One module a command: ``add_arguments`` and ``execute``; the module's first line is its help text."""

from __future__ import annotations

from types import ModuleType

from VertebraFLTLib.cli.commands import boundaries, demo, evaluate, phantom, rebuild, run, segment, suv, train

COMMANDS: dict[str, ModuleType] = {
    "run": run,
    "demo": demo,
    "segment": segment,
    "boundaries": boundaries,
    "rebuild": rebuild,
    "suv": suv,
    "phantom": phantom,
    "evaluate": evaluate,
    "train": train,
}
