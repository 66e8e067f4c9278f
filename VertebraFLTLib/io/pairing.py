"""Whether a CT and a PET belong together: one patient, one examination, one frame of reference, overlapping."""

from __future__ import annotations

from VertebraFLTLib.io.geometry import check_overlap
from VertebraFLTLib.io.images import LoadedImage

_MEANINGS = (
    ("PatientKey", "CT and PET are of different patients (Patient ID (0010,0020) differs)"),
    ("StudyInstanceUID", "CT and PET are of different studies (Study Instance UID (0020,000D) differs)"),
    (
        "FrameOfReferenceUID",
        "CT and PET do not share a frame of reference (0020,0052): check in the figures that they are aligned",
    ),
)


def check_pair(ct: LoadedImage, pet: LoadedImage) -> list[str]:
    """Warnings about a pair of images. Raises InputError where they do not overlap at all."""
    warnings = check_overlap(ct.image, pet.image)
    for key, meaning in _MEANINGS:
        of_ct, of_pet = ct.source.header.get(key), pet.source.header.get(key)
        if of_ct is not None and of_pet is not None and of_ct != of_pet:
            warnings.append(meaning)
    return warnings
