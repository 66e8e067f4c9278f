"""A mask in words: islands with place and brightness, gaps of the column; neighbours across a disc are no islands."""

import numpy as np
import pytest
import SimpleITK as sitk

from VertebraFLTLib.report.mask_words import describe_mask, mask_content


def mask_and_ct(blocks, hu=200, dark=()):
    """Blocks (label, k, j, i slices) on 100 x 60 x 60 voxels of 2 mm; soft tissue of 40 HU around and in ``dark``."""
    mask = np.zeros((100, 60, 60), np.uint8)
    ct = np.full(mask.shape, 40, np.int16)
    for label, *box in blocks:
        mask[tuple(box)] = label
        ct[tuple(box)] = hu
    for box in dark:
        ct[box] = 30
    images = [sitk.GetImageFromArray(a) for a in (mask, ct)]
    for image in images:
        image.SetSpacing((2.0, 2.0, 2.0))
    return images


def vertebra(k):
    return 1, slice(k, k + 12), slice(30, 46), slice(20, 40)


def test_neighbours_across_a_disc_are_one_body():
    (content,) = mask_content(*mask_and_ct([vertebra(k) for k in (2, 18, 34)]))
    assert content.pieces == 3 and content.islands == () and content.gaps_mm == ()
    assert content.ml == pytest.approx(3 * 12 * 16 * 20 * 8 / 1000) and content.mean_hu == pytest.approx(200)


def test_a_missed_vertebra_is_a_gap():
    (content,) = mask_content(*mask_and_ct([vertebra(k) for k in (2, 34)]))
    assert content.gaps_mm == (pytest.approx((27.0, 67.0)),)
    assert len(content.islands) == 1  # the other half of the column: too far to belong together unseen


def test_an_island_is_told_with_place_and_brightness():
    island = (1, slice(60, 64), slice(5, 9), slice(50, 54))
    box = tuple(island[1:])
    (content,) = mask_content(*mask_and_ct([vertebra(2), vertebra(18), vertebra(34), island], dark=[box]))
    (one,) = content.islands
    assert one.centre_mm == pytest.approx((103, 13, 123)) and one.ml == pytest.approx(0.512)
    assert one.mean_hu == pytest.approx(30) and not one.has_bone and 50 < one.away_mm < 80


def test_a_pair_of_hips_is_no_island_and_every_voxel_counts():
    blocks = [(2, slice(0, 40), slice(20, 40), slice(0, 12)), (2, slice(0, 40), slice(20, 40), slice(48, 60))]
    (content,) = mask_content(*mask_and_ct(blocks))
    assert content.islands == ()
    (content,) = mask_content(*mask_and_ct([*blocks, (2, slice(90, 91), slice(0, 1), slice(0, 1))]))
    (speck,) = content.islands
    assert speck.ml == pytest.approx(0.008)


def test_words_say_it_all():
    blocks = [vertebra(k) for k in (2, 34)] + [(3, slice(60, 80), slice(2, 8), slice(20, 40))]
    lines = describe_mask(*mask_and_ct(blocks))
    assert lines[0] == "Vertebral bodies: 61.4 ml, mean 200 HU, 2 pieces, 1 island, 0 of them without bone"
    assert lines[1] == "Vertebral bodies: gap of 40 mm, z 27 to 67 mm"
    assert lines[2].startswith("Vertebral bodies: island of 30.72 ml at L 59, P 75, S ")
    assert lines[3] == "Sternum: 19.2 ml, mean 200 HU, 1 piece, 0 islands, 0 of them without bone"


def test_many_islands_are_summed_up():
    specks = [(4, slice(k, k + 1), slice(0, 1), slice(0, 1)) for k in range(0, 100, 10)]
    lines = describe_mask(*mask_and_ct(specks), most=2)
    assert len(lines) == 4 and lines[-1] == "Sacrum: 7 smaller islands more, 0.06 ml together"


def test_an_empty_mask_has_nothing_to_say():
    assert describe_mask(*mask_and_ct([])) == []


def test_another_grid_is_refused():
    mask, _ = mask_and_ct([vertebra(2)])
    with pytest.raises(ValueError, match="voxels"):
        mask_content(mask, sitk.Image(4, 4, 4, sitk.sitkInt16))
