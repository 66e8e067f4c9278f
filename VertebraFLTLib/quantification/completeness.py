"""Says which bones the images show only in part, so that sums of parts are not read as sums of wholes."""

from __future__ import annotations

from collections.abc import Sequence

import SimpleITK as sitk

from VertebraFLTLib.quantification.coverage import LabelBoxes
from VertebraFLTLib.quantification.masks_on_pet import REGIONS, PetRegion

_WHOLE = {"vertebral_column": "vertebral column", "pelvis": "pelvis", "sternum": "sternum"}
_NEARLY_ALL = 0.98  # part of a bone on the PET below which it is worth a word


def completeness_warnings(regions: Sequence[PetRegion], semantic: sitk.Image) -> list[str]:
    """One line for each whole bone that is absent, outside the PET in part, or cut by the CT's border.

    regions: from :func:`~VertebraFLTLib.quantification.masks_on_pet.regions_on_pet`. semantic: uint8, CT grid.
    """
    measured = {region.roi: region for region in regions}
    found = LabelBoxes.of(semantic)
    warnings = []
    for roi, name in _WHOLE.items():
        labels = REGIONS[roi]
        boxes = [found.boxes[label] for label in labels if label in found.boxes]
        if not boxes:
            warnings.append(f"no {name} was found in the CT: it has no row in the SUV table")
            continue
        if roi not in measured:
            warnings.append(f"the {name} lies outside the PET: it has no row in the SUV table")
            continue
        part = measured[roi].bone_on_pet_ml / measured[roi].bone_ml
        if part < _NEARLY_ALL:
            warnings.append(
                f"{100 * (1 - part):.0f} % of the {name} lies outside the PET: its volume and SUV sum are of the rest"
            )
        cut = any(
            edge.start == 0 or edge.stop == n for box in boxes for edge, n in zip(box, found.array.shape, strict=True)
        )
        if cut:
            warnings.append(f"the {name} reaches the border of the CT: its volume and SUV sum may be of a part only")
    return warnings
