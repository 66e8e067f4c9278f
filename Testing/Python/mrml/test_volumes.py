"""Images to nodes and back: the same voxels in the same place, whatever the axes and the transforms above."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
import vtk

slicer = pytest.importorskip("slicer")

from VertebraFLTLib.errors import InputError  # noqa: E402
from VertebraFLTLib.mrml.volumes import add_volume, image_from_node  # noqa: E402


def _image(dtype=np.int16):
    array = np.arange(4 * 5 * 6).reshape(6, 5, 4).astype(dtype)
    image = sitk.GetImageFromArray(array)
    image.SetSpacing((0.7, 1.1, 3.0))
    image.SetOrigin((10.0, -20.0, 300.0))
    angle = np.deg2rad(20)
    direction = [[np.cos(angle), 0, np.sin(angle)], [0, -1, 0], [-np.sin(angle), 0, np.cos(angle)]]
    image.SetDirection(np.array(direction).ravel().tolist())
    return image


def _transform(scene, matrix):
    node = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    vtk_matrix = vtk.vtkMatrix4x4()
    vtk_matrix.DeepCopy(np.asarray(matrix, float).ravel().tolist())
    node.SetMatrixTransformToParent(vtk_matrix)
    return node


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.float32, np.float64])
def test_there_and_back(dtype):
    image = _image(dtype)
    back = image_from_node(add_volume(slicer.vtkMRMLScene(), image, "V"))
    assert back.GetPixelID() == image.GetPixelID()
    assert np.array_equal(sitk.GetArrayFromImage(back), sitk.GetArrayFromImage(image))
    for getter in ("GetSpacing", "GetOrigin", "GetDirection"):
        assert getattr(back, getter)() == pytest.approx(getattr(image, getter)())


def test_a_voxel_lies_in_ras_where_it_lies_in_lps():
    image = _image()
    node = add_volume(slicer.vtkMRMLScene(), image, "V")
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    x, y, z = image.TransformIndexToPhysicalPoint((3, 1, 4))
    assert matrix.MultiplyPoint((3, 1, 4, 1))[:3] == pytest.approx((-x, -y, z))


def test_the_copy_does_not_change_with_the_image():
    image = _image()
    node = add_volume(slicer.vtkMRMLScene(), image, "V")
    image[0, 0, 0] = 999
    assert image_from_node(node)[0, 0, 0] == 0


def test_linear_parent_transforms_are_resolved():
    scene = slicer.vtkMRMLScene()
    node = add_volume(scene, _image(), "V")
    turn = _transform(scene, [[0, -1, 0, 5], [1, 0, 0, 6], [0, 0, 1, 7], [0, 0, 0, 1]])  # RAS
    outer = _transform(scene, np.diag([1, 1, 1, 1]) + np.array([[0, 0, 0, 100]] + [[0] * 4] * 3))
    turn.SetAndObserveTransformNodeID(outer.GetID())
    node.SetAndObserveTransformNodeID(turn.GetID())
    x, y, z = _image().TransformIndexToPhysicalPoint((2, 3, 1))
    r, a = -x, -y
    expected_ras = (-a + 5 + 100, r + 6, z + 7)
    moved = image_from_node(node).TransformIndexToPhysicalPoint((2, 3, 1))
    assert (-moved[0], -moved[1], moved[2]) == pytest.approx(expected_ras)


def test_shear_and_warp_are_refused_in_words():
    scene = slicer.vtkMRMLScene()
    node = add_volume(scene, _image(), "my CT")
    shear = _transform(scene, [[1, 0.2, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    node.SetAndObserveTransformNodeID(shear.GetID())
    with pytest.raises(InputError, match="my CT is sheared"):
        image_from_node(node)
    warp = scene.AddNewNodeByClass("vtkMRMLGridTransformNode", "acquisition")
    node.SetAndObserveTransformNodeID(warp.GetID())
    with pytest.raises(InputError, match=r"my CT.*acquisition.*harden"):
        image_from_node(node)


def test_empty_and_colour_volumes_are_refused():
    scene = slicer.vtkMRMLScene()
    empty = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "nothing")
    with pytest.raises(InputError, match="nothing has no voxels"):
        image_from_node(empty)
    colour = scene.AddNewNodeByClass("vtkMRMLVectorVolumeNode", "photo")
    data = vtk.vtkImageData()
    data.SetDimensions(2, 2, 2)
    data.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 3)
    colour.SetAndObserveImageData(data)
    with pytest.raises(InputError, match="3 values per voxel"):
        image_from_node(colour)
