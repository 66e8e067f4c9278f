"""The bent planes: what lies at a place in the patient is found there in the picture, whatever the grids."""

import numpy as np
import pytest
import SimpleITK as sitk

from VertebraFLTLib.quantification.coverage import Grid
from VertebraFLTLib.report.reformat import CentreLine, bent_plane, sample

TURNED = np.array(sitk.Euler3DTransform((0, 0, 0), 0.2, -0.1, 0.3).GetMatrix()).reshape(3, 3)


def grid_image(function, size, spacing, direction, dtype=np.float32):
    """An image around the origin whose values are a function of x, y, z in mm."""
    direction = np.asarray(direction, float)
    origin = -direction @ ((np.asarray(size) - 1) / 2 * spacing)
    grid = Grid(size, spacing, tuple(origin), tuple(direction.ravel()))
    index = np.stack(np.meshgrid(*map(np.arange, size), indexing="ij"), axis=-1).reshape(-1, 3)
    x, y, z = grid.to_mm(index).T
    image = sitk.GetImageFromArray(np.ascontiguousarray(function(x, y, z).reshape(size).T.astype(dtype)))
    image.SetOrigin(origin.tolist())
    image.SetSpacing(spacing)
    image.SetDirection(direction.ravel().tolist())
    return image


@pytest.mark.parametrize("direction", [np.eye(3), np.diag([-1, -1, 1]), np.eye(3)[[1, 2, 0]], TURNED])
def test_samples_are_of_their_place_in_the_patient(direction):
    image = grid_image(lambda x, y, z: x + 2 * y - 3 * z, (30, 31, 32), (2.0, 2.0, 3.0), direction)
    points = np.random.default_rng(0).uniform(-20, 20, (50, 4, 3))
    np.testing.assert_allclose(sample(image, points, -1), points @ (1, 2, -3), atol=1e-3)
    assert sample(image, np.full((1, 3), 500.0), -7.0) == [-7.0]


@pytest.mark.parametrize("direction", [np.eye(3), TURNED])
def test_the_centre_line_follows_a_leaning_column_and_the_plane_keeps_it_in_view(direction):
    def column(x, y, z):
        return np.hypot(x - 0.2 * z, y - 10 + 0.1 * z) < 12

    mask = grid_image(column, (90, 90, 60), (2.0, 2.0, 3.0), direction, np.uint8)
    line = CentreLine.of(mask)
    z = np.linspace(-50, 50, 11)
    np.testing.assert_allclose(line.x_at(z), 0.2 * z, atol=1.0)
    np.testing.assert_allclose(line.y_at(z), 10 - 0.1 * z, atol=1.0)
    plane = bent_plane("sagittal", line, mask, mask, {"column": mask}, (-50.0, 50.0), (-40.0, 60.0))
    assert plane.ct.shape == (100, 100) and plane.extent_mm == (-40.0, 60.0, -50.0, 50.0)
    width = (plane.masks["column"] >= 0.5).sum(axis=1)  # the column leans out of any flat plane; in this one it stays
    assert np.all(np.abs(width - 24) <= 2)
    coronal = bent_plane("coronal", line, mask, mask, {"column": mask}, (-50.0, 50.0), (-40.0, 60.0))
    middle = [np.flatnonzero(row >= 0.5).mean() - 39.5 for row in coronal.masks["column"]]
    np.testing.assert_allclose(middle, 0.2 * np.arange(-49.5, 50), atol=1.0)


def test_without_a_column_the_line_runs_through_the_image():
    ct = grid_image(lambda x, y, z: x, (10, 10, 10), (2.0, 2.0, 2.0), np.eye(3))
    line = CentreLine.of(ct)
    assert line.x_at(np.array([-99.0, 99.0])).tolist() == [0.0, 0.0]
