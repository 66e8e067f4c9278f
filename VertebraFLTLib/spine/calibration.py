"""Weights of the confidence of boundaries and names, fitted to simulated patients and real anatomy.

Written by ``python Testing/Benchmarks/boundaries.py --fit``: from patients that are in no table of docs/boundaries.md,
and from PET simulated on the labelled training CT. See docs/decisions/calibrated-confidence.md.
"""

Weights = dict[str, float]
INTERCEPT = "intercept"

BOUNDARY: dict[str, Weights] = {
    "valley": {
        "intercept": 5.78,
        "valley depth beyond noise (share of its peaks)": 3.455,
        "peaks unlike each other (half difference, share)": -2.928,
        "disc on CT (share of its most)": 1.786,
        "span misfit, worse side (log)": -4.838,
        "span misfit, better side (log)": -2.796,
        "span misfit of the column (mean)": -1.978,
        "outermost of the column (1 or 0)": -1.646,
        "PET slices (log of spacing / 4 mm)": 5.012,
        "valley depth of the column (median)": 1.086,
        "share of the column placed by spans alone": -1.086,
    },
    "discs": {
        "intercept": 5.859,
        "disc on CT (share of its most)": 0.122,
        "discs of the column (median)": -0.484,
        "span misfit, worse side (log)": -0.365,
        "span misfit, better side (log)": 0.115,
        "span misfit of the column (mean)": -0.01,
        "share of the column placed by spans alone": 0.157,
    },
    "density": {
        "intercept": -1.244,
        "CT density (share of its most)": 7.489,
        "CT density of the column (median)": -0.209,
        "span misfit, worse side (log)": -1.054,
        "share of the column placed by spans alone": -0.475,
    },
    "prior": {
        "intercept": 0.466,
        "disc on CT (share of its most)": 3.849,
        "discs of the column (median)": -0.259,
        "span misfit, worse side (log)": -1.372,
        "span misfit, better side (log)": -1.635,
        "span misfit of the column (mean)": -1.936,
        "outermost of the column (1 or 0)": -1.136,
        "PET slices (log of spacing / 4 mm)": 3.261,
        "valleys of the column (median, log of standard deviations)": 0.877,
        "share of the column placed by spans alone": -0.47,
    },
}
"""That a boundary lies within one PET slice, by what placed it."""

LEVEL: Weights = {
    "intercept": 1.781,
    "rival namings (log odds of the chosen one)": 0.806,
    "boundaries expected to be wrong": -0.699,
    "lowest vertebra known from spans alone": -1.006,
}
"""That all level names are right, in a spine of 24 vertebrae."""
