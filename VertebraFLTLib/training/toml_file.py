"""TOML files that a user writes: read whole, what is wrong with them named on one line."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

from VertebraFLTLib.errors import InputError


def read_toml(path: Path, what: str) -> dict[str, Any]:
    """The content of a file. what: for the message where there is none to read, such as "a case manifest"."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); give the path of {what}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not valid TOML ({error})") from error


def placed(value: Any, name: str, path: Path) -> Path:
    """The file or folder that entry ``name`` of the file ``path`` names: relative to it, ``$VARIABLES`` expanded.

    Raises InputError where it is no text, and for a variable that is not set.
    """
    if not isinstance(value, str):
        raise InputError(f"{path}: {name} must be a text, the path of a file or folder")
    text = os.path.expandvars(value)
    if "$" in text:
        raise InputError(f"{path}: {name} is {text}; set that environment variable to the folder that it stands for")
    return (path.parent / text).resolve()
