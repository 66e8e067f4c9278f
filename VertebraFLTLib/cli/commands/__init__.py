"""One module a command: ``add_arguments`` and ``execute``; the module's first line is its help text."""

from __future__ import annotations

from types import ModuleType

from VertebraFLTLib.cli.commands import (
    boundaries,
    demo,
    evaluate,
    follow,
    phantom,
    rebuild,
    run,
    segment,
    suv,
    timeline,
    train,
)

COMMANDS: dict[str, ModuleType] = {
    "run": run,
    "demo": demo,
    "segment": segment,
    "boundaries": boundaries,
    "rebuild": rebuild,
    "follow": follow,
    "timeline": timeline,
    "suv": suv,
    "phantom": phantom,
    "evaluate": evaluate,
    "train": train,
}
