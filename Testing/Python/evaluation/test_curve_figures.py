"""Figures of curves: one panel a structure, one line a view, the best threshold in words."""

import numpy as np
import pytest

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.evaluation.curve_figures import dice_figure, roc_figure
from VertebraFLTLib.evaluation.curves import ThresholdCurve
from VertebraFLTLib.report.style import save


@pytest.fixture
def curves():
    random = np.random.default_rng(2)
    truth = random.random((20, 30, 30)) < 0.02

    def one(spread):
        return ThresholdCurve().add(np.clip(random.normal(10 + 200 * truth, spread), 0, 255).astype(np.uint8), truth)

    absent = ThresholdCurve().add(np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 4), bool))
    views = ("axial", "sagittal", "coronal", "average", "another")
    return {v: {1: one(30 + 5 * n), 3: one(40), 4: absent} for n, v in enumerate(views)}


def test_a_panel_for_each_structure_that_was_there(curves, tmp_path):
    for draw in (roc_figure, dice_figure):
        figure = draw(curves)
        assert [a.get_title(loc="left") for a in figure.axes] == ["Vertebral bodies", "Sternum"]
        save(figure, tmp_path / "figure.png")
        assert (tmp_path / "figure.png").stat().st_size > 10_000


def test_best_threshold_and_its_dice_are_written_and_marked(curves):
    axes = dice_figure(curves).axes[0]
    words = [text.get_text() for text in axes.get_legend().get_texts()]
    for name, by_label in curves.items():
        best = by_label[1].best_threshold()
        assert f"{name}  {by_label[1].dice.max():.3f} at {best:.2f}" in words
        dots = [tuple(line.get_xydata()[0]) for line in axes.lines if len(line.get_xydata()) == 1]
        assert (best, by_label[1].dice.max()) in dots
    colors = [line.get_color() for line in axes.get_legend().get_lines()]
    assert len(set(colors)) == len(curves)


def test_the_roc_enlarges_its_upper_left_corner(curves):
    axes = roc_figure(curves, fpr_limit=0.01).axes[0]
    (corner,) = axes.child_axes
    assert corner.get_xlim() == (0, 0.01) and corner.get_ylim()[1] == 1 and axes.get_xlim()[1] == 1
    lines = [line for line in corner.lines if len(line.get_xydata()) > 1]
    assert len(lines) == len(curves)
    # From nothing found to everything found.
    assert all(tuple(line.get_xydata()[0]) == (0, 0) and tuple(line.get_xydata()[-1]) == (1, 1) for line in lines)
    assert f"axial  AUC {curves['axial'][1].auc:.5f}" in [t.get_text() for t in corner.get_legend().get_texts()]


def test_nothing_to_draw(curves):
    for draw in (roc_figure, dice_figure):
        with pytest.raises(InputError, match="no curve holds a structure"):
            draw({"axial": {4: curves["axial"][4]}})
