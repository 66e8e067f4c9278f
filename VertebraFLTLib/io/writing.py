"""Results on disk, whole or not at all: files and folders are written under a temporary name and then renamed."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

import SimpleITK as sitk

from VertebraFLTLib.errors import InputError

logger = logging.getLogger(__name__)

IMAGE_SUFFIXES = (".nii.gz", ".nii", ".nrrd", ".mha")
_PARTIAL = ".partial"
_IGNORED = (_PARTIAL, ".DS_Store", "Thumbs.db")
RUN_MARKER = "case.json"
# What a run's folder holds at its top level; anything else found there is the user's and is kept.
RUN_FILES = (
    "case.json",
    "semantic.nii.gz",
    "vertebrae.nii.gz",
    "profile.csv",
    "boundaries.csv",
    "suv.csv",
    "surfaces",
    "figures",
    "report.html",
    "scene.mrb",
)


def _reason(error: OSError) -> str:
    return error.strerror or str(error)


def image_suffix(path: str | Path) -> str | None:
    """The suffix of a file name that can be written as an image (``.nii.gz`` counts as one), else None."""
    name = Path(path).name.lower()
    return next((suffix for suffix in IMAGE_SUFFIXES if name.endswith(suffix)), None)


def check_can_write(path: str | Path, *, image: bool = False) -> None:
    """Raise InputError now if ``path`` cannot be written later: before a long job, not after it. Makes nothing."""
    if image and image_suffix(path) is None:
        raise InputError(f"{path}: an image is written as one of {', '.join(IMAGE_SUFFIXES)}; change the file's name")
    parent = next(folder for folder in Path(path).resolve().parents if folder.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        raise InputError(f"cannot write {path}: {parent} is no folder that can be written to; choose another output")


def _temporary_beside(path: Path, suffix: str) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=suffix, dir=path.parent)
    except OSError as error:
        raise InputError(f"cannot write {path}: {_reason(error)}; choose another output") from error
    os.close(handle)
    os.chmod(name, 0o666 & ~_umask())
    return Path(name)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_image(image: sitk.Image, path: str | Path, description: str | None = None) -> None:
    """Write an image as NIfTI, NRRD or MetaImage, compressed and atomic.

    ``description`` goes into the file's own free-text field (NIfTI ``descrip``, at most 79 characters), for instance
    :data:`VertebraFLTLib.io.units.SUV_MARK`, which lets a PET in SUV be recognised as such. Raises InputError where
    the file cannot be written.
    """
    path = Path(path)
    suffix = image_suffix(path)
    if suffix is None:
        raise InputError(f"{path}: an image is written as one of {', '.join(IMAGE_SUFFIXES)}; change the file's name")
    if description is not None:
        image = sitk.Image(image)
        image.SetMetaData("ITK_FileNotes", description)
    temporary = _temporary_beside(path, suffix)
    try:
        # Level 1 costs a quarter of the time of level 6; label maps stay small all the same.
        sitk.WriteImage(image, str(temporary), useCompression=suffix != ".nii", compressionLevel=1)
        os.replace(temporary, path)
    except (OSError, RuntimeError) as error:
        detail = _reason(error) if isinstance(error, OSError) else "the disk may be full"
        raise InputError(f"cannot write {path}: {detail}") from error
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """Write a text file as UTF-8, line ends as given, atomic. Raises InputError where it cannot be written."""
    path = Path(path)
    temporary = _temporary_beside(path, ".tmp")
    try:
        temporary.write_text(text, encoding="utf-8", newline="")
        os.replace(temporary, path)
    except OSError as error:
        raise InputError(f"cannot write {path}: {_reason(error)}") from error
    finally:
        temporary.unlink(missing_ok=True)


def sha256_of(paths: Iterable[str | Path]) -> str:
    """Hexadecimal SHA-256 of the bytes of the files, one after the other in the order given."""
    digest = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


class StagedFolder:
    """A result folder that appears whole or not at all.

    ``with StagedFolder(out) as folder:`` yields an empty folder beside ``out``. When the block ends well it takes the
    place of ``out``; after any exception, Ctrl-C included, it is removed and ``out`` is as it was before.

    ``out`` may be missing, empty, or the output of an earlier run, told by ``marker``. Entries at its top level that
    are not in ``known`` are the user's and are kept. Raises InputError for any other folder and where nothing can be
    written.
    """

    def __init__(self, out: str | Path, *, marker: str = RUN_MARKER, known: Iterable[str] = RUN_FILES) -> None:
        self.given = str(out)
        self.out = Path(out).resolve()
        self.marker = marker
        self.known = frozenset(known)
        self._stage: Path | None = None
        self._inside = False
        self._made_parents: list[Path] = []

    def __enter__(self) -> Path:
        self._check_target()
        try:
            self._make_parents()
            # A mount point cannot be renamed, and the working folder should stay what it is.
            inside = self.out.exists() and (
                os.path.ismount(self.out)
                or Path.cwd().is_relative_to(self.out)
                or not os.access(self.out.parent, os.W_OK)
            )
            place = self.out if inside else self.out.parent
            stage = Path(tempfile.mkdtemp(prefix=f".{self.out.name}.", suffix=_PARTIAL, dir=place))
            stage.chmod(0o777 & ~_umask())
        except OSError as error:
            self._remove_parents()
            raise InputError(f"cannot write to {self.given}: {_reason(error)}; choose another output") from error
        self._inside, self._stage = inside, stage
        return stage

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._stage is not None
        try:
            if kind is None:
                (self._swap_contents if self._inside else self._swap)(self._stage)
        except OSError as failure:
            raise InputError(f"cannot write to {self.given}: {_reason(failure)}; choose another output") from failure
        finally:
            shutil.rmtree(self._stage, ignore_errors=True)
            if not self.out.exists():
                self._remove_parents()

    def _check_target(self) -> None:
        try:
            if not self.out.exists():
                return
            if not self.out.is_dir():
                raise InputError(f"{self.given} is a file; the output must be a folder")
            names = {entry.name for entry in self.out.iterdir() if not entry.name.endswith(_IGNORED)}
        except OSError as error:
            raise InputError(f"cannot write to {self.given}: {_reason(error)}; choose another output") from error
        if not os.access(self.out, os.W_OK):
            raise InputError(f"cannot write to {self.given}: Permission denied; choose another output")
        if names and self.marker not in names:
            foreign = sorted(names)[0]
            raise InputError(f"{self.given} holds other files ({foreign}); give a new or an empty output folder")

    def _make_parents(self) -> None:
        missing = [parent for parent in self.out.parents if not parent.exists()]
        for parent in reversed(missing):
            parent.mkdir(exist_ok=True)
            self._made_parents.append(parent)

    def _remove_parents(self) -> None:
        for parent in reversed(self._made_parents):
            try:
                parent.rmdir()
            except OSError:
                return

    def _swap(self, stage: Path) -> None:
        if not self.out.exists():
            stage.rename(self.out)
            return
        old = stage.with_suffix(".old")
        self.out.rename(old)
        try:
            stage.rename(self.out)
        except BaseException:
            old.rename(self.out)
            raise
        for entry in old.iterdir():
            if entry.name not in self.known and not (self.out / entry.name).exists():
                entry.rename(self.out / entry.name)
        shutil.rmtree(old, ignore_errors=True)

    def _swap_contents(self, stage: Path) -> None:
        """Entry by entry, where the folder itself has to stay."""
        old = Path(tempfile.mkdtemp(suffix=_PARTIAL, dir=self.out))
        ours = [entry for entry in self.out.iterdir() if entry.name in self.known]
        fresh = list(stage.iterdir())
        moved: list[tuple[Path, Path]] = []
        try:
            for source, folder in [(entry, old) for entry in ours] + [(entry, self.out) for entry in fresh]:
                source.rename(folder / source.name)
                moved.append((source, folder / source.name))
        except BaseException:
            for source, target in reversed(moved):
                target.rename(source)
            raise
        finally:
            shutil.rmtree(old, ignore_errors=True)
