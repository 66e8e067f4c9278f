"""Tables as MRML nodes with typed columns: SUV by region, the profile, and the boundaries that a user edits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from vtkmodules.vtkCommonCore import vtkDoubleArray, vtkIntArray, vtkStringArray

from VertebraFLTLib.anatomy import LEVEL_BY_NAME
from VertebraFLTLib.pipeline import LOW_CONFIDENCE
from VertebraFLTLib.quantification.suv_table import COLUMNS as SUV_COLUMNS
from VertebraFLTLib.quantification.suv_table import RegionSuv
from VertebraFLTLib.spine.boundaries import BoundarySet
from VertebraFLTLib.spine.boundary import Boundary
from VertebraFLTLib.spine.boundary_csv import COLUMNS, PLANE_COLUMNS, cells_of
from VertebraFLTLib.spine.profile import COLUMNS as PROFILE_COLUMNS
from VertebraFLTLib.spine.profile import Profile

BOUNDARY_COLUMNS = (*COLUMNS, *PLANE_COLUMNS)

# More columns than boundaries.csv: where the marker sits on the profile and what it is called; the height of a halo
# around it, which is NaN where none is wanted; and why the confidence is not higher.
MARKER_Y = "mean_suv"
MARKER_LABEL = "boundary"
DOUBTFUL_Y, SELECTED_Y = "doubtful_suv", "selected_suv"
_MORE: dict[str, type] = {
    MARKER_Y: float,
    MARKER_LABEL: str,
    DOUBTFUL_Y: float,
    SELECTED_Y: float,
    "reasons": str,
}
LEVEL, LEVEL_MEAN = "level", "suv_mean"

_ARRAYS: dict[type, Any] = {str: vtkStringArray, int: vtkIntArray, float: vtkDoubleArray}
_UNITS = {"z_mm": "mm", "volume_ml": "ml", "depth_suv": "g/ml", "mean_suv": "g/ml"}


def add_suv_table(scene: Any, rows: Sequence[RegionSuv], name: str = "SUV by region") -> Any:
    """A read-only table, columns as in ``suv.csv``."""
    types = [str, str, int] + [float] * (len(SUV_COLUMNS) - 3)
    node = _add_table(scene, name, SUV_COLUMNS, types)
    for column in SUV_COLUMNS[4:]:
        node.SetColumnUnitLabel(column, "g/ml")
    node.SetLocked(True)
    update_suv_table(node, rows)
    return node


def update_suv_table(node: Any, rows: Sequence[RegionSuv]) -> None:
    """Give an SUV table other rows."""
    _fill(node, [[getattr(row, c) for c in SUV_COLUMNS] for row in rows])


def suv_from_table(node: Any) -> list[RegionSuv]:
    """The rows of an SUV table, to the six digits that a scene file keeps."""
    table = node.GetTable()
    columns = {column: table.GetColumnByName(column) for column in SUV_COLUMNS}
    return [
        RegionSuv(**{name: column.GetValue(row) for name, column in columns.items()})
        for row in range(table.GetNumberOfRows())
    ]


def add_level_table(scene: Any, rows: Sequence[RegionSuv], name: str = "SUV by level") -> Any:
    """Mean SUV of each vertebra from the lowest up: what the bar chart shows."""
    node = _add_table(scene, name, (LEVEL, LEVEL_MEAN), [str, float])
    node.SetColumnUnitLabel(LEVEL_MEAN, "g/ml")
    node.SetLocked(True)
    update_level_table(node, rows)
    return node


def update_level_table(node: Any, rows: Sequence[RegionSuv]) -> None:
    """Give the bar chart's table other rows; regions that are no vertebra are left out."""
    _fill(node, [[row.roi, row.suv_mean] for row in rows if row.roi in LEVEL_BY_NAME])


