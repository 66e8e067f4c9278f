"""Contact sheets show every structure where it lies, to scale, one row a case, and refuse what is no mask."""

import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.report.contact_sheet import SheetCase, contact_sheet, write_contact_sheets


def case(name="p01", shape=(60, 40, 50), spacing=(3.0, 3.0, 4.0), labels=(1, 3)):
    """A patient with a column, and a sternum in front of it."""
    nk, nj, ni = shape
    hu = np.full(shape, -1000, np.int16)
    hu[:, 4:-4, 5:-5] = 40
    mask = np.zeros(shape, np.uint8)
    if 1 in labels:
        mask[2:-2, nj // 2 : nj // 2 + 8, ni // 2 - 6 : ni // 2 + 6] = 1
    if 3 in labels:
        mask[nk // 2 : -6, 6:10, ni // 2 - 5 : ni // 2 + 5] = 3
    hu[mask > 0] = 250
    images = [sitk.GetImageFromArray(a) for a in (hu, mask)]
    for image in images:
        image.SetSpacing(spacing)
    return SheetCase(name, *images, words="a few words")


def texts(figure):
    return [text.get_text() for text in figure.texts]


def test_a_row_has_all_planes_and_says_name_and_sampling():
    figure = contact_sheet([case()])
    titles = [axes.texts[2].get_text() for axes in figure.axes]
    assert len(titles) == 8 and sum("axial" in t or t.startswith("z ") for t in titles) == 4
    assert texts(figure) == ["p01", "50 x 40 x 60 voxels of 3 x 3 x 4 mm;  a few words"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        *("1 Vertebral bodies", "2 Hip bones", "3 Sternum", "4 Sacrum")
    ]


def test_without_sternum_there_is_no_plane_through_it():
    assert len(contact_sheet([case(labels=(1,))]).axes) == 7


def test_an_empty_mask_is_shown_as_the_ct_alone():
    figure = contact_sheet([case(labels=())])
    assert len(figure.axes) == 7 and all(not axes.collections for axes in figure.axes)


def test_millimetres_are_as_long_up_as_across():
    figure = contact_sheet([case()])
    size = figure.get_size_inches()
    for axes in figure.axes:
        box = axes.get_position()
        left, right = axes.get_xlim()
        low, high = axes.get_ylim()
        across, up = box.width * size[0] / (right - left), box.height * size[1] / abs(high - low)
        assert across == pytest.approx(up, rel=1e-6)


def test_front_is_up_on_axial_slices_and_heads_are_up_elsewhere():
    for axes in contact_sheet([case()]).axes:
        low, high = axes.get_ylim()
        axial = axes.texts[2].get_text().startswith(("axial", "z "))
        assert (low > high) == axial


def test_cases_share_a_page_as_asked(tmp_path):
    made = []

    def lazily():
        for n in range(3):
            made.append(n)
            yield case(f"p{n}")

    pages = write_contact_sheets(lazily(), tmp_path / "new", per_page=2)
    first = next(pages)
    assert made == [0, 1]  # no more patients in memory than on a page
    paths = [first, *pages]
    assert [path.name for path in paths] == ["page_01.png", "page_02.png"]
    two, one = (Image.open(path).size for path in paths)
    assert two[0] == one[0] and two[1] > 1.5 * one[1]


def test_a_page_of_one_case_carries_its_name(tmp_path):
    assert [path.name for path in write_contact_sheets([case("p07")], tmp_path)] == ["p07.png"]


def test_colours_of_the_mask_are_on_the_page(tmp_path):
    (with_mask,) = write_contact_sheets([case("a")], tmp_path)
    (without,) = write_contact_sheets([case("b", labels=())], tmp_path)
    yellow = [_share_of_yellow(path) for path in (with_mask, without)]
    assert yellow[0] > 0.004 and yellow[1] < yellow[0] / 5


def _share_of_yellow(path):
    r, _, b = np.moveaxis(np.asarray(Image.open(path), np.int16), -1, 0)
    return float(((r - b) > 40).mean())


def test_wrong_input_is_refused(tmp_path):
    with pytest.raises(InputError, match="a case at least"):
        contact_sheet([])
    with pytest.raises(InputError, match="one case or more"):
        next(write_contact_sheets([case()], tmp_path, per_page=0))
    wrong = case()
    with pytest.raises(InputError, match="no structure's"):
        contact_sheet([SheetCase("wrong", wrong.ct, wrong.mask * 20)])
