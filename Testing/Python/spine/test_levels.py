"""Names counted upwards, variants of the spine, and the answer to a wrong name."""

from __future__ import annotations

import pytest

from VertebraFLTLib.anatomy import STANDARD_LEVELS
from VertebraFLTLib.errors import InputError
from VertebraFLTLib.spine.levels import check_level, follows, names_up, thoracic_count


def test_the_usual_spine_from_l5_to_c1():
    names = names_up("L5", 24)
    assert names[:6] == ("L5", "L4", "L3", "L2", "L1", "T12")
    assert names[16:19] == ("T1", "C7", "C6")
    assert list(names) == [level.name for level in reversed(STANDARD_LEVELS)]


def test_variants():
    assert names_up("L6", 3) == ("L6", "L5", "L4")
    assert names_up("L2", 4, thoracic=13) == ("L2", "L1", "T13", "T12")
    assert names_up("L2", 4, thoracic=11) == ("L2", "L1", "T11", "T10")
    assert names_up("T13", 2) == ("T13", "T12")
    assert [thoracic_count(names_up("L2", 4, n)) for n in (11, 12, 13)] == [11, 12, 13]
    assert follows("L1", "T13") and follows("L1", "T12") and follows("L1", "T11") and follows("T13", "T12")
    assert not follows("L1", "T10") and not follows("L4", "L5") and not follows("T12", "T12")


@pytest.mark.parametrize("wrong", ["L9", "T14", "C8", "S1", "", "lumbar", "T 1 2"])
def test_a_wrong_name_is_answered_with_the_valid_ones(wrong: str):
    with pytest.raises(InputError, match=r"--lowest .*L1 to L5.*T1 to T12.*C1 to C7") as caught:
        check_level(wrong)
    assert "\n" not in str(caught.value)


def test_case_and_blanks_do_not_matter():
    assert check_level(" t11 ") == "T11"


def test_names_that_run_past_the_head_are_refused():
    with pytest.raises(InputError, match="past C1"):
        names_up("T1", 9)
