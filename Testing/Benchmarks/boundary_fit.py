"""Fits the weights of the confidences and writes them into the library: ``boundaries.py --fit``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from boundary_run import Example
from scipy.optimize import minimize

from VertebraFLTLib.spine import calibration
from VertebraFLTLib.spine.confidence import logistic

PENALTY = 1.0  # of squared weights: hardly any, it keeps a feature that is never wrong from growing without end
HEAD = '''"""Weights of the confidence of boundaries and of level names, fitted to simulated examinations.

Written by ``python Testing/Benchmarks/boundaries.py --fit`` from simulated patients that no table of docs/boundaries.md
is made of. See docs/decisions/calibrated-confidence.md.
"""

Weights = dict[str, float]
INTERCEPT = "intercept"
'''


def fit(examples: Iterable[Example]) -> tuple[calibration.Weights, calibration.Weights]:
    """Weights for boundaries and, with the confidences that these give, for level names."""
    cases = list(examples)
    boundary = _fitted(
        calibration.BOUNDARY,
        np.concatenate([c.boundaries for c in cases]),
        np.concatenate([c.right for c in cases]),
    )
    usual = [c for c in cases if c.usual]
    wrong = [np.array([np.sum(1 - logistic(c.boundaries, boundary))]) for c in usual]
    features = np.array([c.naming.features(w)[0] for c, w in zip(usual, wrong, strict=True)])
    level = _fitted(calibration.LEVEL, features, np.array([c.names_right for c in usual]))
    return boundary, level


def _fitted(like: calibration.Weights, features: np.ndarray, right: np.ndarray) -> calibration.Weights:
    """Logistic regression by maximum likelihood; names and their order as in ``like``."""
    rows = np.column_stack([np.ones(len(features)), features])
    sign = np.where(right, -1.0, 1.0)

    def cost(w: np.ndarray) -> tuple[float, np.ndarray]:
        z = sign * (rows @ w)
        slope = rows.T @ (sign / (1 + np.exp(-z)))
        ridge = np.append(0.0, w[1:])
        return float(np.logaddexp(0, z).sum() + 0.5 * PENALTY * ridge @ ridge), slope + PENALTY * ridge

    best = minimize(cost, np.zeros(rows.shape[1]), jac=True, method="L-BFGS-B")
    return dict(zip(like, np.round(best.x, 3).tolist(), strict=True))


def write(boundary: calibration.Weights, level: calibration.Weights) -> Path:
    """Replace the library's weights."""
    path = Path(calibration.__file__)
    text = HEAD
    for name, weights, what in (
        ("BOUNDARY", boundary, "That a boundary lies within one PET slice."),
        ("LEVEL", level, "That all level names are right, in a spine of 24 vertebrae."),
    ):
        rows = "".join(f'    "{key}": {value},\n' for key, value in weights.items())
        text += f'\n{name}: Weights = {{\n{rows}}}\n"""{what}"""\n'
    path.write_text(text, encoding="utf-8")
    return path
