"""FLT-PET simulated on real anatomy: label maps of vertebral bodies from CT, several noise draws each."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from column_conditions import Condition
from column_patients import FINE_MM, LEVEL_UPTAKE, Case, scan, summed_activity
from scipy.ndimage import distance_transform_edt, label

from VertebraFLTLib.anatomy import LEVEL_BY_CODE, LEVEL_BY_NAME, SACRUM, VERTEBRAL_BODY
from VertebraFLTLib.column import column_of, column_on_pet, discs_along, line_of
from VertebraFLTLib.phantom.grid import Grid
from VertebraFLTLib.phantom.uptake import TISSUE_SUV, marrow_uptake

CORTEX_MM = 1.0
MARGIN_MM = 16.0
FEW_LINES = 20
CROP_MM = 85.0, 50.0  # x, y: as far as ribs are looked for
OPENING_MM = {"C": 4.5, "T": 6.5, "L": 9.0}  # a ball that fits into a body but not into pedicles or processes
FLATTENED = 0.9  # of the largest ball that fits, where a collapsed body has no room for that one
UNCERTAIN = {"lung4d_113": "T11", "verse004": "L1"}  # destroyed: the data's own note; collapsed, hardly a body left

_USUAL = Condition("PET alone", 28, mask="filled")
_WITH_CT = replace(_USUAL, with_ct=True)
_WITH_DISCS = replace(_WITH_CT, with_discs=True)
ON_LABELS = (
    _USUAL,
    replace(_USUAL, day=7),
    replace(_USUAL, name="PET alone, high noise", day=7, noise="high"),
    replace(_WITH_CT, name="with the real CT"),
    replace(_WITH_DISCS, name="with the real CT and its discs"),
    replace(_WITH_DISCS, name="the same, high noise", day=7, noise="high"),
    replace(_WITH_DISCS, name="the same, PET 5 mm up", shift_mm=5.0),
    replace(_WITH_DISCS, name="flat PET, with the real CT and its discs", day=-1, lesion="flat"),
    replace(_WITH_CT, name="flat PET, with the real CT", day=-1, lesion="flat"),
    replace(_USUAL, name="flat PET alone", day=-1, lesion="flat"),
)


@dataclass(frozen=True)
class Anatomy:
    """One label map: bodies by VerSe number on their own grid (kji), sacrum, density where there is a CT.

    ``discs``: their probability in that CT (uint8, 255 = 1, a grid of its own), by a network not trained on it;
    ``is_training``: whether the confidences may be fitted on it.
    """

    name: str
    levels: np.ndarray
    sacrum: np.ndarray
    image: sitk.Image  # of which only the geometry is used
    hu: np.ndarray | None
    uncertain: str = ""
    discs: sitk.Image | None = None
    is_training: bool = False

    def truth(self) -> tuple[tuple[str, str, float], ...]:
        """Middle between facing endplates: (below, above, z), median over the lines along z that meet both.

        Where hardly any line does, a collapsed body beside a whole one, each endplate's own median.
        """
        codes = sorted(np.unique(self.levels[self.levels > 0]).tolist(), key=_from_below)
        spacing, first = self.image.GetSpacing()[2], self.image.GetOrigin()[2]
        found = []
        for below, above in pairwise(codes):
            low, high = self.levels == below, self.levels == above
            top, bottom = len(low) - 1 - low[::-1].argmax(axis=0), high.argmax(axis=0)
            lines = low.any(axis=0), high.any(axis=0)
            both = lines[0] & lines[1]
            if both.sum() >= FEW_LINES:
                middle = float(np.median(((top + bottom) / 2)[both]))
            else:
                middle = float(np.median(top[lines[0]]) + np.median(bottom[lines[1]])) / 2
            names = LEVEL_BY_CODE[int(below)].name, LEVEL_BY_CODE[int(above)].name
            found.append((*names, first + spacing * middle))
        return tuple(found)


def _from_below(code: int) -> float:
    return -float({28: 19.5, 25: 24.5}.get(int(code), code))


def anatomies(shared: Path) -> Iterator[Anatomy]:
    """Every label map of the shared data with three levels or more."""
    for path in sorted((shared / "data" / "ct").glob("*_levels.nii.gz")):
        name = path.name.removesuffix("_levels.nii.gz")
        levels = _read(path)
        semantic = sitk.GetArrayFromImage(_read(path.with_name(f"{name}_semantic.nii.gz")))
        hu = sitk.GetArrayFromImage(_read(path.with_name(f"{name}_ct.nii.gz")))
        bodies = sitk.GetArrayFromImage(levels)
        yield _cropped(Anatomy(name, bodies, semantic == SACRUM.label, levels, hu, UNCERTAIN.get(name, "")))
    for path in sorted((shared / "data" / "labels_only").glob("*_seg.nii.gz")):
        levels = _read(path)
        bodies = _bodies(sitk.GetArrayFromImage(levels), levels.GetSpacing()[::-1])
        yield _cropped(Anatomy(path.name.removesuffix("_seg.nii.gz"), bodies, bodies == 255, levels, None))


def _cropped(anatomy: Anatomy) -> Anatomy:
    """In plane, the bodies and a hand's breadth around them, ribs included; every slice stays."""
    rows = np.flatnonzero((anatomy.levels > 0).any(axis=(0, 2)))
    columns = np.flatnonzero((anatomy.levels > 0).any(axis=(0, 1)))
    dx, dy = (int(mm / s) for mm, s in zip(CROP_MM, anatomy.image.GetSpacing(), strict=False))
    y = slice(max(int(rows[0]) - dy, 0), int(rows[-1]) + dy)
    x = slice(max(int(columns[0]) - dx, 0), int(columns[-1]) + dx)
    hu = None if anatomy.hu is None else anatomy.hu[:, y, x]
    return replace(
        anatomy,
        levels=anatomy.levels[:, y, x],
        sacrum=anatomy.sacrum[:, y, x],
        image=anatomy.image[x, y, :],
        hu=hu,
    )


