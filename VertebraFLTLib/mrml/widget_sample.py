"""The simulated patient in Slicer's module Sample Data: made on this machine, nothing is downloaded."""

from __future__ import annotations

from typing import Any

import slicer

from VertebraFLTLib.resources import resource_path


def offer_sample() -> None:
    """Register the sample; called when Slicer has started."""
    import SampleData

    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category="VertebraFLT",
        sampleName="Simulated FLT-PET/CT",
        thumbnailFileName=str(resource_path("Icons", "VertebraFLT.png")),
        uris=[],
        fileNames=[],
        nodeNames=[],
        customDownloader=_add,
    )


def _add(source: Any = None) -> list[Any]:
    from VertebraFLTLib.mrml.sample import add_sample

    made = add_sample(slicer.mrmlScene)
    return [made.ct, made.pet]
