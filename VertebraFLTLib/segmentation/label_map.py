"""Which labels of somebody else's model make up each of our structures: from a small file, or from their names."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from VertebraFLTLib.anatomy import HIP_BONE, SACRUM, STERNUM, STRUCTURES, VERTEBRAL_BODY, Structure
from VertebraFLTLib.errors import InputError

LABELS_FILE = "vertebraflt-labels.json"

# Names as models give them, lower case, with single spaces for whatever stands between words. For each structure the
# first line that finds any label is used with all that it finds, so that a model which tells bodies from arches is
# taken at its word.
_BODY = r"(vertebra|vertebrae|vertebral) (body|bodies|corpus|corpora)|corp(us|ora) vertebra(e|rum)?"
_LEVEL = r"(c[1-7]|t[1-9]|t1[0-3]|l[1-6])"
_SIDE = r"(left|right|l|r)"
_REGION = r"(cervical|thoracic|lumbar)"
_HIP = r"(hip|hips|hip bones?|coxal bones?|pelvic bones?|os coxae|innominate bones?|ilium|ischium|pubis)"
COMMON_NAMES: dict[Structure, tuple[str, ...]] = {
    VERTEBRAL_BODY: (
        rf"({_REGION} )?({_BODY})( border)?|({_BODY}) {_LEVEL}|{_LEVEL} ({_BODY}|body)|body {_LEVEL}",
        rf"{_LEVEL}|vertebrae? {_LEVEL}|{_LEVEL} vertebrae?",
        rf"({_REGION} )?vertebrae?|vertebrae? {_REGION}|({_REGION} )?spine|vertebral column",
    ),
    HIP_BONE: (rf"({_SIDE} )?{_HIP}( {_SIDE})?",),
    STERNUM: (r"sternum( bone)?|breastbone|manubrium( sterni)?|(corpus|body) (sterni|of sternum)|xiphoid( process)?",),
    SACRUM: (r"sacrum( bone)?|sacral bone|os sacrum|s[1-5]|vertebrae? s[1-5]",),
}
_OF_BODIES = 0  # the line of COMMON_NAMES[VERTEBRAL_BODY] whose names are of bodies, not of whole vertebrae


@dataclass(frozen=True)
class LabelMap:
    """``values``: per structure key the model's label values. ``source``: where the map is from, in words.

    ``whole_vertebrae``: the names do not say that they are of bodies; arches may be among them.
    ``orientation``: the axis order that the model expects (three of L R A P S I), where the file gives it.
    """

    values: dict[str, tuple[int, ...]]
    source: str
    whole_vertebrae: bool = False
    orientation: str | None = None

    def apply(self, prediction: np.ndarray) -> np.ndarray:
        """The model's label values (any integer array) as uint8 labels of ``anatomy.STRUCTURES``."""
        highest = max([int(prediction.max(initial=0)), *(v for vs in self.values.values() for v in vs)])
        table = np.zeros(highest + 1, np.uint8)
        for structure in STRUCTURES:
            table[list(self.values.get(structure.key, ()))] = structure.label
        return table[prediction]

    @property
    def missing(self) -> tuple[Structure, ...]:
        """The structures that the model does not know."""
        return tuple(s for s in STRUCTURES if not self.values.get(s.key))


def derive_labels(known: Mapping[str, tuple[int, ...]], source: str) -> LabelMap:
    """A map from the names of a model's labels (name -> its values) by the table of common names.

    Raises InputError, listing the labels, when none looks like vertebral bodies or vertebrae.
    """
    values: dict[str, tuple[int, ...]] = {}
    whole = False
    for structure, patterns in COMMON_NAMES.items():
        for line, pattern in enumerate(patterns):
            found = [v for name, vs in known.items() if re.fullmatch(pattern, _plain(name)) for v in vs]
            if found:
                values[structure.key] = tuple(sorted(set(found)))
                whole |= structure is VERTEBRAL_BODY and line > _OF_BODIES
                break
    if VERTEBRAL_BODY.key not in values:
        raise InputError(
            f"{source}: no label looks like vertebral bodies (labels: {_list(known)}); "
            f'say which are in a file {LABELS_FILE} beside it, e.g. {{"vertebral_body": ["NAME"]}}'
        )
    return LabelMap(values, f"names in {source}", whole)


def read_label_map(path: Path, known: Mapping[str, tuple[int, ...]]) -> LabelMap:
    """The map in ``path``: a JSON object from our structure keys to names or values of ``known``, one or a list.

    ``"orientation": "LPS"`` may stand in it too. Raises InputError for whatever in it is not so.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not readable as JSON ({' '.join(str(error).split())})") from error
    if not isinstance(content, dict):
        raise InputError(f'{path}: expected a JSON object such as {{"vertebral_body": ["L1", "L2"]}}')
    orientation = content.pop("orientation", None)
    if orientation is not None and not is_orientation(orientation):
        raise InputError(f'{path}: "orientation" is {orientation!r}; give the axes as three letters, e.g. "RAS"')
    keys = [s.key for s in STRUCTURES]
    for key in content:
        if key not in keys:
            raise InputError(f"{path}: {key!r} is none of our structures: {', '.join(keys)}")
    values = {key: _values(path, key, wanted, known) for key, wanted in content.items()}
    owner: dict[int, str] = {}
    for key, taken in values.items():
        for value in taken:
            if owner.setdefault(value, key) != key:
                raise InputError(f"{path}: label {value} stands under both {owner[value]} and {key}; keep one")
    if not values.get(VERTEBRAL_BODY.key):
        raise InputError(f"{path}: nothing under vertebral_body; give some of the labels: {_list(known)}")
    return LabelMap(values, LABELS_FILE, False, orientation)


def is_orientation(text: object) -> bool:
    """Whether ``text`` names three axes, each of the three directions once: "LPS", "RAS", "PIR", ..."""
    pairs = ("LR", "AP", "SI")
    return (
        isinstance(text, str)
        and len(text) == 3
        and sorted(i for letter in text for i, pair in enumerate(pairs) if letter in pair) == [0, 1, 2]
    )


def _values(path: Path, key: str, wanted: Any, known: Mapping[str, tuple[int, ...]]) -> tuple[int, ...]:
    numbers = {v for vs in known.values() for v in vs}
    found: set[int] = set()
    for item in wanted if isinstance(wanted, list) else [wanted]:
        if isinstance(item, str) and item in known:
            found.update(known[item])
        elif isinstance(item, int) and not isinstance(item, bool) and item in numbers:
            found.add(item)
        else:
            raise InputError(f"{path}: {key} names {item!r}, which the model does not have; it has {_list(known)}")
    return tuple(sorted(found))


def _plain(name: str) -> str:
    return " ".join(re.sub(r"[^a-z0-9]+", " ", name.lower()).split())


def _list(known: Mapping[str, tuple[int, ...]]) -> str:
    shown = [f"{'+'.join(map(str, vs))} {name}" for name, vs in known.items()]
    return ", ".join(shown[:40]) + (f" and {len(shown) - 40} more" if len(shown) > 40 else "")
