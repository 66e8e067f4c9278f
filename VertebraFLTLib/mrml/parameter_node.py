"""What the module remembers, typed and kept in the scene: inputs, choices, and the nodes of the last run."""

# No "from __future__ import annotations": the wrapper reads the annotations as types.
import pathlib
from typing import Annotated

from slicer import vtkMRMLPlotChartNode, vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode, vtkMRMLTableNode
from slicer.parameterNodeWrapper import Choice, parameterNodeWrapper

from VertebraFLTLib.anatomy import LEVELS
from VertebraFLTLib.result import DETECTORS, DEVICES, PET_UNITS, Options

BY_SACRUM = "automatic"
LOWEST_LEVELS = [BY_SACRUM, *(level.name for level in reversed(LEVELS))]


@parameterNodeWrapper
class VertebraFLTParameterNode:
    """Field names are the ``SlicerParameterName`` properties of the widgets in VertebraFLT.ui."""

    ct: vtkMRMLScalarVolumeNode
    pet: vtkMRMLScalarVolumeNode
    petUnits: Annotated[str, Choice(list(PET_UNITS))] = PET_UNITS[0]
    lowestLevel: Annotated[str, Choice(LOWEST_LEVELS)] = BY_SACRUM
    detector: Annotated[str, Choice(list(DETECTORS))] = DETECTORS[0]
    device: Annotated[str, Choice(list(DEVICES))] = DEVICES[0]
    exportFolder: pathlib.Path
    segmentation: vtkMRMLSegmentationNode
    suvTable: vtkMRMLTableNode
    profileTable: vtkMRMLTableNode
    boundaryTable: vtkMRMLTableNode
    profileChart: vtkMRMLPlotChartNode


def options_of(parameters: VertebraFLTParameterNode) -> Options:
    """The options of a run that the parameters state."""
    lowest = None if parameters.lowestLevel == BY_SACRUM else parameters.lowestLevel
    return Options(device=parameters.device, pet_units=parameters.petUnits, detector=parameters.detector, lowest=lowest)
