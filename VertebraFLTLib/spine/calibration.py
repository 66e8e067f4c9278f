"""Weights of the confidence of boundaries and of level names, fitted to simulated examinations.

Written by ``python Testing/Benchmarks/boundaries.py --fit`` from simulated patients that no table of docs/boundaries.md
is made of. See docs/decisions/calibrated-confidence.md.
"""

Weights = dict[str, float]
INTERCEPT = "intercept"

BOUNDARY: Weights = {
    "intercept": 3.378,
    "valley depth beyond noise (share of its peaks)": 4.408,
    "CT evidence (share of its most)": 0.603,
    "placed by spans alone (1 or 0)": -0.484,
    "span misfit, worse side (log)": -3.85,
    "span misfit, better side (log)": -2.057,
    "PET slices (log of spacing / 4 mm)": 4.112,
    "valley depth of the column (median)": 5.394,
    "share of the column placed by spans alone": -4.325,
}
"""That a boundary lies within one PET slice."""

LEVEL: Weights = {
    "intercept": 0.366,
    "rival namings (log odds of the chosen one)": 0.966,
    "boundaries expected to be wrong": -0.708,
    "lowest vertebra known from spans alone": 0.135,
}
"""That all level names are right, in a spine of 24 vertebrae."""
