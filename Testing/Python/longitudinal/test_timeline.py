"""The long table of runs on several days: order, what is refused, what is said."""

from __future__ import annotations

import csv
import io
from itertools import pairwise

import pytest

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.longitudinal.timeline import COLUMNS, DayRun, doubts_of, timeline, to_csv

FIGURES = ("suv_mean", "suv_sd", "suv_median", "suv_p98", "suv_max", "suv_peak", "suv_sum", "volume_ml", "suv_total_ml")


def case(levels, suv, carried_from=None, ct="ct28", boundaries="b28", names=0.95):
    """A run's record with some vertebrae, lowest first, and a pelvis."""
    items = [
        {"below": a, "above": b, "confidence": 0.9 - 0.1 * n, "source": "carried" if carried_from else "span-prior"}
        for n, (a, b) in enumerate(pairwise(levels))
    ]
    return {
        "inputs": {"ct": {"sha256": ct}, "pet": {"sha256": f"pet of {ct} {suv}"}},
        "suv": {"tracer": "FLT"},
        "segmentation": {"segmenter": "mask", "weights_sha256": None},
        "boundaries_sha256": boundaries,
        "carried": carried_from
        and {"reference": "r28", "reference_ct_sha256": carried_from, "reference_boundaries_sha256": boundaries},
        "boundaries": {
            "items": items,
            "level_confidence": names,
            "vertebrae": [{"level": name, "complete": name != levels[-1]} for name in levels],
        },
        "regions": [{"roi": roi, **dict.fromkeys(FIGURES, suv)} for roi in (*levels, "pelvis")],
    }


def three():
    return [
        DayRun(28.0, "r28", case(("L5", "L4", "L3"), 6.0)),
        DayRun(-1.0, "r-1", case(("L5", "L4", "L3"), 0.6, "ct28", "ct-1")),
        DayRun(7.0, "r7", case(("L4", "L3"), 1.2, "ct28", "ct7")),
    ]


def set_up():
    runs = three()
    for run in runs[1:]:
        run.case["carried"]["reference_boundaries_sha256"] = "b28"
    return runs


def test_one_scan_given_for_two_days_is_refused():
    runs = set_up()
    with pytest.raises(InputError, match="two of the runs are of the same PET"):
        timeline([*runs, DayRun(14.0, "r7/", runs[2].case)])


def test_rows_go_up_the_spine_and_through_the_days():
    rows = timeline(set_up())
    assert [(row.roi, row.day) for row in rows] == [
        ("L5", -1), ("L5", 28), ("L4", -1), ("L4", 7), ("L4", 28), ("L3", -1), ("L3", 7), ("L3", 28),
        ("pelvis", -1), ("pelvis", 7), ("pelvis", 28),
    ]  # fmt: skip
    by = {(row.roi, row.day): row for row in rows}
    assert by["L4", -1].suv_mean == 0.6 and by["L4", -1].run == "r-1"
    assert by["L4", -1].confidence == pytest.approx(0.8)  # the less sure of its two boundaries
    assert by["L5", -1].confidence == pytest.approx(0.9)
    assert by["L4", -1].source == "carried" and by["L4", 28].source == "span-prior"
    assert by["L3", 28].complete == 0 and by["L4", 28].complete == 1
    assert by["pelvis", 7].confidence is None


def test_the_table_reads_back():
    rows = timeline(set_up())
    table = list(csv.DictReader(io.StringIO(to_csv(rows))))
    assert tuple(table[0]) == COLUMNS
    assert len(table) == len(rows)
    assert [float(line["suv_mean"]) for line in table] == pytest.approx([row.suv_mean for row in rows])
    assert table[-1]["confidence"] == "" and table[0]["run"] == "r-1"


def test_nothing_to_doubt():
    assert doubts_of(set_up()) == []


def test_changed_boundaries_of_the_reference_are_noticed():
    runs = set_up()
    runs[0].case["boundaries_sha256"] = "edited"
    assert [w for w in doubts_of(runs) if "changed after they were carried" in w and "--reference r28" in w]


def test_separate_detections_and_unsure_names_are_said():
    runs = [DayRun(7.0, "a", case(("L5", "L4"), 1.0, ct="1", names=0.5)), DayRun(28.0, "b", case(("L5", "L4"), 5.0))]
    said = " ".join(doubts_of(runs))
    assert "found separately" in said and "day 7: level names are an inference" in said
    assert timeline(runs)


@pytest.mark.parametrize(
    ("runs", "words"),
    [
        (lambda: set_up()[:1], "two runs or more"),
        (lambda: [*set_up(), DayRun(7.0, "again", set_up()[2].case)], "day 7 is given twice"),
        (lambda: [*set_up()[:2], DayRun(7.0, "r7", case(("T4", "T3"), 1.0, "ct28"))], "no vertebra is in all runs"),
        (lambda: [*set_up()[:2], DayRun(7.0, "r7", case(("L4", "L3"), 1.0, "other"))], "different references"),
        (lambda: [DayRun(28.0, "x", case(("L4", "L3"), 5.0, ct="other")), *set_up()[1:]], "another patient"),
    ],
)
def test_what_does_not_belong_together_is_refused_in_one_line(runs, words):
    with pytest.raises(InputError, match=words) as refused:
        timeline(runs())
    assert "\n" not in str(refused.value)
