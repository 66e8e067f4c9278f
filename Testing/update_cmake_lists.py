"""Rewrites the file lists in the CMake files from the tree; Slicer's build wants every file named.

Each list stands between ``# begin FOLDER`` and ``# end FOLDER`` and is relative to its CMake file.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_LIST = re.compile(r"(?P<head>^ *# begin (?P<folder>\S+)\n).*?(?P<foot>^ *# end (?P=folder)$)", re.M | re.S)

# Folder of a list -> its CMake file, and the files that belong in it.
LISTS = {
    "Resources": ("CMakeLists.txt", re.compile(r"Resources/(?!Screenshots/).*(?<!\.md)")),
    "VertebraFLTLib": ("VertebraFLTLib/CMakeLists.txt", re.compile(r"VertebraFLTLib/.*\.py")),
    "Testing/Python": ("Testing/CMakeLists.txt", re.compile(r"Testing/Python/(.*/)?test_\w+\.py")),
}


def tree() -> list[str]:
    """Every file of the repository, relative to its root: known to git, or new and not ignored."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return sorted({name for name in names if (ROOT / name).is_file()})


def expected(folder: str, names: list[str]) -> list[str]:
    """What the list of a folder should hold, relative to its CMake file."""
    cmake_file, wanted = LISTS[folder]
    base = ROOT / Path(cmake_file).parent
    return [(ROOT / name).relative_to(base).as_posix() for name in names if wanted.fullmatch(name)]


def listed(folder: str) -> list[str]:
    """What the list of a folder holds now."""
    text = (ROOT / LISTS[folder][0]).read_text(encoding="utf-8")
    (found,) = [match for match in _LIST.finditer(text) if match["folder"] == folder]
    return [line.strip() for line in found[0].split("\n")[1:-1]]


def update() -> None:
    """Rewrite all lists."""
    names = tree()
    for folder, (cmake_file, _) in LISTS.items():
        path = ROOT / cmake_file
        lines = "".join(f"  {name}\n" for name in expected(folder, names))
        text = _LIST.sub(
            lambda match, f=folder, new=lines: (
                match["head"] + new + match["foot"] if match["folder"] == f else match[0]
            ),
            path.read_text(encoding="utf-8"),
        )
        path.write_text(text, encoding="utf-8", newline="")


if __name__ == "__main__":
    update()
