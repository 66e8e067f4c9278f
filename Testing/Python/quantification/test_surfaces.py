"""Isosurfaces: closed, right side out in any orientation, of the right size, and honest about their percentile."""

import itertools

import numpy as np
import pytest
import SimpleITK as sitk
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkFiltersCore import vtkFeatureEdges
from vtkmodules.vtkIOXML import vtkXMLPolyDataReader

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.quantification.coverage import Grid, LabelBoxes
from VertebraFLTLib.quantification.isosurface import closed_surface
from VertebraFLTLib.quantification.surfaces import level_colors, parse_percentiles, percentile_surfaces, write_surface
from VertebraFLTLib.quantification.uptake_field import uptake_field

SIGMA_MM = 15.0
BONE_MM = 25.0
TURNED = np.array(sitk.Euler3DTransform((0, 0, 0), 0.3, -0.2, 0.4).GetMatrix()).reshape(3, 3)
DIRECTIONS = {
    "upright": np.eye(3),
    "mirrored": np.diag([-1.0, 1.0, 1.0]),
    "permuted": np.eye(3)[[1, 0, 2]],
    "oblique": TURNED,
    "oblique mirrored": TURNED @ np.diag([1.0, 1.0, -1.0]),
}


def centred(values_of_radius, size, spacing, direction, centre=(10.0, -20.0, 300.0), dtype=np.float32):
    """An image around a point whose values depend on the distance to it alone."""
    half = (np.asarray(size) - 1) / 2
    origin = np.asarray(centre) - np.asarray(direction) @ (half * spacing)
    grid = Grid(size, spacing, tuple(origin), tuple(np.ravel(direction)))
    i, j, k = (a.ravel() for a in np.meshgrid(*map(np.arange, size), indexing="ij"))
    radius = np.linalg.norm(grid.to_mm(np.stack([i, j, k], axis=1)) - centre, axis=1).reshape(size).T
    image = sitk.GetImageFromArray(np.ascontiguousarray(values_of_radius(radius).astype(dtype)))
    image.SetOrigin([float(v) for v in origin])
    image.SetSpacing(spacing)
    image.SetDirection([float(v) for v in np.ravel(direction)])
    return image


def ball_ct(direction):
    return centred(lambda r: r < BONE_MM, (60, 60, 24), (1.17, 1.17, 3.0), direction, dtype=np.uint8)


def hot_pet(direction):
    return centred(lambda r: 10 * np.exp(-(r**2) / (2 * SIGMA_MM**2)), (22, 22, 25), (5.4, 5.4, 4.0), direction)


def level_at(radius_mm):
    return 10 * np.exp(-(radius_mm**2) / (2 * SIGMA_MM**2))


def triangles(polydata):
    points = vtk_to_numpy(polydata.GetPoints().GetData()).astype(np.float64)
    ids = vtk_to_numpy(polydata.GetPolys().GetConnectivityArray()).reshape(-1, 3)
    return points[ids]


