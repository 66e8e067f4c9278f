"""The second look undoes itself, and shows another alignment without losing an end of the patient."""

import numpy as np

from VertebraFLTLib.segmentation.second_look import SHIFT, moved, moved_back


def test_moving_back_undoes_moving():
    volume = np.random.default_rng(0).random((7, 6, 8))
    there = moved(volume)
    assert there.shape == (7 + SHIFT[0], 6, 8)
    back = moved_back(there[None])[0]
    assert back.shape == volume.shape
    # In plane one face each is pushed out of view: the last row, and the first column (the last one in the mirror).
    assert (back[:, :-1, 1:] == volume[:, :-1, 1:]).all()
    assert (back[:, -1, 1:] == volume[:, -2, 1:]).all() and (back[:, :-1, 0] == volume[:, :-1, 1]).all()


def test_every_slice_is_seen_elsewhere_and_in_the_mirror():
    volume = np.arange(4.0 * 3 * 5).reshape(4, 3, 5)
    there = moved(volume)
    assert (there[SHIFT[0] :, 1:, 1:] == volume[:, :-1, :0:-1]).all()
    assert (there[: SHIFT[0]] == there[SHIFT[0]]).all()
