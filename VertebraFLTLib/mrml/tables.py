"""Tables as MRML nodes with typed columns: SUV by region, the profile, and the boundaries that a user edits."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from vtkmodules.vtkCommonCore import vtkDoubleArray, vtkIntArray, vtkStringArray

from VertebraFLTLib.quantification.suv_table import COLUMNS as SUV_COLUMNS
from VertebraFLTLib.quantification.suv_table import RegionSuv
from VertebraFLTLib.spine.boundaries import BoundarySet
from VertebraFLTLib.spine.boundary_csv import COLUMNS, PLANE_COLUMNS, cells_of
from VertebraFLTLib.spine.profile import COLUMNS as PROFILE_COLUMNS
from VertebraFLTLib.spine.profile import Profile

BOUNDARY_COLUMNS = (*COLUMNS, *PLANE_COLUMNS)

# Two columns more than boundaries.csv, for the plot: where the marker sits on the profile, and what it is called.
MARKER_Y = "mean_suv"
MARKER_LABEL = "boundary"

# What boundaries.csv does not say: how sure the names are.
_LEVEL_CONFIDENCE, _LEVEL_REASON = "VertebraFLT.LevelConfidence", "VertebraFLT.LevelReason"

_ARRAYS: dict[type, Any] = {str: vtkStringArray, int: vtkIntArray, float: vtkDoubleArray}
_UNITS = {"z_mm": "mm", "volume_ml": "ml", "depth_suv": "g/ml", "mean_suv": "g/ml"}


def add_suv_table(scene: Any, rows: Sequence[RegionSuv], name: str = "SUV by region") -> Any:
    """A read-only table, columns as in ``suv.csv``."""
    types = [str, str, int] + [float] * (len(SUV_COLUMNS) - 3)
    node = _add_table(scene, name, SUV_COLUMNS, types, [[getattr(row, c) for c in SUV_COLUMNS] for row in rows])
    for column in SUV_COLUMNS[4:]:
        node.SetColumnUnitLabel(column, "g/ml")
    node.SetLocked(True)
    return node


def add_profile_table(scene: Any, profile: Profile, name: str = "Uptake profile") -> Any:
    """A read-only table, columns as in ``profile.csv``."""
    columns = (profile.pet_slice, profile.z_mm, profile.mean_suv, profile.voxels)
    rows = [list(row) for row in zip(*columns, strict=True)]
    node = _add_table(scene, name, PROFILE_COLUMNS, [float, float, float, int], rows)
    node.SetLocked(True)
    return node


def add_boundary_table(
    scene: Any, boundaries: BoundarySet, profile: Profile, name: str = "Vertebral boundaries"
) -> Any:
    """The editable table: columns of ``boundaries.csv`` and the two that the plot's markers need."""
    types = [int, str, str, float, float, float, float, str, *[float] * 5, int, int, float, str]
    rows = [
        [*(math.nan if cell == "" else cell for cell in cells_of(i, b)), y, f"{b.above}/{b.below}"]
        for i, (b, y) in enumerate(zip(boundaries.boundaries, marker_heights(boundaries, profile), strict=True))
    ]
    node = _add_table(scene, name, (*BOUNDARY_COLUMNS, MARKER_Y, MARKER_LABEL), types, rows)
    node.SetAttribute(_LEVEL_CONFIDENCE, repr(boundaries.level_confidence))
    node.SetAttribute(_LEVEL_REASON, boundaries.level_reason)
    return node


def marker_heights(boundaries: BoundarySet, profile: Profile) -> list[float]:
    """The profile's uptake (SUV) at each boundary."""
    return [float(np.interp(b.z_mm, profile.z_mm, profile.mean_suv)) for b in boundaries.boundaries]


def boundaries_from_table(node: Any, profile: Profile) -> BoundarySet:
    """The boundary set that a boundary table states, edits included. Raises InputError naming row and column."""
    table = node.GetTable()
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(BOUNDARY_COLUMNS)
    for row in range(table.GetNumberOfRows()):
        # By value, not GetCellText: a cell's text is rounded to six digits.
        writer.writerow([_cell(table.GetColumnByName(column), row) for column in BOUNDARY_COLUMNS])
    stated = BoundarySet.from_csv(out.getvalue(), profile, node.GetName())
    confidence = float(node.GetAttribute(_LEVEL_CONFIDENCE) or 0.0)
    return replace(stated, level_confidence=confidence, level_reason=node.GetAttribute(_LEVEL_REASON) or "")


def _cell(column: Any, row: int) -> Any:
    value = column.GetValue(row)
    if isinstance(value, float):
        return "" if math.isnan(value) else repr(value)
    return value


def _add_table(scene: Any, name: str, columns: Sequence[str], types: Sequence[type], rows: Sequence[list[Any]]) -> Any:
    node = scene.AddNewNodeByClass("vtkMRMLTableNode", name)
    modified = node.StartModify()
    for index, (column, kind) in enumerate(zip(columns, types, strict=True)):
        array = _ARRAYS[kind]()
        array.SetName(column)
        for row in rows:
            array.InsertNextValue(kind(row[index]))
        node.AddColumn(array)
        if column in _UNITS:
            node.SetColumnUnitLabel(column, _UNITS[column])
    _show_column_names(node)
    node.EndModify(modified)
    return node


def _show_column_names(node: Any) -> None:
    # The method was renamed in Slicer 5.13; the old name still works there, with a warning.
    show = getattr(node, "SetUseColumnTitleAsColumnHeader", None) or node.SetUseColumnNameAsColumnHeader
    show(True)
