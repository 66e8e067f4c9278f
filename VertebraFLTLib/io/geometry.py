"""Where voxels lie in the patient: LPS order and back, superior coordinates, resampling by physical position.

All coordinates are LPS millimetres (x to the patient's left, y to the back, z to the head), as in DICOM and ITK.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

import numpy as np
import SimpleITK as sitk

from VertebraFLTLib.errors import InputError

# A grid counts as axis-aligned when z changes within a slice by no more than this part of the slice spacing:
# file formats round direction cosines, and such rounding must not make every voxel a slice of its own.
_ALIGNED_FRACTION = 0.05
_SAMPLES_PER_AXIS = 24
_FEWEST_VOXELS = 3
_WIDEST_SPACING_MM = 50.0
_SHORTEST_MM = 2.0


@dataclass(frozen=True)
class OriginalGeometry:
    """The grid of an image as it came from disk: voxels (i, j, k), mm, LPS mm, 9 direction cosines row by row."""

    size: tuple[int, int, int]
    spacing: tuple[float, float, float]
    origin: tuple[float, float, float]
    direction: tuple[float, ...]

    @classmethod
    def of(cls, image: sitk.Image) -> OriginalGeometry:
        """The geometry of a 3-D image."""
        return cls(image.GetSize(), image.GetSpacing(), image.GetOrigin(), image.GetDirection())


def _axes_to(source: np.ndarray, target: np.ndarray) -> tuple[list[int], list[bool]]:
    """Which source axis serves each target axis, and whether it runs the other way (3x3 direction matrices)."""
    cosines = target.T @ source  # [target axis, source axis]
    order = max(permutations(range(3)), key=lambda p: sum(abs(cosines[t, p[t]]) for t in range(3)))
    return list(order), [bool(cosines[t, order[t]] < 0) for t in range(3)]


def _reorder(image: sitk.Image, target: np.ndarray) -> sitk.Image:
    order, flips = _axes_to(np.array(image.GetDirection()).reshape(3, 3), target)
    if order != [0, 1, 2]:
        image = sitk.PermuteAxes(image, order)
    return sitk.Flip(image, flips, False) if any(flips) else image


def to_lps(image: sitk.Image) -> sitk.Image:
    """The same voxels with axes permuted and flipped so that i, j, k run nearest to left, posterior, superior.

    No interpolation: an oblique image stays oblique. Metadata of the image are kept.
    """
    reordered = _reorder(image, np.eye(3))
    if reordered is not image:
        for key in image.GetMetaDataKeys():
            reordered.SetMetaData(key, image.GetMetaData(key))
    return reordered


def reordered_like(image: sitk.Image, other: sitk.Image) -> sitk.Image:
    """The same voxels with axes permuted and flipped so that they run as those of ``other``."""
    return _reorder(image, np.array(other.GetDirection()).reshape(3, 3))


def back_to_original(image: sitk.Image, original: OriginalGeometry) -> sitk.Image:
    """An image on the LPS-ordered grid of ``original`` brought back to the axis order and flips of ``original``.

    The geometry of the result equals ``original`` exactly. Raises ValueError if the image is on another grid.
    """
    result = _reorder(image, np.array(original.direction).reshape(3, 3))
    tolerance = 1e-3 * min(original.spacing)
    same = (
        result.GetSize() == original.size
        and np.allclose(result.GetSpacing(), original.spacing, atol=1e-6)
        and np.allclose(result.GetDirection(), original.direction, atol=1e-5)
        and np.allclose(result.GetOrigin(), original.origin, atol=tolerance)
    )
    if not same:
        raise ValueError("the image does not lie on the grid of the original geometry")
    if result is image:
        result = sitk.Image(image)
    result.SetOrigin(original.origin)
    result.SetSpacing(original.spacing)
    result.SetDirection(original.direction)
    return result


def z_map(image: sitk.Image) -> np.ndarray:
    """Superior coordinate (LPS z, mm) of every voxel, float32, broadcastable to the array's kji shape.

    Shape (nk, 1, 1) for an axis-aligned image, (nk, nj, ni) for an oblique one.
    """
    size = image.GetSize()
    steps = np.array(image.GetDirection()).reshape(3, 3)[2] * np.array(image.GetSpacing())
    i, j, k = (np.arange(n) * step for n, step in zip(size, steps, strict=True))
    z_0 = image.GetOrigin()[2]
    within_slice = abs(steps[0]) * (size[0] - 1) + abs(steps[1]) * (size[1] - 1)
    if within_slice <= _ALIGNED_FRACTION * abs(steps[2]):
        centre = (steps[0] * (size[0] - 1) + steps[1] * (size[1] - 1)) / 2
        return (z_0 + centre + k).astype(np.float32)[:, None, None]
    k32, j32, i32 = (z_0 + k).astype(np.float32), j.astype(np.float32), i.astype(np.float32)
    return k32[:, None, None] + (j32[:, None] + i32)[None]


def z_range(image: sitk.Image) -> tuple[float, float]:
    """Lowest and highest superior coordinate (mm) that the image's voxels reach, voxel edges included."""
    corners = np.array(np.meshgrid(*[(-0.5, n - 0.5) for n in image.GetSize()])).reshape(3, -1).T
    z = [image.TransformContinuousIndexToPhysicalPoint(corner.tolist())[2] for corner in corners]
    return min(z), max(z)


