"""What a pair of masks takes, and what it refuses in one line."""

import numpy as np
import pytest

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.evaluation.mask_pair import MaskPair


@pytest.fixture
def mask():
    array = np.zeros((6, 7, 8), np.uint8)
    array[2:4, 2:5, 2:6] = 1
    return array


def test_labels_stored_as_floating_point_are_taken(image, mask):
    pair = MaskPair.of(image(mask), image(mask.astype(np.float32)), "t", "p")
    assert pair.pred.dtype.kind == "i" and np.array_equal(pair.truth, pair.pred)
    assert pair.labels() == [1] and pair.voxels == mask.size


@pytest.mark.parametrize("value", [0.5, np.nan, np.inf])
def test_values_that_are_no_labels(image, mask, value):
    wrong = mask.astype(np.float32)
    wrong[0, 0, 0] = value
    with pytest.raises(InputError, match=r"^p\.nii holds \S+: labels are whole numbers; [^\n]+$"):
        MaskPair.of(image(mask), image(wrong), "t.nii", "p.nii")


@pytest.mark.parametrize("change", [{"origin": (0, 0, 1)}, {"spacing": (1, 1, 1.1)}, {"size": 1}])
@pytest.mark.parametrize("which", ["pred", "ignore"])
def test_other_grids(image, mask, change, which):
    other = image(mask[1:]) if "size" in change else image(mask, **change)
    pred, ignore = (other, None) if which == "pred" else (image(mask), other)
    with pytest.raises(InputError, match=rf"^{which} and truth lie on different grids \([^\n]+$"):
        MaskPair.of(image(mask), pred, "truth", "pred", ignore, "ignore")


def test_a_hundredth_of_a_voxel_is_no_difference(image, mask):
    assert MaskPair.of(image(mask), image(mask, origin=(0, 0, 0.009)), "t", "p").labels() == [1]


def test_ignored_labels_are_not_there(image, mask):
    mask[0, 0, 0] = 4
    ignore = np.zeros_like(mask)
    ignore[0] = 7  # any value but 0
    pair = MaskPair.of(image(mask), image(mask), "t", "p", image(ignore))
    assert pair.labels() == [1] and pair.voxels == 5 * 7 * 8


def test_nothing_to_compare(image, mask):
    with pytest.raises(InputError, match="^t and p are both empty: there is nothing to compare$"):
        MaskPair.of(image(mask * 0), image(mask * 0), "t", "p")
    with pytest.raises(InputError, match="both empty outside i: there is nothing to compare"):
        MaskPair.of(image(mask), image(mask), "t", "p", image(mask * 0 + 1), "i")
