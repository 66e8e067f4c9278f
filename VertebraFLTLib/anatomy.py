"""The one table of structures: labels, names, SNOMED CT codes, colours, order along the spine, typical sizes."""

from dataclasses import dataclass

Color = tuple[float, float, float]


@dataclass(frozen=True)
class Structure:
    """A class of the semantic segmentation (value ``label`` in ``semantic.nii.gz``)."""

    label: int
    key: str  # in file names, tables and segment ids
    name: str  # for people
    snomed: str
    snomed_meaning: str
    color: Color  # sRGB, 0 to 1


VERTEBRAL_BODY = Structure(1, "vertebral_body", "Vertebral bodies", "3572006", "Vertebral body", (0.95, 0.84, 0.57))
HIP_BONE = Structure(2, "hip_bone", "Hip bones", "29836001", "Hip", (0.53, 0.74, 0.84))
STERNUM = Structure(3, "sternum", "Sternum", "56873002", "Sternum", (0.76, 0.60, 0.82))
SACRUM = Structure(4, "sacrum", "Sacrum", "54735007", "Sacrum", (0.55, 0.79, 0.60))

STRUCTURES: tuple[Structure, ...] = (VERTEBRAL_BODY, HIP_BONE, STERNUM, SACRUM)
STRUCTURE_BY_LABEL: dict[int, Structure] = {s.label: s for s in STRUCTURES}


@dataclass(frozen=True)
class Level:
    """One vertebra.

    ``code`` is the VerSe number used in ``vertebrae.nii.gz``; ``span`` is the typical distance from the middle of the
    disc below to the middle of the disc above, relative to L4 (thesis figure 28 falls from 1 in the lumbar spine to
    about 0.6 at T1; the finer steps are from published heights of bodies and discs: see docs/method.md).
    """

    name: str
    code: int
    snomed: str
    span: float
    color: Color

    @property
    def region(self) -> str:
        """``cervical``, ``thoracic`` or ``lumbar``."""
        return {"C": "cervical", "T": "thoracic", "L": "lumbar"}[self.name[0]]


def _level_color(index: int) -> Color:
    # Neighbours must be told apart, a level must keep its colour: three alternating families, shaded along the spine.
    families: tuple[Color, ...] = ((0.90, 0.62, 0.00), (0.34, 0.71, 0.91), (0.00, 0.62, 0.45), (0.80, 0.47, 0.65))
    r, g, b = families[index % 4]
    shade = 1.0 - 0.25 * ((index // 4) % 3) / 2
    return (round(r * shade, 3), round(g * shade, 3), round(b * shade, 3))


_ROWS: tuple[tuple[str, int, str, float], ...] = (
    # name, VerSe code, SNOMED CT code, span relative to L4
    ("C1", 1, "14806007", 0.45),
    ("C2", 2, "39976000", 0.62),
    ("C3", 3, "113205007", 0.49),
    ("C4", 4, "5329002", 0.48),
    ("C5", 5, "36978003", 0.47),
    ("C6", 6, "36054005", 0.48),
    ("C7", 7, "87391001", 0.53),
    ("T1", 8, "64864005", 0.58),
    ("T2", 9, "53733008", 0.61),
    ("T3", 10, "1626008", 0.62),
    ("T4", 11, "73071006", 0.63),
    ("T5", 12, "56401006", 0.65),
    ("T6", 13, "45296009", 0.67),
    ("T7", 14, "62487009", 0.69),
    ("T8", 15, "11068009", 0.71),
    ("T9", 16, "82687006", 0.73),
    ("T10", 17, "7610001", 0.77),
    ("T11", 18, "12989004", 0.81),
    ("T12", 19, "23215003", 0.87),
    ("T13", 28, "", 0.89),
    ("L1", 20, "66794005", 0.93),
    ("L2", 21, "14293000", 0.97),
    ("L3", 22, "36470004", 1.00),
    ("L4", 23, "11994002", 1.00),
    ("L5", 24, "49668003", 0.98),
    ("L6", 25, "", 0.96),
)

LEVELS: tuple[Level, ...] = tuple(Level(n, c, s, h, _level_color(i)) for i, (n, c, s, h) in enumerate(_ROWS))
"""Every level from the top down, T13 and L6 included."""

LEVEL_BY_NAME: dict[str, Level] = {level.name: level for level in LEVELS}
LEVEL_BY_CODE: dict[int, Level] = {level.code: level for level in LEVELS}

STANDARD_LEVELS: tuple[Level, ...] = tuple(level for level in LEVELS if level.name not in ("T13", "L6"))
"""The 24 levels of the usual spine, from C1 down to L5."""