def add_profile_table(scene: Any, profile: Profile, name: str = "Uptake profile") -> Any:
    """A read-only table, columns as in ``profile.csv``."""
    columns = (profile.pet_slice, profile.z_mm, profile.mean_suv, profile.voxels)
    node = _add_table(scene, name, PROFILE_COLUMNS, [float, float, float, int])
    _fill(node, [list(row) for row in zip(*columns, strict=True)])
    node.SetLocked(True)
    return node


def add_boundary_table(
    scene: Any, boundaries: BoundarySet, profile: Profile, name: str = "Vertebral boundaries"
) -> Any:
    """The editable table: columns of ``boundaries.csv`` and some for the plot and the reader."""
    types = [int, str, str, float, float, float, float, str, *[float] * 5, int, int]
    node = _add_table(scene, name, (*BOUNDARY_COLUMNS, *_MORE), [*types, *_MORE.values()])
    update_boundary_table(node, boundaries, profile)
    return node


def update_boundary_table(node: Any, boundaries: BoundarySet, profile: Profile, selected: int | None = None) -> None:
    """Have the table state other boundaries; ``selected`` gets the halo of the selection in the plot."""
    rows: list[list[Any]] = []
    for i, (b, y) in enumerate(zip(boundaries.boundaries, marker_heights(boundaries, profile), strict=True)):
        stated = [math.nan if cell == "" else cell for cell in cells_of(i, b)]
        halos = [y if is_doubtful(b) else math.nan, y if i == selected else math.nan]
        rows.append([*stated, y, boundary_name(b), *halos, "; ".join(b.reasons)])
    _fill(node, rows)


def heights_in_table(node: Any) -> list[float]:
    """Height (mm) of each boundary as its table states it now: after a drag in the plot, where the marker was left."""
    column = node.GetTable().GetColumnByName("z_mm")
    return [] if column is None else [float(column.GetValue(row)) for row in range(column.GetNumberOfValues())]


def boundary_name(boundary: Boundary) -> str:
    """``L4/L5``: the upper vertebra first, as a disc is called."""
    return f"{boundary.above}/{boundary.below}"


def is_doubtful(boundary: Boundary) -> bool:
    """Whether a reader has to look: little confidence, and no tick yet."""
    return boundary.confidence < LOW_CONFIDENCE and not boundary.reviewed


def marker_heights(boundaries: BoundarySet, profile: Profile) -> list[float]:
    """The profile's uptake (SUV) at each boundary."""
    return [float(np.interp(b.z_mm, profile.z_mm, profile.mean_suv)) for b in boundaries.boundaries]


def _add_table(scene: Any, name: str, columns: Sequence[str], types: Sequence[type]) -> Any:
    node = scene.AddNewNodeByClass("vtkMRMLTableNode", name)
    modified = node.StartModify()
    for column, kind in zip(columns, types, strict=True):
        array = _ARRAYS[kind]()
        array.SetName(column)
        node.AddColumn(array)
        if column in _UNITS:
            node.SetColumnUnitLabel(column, _UNITS[column])
    _show_column_names(node)
    node.EndModify(modified)
    return node


def _fill(node: Any, rows: Sequence[Sequence[Any]]) -> None:
    """Put rows into a table whose columns are there, with one event at the end."""
    modified = node.StartModify()
    table = node.GetTable()
    for index in range(table.GetNumberOfColumns()):
        column = table.GetColumn(index)
        kind = str if isinstance(column, vtkStringArray) else int if isinstance(column, vtkIntArray) else float
        column.SetNumberOfValues(len(rows))
        for row, cells in enumerate(rows):
            column.SetValue(row, kind(cells[index]))
        column.Modified()
    table.Modified()
    node.Modified()
    node.EndModify(modified)


def _show_column_names(node: Any) -> None:
    # The method was renamed in Slicer 5.13; the old name still works there, with a warning.
    show = getattr(node, "SetUseColumnTitleAsColumnHeader", None) or node.SetUseColumnNameAsColumnHeader
    show(True)
