"""Fits the weights of the confidences and writes them into the library: ``boundaries.py --fit``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from boundary_run import Example
from boundary_tables import reliability
from scipy.optimize import minimize

from VertebraFLTLib.spine import calibration
from VertebraFLTLib.spine.calibration import INTERCEPT, Weights
from VertebraFLTLib.spine.confidence import chances

PENALTY = 1.0  # of squared weights: hardly any, it keeps a feature that is never wrong from growing without end
REAL = 2.0  # a boundary of real anatomy counts so many simulated ones: they are few, and what matters
REAL_DENSITY = 10.0  # and so many of what density says: simulated bones are more even than real ones
HEAD = '''"""Weights of the confidence of boundaries and names, fitted to simulated patients and real anatomy.

Written by ``python Testing/Benchmarks/boundaries.py --fit``: from patients that are in no table of docs/boundaries.md,
and from PET simulated on the labelled training CT. See docs/decisions/calibrated-confidence.md.
"""

Weights = dict[str, float]
INTERCEPT = "intercept"
'''
Calibration = dict[str, Weights]


def fit(examples: Sequence[Example]) -> tuple[Calibration, Weights]:
    """Weights for boundaries and, with the confidences that these give, for level names."""
    boundary = {kind: _boundary(examples, kind) for kind in calibration.BOUNDARY}
    named = [(c, c.naming) for c in examples if c.naming is not None]
    wrong = [np.array([np.sum(1 - chances(c.signs, boundary))]) for c, _ in named]
    features = np.array([naming.features(w)[0] for (_, naming), w in zip(named, wrong, strict=True)])
    right = np.array([c.names_right for c, _ in named])
    return boundary, _fitted(calibration.LEVEL, features, right, np.ones(len(right)))


def left_out(examples: Sequence[Example]) -> Iterator[str]:
    """How true the confidences are on each real anatomy, given by weights that are fitted without it."""
    given, right = [], []
    for name in sorted({c.anatomy for c in examples} - {""}):
        boundary = {kind: _boundary([c for c in examples if c.anatomy != name], kind) for kind in calibration.BOUNDARY}
        for c in examples:
            if c.anatomy == name:
                given.append(chances(c.signs, boundary)[c.asked])
                right.append(c.right[c.asked])
    yield from reliability(np.concatenate(given), np.concatenate(right))


def by_kind(examples: Sequence[Example]) -> Iterator[str]:
    """How many boundaries each of what may place them has placed, and how many of those are right."""
    yield "| placed by | simulated: boundaries, right | real anatomy: boundaries, right |"
    yield "| --- | --- | --- |"
    for kind in calibration.BOUNDARY:
        cells = []
        for real in (False, True):
            of_kind = [c for c in examples if bool(c.anatomy) == real]
            right = np.concatenate(
                [np.zeros(0, bool), *(c.right[c.asked & (np.array(c.signs.placed_by) == kind)] for c in of_kind)]
            )
            cells.append(f"{len(right)}, {right.mean():.3f}" if len(right) else "none")
        yield f"| {kind} | {' | '.join(cells)} |"


def _boundary(examples: Sequence[Example], kind: str) -> Weights:
    """Weights for the boundaries that were placed by ``kind``."""
    names = [name for name in calibration.BOUNDARY[kind] if name != INTERCEPT]
    real = REAL_DENSITY if kind == "density" else REAL
    features, right, weight = [np.zeros((0, len(names)))], [np.zeros(0, bool)], [np.zeros(0)]
    for c in examples:
        chosen = c.asked & (np.array(c.signs.placed_by) == kind)
        if chosen.any():
            table = c.signs.features
            features.append(np.column_stack([table[name] for name in names])[chosen])
            right.append(c.right[chosen])
            weight.append(np.full(int(chosen.sum()), real if c.anatomy else 1.0))
    return _fitted(calibration.BOUNDARY[kind], np.concatenate(features), np.concatenate(right), np.concatenate(weight))


def _fitted(like: Weights, features: np.ndarray, right: np.ndarray, weight: np.ndarray) -> Weights:
    """Logistic regression by maximum likelihood; names and their order as in ``like``."""
    rows = np.column_stack([np.ones(len(features)), features])
    sign = np.where(right, -1.0, 1.0)

    def cost(w: np.ndarray) -> tuple[float, np.ndarray]:
        z = sign * (rows @ w)
        slope = rows.T @ (weight * sign / (1 + np.exp(-z)))
        ridge = np.append(0.0, w[1:])
        return float(weight @ np.logaddexp(0, z) + 0.5 * PENALTY * ridge @ ridge), slope + PENALTY * ridge

    best = minimize(cost, np.zeros(rows.shape[1]), jac=True, method="L-BFGS-B")
    return dict(zip(like, np.round(best.x, 3).tolist(), strict=True))


def write(boundary: Calibration, level: Weights) -> Path:
    """Replace the library's weights."""
    path = Path(calibration.__file__)
    text = f"{HEAD}\nBOUNDARY: dict[str, Weights] = {{\n"
    for kind, weights in boundary.items():
        rows = "".join(f'        "{key}": {value},\n' for key, value in weights.items())
        text += f'    "{kind}": {{\n{rows}    }},\n'
    text += '}\n"""That a boundary lies within one PET slice, by what placed it."""\n'
    rows = "".join(f'    "{key}": {value},\n' for key, value in level.items())
    text += f'\nLEVEL: Weights = {{\n{rows}}}\n"""That all level names are right, in a spine of 24 vertebrae."""\n'
    path.write_text(text, encoding="utf-8")
    return path