def _read(path: Path) -> sitk.Image:
    """In LPS order, and laid straight: a scan is simulated along the slices of the label map, oblique or not."""
    image = sitk.DICOMOrient(sitk.ReadImage(str(path)), "LPS")
    image.SetDirection((1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0))
    return image


def _bodies(vertebrae: np.ndarray, spacing: tuple[float, ...]) -> np.ndarray:
    """Vertebral bodies of whole-vertebra labels: what a ball that does not fit into the arch reaches."""
    bodies = np.zeros_like(vertebrae)
    for code in np.unique(vertebrae[vertebrae > 0]):
        if int(code) not in LEVEL_BY_CODE or int(code) == 1:
            continue
        radius = OPENING_MM[LEVEL_BY_CODE[int(code)].name[0]]
        where = np.argwhere(vertebrae == code)
        box = tuple(slice(max(int(a) - 1, 0), int(b) + 2) for a, b in zip(where.min(0), where.max(0), strict=True))
        one = vertebrae[box] == code
        inside = distance_transform_edt(one, sampling=spacing)
        radius = min(radius, FLATTENED * float(inside.max()))
        core = inside >= radius
        pieces, _ = label(core)
        sizes = np.bincount(pieces.ravel())[1:]
        core = pieces == 1 + int(sizes.argmax())
        bodies[box][one & (distance_transform_edt(~core, sampling=spacing) <= radius + 1.0)] = code
    return bodies


