"""Weights of the confidence of boundaries and names, fitted to simulated patients and real anatomy.

Written by ``python Testing/Benchmarks/boundaries.py --fit``: from patients that are in no table of docs/boundaries.md,
and from PET simulated on the labelled training CT. See docs/decisions/calibrated-confidence.md.
"""

Weights = dict[str, float]
INTERCEPT = "intercept"

BOUNDARY: dict[str, Weights] = {
    "valley": {
        "intercept": 5.511,
        "valley depth beyond noise (share of its peaks)": 3.728,
        "peaks unlike each other (half difference, share)": -2.48,
        "disc on CT (share of its most)": 2.3,
        "span misfit, worse side (log)": -4.85,
        "span misfit, better side (log)": -2.507,
        "span misfit of the column (mean)": -1.813,
        "outermost of the column (1 or 0)": -1.608,
        "PET slices (log of spacing / 4 mm)": 4.969,
        "valley depth of the column (median)": 1.604,
        "share of the column placed by spans alone": -2.046,
    },
    "discs": {
        "intercept": 5.978,
        "disc on CT (share of its most)": 0.007,
        "discs of the column (median)": -0.491,
        "span misfit, worse side (log)": -0.377,
        "span misfit, better side (log)": 0.084,
        "span misfit of the column (mean)": -0.006,
        "share of the column placed by spans alone": 0.121,
    },
    "density": {
        "intercept": -2.437,
        "CT density (share of its most)": 7.383,
        "CT density of the column (median)": 0.339,
        "span misfit, worse side (log)": -0.52,
        "share of the column placed by spans alone": 0.131,
    },
    "prior": {
        "intercept": 0.396,
        "disc on CT (share of its most)": 1.296,
        "discs of the column (median)": 0.544,
        "span misfit, worse side (log)": -0.666,
        "span misfit, better side (log)": -1.348,
        "span misfit of the column (mean)": -2.419,
        "outermost of the column (1 or 0)": -0.99,
        "PET slices (log of spacing / 4 mm)": 3.396,
        "valleys of the column (median, log of standard deviations)": 1.072,
        "share of the column placed by spans alone": -0.63,
    },
}
"""That a boundary lies within one PET slice, by what placed it."""

LEVEL: Weights = {
    "intercept": 0.366,
    "rival namings (log odds of the chosen one)": 0.966,
    "boundaries expected to be wrong": -0.708,
    "lowest vertebra known from spans alone": 0.135,
}
"""That all level names are right, in a spine of 24 vertebrae."""
