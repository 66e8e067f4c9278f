"""Closed isosurfaces of uptake inside each region, at percentiles of the region's own distribution (thesis 5.2.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from vtkmodules.vtkCommonCore import vtkDoubleArray, vtkStringArray
from vtkmodules.vtkCommonDataModel import vtkPolyData
from vtkmodules.vtkFiltersCore import vtkAppendPolyData
from vtkmodules.vtkIOXML import vtkXMLPolyDataWriter

from VertebraFLTLib.anatomy import LEVELS, Color
from VertebraFLTLib.errors import InputError
from VertebraFLTLib.progress import Progress, silent
from VertebraFLTLib.quantification.coverage import LabelBoxes
from VertebraFLTLib.quantification.isosurface import closed_surface
from VertebraFLTLib.quantification.masks_on_pet import REGIONS
from VertebraFLTLib.quantification.uptake_field import UptakeField, uptake_field

DEFAULT_PERCENTILES: tuple[float, ...] = (50.0, 85.0, 98.0)
WHOLE_BONES: tuple[str, ...] = ("vertebral_column", "pelvis", "sternum")
ALL_MARROW = "all"
"""The whole bones together, with levels from their common distribution: comparable from bone to bone."""

_RAMP = np.array([(1.0, 0.87, 0.15), (1.0, 0.55, 0.05), (0.83, 0.07, 0.07)])  # yellow, orange, red


@dataclass(frozen=True)
class Surface:
    """One closed surface in LPS millimetres, wound so that normals point outwards."""

    region: str  # "vertebral_column", "pelvis", "sternum", "all" or a level name
    percentile: float | None  # 0 to 100, of the uptake inside the region; None where the level was given in SUV
    level_suv: float
    color: Color
    polydata: vtkPolyData

    @property
    def name(self) -> str:
        """The file's stem: ``pelvis_p85``, or ``pelvis_suv2.5`` for a level given in SUV."""
        level = f"suv{self.level_suv:g}" if self.percentile is None else f"p{self.percentile:g}"
        return f"{self.region}_{level}"


def parse_percentiles(text: str) -> tuple[float, ...]:
    """``"50,85,98"`` -> ``(50.0, 85.0, 98.0)``, in rising order. Raises InputError for anything else."""
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        raise InputError(f"--percentiles {text!r}: give numbers separated by commas, such as 50,85,98") from None
    if not all(0.0 < v < 100.0 for v in values):  # also refuses NaN
        raise InputError(f"--percentiles {text!r}: each must lie between 0 and 100, such as 50,85,98")
    if len(set(values)) < len(values):
        raise InputError(f"--percentiles {text!r}: the same percentile is given twice")
    return tuple(sorted(values))


def level_colors(count: int) -> list[Color]:
    """Colours of nested surfaces from the outermost in: yellow over orange to red."""
    at = np.linspace(0.0, 2.0, count) if count > 1 else np.array([2.0])
    rows = np.stack([np.interp(at, (0, 1, 2), _RAMP[:, channel]) for channel in range(3)], axis=1)
    return [(float(r), float(g), float(b)) for r, g, b in rows]


def percentile_surfaces(
    pet_suv: sitk.Image,
    semantic: sitk.Image,
    vertebrae: sitk.Image,
    percentiles: Sequence[float] = DEFAULT_PERCENTILES,
    *,
    levels_suv: Sequence[float] | None = None,
    progress: Progress = silent,
) -> list[Surface]:
    """Nested surfaces of the column, pelvis, sternum, all of them together, and of each vertebra from the lowest up.

    The levels are percentiles of the SUV inside the region, on the PET interpolated to about 2 mm and without the
    dilation of the SUV table, as in the thesis: the surface at 85 encloses the 15 % of the bone with the highest
    uptake. They therefore lie above the percentiles in ``suv.csv``, whose regions have a dilated rim. With
    ``levels_suv`` the levels are these SUV for every region. A surface ends at the bone's surface and is closed there.
    Levels that no voxel exceeds give no surface.

    pet_suv: float image. semantic, vertebrae: uint8 images, any grid in the same patient coordinates.
    """
    masks = region_masks(semantic, vertebrae)
    fields: dict[str, UptakeField] = {}
    for done, (region, mask) in enumerate(masks.items()):
        progress("surfaces", 0.5 * done / len(masks))
        field = uptake_field(pet_suv, mask)
        if field is not None:
            fields[region] = field
    parts = with_all_marrow(fields)
    surfaces: list[Surface] = []
    for done, (region, of_region) in enumerate(parts.items()):
        progress("surfaces", 0.5 + 0.5 * done / len(parts))
        surfaces += nested_surfaces(region, of_region, percentiles, levels_suv)
    progress("surfaces", 1.0)
    return surfaces


