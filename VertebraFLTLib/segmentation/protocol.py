"""What every segmenter is: CT in, semantic mask on the CT's grid out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

import SimpleITK as sitk

from VertebraFLTLib.progress import Progress


@dataclass(frozen=True)
class Segmentation:
    """mask: uint8 on the CT's grid, labels of ``anatomy.STRUCTURES``. details: what was used, for case.json."""

    mask: sitk.Image
    details: dict[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


class Segmenter(Protocol):
    """Segments the marrow bones of a CT in HU, LPS order."""

    def segment(self, ct: sitk.Image, progress: Progress) -> Segmentation: ...
