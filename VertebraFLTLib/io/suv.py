"""PET values become SUVbw (g/ml) where header, file or user prove how, and are refused otherwise."""

from __future__ import annotations

import SimpleITK as sitk

from VertebraFLTLib.io.images import LoadedImage
from VertebraFLTLib.io.suv_record import SuvOverrides, SuvRecord, SuvRefused, SuvTerm

__all__ = ["SuvOverrides", "SuvRecord", "SuvRefused", "SuvTerm", "pet_to_suv"]


def pet_to_suv(
    pet: LoadedImage, units: str = "auto", overrides: SuvOverrides | None = None
) -> tuple[sitk.Image, SuvRecord]:
    """The PET in SUVbw (float32, its own grid) and the record of how it was derived.

    ``units``: "auto" goes by the header or the file's own notes; "suv" and "bqml" state what the values are.
    Raises SuvRefused, naming the tag, where a term is missing or contradicts itself.
    """
    if units == "suv":
        record = SuvRecord("SUV", 1.0, "the user states that the values are SUV", ())
        return sitk.Cast(pet.image, sitk.sitkFloat32), record
    raise SuvRefused("not built yet")  # provisional
