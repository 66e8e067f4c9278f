"""The Markdown tables of docs/accuracy.md, made from scores."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from accuracy_cases import SAMPLINGS
from accuracy_scores import DETAILED, RULES, CaseScores, Thresholds

from VertebraFLTLib.anatomy import STRUCTURES
from VertebraFLTLib.evaluation.metrics import Agreement

LEAST_ML = 1.0  # a structure of which less is in view is not scored: a sliver at the edge says nothing


def sampling_words(slice_mm: float | None) -> str:
    return "as acquired" if slice_mm is None else f"{slice_mm:g} mm slices"


def rows_at(scores: Sequence[CaseScores], row: float | None) -> list[CaseScores]:
    """Each volume once, at the row's sampling, or as acquired where it is no finer than that."""
    by_name: dict[str, CaseScores] = {}
    for s in scores:
        if s.slice_mm == row or (s.slice_mm is None and s.name not in by_name):
            by_name[s.name] = s
    return list(by_name.values())


def by_label(scores: Iterable[CaseScores], rule: str, label: int) -> list[Agreement]:
    """The scores of one structure on the volumes that show it."""
    return [a for s in scores for a in s.rules[rule] if a.label == label and a.truth_ml >= LEAST_ML]


def rule_table(scores: Sequence[CaseScores], thresholds: dict[int, Thresholds]) -> str:
    """Mean Dice of every rule, sampling and structure."""
    head = "| networks | sampling | " + " | ".join(s.name.lower() for s in STRUCTURES) + " | thresholds (body) |"
    lines = [head, "| --- |" + " --- |" * (len(STRUCTURES) + 2)]
    for rule in RULES:
        used = [t[rule.name][0] for t in thresholds.values()]
        spread = f"{min(used):.2f} to {max(used):.2f}"
        for row in SAMPLINGS:
            cells = [cell([a.dice for a in by_label(rows_at(scores, row), rule.name, s.label)]) for s in STRUCTURES]
            lines.append(f"| {rule.name} | {sampling_words(row)} | {' | '.join(cells)} | {spread} |")
    return "\n".join(lines)


def measures_table(scores: Sequence[CaseScores]) -> str:
    """Every measure of the 3-D network, by structure and sampling: mean over volumes."""
    lines = [
        "| structure | sampling | volumes | Dice (lowest) | IoU | TPR | TNR | ASSD mm | HD95 mm |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for structure in STRUCTURES:
        for row in SAMPLINGS:
            found = by_label(rows_at(scores, row), DETAILED.name, structure.label)
            if not found:
                continue
            columns = [_mean([getattr(a, m) for a in found]) for m in ("iou", "tpr", "tnr", "assd_mm", "hd95_mm")]
            dice = [a.dice for a in found]
            start = f"| {structure.name.lower()} | {sampling_words(row)} | {len(found)} "
            lines.append(
                f"{start}| {_mean(dice):.3f} ({min(dice):.3f}) "
                f"| {columns[0]:.3f} | {columns[1]:.3f} | {columns[2]:.4f} | {columns[3]:.2f} | {columns[4]:.1f} |"
            )
    return "\n".join(lines)


def case_table(scores: Sequence[CaseScores]) -> str:
    """Dice of the 3-D network by volume: where it is weak."""
    lines = [
        "| volume | fold | sampling | " + " | ".join(s.name.lower() for s in STRUCTURES) + " |",
        "| --- |" + " --- |" * (len(STRUCTURES) + 2),
    ]
    for s in scores:
        found = {a.label: a for a in s.rules[DETAILED.name]}
        cells = [_dice_or_why(found.get(x.label)) for x in STRUCTURES]
        fold = "validation" if s.fold is None else s.fold
        lines.append(f"| {s.name} | {fold} | {sampling_words(s.slice_mm)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def level_table(scores: Sequence[CaseScores]) -> str:
    """Dice of the 3-D network by vertebra, mean over the volumes that show it, at each sampling."""
    names: dict[int, str] = {}
    dice: dict[tuple[int, float | None], list[float]] = {}
    for row in SAMPLINGS:
        for s in rows_at(scores, row):
            for a in s.levels:
                if a.truth_ml >= LEAST_ML:
                    names[a.label] = a.name or str(a.label)
                    dice.setdefault((a.label, row), []).append(a.dice)
    lines = [
        "| level | " + " | ".join(sampling_words(row) for row in SAMPLINGS) + " |",
        "| --- |" + " --- |" * len(SAMPLINGS),
    ]
    for label in sorted(names):
        lines.append(f"| {names[label]} | " + " | ".join(cell(dice.get((label, row), [])) for row in SAMPLINGS) + " |")
    return "\n".join(lines)


def cell(values: list[float]) -> str:
    """Mean and number, or a dash."""
    return f"{_mean(values):.3f} ({len(values)})" if values else "–"


def _dice_or_why(found: Agreement | None) -> str:
    """Dice; of a structure not in view, how much of it was found all the same."""
    if found is None:
        return ""
    if found.truth_ml < LEAST_ML:
        return f"({found.truth_ml:.1f} ml in view, {found.pred_ml:.1f} ml found)"
    return f"{found.dice:.3f}"


def _mean(values: list[float]) -> float:
    known = [v for v in values if not math.isnan(v)]
    return sum(known) / len(known) if known else math.nan
