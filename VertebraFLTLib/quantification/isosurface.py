"""The closed surface of uptake above a level inside a bone, in patient coordinates and right side out."""

from __future__ import annotations

import numpy as np
from vtkmodules.util.numpy_support import numpy_to_vtk
from vtkmodules.vtkCommonCore import vtkObject
from vtkmodules.vtkCommonDataModel import vtkImageData, vtkPolyData
from vtkmodules.vtkCommonMath import vtkMatrix4x4
from vtkmodules.vtkCommonTransforms import vtkTransform
from vtkmodules.vtkFiltersCore import (
    vtkFlyingEdges3D,
    vtkPolyDataNormals,
    vtkReverseSense,
    vtkWindowedSincPolyDataFilter,
)
from vtkmodules.vtkFiltersGeneral import vtkTransformPolyDataFilter

from VertebraFLTLib.quantification.coverage import Grid
from VertebraFLTLib.quantification.uptake_field import UptakeField


def closed_surface(field: UptakeField, level_suv: float) -> vtkPolyData:
    """The surface around all of the bone with more than ``level_suv``, in LPS millimetres, outward point normals.

    It bounds the intersection of two solids, uptake above the level and bone, so it is closed wherever either ends,
    the image's border included.
    """
    return zero_surface(np.minimum(_depth(field.suv - level_suv), _depth(field.bone - 0.5)), field.grid)


def _depth(values: np.ndarray) -> np.ndarray:
    """About how deep each voxel lies inside the solid ``values > 0``, in voxels, cut off at two.

    The smaller of two such depths crosses zero where the nearer solid ends. Of the values themselves it would not:
    beside a steep mask a shallow uptake would draw the surface in by up to a voxel.
    """
    slope = np.sqrt(sum(np.square(g) for g in np.gradient(values)))
    return np.clip(values / np.maximum(slope, 1e-6), -2.0, 2.0)


def zero_surface(solid: np.ndarray, grid: Grid) -> vtkPolyData:
    """The smoothed surface between the positive and the negative values of an array (kji, of order one) on a grid.

    In LPS millimetres, closed, with outward point normals; empty where nothing is positive.
    """
    if not (solid > 0).any():
        return vtkPolyData()
    solid = np.pad(solid, 1, constant_values=-1.0).astype(np.float32)
    solid[solid == 0] = -1e-6  # a value on the surface itself would make triangles of no area

    image = vtkImageData()
    image.SetDimensions(*reversed(solid.shape))
    image.SetOrigin(-1.0, -1.0, -1.0)  # the padding
    image.GetPointData().SetScalars(numpy_to_vtk(solid.ravel(), deep=True))
    contour = vtkFlyingEdges3D()
    contour.SetInputData(image)
    contour.SetValue(0, 0.0)
    contour.ComputeNormalsOff()
    contour.ComputeGradientsOff()
    contour.ComputeScalarsOff()
    smooth = vtkWindowedSincPolyDataFilter()  # keeps the volume, takes the crease where the two solids meet
    smooth.SetInputConnection(contour.GetOutputPort())
    smooth.SetNumberOfIterations(15)
    smooth.SetPassBand(0.15)
    smooth.BoundarySmoothingOff()
    smooth.NonManifoldSmoothingOn()
    smooth.NormalizeCoordinatesOn()
    return _in_patient(smooth.GetOutputPort(), grid)


def _in_patient(port: vtkObject, grid: Grid) -> vtkPolyData:
    """From index coordinates to LPS millimetres; a grid of mirrored handedness turns triangles over, so turn them back.

    Knowing the winding from the grid's determinant is exact for any direction matrix, open or non-manifold pieces
    included; guessing it afterwards from the surface is not.
    """
    matrix = vtkMatrix4x4()
    for row in range(3):
        for column in range(3):
            matrix.SetElement(row, column, grid.index_to_mm[row, column])
        matrix.SetElement(row, 3, grid.origin[row])
    transform = vtkTransform()
    transform.SetMatrix(matrix)
    moved = vtkTransformPolyDataFilter()
    moved.SetInputConnection(port)
    moved.SetTransform(transform)
    last = moved
    if np.linalg.det(grid.index_to_mm) < 0:
        last = vtkReverseSense()
        last.SetInputConnection(moved.GetOutputPort())
        last.ReverseCellsOn()
        last.ReverseNormalsOff()
    normals = vtkPolyDataNormals()
    normals.SetInputConnection(last.GetOutputPort())
    normals.ConsistencyOff()
    normals.AutoOrientNormalsOff()
    normals.SplittingOff()
    normals.ComputePointNormalsOn()
    normals.Update()
    return normals.GetOutput()
