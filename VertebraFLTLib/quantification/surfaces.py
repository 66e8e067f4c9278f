"""Closed isosurfaces of uptake inside each region, at percentiles of the region's own distribution."""

from __future__ import annotations

from dataclasses import dataclass

from vtkmodules.vtkCommonDataModel import vtkPolyData

from VertebraFLTLib.anatomy import Color


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
