"""The run record ``case.json``: all that is needed to say what was done, with what, and to do it again.

Keys (stable; new ones may be added, ``format_version`` rises when one changes its meaning):

- ``format``, ``format_version``, ``created`` (UTC, ISO 8601), ``notice``
- ``versions``: VertebraFLT, Python, platform and libraries
- ``inputs.ct``, ``inputs.pet``: ``path`` as given, ``absolute_path``, ``kind``, ``files``, ``sha256``, ``series_uid``,
  ``modality``, ``geometry`` (``size``, ``spacing_mm``, ``origin_mm``, ``direction``: LPS, as on disk), ``warnings``
- ``options``: the choices of the run; null means the default, or what the weights' manifest says: ``segmentation`` has
  what was used
- ``suv``: units of the PET, factor, method and every term it was computed from
- ``segmentation``: what the segmenter says of itself (weights and their sha256, device, thresholds, ...)
- ``boundaries``: extent, confidence of the level names with its reason, ``items`` (columns of ``boundaries.csv`` and
  ``reasons``), ``vertebrae`` (name, lower and upper end, whether complete)
- ``regions``: the rows of ``suv.csv`` with ``suv_total_ml`` = mean SUV x volume, which no voxel size changes
- ``review``: what readers did: ``accepted`` (who, when, note, sha256 of the table of boundaries; null: not, or
  changed since) and ``log`` (when, who, what); null where nobody has reviewed the case
- ``surfaces``: file, region, percentile, level in SUV
- ``boundaries_sha256``: of ``boundaries.csv`` as the run wrote it, so that later edits are noticed
- ``carried``: null, or from which run the boundaries were carried: ``label`` of the day, ``reference`` and hashes by
  which it is known again, ``registration`` (its figures)
- ``edited``: whether boundaries or mask were corrected by hand; such a run is not replaced by another
- ``warnings``: all; ``input_warnings``: those of images, SUV and mask, which a rebuild keeps
- ``timings_s``, ``peak_memory_mb``

No value is NaN or infinite (JSON has neither; such a value is null). DICOM headers are not copied: no patient's name.
"""

from __future__ import annotations

import hashlib
import json
import math
import platform
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from VertebraFLTLib import __version__
from VertebraFLTLib.report.wording import NOTICE
from VertebraFLTLib.result import Result
from VertebraFLTLib.spine.name_confidence import by_level

if TYPE_CHECKING:
    from VertebraFLTLib.io.images import LoadedImage
    from VertebraFLTLib.spine.boundaries import BoundarySet

FORMAT = "vertebraflt-case"
FORMAT_VERSION = 1
_LIBRARIES = ("numpy", "scipy", "SimpleITK", "vtk", "matplotlib", "pydicom", "torch", "slicer-core")


def case_record(result: Result) -> dict[str, Any]:
    """The record of a run as plain data, ready for ``json.dumps``."""
    record = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "notice": NOTICE,
        "versions": versions(),
        "inputs": {"ct": _input(result.ct), "pet": _input(result.pet)},
        "options": asdict(result.options),
        "suv": result.suv.to_json(),
        "segmentation": result.segmentation,
        "boundaries": _boundaries(result.boundaries),
        "boundaries_sha256": hashlib.sha256(result.boundaries.to_csv().encode()).hexdigest(),
        "regions": [{**asdict(row), "suv_total_ml": row.suv_total_ml} for row in result.suv_table],
        "surfaces": [
            {
                "file": f"surfaces/{s.name}.vtp",
                "region": s.region,
                "percentile": s.percentile,
                "level_suv": s.level_suv,
            }
            for s in result.surfaces
        ],
        "review": result.review,
        "warnings": list(result.warnings),
        "input_warnings": list(result.input_warnings),
        "carried": result.carried,
        "edited": result.edited,
        "timings_s": {stage: round(seconds, 3) for stage, seconds in result.timings_s.items()},
        "peak_memory_mb": round(result.peak_memory_mb, 1),
    }
    return plain(record)


def to_json(record: Mapping[str, Any]) -> str:
    """The text of ``case.json``."""
    return json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def versions() -> dict[str, str]:
    """Versions of the program and of the libraries that shape its results; absent ones are left out."""
    found = {"VertebraFLT": __version__, "Python": platform.python_version(), "platform": platform.platform()}
    for library in _LIBRARIES:
        try:
            found[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            continue
    return found


def plain(value: Any) -> Any:
    """The value in JSON's own types: numpy scalars and arrays, paths, enums, tuples converted, NaN to None."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, Enum):
        return value.name
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (bool, int, str)):
        return value
    return str(value)


def _input(loaded: LoadedImage) -> dict[str, Any]:
    source, geometry = loaded.source, loaded.original
    return {
        "path": source.path,
        "absolute_path": str(Path(source.path).expanduser().absolute()),
        "kind": source.kind,
        "files": source.files,
        "sha256": source.sha256,
        "series_uid": source.series_uid,
        "modality": source.modality,
        "geometry": {
            "size": geometry.size,
            "spacing_mm": geometry.spacing,
            "origin_mm": geometry.origin,
            "direction": geometry.direction,
        },
        "warnings": loaded.warnings,
    }


def _boundaries(boundaries: BoundarySet) -> dict[str, Any]:
    return {
        "count": len(boundaries.boundaries),
        "bottom_z_mm": boundaries.bottom_z_mm,
        "top_z_mm": boundaries.top_z_mm,
        "bottom_cut": boundaries.bottom_cut,
        "top_cut": boundaries.top_cut,
        "level_confidence": boundaries.level_confidence,
        "level_reason": boundaries.level_reason,
        "name_confidence": by_level(boundaries),
        "items": [asdict(boundary) for boundary in boundaries.boundaries],
        "vertebrae": [asdict(vertebra) for vertebra in boundaries.vertebrae()],
    }
