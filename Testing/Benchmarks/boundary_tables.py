"""The boundary benchmark as Markdown: detectors side by side, the default in detail, and how true its confidence is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from boundary_run import Outcome
from boundary_scores import REGIONS, SURE, Score

BINS = (0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 1.0)
TRUNK, NECK = (0, 1), (2,)
Groups = dict[tuple[int, str], dict[str, list[Score]]]


def grouped(outcomes: Sequence[Outcome]) -> Groups:
    """Scores by (day, condition) and detector, in the order in which they came."""
    groups: Groups = {}
    for one in outcomes:
        groups.setdefault((one.day, one.condition), {}).setdefault(one.detector, []).append(one.score)
    return groups


def side_by_side(groups: Groups, detectors: Sequence[str]) -> Iterator[str]:
    """RMSE of those found, share of all true boundaries within one slice, names: one row a condition."""
    yield (
        "| day | condition | cases | "
        + " | ".join(f"{d}: RMSE, within 1 slice (L5 to T1), neck within 1 slice, names right" for d in detectors)
        + " |"
    )
    yield "| --- | --- | --- |" + " --- |" * len(detectors)
    for (day, name), found in groups.items():
        cells = []
        for detector in detectors:
            scores = found.get(detector, [])
            if not scores:
                cells.append("")
                continue
            trunk, neck = _slices(scores, TRUNK), _slices(scores, NECK)
            cells.append(
                f"{_rmse(trunk):.2f}, {_percent(_within(trunk, 1))}, {_percent(_within(neck, 1))}, "
                f"{_percent(_share(s.names_right for s in scores))}"
            )
        count = len(next(iter(found.values())))
        yield f"| {day} | {name} | {count} | " + " | ".join(cells) + " |"


def detail(groups: Groups, detector: str) -> Iterator[str]:
    """One detector, region by region, with what it gets wrong and whether it knows."""
    yield (
        "| day | condition | region: RMSE slices (mm), within 0.5 / 1 / 2 slices | missed | extra | names right "
        "| silently wrong: names, boundaries | raised |"
    )
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    for (day, name), found in groups.items():
        scores = found.get(detector, [])
        if not scores:
            continue
        regions = []
        for i, region in enumerate(REGIONS):
            e = _slices(scores, (i,))
            if len(e):
                parts = " / ".join(f"{100 * _within(e, limit):.1f}" for limit in (0.5, 1, 2))
                regions.append(f"{region}: {_rmse(e):.2f} ({_rmse(e) * scores[0].spacing_mm:.1f}), {parts}")
        every = _slices(scores, (0, 1, 2))
        yield (
            f"| {day} | {name} | {'<br>'.join(regions)} | {np.isnan(every).sum()} of {len(every)} "
            f"| {sum(len(s.extra) for s in scores)} | {_percent(_share(s.names_right for s in scores))} "
            f"| {_percent(_share(map(silent_names, scores)))}, {_percent(silent_boundaries(scores))} "
            f"| {sum(bool(s.raised) for s in scores)} |"
        )


def by_anatomy(outcomes: Sequence[Outcome], condition: str, detector: str) -> Iterator[str]:
    """One detector under one condition on each real label map."""
    yield "| label map | boundaries | within 1 slice | silently wrong |"
    yield "| --- | --- | --- | --- |"
    chosen = [one for one in outcomes if one.condition == condition and one.detector == detector]
    for name in dict.fromkeys(one.anatomy for one in chosen):
        scores = [one.score for one in chosen if one.anatomy == name]
        every = _slices(scores, (0, 1, 2))
        yield f"| {name} | {len(every)} | {_percent(_within(every, 1))} | {_percent(silent_boundaries(scores))} |"


def silent_names(one: Score) -> bool:
    """Names wrong, and said to be sure."""
    return not one.names_right and one.level_confidence >= SURE


def silent_boundaries(scores: Sequence[Score]) -> float:
    """Share of boundaries off by more than a slice, or where there is none, and given 0.9 or more."""
    sure, right = _boundaries(scores)
    return float(np.mean((sure >= SURE) & ~right)) if len(sure) else 0.0


def calibration(groups: Groups, detector: str) -> Iterator[str]:
    """Of the boundaries, and of the names, given a confidence: how many are right."""
    sure, right = _boundaries([s for found in groups.values() for s in found.get(detector, [])])
    named = [s for found in groups.values() for s in found.get(detector, []) if not s.raised]
    level, ok = np.array([s.level_confidence for s in named]), np.array([s.names_right for s in named])
    yield "| confidence | boundaries: number, given, within one slice | names: cases, given, right |"
    yield "| --- | --- | --- |"
    for low, high in pairwise(BINS):
        cells = [_bin(c, r, low, high) for c, r in ((sure, right), (level, ok))]
        yield f"| {low:g} to {high:g} | {cells[0]} | {cells[1]} |"


def reliability(given: np.ndarray, right: np.ndarray) -> Iterator[str]:
    """The same of boundaries alone."""
    yield "| confidence | boundaries: number, given, within one slice |"
    yield "| --- | --- |"
    for low, high in pairwise(BINS):
        yield f"| {low:g} to {high:g} | {_bin(given, right, low, high)} |"


def calibration_figure(groups: Groups, detectors: Sequence[str], path: Path) -> None:
    """Reliability curves: confidence given against what was right."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9.6, 4.6), constrained_layout=True)
    titles = ("A boundary lies within one PET slice", "All names are right (24 vertebrae)")
    for axis, title in zip(axes, titles, strict=True):
        axis.plot([0, 1], [0, 1], color="0.6", linewidth=0.9, label="perfect")
        axis.set(xlabel="Confidence given", ylabel="Share that is right", xlim=(0, 1), ylim=(0, 1.02), title=title)
    for detector in detectors:
        scores = [s for found in groups.values() for s in found.get(detector, []) if not s.raised]
        usual = [s for (_, n), f in groups.items() if not _unusual(n) for s in f.get(detector, []) if not s.raised]
        if not scores:
            continue
        for axis, values in (
            (axes[0], _boundaries(scores)),
            (axes[1], (np.array([s.level_confidence for s in usual]), np.array([s.names_right for s in usual]))),
        ):
            points = [
                (values[0][k].mean(), values[1][k].mean(), k.sum())
                for low, high in pairwise(BINS)
                if (k := (values[0] >= low) & ((values[0] < high) | (high == 1.0))).sum() >= 20
            ]
            if points:
                x, y, _ = np.array(points).T
                axis.plot(x, y, marker="o", markersize=4, linewidth=1.3, label=detector)
                if detector == detectors[0]:
                    for px, py, n in points:
                        axis.annotate(f"{int(n)}", (px, py), textcoords="offset points", xytext=(5, -11), fontsize=7)
    axes[0].legend(loc="upper left", frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _unusual(condition: str) -> bool:
    return condition.endswith((" lumbar", " thoracic"))


def _boundaries(scores: Sequence[Score]) -> tuple[np.ndarray, np.ndarray]:
    """Confidence of every boundary found, and whether it is right; extra ones are wrong."""
    sure, right = [np.zeros(0)], [np.zeros(0, bool)]
    for s in scores:
        hit = np.isfinite(s.error_mm)
        sure += [s.confidence[hit], s.extra]
        right += [np.abs(s.slices[hit]) <= 1, np.zeros(len(s.extra), bool)]
    return np.concatenate(sure), np.concatenate(right)


def _bin(given: np.ndarray, right: np.ndarray, low: float, high: float) -> str:
    inside = (given >= low) & ((given < high) | (high == 1.0))
    if not inside.any():
        return "none"
    return f"{inside.sum()}, {given[inside].mean():.3f}, {right[inside].mean():.3f}"


def _slices(scores: Sequence[Score], regions: Sequence[int]) -> np.ndarray:
    return np.concatenate([np.zeros(0), *(s.slices[np.isin(s.region, regions)] for s in scores)])


def _rmse(errors: np.ndarray) -> float:
    found = errors[np.isfinite(errors)]
    return float(np.sqrt(np.mean(found**2))) if len(found) else float("nan")


def _within(errors: np.ndarray, limit: float) -> float:
    return float(np.mean(np.abs(np.nan_to_num(errors, nan=np.inf)) <= limit)) if len(errors) else float("nan")


def _share(values: object) -> float:
    flags = list(values)  # type: ignore[call-overload]
    return float(np.mean(flags)) if flags else float("nan")


def _percent(share: float) -> str:
    return "" if np.isnan(share) else f"{100 * share:.1f} %"
