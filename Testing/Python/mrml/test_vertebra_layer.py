"""Segments after an edit: only what was touched changes, in any geometry; and the mask that the segments state."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from vtkmodules.util.numpy_support import vtk_to_numpy

slicer = pytest.importorskip("slicer")

from VertebraFLTLib.errors import InputError  # noqa: E402
from VertebraFLTLib.io.geometry import back_to_original  # noqa: E402
from VertebraFLTLib.mrml.scene import build_scene, private_scene  # noqa: E402
from VertebraFLTLib.mrml.vertebra_layer import semantic_of, update_vertebrae  # noqa: E402
from VertebraFLTLib.mrml.volumes import add_volume  # noqa: E402
from VertebraFLTLib.quantification.coverage import LabelBoxes  # noqa: E402

SURFACE = "Closed surface"


@pytest.fixture
def scene():
    made = private_scene()
    yield made
    made.Clear(1)


def labels_of(node, image):
    """The vertebrae on the CT's grid by Slicer's own resampling, one segment after the other."""
    result = np.zeros(image.GetSize()[::-1], np.uint8)
    segmentation = node.GetSegmentation()
    for index in range(segmentation.GetNumberOfSegments()):
        segment_id = segmentation.GetNthSegmentID(index)
        if not segment_id.startswith("vertebra_"):
            continue
        oriented = slicer.vtkOrientedImageData()
        assert node.GetBinaryLabelmapRepresentation(segment_id, oriented)
        extent = oriented.GetExtent()
        array = vtk_to_numpy(oriented.GetPointData().GetScalars()).reshape(
            [extent[2 * a + 1] - extent[2 * a] + 1 for a in (2, 1, 0)]
        )
        code = {"L5": 24, "L4": 23, "L3": 22, "L2": 21, "T13": 28}[segment_id.removeprefix("vertebra_")]
        for k, j, i in np.argwhere(array):
            result[k + extent[4], j + extent[2], i + extent[0]] = code
    return result


def moved(result):
    """Other vertebrae: half of L5 is gone and L3 has become L2; cropped to the column, and whole."""
    array = sitk.GetArrayFromImage(result.vertebrae)
    lowest = np.flatnonzero(array == 24)
    array.reshape(-1)[lowest[: len(lowest) // 2]] = 0
    array[array == 22] = 21
    whole = sitk.GetImageFromArray(array)
    whole.CopyInformation(result.vertebrae)
    box = LabelBoxes.of(result.semantic).boxes[1]
    size = [part.stop - part.start for part in reversed(box)]
    return sitk.RegionOfInterest(whole, size, [part.start for part in reversed(box)]), whole


@pytest.mark.parametrize("geometry", ["straight", "left-handed", "permuted", "oblique-flipped"])
def test_segments_follow_a_mask_in_lps_order_on_any_grid(result_on, scene, geometry):
    result = result_on(geometry)
    ct = add_volume(scene, back_to_original(result.ct.image, result.ct.original), "my CT")
    node = build_scene(result, scene, ct_node=ct).segmentation
    box, whole = moved(result)
    for _ in range(2):  # once with a labelmap of another extent, once in place
        update_vertebrae(node, box, ct, {"L5", "L3", "L2"})
        expected = sitk.GetArrayFromImage(back_to_original(whole, result.ct.original))
        assert np.array_equal(labels_of(node, back_to_original(whole, result.ct.original)), expected)
    assert node.GetSegmentation().GetNumberOfLayers() == 2
    semantic = semantic_of(node, ct)
    assert np.array_equal(sitk.GetArrayFromImage(semantic), sitk.GetArrayFromImage(result.semantic))
    assert semantic.GetOrigin() == pytest.approx(result.semantic.GetOrigin(), abs=1e-9)


def test_what_the_user_chose_for_a_segment_stays(result_on, scene):
    result = result_on()
    made = build_scene(result, scene)
    segmentation, display = made.segmentation.GetSegmentation(), made.segmentation.GetDisplayNode()
    mine = segmentation.GetSegment("vertebra_L4")
    mine.SetName("the fourth")
    mine.SetColor(0.1, 0.2, 0.3)
    mine.SetTerminology("mine")
    display.SetSegmentVisibility("vertebra_L4", False)
    update_vertebrae(made.segmentation, moved(result)[0], made.ct, {"L4", "L5"})
    assert segmentation.GetSegment("vertebra_L4").GetName() == "the fourth"
    assert segmentation.GetSegment("vertebra_L4").GetTerminology() == "mine"
    assert segmentation.GetSegment("vertebra_L4").GetColor() == pytest.approx((0.1, 0.2, 0.3))
    assert not display.GetSegmentVisibility("vertebra_L4")
    new = segmentation.GetSegment("vertebra_L2")
    assert new.GetName() == "L2" and "14293000" in new.GetTerminology()
    assert segmentation.GetSegment("vertebra_L3") is None


def test_surfaces_that_the_user_shows_are_made_anew_where_touched_only(result_on, scene):
    rules = slicer.vtkSegmentationConverterFactory.GetInstance()  # in Slicer the module Segmentations tells it
    rules.RegisterConverterRule(slicer.vtkBinaryLabelmapToClosedSurfaceConversionRule())
    result = result_on()
    made = build_scene(result, scene)
    segmentation = made.segmentation.GetSegmentation()
    assert segmentation.CreateRepresentation(SURFACE)
    before = {one: segmentation.GetSegment(one).GetRepresentation(SURFACE) for one in ("hips", "vertebra_L5")}
    heights = before["vertebra_L5"].GetBounds()
    update_vertebrae(made.segmentation, moved(result)[0], made.ct, {"L5", "L3", "L2"})
    assert segmentation.GetSegment("hips").GetRepresentation(SURFACE) is before["hips"]
    assert segmentation.GetSegment("vertebra_L5").GetRepresentation(SURFACE).GetBounds() != heights
    assert segmentation.GetSegment("vertebra_L2").GetRepresentation(SURFACE).GetNumberOfPoints() > 0


def test_a_mask_corrected_by_hand_is_read_as_it_is_now(result_on, scene):
    result = result_on()
    made = build_scene(result, scene)
    segment = made.segmentation.GetSegmentation().GetSegment("sternum")
    labelmap = segment.GetRepresentation("Binary labelmap")
    values = vtk_to_numpy(labelmap.GetPointData().GetScalars())
    values[np.flatnonzero(values == segment.GetLabelValue())[:7]] = 0
    read = sitk.GetArrayFromImage(semantic_of(made.segmentation, made.ct))
    assert (read == 3).sum() == (sitk.GetArrayFromImage(result.semantic) == 3).sum() - 7


def test_a_mask_without_column_or_on_another_grid_is_refused_in_words(result_on, scene):
    made = build_scene(result_on(), scene)
    other = add_volume(scene, sitk.Image([22, 18, 30], sitk.sitkInt16), "another CT")
    with pytest.raises(InputError, match="grid of the CT"):
        semantic_of(made.segmentation, other)
    made.segmentation.GetSegmentation().RemoveSegment("vertebral_column")
    with pytest.raises(InputError, match="Vertebral column"):
        semantic_of(made.segmentation, made.ct)
