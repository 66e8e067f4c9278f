"""Labels of other people's models: found by name, or taken from the file, or refused with the list of them."""

import json

import numpy as np
import pytest

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.segmentation.label_map import LabelMap, derive_labels, is_orientation, read_label_map


def numbered(*names):
    return {name: (value,) for value, name in enumerate(names, 1)}


# dataset.json of the public VertebralBodiesCT-ResEncM and -ResEncL models.
VERTEBRAL_BODIES_CT = numbered(
    *(f"T{n}" for n in range(1, 13)), *(f"L{n}" for n in range(1, 7)), "sacrum", "coccyx", "T13"
)


def test_the_public_vertebral_bodies_models_are_understood():
    labels = derive_labels(VERTEBRAL_BODIES_CT, "dataset.json")
    assert labels.values == {"vertebral_body": (*range(1, 19), 21), "sacrum": (19,)}
    assert [s.key for s in labels.missing] == ["hip_bone", "sternum"]
    assert labels.orientation is None


@pytest.mark.parametrize(
    ("names", "expected", "whole"),
    [
        # TotalSegmentator's own names
        (
            (
                "vertebrae_L5",
                "vertebrae_C1",
                "hip_left",
                "hip_right",
                "sacrum",
                "vertebrae_S1",
                "sternum",
                "femur_left",
            ),
            {"vertebral_body": (1, 2), "hip_bone": (3, 4), "sacrum": (5, 6), "sternum": (7,)},
            True,
        ),
        # CTPelvic1K
        (
            ("sacrum", "right_hip", "left_hip", "lumbar_vertebra"),
            {"vertebral_body": (4,), "sacrum": (1,), "hip_bone": (2, 3)},
            True,
        ),
        # names of bodies win over those of vertebrae; arches and discs are left out
        (("Vertebra_Corpus", "Arcus_Vertebrae", "L1"), {"vertebral_body": (1,)}, False),
        (("vertebrae_body", "intervertebral_discs"), {"vertebral_body": (1,)}, False),
        (("L1 vertebral body", "T12 body", "L1 arch"), {"vertebral_body": (1, 2)}, False),
        (("corpora vertebrarum", "Os coxae"), {"vertebral_body": (1,), "hip_bone": (2,)}, False),
        # parts of a bone are all taken
        (("spine", "manubrium", "corpus sterni"), {"vertebral_body": (1,), "sternum": (2, 3)}, True),
        (
            ("L1", "ilium left", "pubis_r", "sternum"),
            {"vertebral_body": (1,), "hip_bone": (2, 3), "sternum": (4,)},
            True,
        ),
        (("thoracic_spine", "lumbar_spine", "spinal_cord", "T1w"), {"vertebral_body": (1, 2)}, True),
        # no such vertebrae
        (("L7", "C8", "T14", "T0", "vertebrae", "rib_left_1"), {"vertebral_body": (5,)}, True),
    ],
)
def test_common_names(names, expected, whole):
    labels = derive_labels(numbered(*names), "dataset.json")
    assert labels.values == expected
    assert labels.whole_vertebrae is whole


def test_a_region_gives_all_its_values():
    labels = derive_labels({"vertebral bodies": (1, 2, 3), "sacrum": (3,)}, "dataset.json")
    assert labels.values == {"vertebral_body": (1, 2, 3), "sacrum": (3,)}


def test_no_vertebra_among_the_labels_lists_them_and_says_what_to_do():
    with pytest.raises(InputError) as caught:
        derive_labels(numbered("liver", "spleen"), "model/dataset.json")
    message = str(caught.value)
    assert "1 liver, 2 spleen" in message and "vertebraflt-labels.json" in message and "\n" not in message


@pytest.fixture
def write(tmp_path):
    def written(content):
        path = tmp_path / "vertebraflt-labels.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return written


def test_the_file_takes_names_and_numbers_one_or_many(write):
    known = numbered("spine", "bone a", "bone b", "plate")
    path = write({"vertebral_body": "spine", "hip_bone": ["bone a", 3], "sternum": 4, "orientation": "LPS"})
    labels = read_label_map(path, known)
    assert labels.values == {"vertebral_body": (1,), "hip_bone": (2, 3), "sternum": (4,)}
    assert labels.orientation == "LPS" and not labels.whole_vertebrae
    assert [s.key for s in labels.missing] == ["sacrum"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "not readable as JSON"),
        ([1], "expected a JSON object"),
        ({"vertebra": "a"}, "'vertebra' is none of our structures: vertebral_body"),
        ({"vertebral_body": "liver"}, "does not have; it has 1 a, 2 b"),
        ({"vertebral_body": 7}, "names 7, which the model does not have"),
        ({"vertebral_body": True}, "names True"),
        ({"vertebral_body": [1], "sacrum": ["b", "a"]}, "label 1 stands under both vertebral_body and sacrum"),
        ({"sacrum": "a"}, "nothing under vertebral_body"),
        ({"vertebral_body": []}, "nothing under vertebral_body"),
        ({"vertebral_body": 1, "orientation": "LPX"}, "orientation"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(write, content, says):
    path = write(content)
    with pytest.raises(InputError, match=says) as caught:
        read_label_map(path, numbered("a", "b"))
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(("text", "good"), [("LPS", True), ("PIR", True), ("LRS", False), ("ras", False), (3, False)])
def test_orientations(text, good):
    assert is_orientation(text) is good


def test_apply_gives_our_labels_and_forgets_the_rest():
    labels = LabelMap({"vertebral_body": (1, 4), "sternum": (300,), "sacrum": (2,)}, "test")
    prediction = np.array([[0, 1, 2, 3, 4, 300]], np.uint16)
    assert labels.apply(prediction).tolist() == [[0, 1, 4, 0, 1, 3]]
    assert labels.apply(np.zeros((0, 2), np.uint8)).shape == (0, 2)
    assert labels.apply(np.array([5], np.uint8)).dtype == np.uint8
