"""The boundary detectors by name; each turns an uptake profile into a boundary set."""

from __future__ import annotations

from collections.abc import Callable

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.spine.detectors.kalman import KalmanDetector
from VertebraFLTLib.spine.detectors.protocol import Detector
from VertebraFLTLib.spine.detectors.span_prior import SpanPriorDetector
from VertebraFLTLib.spine.detectors.thesis import ThesisDetector

DETECTORS: dict[str, Callable[[], Detector]] = {
    "span-prior": SpanPriorDetector,
    "thesis": ThesisDetector,
    "kalman": KalmanDetector,
}
"""The first one is the product's default."""


def get_detector(name: str) -> Detector:
    """The detector of that name. Raises InputError listing the valid ones."""
    try:
        return DETECTORS[name]()
    except KeyError:
        raise InputError(f"--detector {name}: no such detector; valid are {', '.join(DETECTORS)}") from None


__all__ = ["DETECTORS", "Detector", "get_detector"]
