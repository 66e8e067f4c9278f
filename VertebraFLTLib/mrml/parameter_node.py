"""What the module remembers, typed and kept in the scene: inputs, choices, and the case that is being reviewed."""

# No "from __future__ import annotations": the wrapper reads the annotations as types.
import pathlib
from typing import Annotated

from slicer import vtkMRMLScalarVolumeNode, vtkMRMLTextNode
from slicer.parameterNodeWrapper import Choice, WithinRange, parameterNodeWrapper

from VertebraFLTLib.anatomy import LEVELS
from VertebraFLTLib.io.suv_record import SuvOverrides
from VertebraFLTLib.result import DETECTORS, DEVICES, PET_UNITS, SEGMENTERS, Options

BY_SACRUM = "automatic"
FROM_HEADER = "header"
DECAY_CORRECTIONS = [FROM_HEADER, "START", "ADMIN"]
LOWEST_LEVELS = [BY_SACRUM, *(level.name for level in reversed(LEVELS))]


@parameterNodeWrapper
class VertebraFLTParameterNode:
    """Field names are the ``SlicerParameterName`` properties of the widgets in VertebraFLT.ui.

    Weight (kg), dose (MBq) and half-life (s) of 0, and empty times, are not given: the header has them.
    """

    ct: vtkMRMLScalarVolumeNode
    pet: vtkMRMLScalarVolumeNode
    petUnits: Annotated[str, Choice(list(PET_UNITS))] = PET_UNITS[0]
    weightKg: Annotated[float, WithinRange(0, 500)] = 0.0
    doseMBq: Annotated[float, WithinRange(0, 5000)] = 0.0
    injectionTime: str = ""
    scanTime: str = ""
    decayCorrection: Annotated[str, Choice(DECAY_CORRECTIONS)] = FROM_HEADER
    halfLifeS: Annotated[float, WithinRange(0, 100_000)] = 0.0
    lowestLevel: Annotated[str, Choice(LOWEST_LEVELS)] = BY_SACRUM
    detector: Annotated[str, Choice(list(DETECTORS))] = DETECTORS[0]
    segmenter: Annotated[str, Choice(list(SEGMENTERS))] = "volume"  # the product's default
    modelFolder: pathlib.Path
    device: Annotated[str, Choice(list(DEVICES))] = DEVICES[0]
    exportFolder: pathlib.Path
    caseNode: vtkMRMLTextNode


def options_of(parameters: VertebraFLTParameterNode) -> Options:
    """The options of a run that the parameters state."""
    return Options(
        device=parameters.device,
        pet_units=parameters.petUnits,
        segmenter=parameters.segmenter,
        model_folder=_given(parameters.modelFolder),
        detector=parameters.detector,
        lowest=None if parameters.lowestLevel == BY_SACRUM else parameters.lowestLevel,
    )


def overrides_of(parameters: VertebraFLTParameterNode) -> SuvOverrides:
    """What the user stated of the PET where its header lacks it."""
    return SuvOverrides(
        weight_kg=parameters.weightKg or None,
        dose_bq=1e6 * parameters.doseMBq or None,
        injection_time=parameters.injectionTime.strip() or None,
        scan_time=parameters.scanTime.strip() or None,
        half_life_s=parameters.halfLifeS or None,
        decay_correction=None if parameters.decayCorrection == FROM_HEADER else parameters.decayCorrection,
    )


def _given(path: pathlib.Path) -> str | None:
    return None if str(path) in ("", ".") else str(path)
