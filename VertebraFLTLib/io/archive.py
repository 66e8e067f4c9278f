"""Unpacks a zip into a temporary folder, and refuses one that is corrupt, encrypted, too big or reaches outside."""

from __future__ import annotations

import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from VertebraFLTLib.errors import InputError

MAX_FILES = 200_000
MAX_BYTES = 32 * 1024**3
# Deflate cannot pack better than about 1030 : 1; whole series of zeros do not come near 500 : 1 over all files.
MAX_RATIO = 500
_RATIO_MATTERS_FROM = 256 * 1024**2
_IGNORED_FOLDERS = {"__MACOSX"}
_BLOCK = 1 << 20


def is_zip(path: Path) -> bool:
    """Whether the file is, or by its name claims to be, a zip."""
    return path.suffix.lower() == ".zip" or zipfile.is_zipfile(path)


def _members(archive: zipfile.ZipFile, path: Path) -> list[zipfile.ZipInfo]:
    members = []
    for info in archive.infolist():
        name = info.filename.replace("\\", "/")
        parts = PurePosixPath(name).parts
        escapes = name.startswith("/") or ".." in parts or (parts and ":" in parts[0]) or "\0" in name
        if escapes or stat.S_ISLNK(info.external_attr >> 16):
            raise InputError(
                f"{path} has an entry that leads outside its folder ({info.filename!r}); pack the images anew"
            )
        if info.flag_bits & 0x1:
            raise InputError(f"{path} is encrypted; unpack it first and give the folder")
        hidden = any(part in _IGNORED_FOLDERS or part.startswith(".") for part in parts)
        if parts and not info.is_dir() and not hidden:
            members.append(info)
    size = sum(info.file_size for info in members)
    packed = max(1, sum(info.compress_size for info in members))
    if len(members) > MAX_FILES or size > MAX_BYTES or (size > _RATIO_MATTERS_FROM and size > MAX_RATIO * packed):
        raise InputError(
            f"{path} would unpack to {len(members)} files of {size / 1e9:.1f} GB, more than a series of images; "
            "unpack it yourself and give the folder of the series"
        )
    return members


@contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """The folder into which the zip was unpacked; it is removed when the block ends. Raises InputError."""
    with tempfile.TemporaryDirectory(prefix="vertebraflt-", ignore_cleanup_errors=True) as folder:
        root = Path(folder)
        try:
            with zipfile.ZipFile(path) as archive:
                for info in _members(archive, path):
                    _unpack(archive, info, root)
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise InputError(f"{path} is not a sound zip ({error}); copy or pack it anew") from error
        except NotImplementedError as error:
            raise InputError(f"{path} is packed by a method that is not supported ({error}); pack it anew") from error
        except OSError as error:
            raise InputError(f"{path} cannot be unpacked: {error.strerror or error}") from error
        yield root


def _unpack(archive: zipfile.ZipFile, info: zipfile.ZipInfo, root: Path) -> None:
    target = root.joinpath(*PurePosixPath(info.filename.replace("\\", "/")).parts)
    target.parent.mkdir(parents=True, exist_ok=True)
    left = info.file_size
    with archive.open(info) as source, open(target, "wb") as sink:
        while block := source.read(min(_BLOCK, left + 1)):
            left -= len(block)
            if left < 0:
                raise zipfile.BadZipFile(f"{info.filename} is longer than it says")
            sink.write(block)