def _part_inside(image: sitk.Image, other: sitk.Image) -> float:
    """Fraction of the volume of ``image`` that lies inside ``other``, from a regular grid of sample points."""
    index = [(np.arange(_SAMPLES_PER_AXIS) + 0.5) / _SAMPLES_PER_AXIS * n - 0.5 for n in image.GetSize()]
    points = np.stack(np.meshgrid(*index, indexing="ij"), axis=-1).reshape(-1, 3)
    to_mm = np.array(image.GetDirection()).reshape(3, 3) * np.array(image.GetSpacing())
    mm_to_other = np.linalg.inv(np.array(other.GetDirection()).reshape(3, 3) * np.array(other.GetSpacing()))
    position = points @ to_mm.T + np.array(image.GetOrigin())
    ijk = (position - np.array(other.GetOrigin())) @ mm_to_other.T
    return float(np.all((ijk >= -0.5) & (ijk <= np.array(other.GetSize()) - 0.5), axis=1).mean())


def check_overlap(ct: sitk.Image, pet: sitk.Image) -> list[str]:
    """Warnings about how far CT and PET cover the same part of the patient.

    Raises InputError if they share no volume, so that no mask could ever meet the uptake.
    """
    (ct_low, ct_high), (pet_low, pet_high) = z_range(ct), z_range(pet)
    extents = f"CT spans z = {ct_low:.0f} to {ct_high:.0f} mm, PET {pet_low:.0f} to {pet_high:.0f} mm"
    if _part_inside(ct, pet) == 0 and _part_inside(pet, ct) == 0:
        raise InputError(f"CT and PET do not overlap ({extents}); give images of one examination")
    shared = min(ct_high, pet_high) - max(ct_low, pet_low)
    warnings = []
    if shared < 0.95 * (ct_high - ct_low):
        warnings.append(f"PET covers only {100 * shared / (ct_high - ct_low):.0f} % of the CT's length ({extents})")
    if shared < 0.5 * (pet_high - pet_low):
        warnings.append(f"CT covers only {100 * shared / (pet_high - pet_low):.0f} % of the PET's length ({extents})")
    in_plane_centre = [
        np.array(image.TransformContinuousIndexToPhysicalPoint([(n - 1) / 2 for n in image.GetSize()]))[:2]
        for image in (ct, pet)
    ]
    apart = float(np.linalg.norm(in_plane_centre[0] - in_plane_centre[1]))
    if apart > 100:
        warnings.append(f"the centres of CT and PET lie {apart:.0f} mm apart in the axial plane: are they registered?")
    return warnings


def check_geometry(image: sitk.Image, name: str) -> None:
    """Raise InputError unless the image is a 3-D grey image of several slices with a sound grid."""
    size = image.GetSize()
    if image.GetDimension() != 3:
        raise InputError(f"{name} is a {image.GetDimension()}-D image; a 3-D image is needed")
    if image.GetNumberOfComponentsPerPixel() != 1:
        raise InputError(
            f"{name} has {image.GetNumberOfComponentsPerPixel()} values per voxel (colour?); one is needed"
        )
    if min(size) < _FEWEST_VOXELS:
        shape = " x ".join(map(str, size))
        raise InputError(f"{name} is {shape} voxels: a single slice or nearly so; give the whole 3-D image")
    spacing = image.GetSpacing()
    if not all(np.isfinite(step) and step > 0 for step in spacing) or not np.all(np.isfinite(image.GetOrigin())):
        raise InputError(f"{name} has no valid voxel spacing or origin ({spacing}); write the file anew")
    if max(spacing) > _WIDEST_SPACING_MM or max(n * s for n, s in zip(size, spacing, strict=True)) < _SHORTEST_MM:
        steps = " x ".join(f"{step:g}" for step in spacing)
        raise InputError(f"{name} has voxels of {steps} mm, no patient's size: is its spacing given in millimetres?")


def check_volume(image: sitk.Image, name: str, modality: str | None = None) -> list[str]:
    """Warnings about an image's grid and values; InputError where no result could come of it.

    ``name`` is how messages call the image. ``modality`` "CT" or "PT" adds what must hold for HU or for uptake.
    """
    check_geometry(image, name)
    values = sitk.GetArrayViewFromImage(image)
    warnings = []
    if np.issubdtype(values.dtype, np.floating):
        bad = values.size - int(np.count_nonzero(np.isfinite(values)))
        if bad == values.size:
            raise InputError(f"{name} holds no numbers (all voxels NaN or infinite); export it again")
        if bad:
            raise InputError(
                f"{name} has {bad} voxels that are NaN or infinite; export it again or set them to a value"
            )
    low, high = float(values.min()), float(values.max())
    if modality == "CT":
        if low >= 0:
            raise InputError(
                f"{name} is not in Hounsfield units: its lowest value is {low:g}, yet fat and air lie below 0; "
                "apply the rescale slope and intercept"
            )
        if low > -500:
            warnings.append(f"{name} has no air (lowest value {low:g} HU): cropped, or not in Hounsfield units?")
        if high < 200:
            warnings.append(f"{name} has no bone (highest value {high:g} HU): not in Hounsfield units?")
    elif modality == "PT":
        if low == 0 == high:
            raise InputError(f"{name} is zero everywhere: there is no uptake to measure")
        if high <= 0:
            raise InputError(f"{name} has no positive value (highest {high:g}): there is no uptake to measure")
        if low == high:
            raise InputError(f"{name} has the same value {low:g} everywhere: there is no uptake to measure")
        if low < -0.05 * high:
            warnings.append(f"{name} has strongly negative values (down to {low:g}, highest {high:g})")
    return warnings
