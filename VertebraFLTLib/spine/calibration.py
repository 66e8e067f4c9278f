"""Weights of the confidence of boundaries and of level names, fitted to simulated examinations.

Written by ``python Testing/Benchmarks/boundaries.py --fit`` from simulated patients that no table of docs/boundaries.md
is made of. See docs/decisions/calibrated-confidence.md.
"""

Weights = dict[str, float]
INTERCEPT = "intercept"

BOUNDARY: Weights = {
    "intercept": 0.482,
    "valley depth (share of the lower peak)": 12.438,
    "CT evidence (share of its most)": 2.328,
    "span misfit, worse side (log)": -3.757,
    "span misfit, better side (log)": -1.856,
    "PET slices (log of spacing / 4 mm)": 0.302,
}
"""That a boundary lies within one PET slice."""

LEVEL: Weights = {
    "intercept": 0.915,
    "rival namings (log odds of the chosen one)": 1.261,
    "boundaries expected to be wrong": -1.381,
    "lowest vertebra known from spans alone": 0.467,
}
"""That all level names are right, in a spine of 24 vertebrae."""
