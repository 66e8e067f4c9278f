"""The whole review on a simulated patient: edits, fresh computation, a bundle, and another day."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from vtkmodules.util.numpy_support import vtk_to_numpy

slicer = pytest.importorskip("slicer")

from VertebraFLTLib.anatomy import LEVEL_BY_NAME  # noqa: E402
from VertebraFLTLib.column import column_of, vertebra_mask  # noqa: E402
from VertebraFLTLib.mrml.case import cases_of  # noqa: E402
from VertebraFLTLib.mrml.exporting import export_mrb  # noqa: E402
from VertebraFLTLib.mrml.logic import open_review  # noqa: E402
from VertebraFLTLib.mrml.scene import build_scene, private_scene  # noqa: E402
from VertebraFLTLib.quantification.surfaces import nested_surfaces, region_masks  # noqa: E402
from VertebraFLTLib.quantification.suv_table import COLUMNS, measure  # noqa: E402
from VertebraFLTLib.quantification.uptake_field import uptake_field  # noqa: E402


def agrees_with_a_fresh_computation(review):
    """Tables and segments in the scene are those that a run with these boundaries would have made."""
    shown = review.result
    column = column_of(shown.semantic)
    vertebrae = vertebra_mask(shown.semantic, column, review.boundaries, shown.profile.spacing_mm)
    labels = sitk.GetArrayFromImage(vertebrae)
    fresh = measure(shown.pet_suv, shown.semantic, vertebrae, review.boundaries)
    assert np.array_equal(sitk.GetArrayFromImage(shown.vertebrae), labels)
    assert [row.roi for row in shown.suv_table] == [row.roi for row in fresh]
    table = review.nodes.suv_table.GetTable()
    for index, row in enumerate(fresh):
        for name in COLUMNS[2:]:
            assert table.GetColumnByName(name).GetValue(index) == pytest.approx(getattr(row, name), rel=1e-5), row.roi
    segmentation = review.nodes.segmentation.GetSegmentation()
    ids = {segmentation.GetNthSegmentID(i) for i in range(segmentation.GetNumberOfSegments())}
    levels = {level for level, one in LEVEL_BY_NAME.items() if (labels == one.code).any()}
    assert {one for one in ids if one.startswith("vertebra_")} == {f"vertebra_{level}" for level in levels}
    for level in levels:
        segment = segmentation.GetSegment(f"vertebra_{level}")
        voxels = vtk_to_numpy(segment.GetRepresentation("Binary labelmap").GetPointData().GetScalars())
        code = LEVEL_BY_NAME[level].code
        assert (voxels == segment.GetLabelValue()).sum() == (labels == code).sum(), level


def surfaces_agree(review, regions):
    """And so are the surfaces of some regions."""
    shown = review.result
    masks = region_masks(shown.semantic, shown.vertebrae)
    made = {(s.region, s.percentile): s.polydata for s in shown.surfaces}
    assert {region for region, _ in made} == {*masks, "all"}
    for region in regions:
        field = uptake_field(shown.pet_suv, masks[region])
        for surface in nested_surfaces(region, [field], shown.options.percentiles):
            ours = made[region, surface.percentile]
            assert ours.GetNumberOfPoints() == surface.polydata.GetNumberOfPoints(), region
            assert ours.GetBounds() == pytest.approx(surface.polydata.GetBounds(), abs=1e-3)


def drag(review, index, by_mm):
    node = review.nodes.boundary_table
    column = node.GetTable().GetColumnByName("z_mm")
    column.SetValue(index, column.GetValue(index) + by_mm)
    node.GetTable().Modified()
    review.end_drag()


def test_a_case_is_edited_saved_and_reviewed_on(phantom_result, tmp_path, read_mrb, wait):
    scene = private_scene()
    review = open_review(build_scene(phantom_result, scene).case, who="first", scheduler=wait, result=phantom_result)
    detected = review.boundaries

    for index, by_mm in ((2, 4.0), (7, -3.0), (12, 2.5)):
        drag(review, index, by_mm)
        assert review.rows[index].z_mm == pytest.approx(detected.boundaries[index].z_mm + by_mm)
    review.delete(20)
    review.insert(review.rows[4].z_mm + 14.0)
    review.shift_levels(-1)
    assert review.levels[0] == "L6"
    review.undo()
    review.undo()
    assert review.levels[0] == "L5" and len(review.rows) == len(detected.boundaries) - 1
    review.tilt(3, 8.0, 3.0)
    review.settle()
    agrees_with_a_fresh_computation(review)
    surfaces_agree(review, ["L3", "L2", "T10", "vertebral_column"])
    review.accept("first reading")

    export_mrb(review, tmp_path / "case.mrb")
    again_scene = read_mrb(tmp_path / "case.mrb")
    (case,) = cases_of(again_scene)
    again = open_review(case, who="second", scheduler=wait)
    assert again.boundaries == review.boundaries and again.log == review.log
    assert again.accepted == review.accepted and again.accepted.who == "first"
    assert (again.can_undo, again.redo_text) == (True, review.redo_text)
    assert again.result.suv_table == review.result.suv_table
    assert len(again.nodes.planes) == len(again.rows)
    agrees_with_a_fresh_computation(again)

    again.undo()
    drag(again, 9, 2.0)
    assert again.accepted is None and again.log[-1].who == "second"
    wait.waiting.pop("segments")()
    agrees_with_a_fresh_computation(again)
    again.reset()
    assert again.boundaries == detected
