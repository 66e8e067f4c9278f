"""Weights of the confidence of boundaries and of level names, fitted to simulated examinations.

Written by ``python Testing/Benchmarks/boundaries.py --fit`` from simulated patients that no table of docs/boundaries.md
is made of. See docs/decisions/calibrated-confidence.md.
"""

Weights = dict[str, float]
INTERCEPT = "intercept"

BOUNDARY: Weights = {
    "intercept": 0.497,
    "valley depth (share of the lower peak)": 12.279,
    "CT evidence (share of its most)": 2.301,
    "span misfit, worse side (log)": -4.037,
    "span misfit, better side (log)": -1.948,
    "PET slices (log of spacing / 4 mm)": 0.366,
}
"""That a boundary lies within one PET slice."""

LEVEL: Weights = {
    "intercept": 1.035,
    "rival namings (log odds of the chosen one)": 1.271,
    "boundaries expected to be wrong": -1.414,
    "lowest vertebra known from spans alone": 0.542,
}
"""That all level names are right, in a spine of 24 vertebrae."""
