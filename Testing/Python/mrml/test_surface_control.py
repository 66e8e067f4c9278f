"""Isosurfaces under the reader's control: where they lie, what follows first, and what a reader's choices survive."""

from __future__ import annotations

import pytest

slicer = pytest.importorskip("slicer")

from VertebraFLTLib.column import column_of, vertebra_mask  # noqa: E402
from VertebraFLTLib.errors import InputError  # noqa: E402
from VertebraFLTLib.mrml.case import cases_of  # noqa: E402
from VertebraFLTLib.mrml.logic import open_review  # noqa: E402
from VertebraFLTLib.mrml.review import Event  # noqa: E402
from VertebraFLTLib.mrml.scene import build_scene, private_scene  # noqa: E402
from VertebraFLTLib.mrml.surfaces import SurfaceSettings  # noqa: E402
from VertebraFLTLib.quantification.surfaces import percentile_surfaces  # noqa: E402


@pytest.fixture
def review(result_on, wait):
    """A case whose surfaces are those of its own uptake, opened with a scheduler that waits."""
    result = result_on()
    column = column_of(result.semantic)
    result.vertebrae = vertebra_mask(result.semantic, column, result.boundaries, result.profile.spacing_mm)
    result.surfaces = percentile_surfaces(result.pet_suv, result.semantic, result.vertebrae, (50.0, 85.0, 98.0))
    scene = private_scene()
    presenter = open_review(build_scene(result, scene).case, result=result, scheduler=wait)
    wait.let_go()
    yield presenter
    scene.Clear(1)


def bounds(review, region, shell):
    return review.surfaces._model(region, shell).GetPolyData().GetBounds()


def test_regions_come_whole_bones_first_then_vertebrae_from_the_lowest_up(review):
    assert review.surfaces.regions[:4] == ("vertebral_column", "pelvis", "sternum", "all")
    assert review.surfaces.regions[4:] == ("L5", "L4", "L3")
    assert len(review.surfaces.models) == len(review.nodes.surfaces)


def test_shown_surfaces_follow_a_slider_first_and_all_in_the_end(review, wait):
    told = []
    review.observe(told.append)
    before = {region: bounds(review, region, 0) for region in ("vertebral_column", "L5")}
    review.surfaces.set_levels(SurfaceSettings((30.0, 60.0, 90.0)))
    assert Event.SURFACES in told and review.pending
    assert bounds(review, "vertebral_column", 0) == before["vertebral_column"]  # the hand still slides
    wait.waiting.pop("surfaces")()
    assert bounds(review, "vertebral_column", 0) != before["vertebral_column"]
    assert bounds(review, "L5", 0) == before["L5"]
    wait.let_go()
    assert bounds(review, "L5", 0) != before["L5"] and not review.pending
    shown = {(s.region, s.percentile): s.level_suv for s in review.surfaces.surfaces}
    shell = review.result
    for surface in percentile_surfaces(shell.pet_suv, shell.semantic, shell.vertebrae, (30.0, 60.0, 90.0)):
        assert shown[surface.region, surface.percentile] == pytest.approx(surface.level_suv), surface.region


def test_absolute_levels_are_the_same_in_all_regions(review, wait):
    review.surfaces.set_levels(SurfaceSettings(levels_suv=(1.0, 2.5, 4.0)))
    review.settle()
    surfaces = review.surfaces.surfaces
    assert {s.level_suv for s in surfaces} == {1.0, 2.5, 4.0} and {s.percentile for s in surfaces} == {None}
    assert "SUV 2.5" in review.nodes.surfaces[1].GetName()
    review.surfaces.set_levels(SurfaceSettings(levels_suv=(1.0, 2.5, 400.0)))
    review.settle()
    assert {s.level_suv for s in review.surfaces.surfaces} == {1.0, 2.5}  # nothing is as hot as that
    with pytest.raises(InputError, match="no surface 2"):
        review.surfaces.color("pelvis", 2)


def test_colour_opacity_and_visibility_survive_levels_edits_and_another_day(review):
    control = review.surfaces
    control.set_color("pelvis", 1, (0.1, 0.2, 0.9))
    control.set_opacity("pelvis", 1, 0.55)
    control.show("L5", True)
    control.show("pelvis", False)
    control.set_levels(SurfaceSettings((40.0, 70.0, 95.0)))
    review.move(1, -30.0)
    review.settle()
    again = open_review(cases_of(review.nodes.case.GetScene())[0]).surfaces
    for one in (control, again):
        assert one.color("pelvis", 1) == pytest.approx((0.1, 0.2, 0.9)) and one.opacity("pelvis", 1) == 0.55
        assert one.shown("L5") and not one.shown("pelvis") and one.shown("sternum")
        assert one.settings == SurfaceSettings((40.0, 70.0, 95.0))


def test_surfaces_come_and_go_with_their_vertebra(review):
    assert "L6" not in review.surfaces.regions
    review.shift_levels(-1)
    review.settle()
    assert "L6" in review.surfaces.regions and review.surfaces.regions[4] == "L6"
    names = {node.GetName().split()[0] for node in review.nodes.surfaces}
    assert "L6" in names
    review.undo()
    review.settle()
    assert "L6" not in review.surfaces.regions


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"percentiles": (50.0, 40.0)}, "rising order"),
        ({"percentiles": (0.0, 50.0)}, "between 0 and 100"),
        ({"percentiles": (50.0, 100.0)}, "between 0 and 100"),
        ({"percentiles": ()}, "between 0 and 100"),
        ({"levels_suv": (1.0, 1.0)}, "rising order"),
        ({"levels_suv": (-1.0, 1.0)}, "above 0"),
        ({"levels_suv": (float("nan"),)}, "above 0"),
    ],
)
def test_levels_that_cannot_be_are_refused_in_words(given, reason):
    with pytest.raises(InputError, match=reason):
        SurfaceSettings(**given)
