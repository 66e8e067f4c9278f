"""The conditions under which boundary detectors are compared: one changed at a time, from a usual examination."""

from __future__ import annotations

from dataclasses import dataclass

NOISE = {"low": 0.1, "middle": 0.2, "high": 0.4, "excessive": 1.5}
"""Standard deviation of a voxel of 4 mm at SUV 1, growing with the square root of uptake; thinner slices have more.

Two real whole-body PET (FDG) bracket the middle: 0.11 and 0.27 (``boundaries.py --noise``), upper bounds both, as
differences of anatomy are in them. FLT is given in lower doses than FDG: high is half as much again as the noisier one.
Excessive is for the fit of the confidences only, which must know profiles in which noise digs valleys.
"""


@dataclass(frozen=True)
class Anatomy:
    """What is unusual about a spine. ``None`` leaves an angle to the seed; ``fracture``: a body 45 % lower."""

    kyphosis_deg: float | None = None
    scoliosis_deg: float | None = None
    lumbar: int = 5
    thoracic: int = 12
    fracture: bool = False


@dataclass(frozen=True)
class Condition:
    """One row of the table. ``cut``: how many vertebrae the field of view leaves out below and above, and then about
    half of the next; ``shift_mm``: PET content against CT, upwards; ``ct_mm``: slices of the CT that the mask is on.
    """

    name: str
    day: int = 28
    spacing_mm: float = 4.0
    psf_mm: float = 6.0
    noise: str = "middle"
    anatomy: Anatomy = Anatomy()
    lesion: str = ""  # cement, hot; flat: no more uptake in marrow than in discs
    cut: tuple[int, int] = (0, 0)
    shift_mm: float = 0.0
    mask: str = "true"  # eroded, dilated, hole, missed, into S1, filled (discs, as networks fill them)
    ct_mm: float = 5.0
    with_ct: bool = False  # whether span-prior is given the CT beside the PET
    with_discs: bool = False  # and what a network sees of the discs in it
    perturbed: bool = True


def _grid() -> list[Condition]:
    """Day, PET spacing and counts in all combinations; both days at the sharper and the blunter point spread."""
    rows = [
        Condition(f"{spacing:g} mm, {noise} noise", day, spacing, noise=noise, perturbed=False)
        for day in (28, 7)
        for spacing in (2.0, 3.3, 4.0, 5.0)
        for noise in ("low", "middle", "high")
    ]
    return rows + [
        Condition(f"point spread {psf:g} mm", day, psf_mm=psf, perturbed=False) for day in (28, 7) for psf in (4.0, 8.0)
    ]


# Those of the usual anatomy come first: its activity is then computed once.
PERTURBED = (
    Condition("cement (cold body)", lesion="cement"),
    Condition("focal hot spot", lesion="hot"),
    Condition("cut below", cut=(3, 0)),
    Condition("cut above", cut=(0, 9)),
    Condition("cut at both ends", cut=(4, 7)),
    Condition("PET 5 mm up", shift_mm=5.0),
    Condition("PET 5 mm down", shift_mm=-5.0),
    Condition("mask eroded", mask="eroded"),
    Condition("mask dilated", mask="dilated"),
    Condition("mask with a hole", mask="hole"),
    Condition("mask lacks a vertebra", mask="missed"),
    Condition("mask runs into S1", mask="into S1"),
    Condition("mask on 3 mm CT", ct_mm=3.0),
    Condition("straight spine", anatomy=Anatomy(kyphosis_deg=10, scoliosis_deg=0)),
    Condition("kyphosis 60 degrees", anatomy=Anatomy(kyphosis_deg=60)),
    Condition("scoliosis 20 degrees", anatomy=Anatomy(scoliosis_deg=20)),
    Condition("4 lumbar", anatomy=Anatomy(lumbar=4)),
    Condition("6 lumbar", anatomy=Anatomy(lumbar=6)),
    Condition("11 thoracic", anatomy=Anatomy(thoracic=11)),
    Condition("13 thoracic", anatomy=Anatomy(thoracic=13)),
    Condition("compression fracture", anatomy=Anatomy(fracture=True)),
)
# In these, span-prior is given the CT as in a run; in all others it has the PET alone.
WITH_CT = (
    Condition("PET alone", day=-1, mask="filled"),
    Condition("with CT of 3 mm", day=-1, mask="filled", ct_mm=3.0, with_ct=True),
    Condition("flat PET alone", day=-1, lesion="flat", mask="filled"),
    Condition("flat PET, CT of 5 mm", day=-1, lesion="flat", mask="filled", with_ct=True),
    Condition("flat PET, CT of 3 mm", day=-1, lesion="flat", mask="filled", ct_mm=3.0, with_ct=True),
    Condition("flat PET, CT of 1.5 mm", day=-1, lesion="flat", mask="filled", ct_mm=1.5, with_ct=True),
    Condition("with CT of 5 mm", day=7, mask="filled", with_ct=True),
    Condition("with CT of 5 mm", day=28, mask="filled", with_ct=True),
    Condition("with CT of 3 mm, PET 5 mm up", day=28, mask="filled", ct_mm=3.0, shift_mm=5.0, with_ct=True),
)
# Likewise, in spines that ribs may tell apart.
BY_RIBS = tuple(
    Condition(f"{name}, with CT", anatomy=anatomy, cut=cut, with_ct=True)
    for name, anatomy, cut in (
        ("cut below", Anatomy(), (3, 0)),
        ("cut at both ends", Anatomy(), (4, 7)),
        ("4 lumbar", Anatomy(lumbar=4), (0, 0)),
        ("6 lumbar", Anatomy(lumbar=6), (0, 0)),
        ("11 thoracic", Anatomy(thoracic=11), (0, 0)),
        ("13 thoracic", Anatomy(thoracic=13), (0, 0)),
    )
)
CONDITIONS: tuple[Condition, ...] = (*_grid(), *WITH_CT, *PERTURBED, *BY_RIBS)
STANDARD = next(c for c in CONDITIONS if (c.day, c.spacing_mm, c.noise, c.psf_mm) == (28, 4.0, "middle", 6.0))

_TELLING = (
    "cement",
    "focal",
    "compression",
    "cut at",
    "mask lacks",
    "mask eroded",
    "mask runs",
    "kyphosis",
    "6 lumbar",
)
FOR_FIT = (
    STANDARD,
    *(c for c in CONDITIONS if c.day == 7 and c.noise != "low"),
    *WITH_CT,
    *(c for c in PERTURBED if c.name.startswith(_TELLING)),
    Condition("excessive noise", 28, noise="excessive"),
    Condition("excessive noise", 7, noise="excessive"),
    Condition("excessive noise", -1, noise="excessive"),
    Condition("excessive noise, flat", -1, noise="excessive", lesion="flat"),
    Condition("excessive noise, 2 mm", 7, 2.0, noise="excessive"),
)
"""What the confidences are fitted on: of the easy examinations, in which next to nothing is wrong, a few are enough."""
