"""The review without a widget: selection, edits, drags, history, signatures, and what the scene does meanwhile."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from vtkmodules.util.numpy_support import vtk_to_numpy

slicer = pytest.importorskip("slicer")

from VertebraFLTLib.errors import InputError  # noqa: E402
from VertebraFLTLib.mrml import views  # noqa: E402
from VertebraFLTLib.mrml.case import cases_of  # noqa: E402
from VertebraFLTLib.mrml.logic import open_review  # noqa: E402
from VertebraFLTLib.mrml.planes import plane_of  # noqa: E402
from VertebraFLTLib.mrml.review import Event  # noqa: E402
from VertebraFLTLib.mrml.scene import build_scene, private_scene  # noqa: E402
from VertebraFLTLib.spine.boundary import EditRefused  # noqa: E402


@pytest.fixture
def scene():
    made = private_scene()
    yield made
    made.Clear(1)


@pytest.fixture
def review(result_on, scene):
    """A review of three boundaries, the topmost of which is doubtful."""
    result = result_on()
    nodes = build_scene(result, scene)
    presenter = open_review(nodes.case, who="reader", result=result)
    presenter.told = []
    presenter.observe(presenter.told.append)
    return presenter


def drag_marker(review, index, z_mm):
    """What Slicer's plot does while a point is dragged: writes the table's column, and says so."""
    node = review.nodes.boundary_table
    node.GetTable().GetColumnByName("z_mm").SetValue(index, z_mm)
    node.GetTable().Modified()


def cell(review, row, column):
    return review.nodes.boundary_table.GetTable().GetColumnByName(column).GetValue(row)


def names(review):
    return [row.name for row in review.rows]


# --- what is shown, selection ------------------------------------------------------------------------------------


def test_rows_say_what_the_boundaries_say_and_doubtful_ones_are_listed_first(review):
    assert names(review) == ["L4/L5", "L3/L4", "L2/L3"]
    assert [row.confidence for row in review.rows] == pytest.approx([0.9, 0.6, 0.3])
    assert [row.doubtful for row in review.rows] == [False, False, True]
    assert review.listed == (2, 0, 1)
    assert review.rows[2].reasons == ("noisy", "noisy")
    assert review.rows[2].color != review.rows[0].color
    review.review(2)
    assert review.listed == (0, 1, 2) and not review.rows[2].doubtful
    assert review.levels == ("L5", "L4", "L3", "L2")


def test_stepping_to_the_next_doubtful_goes_round_and_ends_when_all_are_seen(review):
    assert review.select_next_doubtful() == 2 == review.selected
    assert review.select_next_doubtful() == 2
    assert review.select_next_doubtful(-1) == 2
    review.review(2)
    assert review.select_next_doubtful() is None and review.selected == 2


def test_selecting_a_row_marks_plot_and_plane_and_moves_the_slices(review, scene):
    views.prepare_views(scene, review.nodes, (-30, 30, -30, 30, -100, 60))
    review.select(1)
    assert np.isnan(cell(review, 0, "selected_suv")) and cell(review, 1, "selected_suv") == cell(review, 1, "mean_suv")
    handles = [node.GetDisplayNode().GetHandlesInteractive() for node in review.nodes.planes]
    assert handles == [False, True, False]
    axial = scene.GetSingletonNode("Red", "vtkMRMLSliceNode").GetSliceToRAS()
    assert axial.GetElement(2, 3) == pytest.approx(review.rows[1].z_mm, abs=1e-3)
    assert review.told == [Event.SELECTION]
    review.select(None)
    assert review.selected is None and np.isnan(cell(review, 1, "selected_suv"))
    review.select(99)
    assert review.selected is None


def test_a_doubtful_boundary_has_its_halo_in_the_plot(review):
    assert np.isnan(cell(review, 0, "doubtful_suv"))
    assert cell(review, 2, "doubtful_suv") == cell(review, 2, "mean_suv")


# --- edits --------------------------------------------------------------------------------------------------------


def test_a_move_is_one_step_in_all_views_and_can_be_taken_back(review):
    before = review.boundaries
    review.move(1, -30.5)
    assert review.rows[1].z_mm == -30.5 == cell(review, 1, "z_mm")
    assert plane_of(review.nodes.planes[1])[0][2] == pytest.approx(-30.5)
    assert (review.can_undo, review.can_redo, review.undo_text) == (True, False, "L3/L4 to -30.5 mm")
    assert [(entry.who, entry.what) for entry in review.log] == [("reader", "L3/L4 to -30.5 mm")]
    assert {Event.BOUNDARIES, Event.RESULTS, Event.SETTLED} <= set(review.told)
    review.undo()
    assert review.boundaries == before and review.redo_text == "L3/L4 to -30.5 mm"
    assert cell(review, 1, "z_mm") == before.boundaries[1].z_mm
    review.redo()
    assert review.rows[1].z_mm == -30.5
    review.reset()
    assert review.boundaries == before and review.undo_text == "reset to detected"


def test_undo_with_nothing_to_undo_says_nothing(review):
    review.undo()
    review.redo()
    assert review.told == [] and review.log == ()


@pytest.mark.parametrize(
    "edit",
    [
        lambda r: r.move(1, 1000.0),
        lambda r: r.move(7, 0.0),
        lambda r: r.tilt(1, 89.5, 0.0),
        lambda r: r.insert(),
        lambda r: r.delete(),
        lambda r: r.delete(5),
        lambda r: r.shift_levels(-9),
        lambda r: r.set_lowest("X1"),
        lambda r: r.rename(2, "C3"),
        lambda r: r.lock(9),
    ],
)
def test_an_edit_that_cannot_be_is_refused_in_one_line_and_changes_nothing(review, edit):
    before = review.boundaries
    with pytest.raises(InputError) as refused:
        edit(review)
    assert "\n" not in str(refused.value) and len(str(refused.value)) > 10
    assert review.boundaries == before and review.told == [] and review.log == ()


def test_inserting_and_deleting_follow_the_selection(review):
    review.select(0)
    assert review.insert() == 1 == review.selected
    assert review.rows[1].z_mm == pytest.approx((review.rows[0].z_mm + review.rows[2].z_mm) / 2)
    assert names(review) == ["L4/L5", "L3/L4", "L2/L3", "L1/L2"] and len(review.nodes.planes) == 4
    assert [node.GetName() for node in review.nodes.planes] == names(review)
    review.delete()
    assert names(review) == ["L4/L5", "L3/L4", "L2/L3"] and len(review.nodes.planes) == 3
    review.select(2)
    review.delete()
    assert review.selected is None and len(review.rows) == 2


def test_levels_are_shifted_set_and_renamed(review):
    review.shift_levels(1)
    assert review.levels == ("L4", "L3", "L2", "L1")
    segmentation = review.nodes.segmentation.GetSegmentation()
    assert segmentation.GetSegment("vertebra_L5") is None and segmentation.GetSegment("vertebra_L2") is not None
    review.set_lowest(review.lowest_choices[0])
    assert review.levels == ("L6", "L5", "L4", "L3")
    review.set_lowest("L3")
    assert review.levels == ("L3", "L2", "L1", "T12")
    review.rename(3, "T13")
    assert review.levels == ("L3", "L2", "L1", "T13")
    assert review.boundaries.level_confidence == 1.0


def test_a_tilt_shows_in_rows_and_plane(review):
    review.tilt(1, 12.0, -4.0)
    assert (review.rows[1].sagittal_deg, review.rows[1].coronal_deg) == pytest.approx((12.0, -4.0))
    _, normal = plane_of(review.nodes.planes[1])
    assert normal == pytest.approx(review.boundaries.boundaries[1].normal)
    assert normal[1] > 0 > normal[0]  # leans backwards, and to the right


def test_the_smallest_tilt_shows_and_is_no_edit_of_its_own(review):
    for degrees in (0.2, 0.4, 0.3):
        review.tilt(1, degrees, 0.1)
        _, normal = plane_of(review.nodes.planes[1])
        assert normal == pytest.approx(review.boundaries.boundaries[1].normal, abs=1e-9)
    steps = len(review.log)
    review.end_drag()
    assert len(review.log) == steps
    x, y, _ = review.nodes.planes[1].GetOriginWorld()
    assert (-x, -y) == pytest.approx(review.boundaries.boundaries[1].centre_mm[:2])
    across, along, up = ([0.0] * 3 for _ in range(3))
    review.nodes.planes[1].GetAxesWorld(across, along, up)
    assert abs(across[0]) > 0.99  # the wider side of the sheet lies across the patient


def test_a_locked_boundary_stays_and_its_plane_cannot_be_taken(review):
    review.lock(1)
    with pytest.raises(EditRefused, match="locked"):
        review.move(1, -20.0)
    assert review.nodes.planes[1].GetLocked() and review.rows[1].locked
    review.lock(1, False)
    review.move(1, -20.0)


# --- drags --------------------------------------------------------------------------------------------------------


def test_a_dragged_marker_becomes_one_edit(review):
    drag_marker(review, 0, -61.0)
    assert review.rows[0].z_mm == -61.0 and review.rows[0].source == "user"
    assert [entry.what for entry in review.log] == ["L4/L5 from -58.1 to -61.0 mm"]
    assert plane_of(review.nodes.planes[0])[0][2] == pytest.approx(-61.0)
    assert cell(review, 0, "pet_slice") == review.rows[0].pet_slice


def test_while_a_marker_is_held_tables_follow_and_history_waits(result_on, scene, wait):
    result = result_on()
    review = open_review(build_scene(result, scene).case, result=result, scheduler=wait)
    wait.let_go()
    before = [row.GetValue(1) for row in [review.nodes.suv_table.GetTable().GetColumnByName("suv_mean")]]
    drag_marker(review, 0, -61.0)
    drag_marker(review, 0, -64.0)
    wait.waiting.pop("preview")()
    assert review.nodes.suv_table.GetTable().GetColumnByName("suv_mean").GetValue(1) != before[0]
    assert review.log == () and review.pending
    review.end_drag()
    assert [entry.what for entry in review.log] == ["L4/L5 from -58.1 to -64.0 mm"]
    wait.let_go()
    assert len(review.log) == 1 and not review.pending


def test_a_marker_dragged_past_its_neighbour_springs_back_with_a_reason(review):
    drag_marker(review, 0, 0.0)
    assert cell(review, 0, "z_mm") == review.rows[0].z_mm == pytest.approx(-58.0987654)
    assert Event.REFUSED in review.told and "upside down" in review.message and review.log == ()
    drag_marker(review, 0, float("nan"))
    assert cell(review, 0, "z_mm") == pytest.approx(-58.0987654)
    review.move(0, -60.0)
    assert review.message == ""


def test_a_row_deleted_in_the_table_comes_back(review):
    review.nodes.boundary_table.RemoveRow(0)
    assert review.nodes.boundary_table.GetNumberOfRows() == 3 and "buttons" in review.message


def test_a_dragged_plane_becomes_an_edit_when_it_is_let_go(result_on, scene, wait):
    result = result_on()
    review = open_review(build_scene(result, scene).case, result=result, scheduler=wait)
    wait.let_go()
    plane = review.nodes.planes[1]
    x, y, z = plane.GetOriginWorld()
    plane.InvokeEvent(plane.PointStartInteractionEvent)
    plane.SetOriginWorld(x, y, z + 5.0)
    wait.let_go()
    assert review.log == ()
    plane.SetNormalWorld(0.0, -0.2, 1.0)
    plane.InvokeEvent(plane.PointEndInteractionEvent)
    assert len(review.log) == 1
    assert review.rows[1].z_mm == pytest.approx(z + 5.0, abs=0.5)
    assert review.rows[1].sagittal_deg == pytest.approx(np.degrees(np.arctan(0.2)), abs=1e-3)


def test_taking_hold_of_a_plane_selects_its_boundary(review):
    plane = review.nodes.planes[2]
    plane.InvokeEvent(plane.PointStartInteractionEvent)
    assert review.selected == 2 and review.told == [Event.SELECTION]
    assert cell(review, 2, "selected_suv") == cell(review, 2, "mean_suv")
    plane.InvokeEvent(plane.PointEndInteractionEvent)
    assert review.log == () and review.selected == 2


def test_a_plane_slid_within_itself_is_no_edit_and_goes_back(review):
    plane = review.nodes.planes[1]
    x, y, z = plane.GetOriginWorld()
    plane.SetOriginWorld(x + 15.0, y - 8.0, z)
    assert review.log == () and plane.GetOriginWorld() == pytest.approx((x, y, z))


def test_a_plane_that_is_turned_keeps_its_height_and_confidence(review):
    z = review.rows[1].z_mm
    review.nodes.planes[1].SetNormalWorld(0.1, 0.0, 1.0)
    assert review.rows[1].z_mm == z and review.rows[1].confidence == pytest.approx(0.6)
    assert review.rows[1].coronal_deg == pytest.approx(-np.degrees(np.arctan(0.1)), abs=1e-3)


# --- history, signatures --------------------------------------------------------------------------------------------


def test_a_signature_counts_for_the_very_boundaries_it_was_given_for(review):
    review.move(1, -30.0)
    review.accept("looks right")
    assert (review.accepted.who, review.accepted.note) == ("reader", "looks right")
    assert review.log[-1].what == "accepted: looks right" and Event.ACCEPTED in review.told
    review.undo()  # across the signature
    assert review.accepted is None
    review.redo()
    assert review.accepted is not None
    review.review(0)
    assert review.accepted is None
    assert review.result.review.accepted is None and review.result.review.log == review.log


def test_another_reader_goes_on_from_the_scene(review, scene):
    review.move(1, -30.0)
    review.accept()
    review.close()
    (case,) = cases_of(scene)
    again = open_review(case, who="second")
    assert again.boundaries == review.boundaries and again.log == review.log
    assert again.accepted == review.accepted
    again.undo()
    assert again.log[-1].who == "second" and again.rows[1].z_mm == pytest.approx(-26.0955533)


def test_a_table_edited_while_nobody_watched_is_taken_as_an_edit(review, scene):
    review.close()
    drag_marker(review, 1, -31.0)
    assert review.log == ()
    again = open_review(cases_of(scene)[0], who="second")
    assert again.rows[1].z_mm == -31.0 and again.log[-1].who == "second"


# --- the scene meanwhile --------------------------------------------------------------------------------------------


def test_the_slow_part_waits_until_the_hand_rests(result_on, scene, wait):
    result = result_on()
    review = open_review(build_scene(result, scene).case, result=result, scheduler=wait)
    wait.let_go()
    told = []
    review.observe(told.append)
    review.move(1, -30.0)
    assert told == [Event.BOUNDARIES, Event.RESULTS] and review.pending
    review.settle()
    assert Event.SETTLED in told and not review.pending


def test_a_scene_saved_before_its_segments_followed_catches_up(result_on, scene, wait):
    result = result_on()
    review = open_review(build_scene(result, scene).case, result=result, scheduler=wait)
    wait.let_go()
    review.move(1, -33.0)
    review.close()  # and the slow part never came to pass
    again = open_review(cases_of(scene)[0], who="second")
    labels = sitk.GetArrayFromImage(again.result.vertebrae)
    segment = again.nodes.segmentation.GetSegmentation().GetSegment("vertebra_L4")
    voxels = vtk_to_numpy(segment.GetRepresentation("Binary labelmap").GetPointData().GetScalars())
    assert (voxels == segment.GetLabelValue()).sum() == (labels == 23).sum() > 0


def test_a_deleted_plane_comes_back_and_a_deleted_surface_is_forgotten(review, scene):
    scene.RemoveNode(review.nodes.planes[1])
    assert len(review.nodes.planes) == 3 and [node.GetName() for node in review.nodes.planes] == names(review)
    drag = review.nodes.planes[1]
    x, y, z = drag.GetOriginWorld()
    drag.SetOriginWorld(x, y, z + 2.0)
    assert review.rows[1].z_mm == pytest.approx(z + 2.0, abs=1e-3)
    models = len(review.nodes.surfaces)
    scene.RemoveNode(review.nodes.surfaces[0])
    assert len(review.nodes.surfaces) == models - 1
    review.move(0, -60.0)


@pytest.mark.parametrize("which", ["ct", "pet", "segmentation", "boundary_table", "suv_table", "case"])
def test_a_node_that_is_needed_and_deleted_ends_the_review_in_words(review, scene, which):
    scene.RemoveNode(getattr(review.nodes, which))
    assert review.told[-1] == Event.CLOSED and "was deleted from the scene" in review.message
    if which != "case":
        with pytest.raises(InputError, match="deleted"):
            open_review(cases_of(scene)[0])


def test_closing_the_scene_ends_the_review(review, scene):
    scene.Clear(0)
    assert review.told == [Event.CLOSED] and review.message == "the scene was closed"


def test_a_second_panel_on_the_same_case_ends_the_first(review, scene):
    second = open_review(cases_of(scene)[0], who="second", result=review.result)
    second.move(1, -30.0)
    assert review.told[-1] == Event.CLOSED and "another panel" in review.message
    drag_marker(second, 0, -60.0)
    assert [entry.what for entry in second.log][-1] == "L4/L5 from -58.1 to -60.0 mm"


def test_two_cases_in_one_scene_do_not_touch_each_other(result_on, scene):
    reviews = []
    for _ in range(2):
        result = result_on()
        reviews.append(open_review(build_scene(result, scene).case, result=result))
    assert len(cases_of(scene)) == 2
    reviews[0].move(1, -30.0)
    reviews[0].accept()
    assert reviews[1].rows[1].z_mm == pytest.approx(-26.0955533) and reviews[1].accepted is None
    assert cell(reviews[1], 1, "z_mm") == pytest.approx(-26.0955533)


def test_observers_stop_when_asked(review):
    heard = []
    stop = review.observe(heard.append)
    stop()
    stop()
    review.move(1, -30.0)
    assert heard == []


def test_segments_hold_the_voxels_of_the_label_map(review):
    review.move(1, -33.0)
    labels = sitk.GetArrayFromImage(review.result.vertebrae)
    segmentation = review.nodes.segmentation.GetSegmentation()
    for level, code in (("L5", 24), ("L4", 23), ("L3", 22)):
        labelmap = segmentation.GetSegment(f"vertebra_{level}").GetRepresentation("Binary labelmap")
        assert (vtk_to_numpy(labelmap.GetPointData().GetScalars()) == code).sum() == (labels == code).sum() > 0
