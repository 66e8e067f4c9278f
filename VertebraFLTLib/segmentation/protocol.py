"""What every segmenter is: CT in, semantic mask on the CT's grid out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

import SimpleITK as sitk

from VertebraFLTLib.progress import Progress


@dataclass(frozen=True)
class Segmentation:
    """mask: uint8 on the CT's grid, labels of ``anatomy.STRUCTURES``. details: what was used, for case.json.

    discs: probability of intervertebral disc, uint8 with 255 = 1, on any grid that lies straight in the patient; None
    where the segmenter knows no discs.
    """

    mask: sitk.Image
    details: dict[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    discs: sitk.Image | None = None


class Segmenter(Protocol):
    """Segments the marrow bones of a CT in HU, LPS order."""

    def segment(self, ct: sitk.Image, progress: Progress) -> Segmentation: ...