def signed_volume(polydata):
    """By the divergence theorem; positive when triangles turn outwards."""
    corners = triangles(polydata)
    corners = corners - corners.mean(axis=(0, 1))
    return float(np.einsum("ij,ij->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6)


def open_edges(polydata):
    edges = vtkFeatureEdges()
    edges.SetInputData(polydata)
    edges.BoundaryEdgesOn()
    edges.NonManifoldEdgesOff()
    edges.FeatureEdgesOff()
    edges.ManifoldEdgesOff()
    edges.Update()
    return edges.GetOutput().GetNumberOfCells()


@pytest.mark.parametrize("pet_direction", DIRECTIONS)
@pytest.mark.parametrize("ct_direction", ["upright", "oblique mirrored"])
def test_a_ball_is_closed_outward_and_of_its_size_in_any_orientation(pet_direction, ct_direction):
    field = uptake_field(hot_pet(DIRECTIONS[pet_direction]), ball_ct(DIRECTIONS[ct_direction]))
    for radius in (12.0, 20.0):
        surface = closed_surface(field, level_at(radius))
        assert open_edges(surface) == 0
        assert signed_volume(surface) == pytest.approx(4 / 3 * np.pi * radius**3, rel=0.03)
        points = vtk_to_numpy(surface.GetPoints().GetData()) - (10.0, -20.0, 300.0)
        assert np.abs(np.linalg.norm(points, axis=1) - radius).max() < 0.5
        normals = vtk_to_numpy(surface.GetPointData().GetNormals())
        assert np.einsum("ij,ij->i", normals, points / np.linalg.norm(points, axis=1)[:, None]).min() > 0.95


def test_uptake_that_goes_on_beyond_the_bone_is_closed_at_the_bone():
    field = uptake_field(hot_pet(np.eye(3)), ball_ct(np.eye(3)))
    surface = closed_surface(field, level_at(40.0))
    assert open_edges(surface) == 0
    assert signed_volume(surface) == pytest.approx(4 / 3 * np.pi * BONE_MM**3, rel=0.05)


def test_a_surface_cut_by_the_image_border_is_closed_there():
    pet = hot_pet(np.eye(3))[:, :, 12:]
    surface = closed_surface(uptake_field(pet, ball_ct(np.eye(3))), level_at(20.0))
    assert open_edges(surface) == 0
    half_slice = np.pi * (20**2 * 2 - 2**3 / 3)  # the first of the slices left is the middle one
    assert signed_volume(surface) == pytest.approx(2 / 3 * np.pi * 20**3 + half_slice, rel=0.03)


def patient():
    """Two vertebrae, a sternum, and a PET of blurred noise."""
    labels = np.zeros((30, 60, 60), np.uint8)
    labels[4:12, 30:50, 20:42], labels[13:21, 30:50, 20:42] = 24, 23
    semantic = (labels > 0).astype(np.uint8)
    semantic[8:26, 6:14, 24:38] = 3
    images = []
    for array in (semantic, labels):
        one = sitk.GetImageFromArray(array)
        one.SetSpacing((1.5, 1.5, 4.0))
        images.append(one)
    noise = np.random.default_rng(5).gamma(3.0, 1.0, (32, 18, 18)).astype(np.float32)
    pet = sitk.GetImageFromArray(noise)
    pet.SetSpacing((5.2, 5.2, 4.0))
    return sitk.SmoothingRecursiveGaussian(pet, 4.0), *images


@pytest.fixture(scope="module")
def surfaces():
    return percentile_surfaces(*patient())


def test_every_region_has_its_nested_surfaces_in_order(surfaces):
    assert [s.name for s in surfaces] == [
        f"{region}_p{p}" for region in ("vertebral_column", "sternum", "all", "L5", "L4") for p in (50, 85, 98)
    ]
    assert len({s.color for s in surfaces}) == 3
    for outer, inner in itertools.pairwise(surfaces):
        if outer.region == inner.region:
            assert outer.level_suv < inner.level_suv
            assert signed_volume(outer.polydata) > signed_volume(inner.polydata) > 0
    assert all(open_edges(s.polydata) == 0 for s in surfaces)


def test_a_percentile_surface_encloses_its_part_of_the_bone(surfaces):
    pet, semantic, vertebrae = patient()
    volumes = {s.name: signed_volume(s.polydata) / 1000 for s in surfaces}
    l5 = uptake_field(pet, LabelBoxes.of(vertebrae).binary((24,)))
    inside_ml = l5.inside.size * l5.grid.voxel_ml
    assert inside_ml == pytest.approx((sitk.GetArrayViewFromImage(vertebrae) == 24).sum() * 9 / 1000, rel=0.06)
    assert volumes["L5_p50"] == pytest.approx(0.50 * inside_ml, rel=0.04)
    assert volumes["L5_p85"] == pytest.approx(0.15 * inside_ml, rel=0.12)
    field = uptake_field(pet, LabelBoxes.of(semantic).binary((3,)))
    level = next(s.level_suv for s in surfaces if s.name == "sternum_p85")
    assert np.mean(field.inside > level) == pytest.approx(0.15, abs=0.002)


def test_all_marrow_shares_one_level(surfaces):
    levels = {s.name: s.level_suv for s in surfaces}
    low, high = sorted((levels["vertebral_column_p50"], levels["sternum_p50"]))
    assert low <= levels["all_p50"] <= high


def test_levels_in_suv_are_the_same_for_every_region():
    some = percentile_surfaces(*patient(), levels_suv=(3.5, 2.5))
    assert {s.level_suv for s in some} == {2.5, 3.5} and {s.percentile for s in some} == {None}
    assert some[0].name == "vertebral_column_suv2.5"
    assert percentile_surfaces(*patient(), levels_suv=(1e6,)) == []


def test_an_empty_mask_gives_no_surface():
    pet, semantic, vertebrae = patient()
    assert percentile_surfaces(pet, semantic * 0, vertebrae * 0) == []


def test_a_written_surface_says_what_it_is(surfaces, tmp_path):
    surface = surfaces[0]
    write_surface(surface, tmp_path / f"{surface.name}.vtp")
    assert [p.name for p in tmp_path.iterdir()] == ["vertebral_column_p50.vtp"]
    reader = vtkXMLPolyDataReader()
    reader.SetFileName(str(tmp_path / "vertebral_column_p50.vtp"))
    reader.Update()
    read = reader.GetOutput()
    np.testing.assert_array_equal(triangles(read), triangles(surface.polydata))
    facts = read.GetFieldData()
    assert facts.GetAbstractArray("region").GetValue(0) == "vertebral_column"
    assert facts.GetArray("percentile").GetValue(0) == 50
    assert facts.GetArray("level_suv").GetValue(0) == pytest.approx(surface.level_suv)
    assert surface.polydata.GetFieldData().GetNumberOfArrays() == 0


def test_a_surface_that_cannot_be_written_leaves_nothing(surfaces, tmp_path):
    with pytest.raises(InputError, match="cannot write"):
        write_surface(surfaces[0], tmp_path / "absent" / "a.vtp")
    assert list(tmp_path.iterdir()) == []


def test_percentiles_are_read_and_sorted():
    assert parse_percentiles("50,85,98") == (50.0, 85.0, 98.0)
    assert parse_percentiles(" 98, 2.5 ") == (2.5, 98.0)


@pytest.mark.parametrize("text", ["", "50,,98", "fifty", "50;85", "0,50", "50,100", "-1", "nan", "inf", "50,50.0"])
def test_wrong_percentiles_are_refused_in_one_line(text):
    with pytest.raises(InputError, match="--percentiles") as caught:
        parse_percentiles(text)
    assert "\n" not in str(caught.value)


def test_colours_run_from_yellow_to_red():
    yellow, orange, red = level_colors(3)
    assert yellow[1] > orange[1] > red[1] and level_colors(1) == [red] and level_colors(2) == [yellow, red]
