"""What speaks for and against each boundary of a column, in figures that can be said in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from VertebraFLTLib.spine.ct_evidence import DISC_MOST
from VertebraFLTLib.spine.ct_evidence import MOST as DENSITY_MOST
from VertebraFLTLib.spine.levels import span_of
from VertebraFLTLib.spine.profile import FloatArray, Profile
from VertebraFLTLib.spine.valleys import profile_noise, valley_depths, valley_evidence
from VertebraFLTLib.spine.vertebrae import l4_span_mm

BY_CHANCE = 2.5  # a valley of less than this many standard deviations of the noise is shallow: chance digs that deep
TYPICAL = 0.15  # valleys of a column that shows its vertebrae are deeper than this
FLAT = 3.0  # a PET whose median valley has fewer standard deviations than this is flat: what valleys it has are chance


@dataclass(frozen=True)
class Place:
    """Where a detector puts one boundary, and what it alone knows of it.

    ``source``: other than the detector's name; ``ct``: the evidence of the CT's density, ``discs`` that of a network's
    discs, in standard deviations, 0 where not asked; ``trust``: a factor on the confidence, with ``reasons``.
    """

    z_mm: float
    source: str = ""
    ct: float = 0.0
    discs: float = 0.0
    trust: float = 1.0
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Signs:
    """What the confidence of each boundary rests on; arrays of one length, from the lowest boundary up.

    ``depth``: valley below the mean of its two peaks (SUV); ``prominence``: below the lower one, as a share of their
    mean; ``unlike``: half the difference of the peaks, and ``noise``: the profile's noise, likewise; ``spans``: (n, 2)
    the spans below and above relative to what the column's scale makes one expect, NaN at its ends; ``valleys``:
    evidence of the PET's valley at each, in standard deviations; ``places``: what the detector knows of each.
    """

    names: tuple[str, ...]
    places: tuple[Place, ...]
    depth: FloatArray
    prominence: FloatArray
    unlike: FloatArray
    noise: FloatArray
    spans: FloatArray
    valleys: FloatArray
    spacing_mm: float

    @property
    def placed_by(self) -> tuple[str, ...]:
        """What placed each: ``valley`` of the PET, ``discs`` or ``density`` of the CT, or the ``prior``.

        In a flat PET valleys are chance, whatever a detector made of them.
        """
        by_valley = "prior" if is_flat(self.valleys) else "valley"
        return tuple(
            "prior" if p.source == "prior" else by_valley if p.source != "ct" else "discs" if p.discs else "density"
            for p in self.places
        )

    @property
    def features(self) -> dict[str, FloatArray]:
        """By the names that ``calibration.BOUNDARY`` gives them, each (n,)."""
        count = len(self.places)
        depth = np.clip(self.prominence - BY_CHANCE * self.noise, 0.0, 0.5)
        misfit = np.abs(np.log(np.clip(self.spans, 0.05, 20.0)))
        misfit = np.where(np.isnan(misfit), 0.0, np.minimum(misfit, 1.0))
        density = np.array([one.ct for one in self.places]) / DENSITY_MOST
        discs = np.array([one.discs for one in self.places])
        unseen = np.array([by == "prior" for by in self.placed_by])
        column = {
            "PET slices (log of spacing / 4 mm)": np.log(self.spacing_mm / 4.0),
            "valleys of the column (median, log of standard deviations)": np.log(
                max(float(np.median(self.valleys)), 0.5)
            ),
            "valley depth of the column (median)": np.median(np.minimum(depth, TYPICAL)),
            "CT density of the column (median)": np.median(density),
            "discs of the column (median)": np.median(discs) / DISC_MOST,
            "share of the column placed by spans alone": unseen.mean(),
            "span misfit of the column (mean)": misfit.max(axis=1).mean(),
        }
        return {
            "valley depth beyond noise (share of its peaks)": depth,
            "peaks unlike each other (half difference, share)": np.clip(self.unlike, 0.0, 0.5),
            "CT density (share of its most)": density,
            "disc on CT (share of its most)": discs / DISC_MOST,
            "span misfit, worse side (log)": misfit.max(axis=1),
            "span misfit, better side (log)": misfit.min(axis=1),
            "outermost of the column (1 or 0)": np.isnan(self.spans).any(axis=1).astype(np.float64),
            **{name: np.full(count, value) for name, value in column.items()},
        }


def signs(names: Sequence[str], profile: Profile, places: Sequence[Place]) -> Signs:
    """What speaks for each boundary of a column whose vertebrae are called ``names`` (one more than boundaries)."""
    z_mm = [one.z_mm for one in places]
    depths, prominences, peaks = valley_depths(z_mm, profile)
    noise = profile_noise(profile.column()[1])
    scale = l4_span_mm(names, z_mm)
    ratios = np.diff(np.asarray(z_mm, dtype=np.float64)) / [scale * span_of(n) for n in names[1:-1]]
    level = np.maximum(peaks, 1e-12)
    return Signs(
        tuple(names),
        tuple(places),
        depths,
        np.where(peaks > 0, prominences / level, 0.0),
        np.where(peaks > 0, (depths - prominences) / level, 0.0),
        noise / level,
        np.column_stack([np.append(np.nan, ratios), np.append(ratios, np.nan)]),
        valley_evidence(z_mm, profile),
        profile.spacing_mm,
    )


def is_flat(valleys: npt.ArrayLike) -> bool:
    """Whether a PET with these valleys (standard deviations) at its boundaries shows no vertebrae at all."""
    return float(np.median(np.asarray(valleys))) < FLAT