class Scanned:
    """A label map laid out for scanning: what does not change from one draw to the next is computed once."""

    def __init__(self, anatomy: Anatomy) -> None:
        self.anatomy, self.truth = anatomy, anatomy.truth()
        self._fine, self._codes = _fine(anatomy)
        apart = np.zeros(self._codes.shape, bool)  # neighbours that touch have a cortex between them all the same
        apart[1:] = (self._codes[1:] != self._codes[:-1]) & (self._codes[1:] > 0)
        depth = distance_transform_edt((self._codes > 0) & ~apart, sampling=FINE_MM[::-1])
        self._marrow = np.clip((depth - CORTEX_MM) / FINE_MM[2], 0, 1).astype(np.float32)
        self._column = column_of(_image(anatomy, anatomy.levels > 0))
        self._semantic = _image(anatomy, self._column)
        self._discs = None
        if anatomy.discs is not None:
            self._discs = discs_along(anatomy.discs, line_of(self._semantic, self._column))

    def cases(self, condition: Condition, draws: int) -> Iterator[Case]:
        """The same anatomy under ``draws`` different uptakes, slice phases and noises.

        None where the condition wants a CT, or its discs, that this anatomy has not.
        """
        anatomy, fine = self.anatomy, self._fine
        if (condition.with_ct and anatomy.hu is None) or (condition.with_discs and self._discs is None):
            return
        ct = None
        if condition.with_ct and anatomy.hu is not None:
            ct = sitk.GetImageFromArray(anatomy.hu)
            ct.CopyInformation(anatomy.image)
        spacing, origin = anatomy.image.GetSpacing()[2], anatomy.image.GetOrigin()[2]
        # Heights from the fine grid's lower edge: that is what the summed activity counts from.
        base = fine.origin[2] - FINE_MM[2] / 2
        low = max(origin - spacing / 2, base)
        high = min(origin + spacing * (len(anatomy.levels) - 0.5), base + FINE_MM[2] * fine.size[2])
        levels = tuple(dict.fromkeys([self.truth[0][0], *(above for _, above, _ in self.truth)]))
        for draw in range(draws):
            rng = np.random.default_rng([draw, condition.day + 1, zlib.crc32(anatomy.name.encode())])
            uptake = marrow_uptake(condition.day, rng, list(levels), 1.0)
            by_code = np.zeros(256, np.float32)
            for name, mean in uptake.by_level.items():
                hot = mean * float(np.exp(LEVEL_UPTAKE * rng.standard_normal()))
                by_code[LEVEL_BY_NAME[name].code] = TISSUE_SUV["disc"] if condition.lesion == "flat" else hot
            cold = np.float32(TISSUE_SUV["cortex"])
            bone = cold + self._marrow * (by_code[self._codes] - cold)
            suv = np.where(self._codes > 0, bone, np.float32(TISSUE_SUV["muscle"]))
            at_zero = Grid(fine.size, fine.spacing, (*fine.origin[:2], FINE_MM[2] / 2))
            summed = summed_activity(suv, condition.psf_mm)
            view = (low - base - condition.shift_mm, high - base)
            pet = scan(summed, at_zero, condition, view, float(rng.uniform()), rng)
            pet.SetOrigin((*pet.GetOrigin()[:2], pet.GetOrigin()[2] + base))
            on_pet = column_on_pet(pet, self._semantic, self._column)
            truth = tuple((b, a, z + condition.shift_mm) for b, a, z in self.truth)
            discs = self._discs if condition.with_discs else None
            yield Case(pet, self._semantic, self._column, on_pet, truth, levels, ct=ct, discs=discs)


def _image(anatomy: Anatomy, bodies: np.ndarray) -> sitk.Image:
    semantic = np.where(anatomy.sacrum, SACRUM.label, 0).astype(np.uint8)
    semantic[bodies] = VERTEBRAL_BODY.label
    image = sitk.GetImageFromArray(semantic)
    image.CopyInformation(anatomy.image)
    return image


def _fine(anatomy: Anatomy) -> tuple[Grid, np.ndarray]:
    """The labels on the fine grid around the bodies."""
    where = np.argwhere(anatomy.levels > 0)
    spacing, origin = np.array(anatomy.image.GetSpacing()), np.array(anatomy.image.GetOrigin())
    low = origin + where.min(axis=0)[::-1] * spacing - MARGIN_MM
    high = origin + where.max(axis=0)[::-1] * spacing + MARGIN_MM
    size = np.ceil((high - low) / FINE_MM).astype(int)
    size[:2] += -size[:2] % 4
    grid = Grid(tuple(int(n) for n in size), FINE_MM, tuple(float(v) for v in low))  # type: ignore[arg-type]
    source = sitk.GetImageFromArray(anatomy.levels.astype(np.uint8))
    source.CopyInformation(anatomy.image)
    moved = sitk.Resample(
        source, grid.image(np.zeros(grid.shape, np.uint8)), sitk.Transform(), sitk.sitkNearestNeighbor
    )
    return grid, sitk.GetArrayFromImage(moved)
