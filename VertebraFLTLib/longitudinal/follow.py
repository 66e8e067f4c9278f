"""A follow-up beside its reference: the day that lends its boundaries, and how they were laid upon the other day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import SimpleITK as sitk

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.io.images import LoadedImage
from VertebraFLTLib.longitudinal.carry import carry, doubts_of, in_words
from VertebraFLTLib.longitudinal.registration import Registration, Scan, register
from VertebraFLTLib.progress import Progress, silent
from VertebraFLTLib.spine.boundaries import BoundarySet
from VertebraFLTLib.spine.profile import Profile


@dataclass(frozen=True, eq=False)
class Reference:
    """The finished run whose boundaries are carried. ``identity``: what a record says of it, ready for JSON."""

    scan: Scan
    boundaries: BoundarySet
    identity: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Comparison:
    """Both days and the registration between them, for the figure that shows whether it can be trusted."""

    reference: Reference
    follow_up: Scan
    registration: Registration


class Carrier:
    """Places the reference's boundaries on one follow-up (a ``pipeline.Placement``) and keeps what it learned."""

    def __init__(self, reference: Reference, ct: sitk.Image, progress: Progress = silent) -> None:
        self._reference, self._ct, self._progress = reference, ct, progress
        self.comparison: Comparison | None = None
        self.warnings: list[str] = []

    def __call__(self, semantic: sitk.Image, column: np.ndarray, profile: Profile) -> BoundarySet:
        """Register, carry, and note the doubts. Raises InputError as :func:`register` and :func:`carry` do."""
        follow_up = Scan(self._ct, semantic, column)
        registration = register(self._reference.scan, follow_up, self._progress)
        boundaries = carry(self._reference.boundaries, registration, profile)
        self.comparison = Comparison(self._reference, follow_up, registration)
        self.warnings = doubts_of(self._reference.boundaries, boundaries, registration)
        return boundaries

    def record(self) -> dict[str, Any]:
        """What case.json says under ``carried``. Only after it was called."""
        assert self.comparison is not None
        return {**self._reference.identity, "registration": in_words(self.comparison.registration)}


def refuse_other_patient(reference: LoadedImage, *images: LoadedImage) -> None:
    """Raise InputError where DICOM says that an image is of another patient than the reference's CT.

    Image files do not name their patient; then only the registration can tell.
    """
    known = reference.source.header.get("PatientKey")
    for image in images:
        key = image.source.header.get("PatientKey")
        if known is not None and key is not None and key != known:
            raise InputError(
                f"{image.source.path} is of another patient than the reference ({reference.source.path}): Patient ID "
                "(0010,0020) differs; boundaries are carried within one patient only"
            )
