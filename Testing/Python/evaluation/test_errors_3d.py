"""The 3-D view of errors: the right surfaces at the right place, and pictures that show their colours."""

import numpy as np
import pytest
from PIL import Image
from vtkmodules.vtkFiltersCore import vtkMassProperties, vtkTriangleFilter

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.evaluation import errors_3d
from VertebraFLTLib.evaluation.errors_3d import errors_figure, mask_surface, write_error_figures
from VertebraFLTLib.evaluation.mask_pair import MaskPair
from VertebraFLTLib.quantification.coverage import Grid
from VertebraFLTLib.report.offscreen import CannotRender

SPACING, ORIGIN = (1.5, 1.5, 3.0), (-20.0, 10.0, 100.0)


@pytest.fixture
def pair(image):
    truth = np.zeros((24, 30, 30), np.uint8)
    truth[4:14, 8:20, 8:20] = 1
    pred = np.zeros_like(truth)
    pred[8:20, 8:20, 8:20] = 1
    truth[2:4, 25:28, 25:28] = pred[2:4, 25:28, 25:28] = 3
    return MaskPair.of(image(truth, SPACING, ORIGIN), image(pred, SPACING, ORIGIN), "t", "p")


def volume_ml(surface):
    triangles, mass = vtkTriangleFilter(), vtkMassProperties()
    triangles.SetInputData(surface)
    mass.SetInputConnection(triangles.GetOutputPort())
    return mass.GetVolume() / 1000


def test_a_surface_lies_around_its_voxels(pair):
    mask = pair.truth == 1
    surface = mask_surface(mask, pair.grid)
    assert volume_ml(surface) == pytest.approx(mask.sum() * pair.grid.voxel_ml, rel=0.08)
    low, high = np.array(surface.GetBounds()).reshape(3, 2).T
    first, last = pair.grid.to_mm(np.array([[8, 8, 4], [19, 19, 13]]))
    assert np.allclose((low + high) / 2, (first + last) / 2, atol=0.05)
    assert np.allclose(high - low, last - first + SPACING, atol=np.array(SPACING) / 2)


def test_thin_layers_stay_and_specks_go():
    mask = np.zeros((9, 20, 20), bool)
    mask[4, 3:17, 3:17] = True
    mask[1, 1, 1] = True
    grid = Grid((20, 20, 9), (1.0, 1.0, 3.0), (0.0, 0.0, 0.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0))
    low, high = np.array(mask_surface(mask, grid, fewest=3).GetBounds()).reshape(3, 2).T
    assert low[2] > 10 and high[2] < 14 and high[0] - low[0] > 12
    assert mask_surface(mask, grid).GetBounds()[4] < 5
    assert mask_surface(mask & False, grid).GetNumberOfPolys() == 0


def colors_of(picture):
    """Shares of reddish and bluish pixels."""
    red, _, blue = (picture[..., n].astype(int) for n in range(3))
    return (red - blue > 60).mean(), (blue - red > 60).mean()


def test_both_kinds_of_error_are_seen_and_named(pair, tmp_path):
    written = write_error_figures(pair, tmp_path / "new" / "folder")
    assert [p.name for p in written] == ["errors_vertebral_body.png", "errors_sternum.png"]
    wrong, right = (np.asarray(Image.open(p)) for p in written)
    assert min(colors_of(wrong)) > 0.01
    assert max(colors_of(right)) < 0.002  # the legend alone
    figure = errors_figure(pair, 1)
    both, only, missed = (n * 12 * 12 * pair.grid.voxel_ml for n in (6, 6, 4))
    words = [t.get_text() for legend in figure.legends for t in legend.get_texts()]
    assert words == [
        f"True positive  {both:.1f} ml", f"False positive  {only:.1f} ml", f"False negative  {missed:.1f} ml",
    ]  # fmt: skip
    assert f"Vertebral bodies: Dice {12 / 22:.3f}" in [t.get_text() for t in figure.texts]


def test_ignored_errors_are_not_drawn(pair, tmp_path):
    ignored = pair.truth != pair.pred
    same = MaskPair(pair.truth, pair.pred, ignored, pair.grid, "t", "p")
    (first, *_) = write_error_figures(same, tmp_path)
    assert max(colors_of(np.asarray(Image.open(first)))) < 0.002


def test_labels_without_a_name(pair, tmp_path):
    other = MaskPair(pair.truth * 7, pair.pred * 7, None, pair.grid, "t", "p")
    assert [p.name for p in write_error_figures(other, tmp_path)] == ["errors_label_7.png", "errors_label_21.png"]


def test_no_way_to_draw_is_a_warning(pair, tmp_path, monkeypatch, caplog):
    def fail(*_):
        raise CannotRender("there is no display")

    monkeypatch.setattr(errors_3d, "errors_figure", fail)
    assert write_error_figures(pair, tmp_path / "none") == [] and not (tmp_path / "none").exists()
    assert "there is no display" in caplog.text


def test_a_file_in_the_folders_place(pair, tmp_path):
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(InputError, match="^cannot write"):
        write_error_figures(pair, tmp_path / "taken")
