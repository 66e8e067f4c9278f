"""PET values become SUVbw (g/ml) where header, file or user prove how, and are refused otherwise."""

from __future__ import annotations

from dataclasses import replace

import SimpleITK as sitk

from VertebraFLTLib.io.images import LoadedImage
from VertebraFLTLib.io.suv_files import suv_from_file
from VertebraFLTLib.io.suv_header import suv_from_header
from VertebraFLTLib.io.suv_record import OPTIONS, SuvOverrides, SuvRecord, SuvRefused, SuvTerm, tag, unused_options
from VertebraFLTLib.io.tracer import tracer_from_header

__all__ = [
    "SuvOverrides",
    "SuvRecord",
    "SuvRefused",
    "SuvTerm",
    "pet_to_suv",
    "suv_from_file",
    "suv_from_header",
    "suv_record",
]

_IMPLAUSIBLE_MAXIMUM = 1000.0
_FAINT_MAXIMUM = 0.5


def pet_to_suv(
    pet: LoadedImage, units: str = "auto", overrides: SuvOverrides | None = None
) -> tuple[sitk.Image, SuvRecord]:
    """The PET in SUVbw (float32, its own grid) and the record of how it was derived.

    ``units``: "auto" goes by the header or the file's own notes; "suv" and "bqml" state what the values are.
    Raises SuvRefused, naming the tag, where a term is missing or contradicts itself.
    """
    record = suv_record(pet, units, overrides)
    image = sitk.Cast(pet.image, sitk.sitkFloat32)
    if record.factor != 1.0:
        image = image * record.factor
    statistics = sitk.MinimumMaximumImageFilter()
    statistics.Execute(image)
    highest = statistics.GetMaximum()
    if highest > _IMPLAUSIBLE_MAXIMUM:
        warning = f"SUV reaches {highest:.0f}, more than any tissue takes up: are the PET's units right?"
        record = replace(record, warnings=(*record.warnings, warning))
    elif highest < _FAINT_MAXIMUM:
        warning = f"SUV reaches only {highest:.2g}: are the PET's units, the dose and the weight right?"
        record = replace(record, warnings=(*record.warnings, warning))
    return image, record


def suv_record(pet: LoadedImage, units: str = "auto", overrides: SuvOverrides | None = None) -> SuvRecord:
    """How the PET becomes SUVbw, without converting it. See :func:`pet_to_suv`."""
    if units not in ("auto", "suv", "bqml"):
        raise SuvRefused(f"PET units {units!r} are not known; give {OPTIONS['units']}")
    source = pet.source
    if source.kind == "dicom" and source.modality != "PT":
        raise SuvRefused(f"{source.path} is {tag('Modality')} {source.modality}, not PT; give the PET")
    if units == "suv":
        tracer = tracer_from_header(source.header)
        stated = SuvTerm("units", "SUV", "", None, "option")
        method = "the user states that the values are SUVbw (g/ml)"
        return SuvRecord("SUV", 1.0, method, (stated,), tracer, unused_options(overrides or SuvOverrides()))
    if source.kind == "dicom":
        return suv_from_header(source.header, overrides, units)
    return suv_from_file(source.header, source.path, overrides, units)