def region_masks(semantic: sitk.Image, vertebrae: sitk.Image) -> dict[str, sitk.Image]:
    """The 0/1 mask of each region there is, cropped to it: whole bones first, then vertebrae from the lowest up."""
    bones, levels = LabelBoxes.of(semantic), LabelBoxes.of(vertebrae)
    masks = {region: bones.binary(REGIONS[region]) for region in WHOLE_BONES}
    masks |= {level.name: levels.binary((level.code,)) for level in reversed(LEVELS)}
    return {region: mask for region, mask in masks.items() if mask is not None}


def with_all_marrow(fields: Mapping[str, UptakeField]) -> dict[str, list[UptakeField]]:
    """What each region's surfaces are drawn from: its own field, and for all the marrow those of the whole bones."""
    bones = {region: [field] for region, field in fields.items() if region in WHOLE_BONES}
    everything = {ALL_MARROW: [field for (field,) in bones.values()]} if bones else {}
    return bones | everything | {region: [field] for region, field in fields.items() if region not in bones}


def nested_surfaces(
    region: str, fields: Sequence[UptakeField], percentiles: Sequence[float], levels_suv: Sequence[float] | None = None
) -> list[Surface]:
    """One region's surfaces from the outermost in; see :func:`percentile_surfaces`."""
    steps: list[tuple[float | None, float]]
    if levels_suv is None:
        inside = np.concatenate([field.inside for field in fields])
        steps = [(p, float(np.percentile(inside, p))) for p in sorted(percentiles)]
    else:
        steps = [(None, float(level)) for level in sorted(levels_suv)]
    surfaces = []
    for (percentile, level), color in zip(steps, level_colors(len(steps)), strict=True):
        polydata = _append([closed_surface(field, level) for field in fields])
        if polydata.GetNumberOfCells():
            surfaces.append(Surface(region, percentile, level, color, polydata))
    return surfaces


def _append(parts: list[vtkPolyData]) -> vtkPolyData:
    if len(parts) == 1:
        return parts[0]
    append = vtkAppendPolyData()
    for part in parts:
        append.AddInputData(part)
    append.Update()
    return append.GetOutput()


def write_surface(surface: Surface, path: Path) -> None:
    """Write a ``.vtp`` whose field data says what it is; a reader never finds it half-written.

    Raises InputError where it cannot be written.
    """
    polydata = vtkPolyData()
    polydata.ShallowCopy(surface.polydata)
    text = vtkStringArray()
    text.SetName("region")
    text.InsertNextValue(surface.region)
    polydata.GetFieldData().AddArray(text)
    for name, value in (("percentile", surface.percentile), ("level_suv", surface.level_suv)):
        if value is not None:
            number = vtkDoubleArray()
            number.SetName(name)
            number.InsertNextValue(value)
            polydata.GetFieldData().AddArray(number)
    partial = path.with_name(f".{path.name}.partial")
    writer = vtkXMLPolyDataWriter()
    writer.SetFileName(str(partial))
    writer.SetInputData(polydata)
    try:
        partial.touch()  # VTK prints its own error where it cannot write; this one has a reason
        if not writer.Write():
            raise OSError(writer.GetErrorCode(), "the disk may be full")
        partial.replace(path)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error
    finally:
        partial.unlink(missing_ok=True)
