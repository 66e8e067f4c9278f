"""SUV statistics per region of marrow, on the PET's own voxels: the rows of ``suv.csv``."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, fields

import numpy as np
import SimpleITK as sitk

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.quantification.coverage import Box, Grid
from VertebraFLTLib.quantification.masks_on_pet import PetRegion, bones_on_pet, hull, inside, regions_on_pet
from VertebraFLTLib.quantification.suv_peak import sphere_means
from VertebraFLTLib.quantification.vertebra_slices import vertebrae_on_pet
from VertebraFLTLib.spine.boundaries import BoundarySet


@dataclass(frozen=True)
class RegionSuv:
    """One region's uptake.

    ``roi`` is a level name (``"L5"``) or one of ``vertebral_column``, ``pelvis``, ``hips``, ``sacrum``, ``sternum``.
    ``label`` is what the region is in the mask files: the VerSe number in ``vertebrae.nii.gz`` for a level, the value
    or values in ``semantic.nii.gz`` for the others (``"2+4"`` for the pelvis).
    """

    roi: str
    label: str
    voxels: int  # all that count, if only in part; ``volume_ml`` and the statistics weigh them
    volume_ml: float
    suv_sum: float  # the thesis's figure; depends on the PET's voxel size
    suv_mean: float
    suv_sd: float  # of the population of the region's voxels (divided by n)
    suv_min: float
    suv_median: float
    suv_p85: float
    suv_p98: float
    suv_max: float
    suv_peak: float  # highest mean within a sphere of 1 ml centred on a voxel of the region

    @property
    def suv_total_ml(self) -> float:
        """SUV x ml summed over the region: the total that does not depend on the voxel size."""
        return self.suv_mean * self.volume_ml


COLUMNS: tuple[str, ...] = tuple(f.name for f in fields(RegionSuv))


def measure(
    pet_suv: sitk.Image, semantic: sitk.Image, vertebrae: sitk.Image, boundaries: BoundarySet | None = None
) -> list[RegionSuv]:
    """Statistics of every region the masks hold and the PET sees, in the order of ``suv.csv``.

    Vertebrae come from the lowest up, then column, pelvis, hips, sacrum, sternum; a region that is absent or lies
    outside the PET has no row. The PET is not resampled: see :mod:`VertebraFLTLib.quantification.masks_on_pet`.

    With ``boundaries`` each vertebra is cut on the PET's own voxels (see ``vertebra_slices``), and ``vertebrae`` is not
    needed; without, its mask is brought to the PET.

    pet_suv: float image in SUV. semantic, vertebrae: uint8 images on any grid in the same patient coordinates.
    """
    if boundaries is None:
        return measure_regions(pet_suv, regions_on_pet(pet_suv, semantic, vertebrae))
    cut = vertebrae_on_pet(pet_suv, semantic, boundaries)
    return measure_regions(pet_suv, [*cut, *bones_on_pet(pet_suv, semantic)])


def measure_regions(pet_suv: sitk.Image, regions: list[PetRegion]) -> list[RegionSuv]:
    """The same for regions already on the PET grid."""
    if not regions:
        return []
    uptake = Uptake.of(pet_suv, hull([region.box for region in regions]))
    return [uptake.row(region) for region in regions]


@dataclass(frozen=True, eq=False)
class Uptake:
    """The PET with the sphere means around each voxel of a box: what rows are measured from."""

    array: np.ndarray  # kji SUV, the whole PET
    around: Box
    spheres: np.ndarray  # kji, of ``around``
    voxel_ml: float

    @classmethod
    def of(cls, pet_suv: sitk.Image, around: Box) -> Uptake:
        """Ready to measure regions that lie in the box ``around``."""
        array = sitk.GetArrayFromImage(pet_suv)
        return cls(array, around, sphere_means(pet_suv, around), Grid.of(pet_suv).voxel_ml)

    def row(self, region: PetRegion) -> RegionSuv:
        """The statistics of one region."""
        spheres = self.spheres[inside(region.box, self.around)][region.mask]
        return _row(region, self.array[region.box][region.mask], spheres, self.voxel_ml)


def _row(region: PetRegion, suv: np.ndarray, spheres: np.ndarray, voxel_ml: float) -> RegionSuv:
    values = suv.astype(np.float64)
    weights = np.ones_like(values) if region.weight is None else region.weight[region.mask].astype(np.float64)
    mean = float(np.average(values, weights=weights))
    median, p85, p98 = weighted_percentiles(values, weights, (50, 85, 98))
    return RegionSuv(
        roi=region.roi,
        label=region.label,
        voxels=int(values.size),
        volume_ml=float(weights.sum()) * voxel_ml,
        suv_sum=float((values * weights).sum()),
        suv_mean=mean,
        suv_sd=float(np.sqrt(np.average((values - mean) ** 2, weights=weights))),
        suv_min=float(values.min()),
        suv_median=float(median),
        suv_p85=float(p85),
        suv_p98=float(p98),
        suv_max=float(values.max()),
        suv_peak=float(spheres.max()),
    )


def weighted_percentiles(values: np.ndarray, weights: np.ndarray, percentiles: tuple[float, ...]) -> np.ndarray:
    """Percentiles of values that count with weights above 0; for equal weights those of ``numpy.percentile``."""
    order = np.argsort(values)
    values, weights = values[order], weights[order]
    before = np.cumsum(weights) - weights
    if before[-1] == 0:
        return np.full(len(percentiles), values[-1])
    return np.interp(np.asarray(percentiles) / 100.0, before / before[-1], values)


def _number(value: float) -> str:
    """Seven significant digits, never an exponent, no trailing zeros."""
    return np.format_float_positional(value, precision=7, unique=False, fractional=False, trim="-")


def table_to_csv(rows: Iterable[RegionSuv]) -> str:
    """The text of ``suv.csv``, header first."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([row.roi, row.label, row.voxels, *(_number(getattr(row, name)) for name in COLUMNS[3:])])
    return out.getvalue()


def table_from_csv(text: str, name: str = "suv.csv") -> list[RegionSuv]:
    """Read what :func:`table_to_csv` wrote. Raises InputError that names the line at fault."""
    reader = csv.reader(io.StringIO(text))
    if tuple(next(reader, ())) != COLUMNS:
        raise InputError(f"{name}: the header must be {','.join(COLUMNS)}")
    rows = []
    for cells in reader:
        try:
            roi, label, voxels, *numbers = cells
            values = dict(zip(COLUMNS[3:], map(float, numbers), strict=True))
            rows.append(RegionSuv(roi=roi, label=label, voxels=int(voxels), **values))
        except ValueError:
            raise InputError(f"{name}: line {reader.line_num} is not a row of {len(COLUMNS)} values") from None
    return rows
