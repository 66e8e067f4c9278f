"""SimpleITK images to volume nodes and back, with the exact place of every voxel."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk
from vtkmodules.util.numpy_support import get_vtk_array_type, numpy_to_vtk, vtk_to_numpy
from vtkmodules.vtkCommonDataModel import vtkImageData
from vtkmodules.vtkCommonMath import vtkMatrix4x4

from VertebraFLTLib.errors import InputError

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
"""Turns LPS millimetres (images, surfaces) into RAS millimetres (scene), and back: it is its own inverse."""

_ORTHOGONAL = 1e-4  # largest cosine between axes that counts as a right angle


def ijk_to_ras(image: sitk.Image) -> npt.NDArray[np.float64]:
    """4x4 matrix from voxel indices (i, j, k) to RAS millimetres, for any direction matrix."""
    ijk_to_lps = np.eye(4)
    ijk_to_lps[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * np.array(image.GetSpacing())
    ijk_to_lps[:3, 3] = image.GetOrigin()
    return LPS_TO_RAS @ ijk_to_lps


def vtk_matrix(matrix: npt.NDArray[np.float64]) -> vtkMatrix4x4:
    """A 4x4 array as VTK's matrix."""
    result = vtkMatrix4x4()
    result.DeepCopy(matrix.ravel().tolist())
    return result


def numpy_matrix(matrix: vtkMatrix4x4) -> npt.NDArray[np.float64]:
    """VTK's matrix as a 4x4 array."""
    return np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])


def vtk_scalars(array: npt.NDArray[Any]) -> Any:
    """A kji array as named VTK scalars (a copy)."""
    flat = np.ascontiguousarray(array).reshape(-1)
    scalars = numpy_to_vtk(flat, deep=True, array_type=get_vtk_array_type(flat.dtype))
    scalars.SetName("ImageScalars")
    return scalars


def set_image(node: Any, image: sitk.Image) -> None:
    """Give a volume node the voxels and the geometry of ``image`` (3-D, one value per voxel)."""
    voxels = vtkImageData()
    voxels.SetDimensions(image.GetSize())
    voxels.GetPointData().SetScalars(vtk_scalars(sitk.GetArrayViewFromImage(image)))
    node.SetAndObserveImageData(voxels)
    node.SetIJKToRASMatrix(vtk_matrix(ijk_to_ras(image)))


def add_volume(scene: Any, image: sitk.Image, name: str) -> Any:
    """A new scalar volume node with its display node."""
    node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    set_image(node, image)
    node.CreateDefaultDisplayNodes()
    return node


def image_from_node(node: Any) -> sitk.Image:
    """The image of a volume node where it lies in the world, parent transforms resolved, as a copy in LPS millimetres.

    Raises InputError for a node without voxels, with colour, or under a transform that bends, shears or mirrors it
    into something that is no image any more (an acquisition transform, say): hardening resamples it.
    """
    name = node.GetName()
    data = node.GetImageData()
    if data is None or data.GetPointData() is None or data.GetPointData().GetScalars() is None:
        raise InputError(f"volume {name} has no voxels: load it again")
    scalars = data.GetPointData().GetScalars()
    if scalars.GetNumberOfComponents() != 1:
        raise InputError(f"volume {name} has {scalars.GetNumberOfComponents()} values per voxel: choose a grey volume")
    grid = grid_from_node(node)
    ni, nj, nk = data.GetDimensions()
    image = sitk.GetImageFromArray(vtk_to_numpy(scalars).reshape(nk, nj, ni))
    image.SetSpacing(grid.GetSpacing())
    image.SetDirection(grid.GetDirection())
    image.SetOrigin(grid.GetOrigin())
    return image


def grid_from_node(node: Any) -> sitk.Image:
    """One voxel that lies and runs in the world as the first of a volume node does, parent transforms resolved.

    Raises InputError under a transform after which voxels are no longer boxes.
    """
    matrix = vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    ijk_to_lps = LPS_TO_RAS @ _parent_matrix(node) @ numpy_matrix(matrix)
    axes = ijk_to_lps[:3, :3]
    spacing = np.linalg.norm(axes, axis=0)
    direction = axes / spacing
    if not np.allclose(direction.T @ direction, np.eye(3), atol=_ORTHOGONAL):
        raise InputError(
            f"volume {node.GetName()} is sheared by its transform: harden the transform in module Transforms first"
        )
    grid = sitk.Image((1, 1, 1), sitk.sitkUInt8)
    grid.SetSpacing(spacing.tolist())
    grid.SetDirection(direction.ravel().tolist())
    grid.SetOrigin(ijk_to_lps[:3, 3].tolist())
    return grid


def _parent_matrix(node: Any) -> npt.NDArray[np.float64]:
    transform = node.GetParentTransformNode()
    if transform is None:
        return np.eye(4)
    if not transform.IsTransformToWorldLinear():
        raise InputError(
            f"volume {node.GetName()} is under the non-linear transform {transform.GetName()}: "
            "harden the transform in module Transforms first"
        )
    matrix = vtkMatrix4x4()
    transform.GetMatrixTransformToWorld(matrix)
    return numpy_matrix(matrix)
