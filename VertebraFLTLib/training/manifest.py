"""The list of labelled CT volumes: where they lie, what each may be used for, and which are left out together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.training.toml_file import placed, read_toml

ROLES = ("train", "validation", "test")


@dataclass(frozen=True)
class CaseEntry:
    """One volume. Files lie in the manifest's root as NAME_ct, NAME_semantic and, where they exist, NAME_ignore and
    NAME_levels (.nii.gz). ``ignore_levels`` (VerSe numbers) are left out of loss and scores. ``patient`` keeps several
    volumes of one person in one fold and one role; it is the name unless given."""

    name: str
    root: Path
    role: str
    fold: int | None = None
    patient: str = ""
    ignore_levels: tuple[int, ...] = ()
    licence: str = ""

    def file(self, kind: str) -> Path:
        """The path of one of this case's files; ``kind`` is ct, semantic, ignore or levels."""
        return self.root / f"{self.name}_{kind}.nii.gz"

    @property
    def prepared(self) -> Path:
        """Where the case lies in the form of training/prepared.py, if it was prepared; no other file is then needed."""
        return self.root / f"{self.name}.npz"


@dataclass(frozen=True)
class Manifest:
    """All cases of a manifest, in its order, and the file ``path`` that lists them, for messages."""

    path: Path
    cases: tuple[CaseEntry, ...]

    def with_role(self, role: str) -> tuple[CaseEntry, ...]:
        return tuple(c for c in self.cases if c.role == role)

    @property
    def folds(self) -> tuple[int, ...]:
        """Those of the training cases; no other case is ever left out by one."""
        return tuple(sorted({c.fold for c in self.with_role("train") if c.fold is not None}))

    def split(self, fold: int | None) -> tuple[tuple[CaseEntry, ...], tuple[CaseEntry, ...]]:
        """(cases to train on, cases left out); with no fold nothing is left out.

        Raises InputError for a fold that no case has.
        """
        if fold is not None and fold not in self.folds:
            there = ", ".join(map(str, self.folds)) or "none"
            raise InputError(f"{self.path}: no training case has fold {fold}; folds there are: {there}")
        train = self.with_role("train")
        out = tuple(c for c in train if fold is not None and c.fold == fold)
        return tuple(c for c in train if c not in out), out


def read_manifest(path: Path) -> Manifest:
    """Parse and check a manifest; every file that it names must be there.

    Raises InputError, naming the file and the entry, for what cannot be right: an unknown role, a patient in two
    roles or folds, a missing file.
    """
    raw = read_toml(path, "a case manifest")
    if not isinstance(raw.get("cases"), dict) or not raw["cases"]:
        raise InputError(f"{path}: needs a table [cases.NAME] for each volume")
    root = placed(raw.get("root", "."), "root", path)
    cases = tuple(_entry(name, values, root, path) for name, values in raw["cases"].items())
    _check_patients(cases, path)
    for case in cases:
        if case.prepared.exists():
            continue
        for kind in ("ct", "semantic", "levels") if case.ignore_levels else ("ct", "semantic"):
            if not case.file(kind).exists():
                raise InputError(f"{case.file(kind)}: not found; check root and case names in {path}")
    return Manifest(path, cases)


def _entry(name: str, values: Any, root: Path, path: Path) -> CaseEntry:
    known = {"role", "fold", "patient", "ignore_levels", "licence"}
    if not isinstance(values, dict):
        raise InputError(f"{path}: [cases.{name}] must be a table")
    unknown = set(values) - known
    if unknown:
        raise InputError(f"{path}: [cases.{name}] has unknown entries {sorted(unknown)}; known are {sorted(known)}")
    role, fold = values.get("role"), values.get("fold")
    if role not in ROLES:
        raise InputError(f"{path}: [cases.{name}] role is {role!r}; choose from {', '.join(ROLES)}")
    if fold is not None and (type(fold) is not int or fold < 0):
        raise InputError(f"{path}: [cases.{name}] fold must be a whole number from 0")
    levels = values.get("ignore_levels", [])
    if not isinstance(levels, list) or not all(isinstance(v, int) for v in levels):
        raise InputError(f"{path}: [cases.{name}] ignore_levels must be a list of VerSe numbers")
    return CaseEntry(
        name, root, role, fold, str(values.get("patient", name)), tuple(levels), str(values.get("licence", ""))
    )


def _check_patients(cases: tuple[CaseEntry, ...], path: Path) -> None:
    places: dict[str, tuple[str, int | None]] = {}
    for case in cases:
        if places.setdefault(case.patient, (case.role, case.fold)) != (case.role, case.fold):
            raise InputError(f"{path}: patient {case.patient} has several roles or folds; a patient has one of each")
