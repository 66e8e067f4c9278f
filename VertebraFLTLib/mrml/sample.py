"""A simulated patient as volumes of a scene: sample data without a download, and the module's self-test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import SimpleITK as sitk

from VertebraFLTLib.mrml import units
from VertebraFLTLib.mrml.logic import CaseRun, run_case
from VertebraFLTLib.mrml.volumes import add_volume
from VertebraFLTLib.phantom import PhantomCase, make_phantom
from VertebraFLTLib.progress import Progress, silent
from VertebraFLTLib.segmentation.protocol import Segmentation


@dataclass(frozen=True)
class TrueMask:
    """A segmenter that answers with a mask known beforehand: needs neither weights nor PyTorch."""

    mask: sitk.Image

    def segment(self, ct: sitk.Image, progress: Progress) -> Segmentation:
        """The mask, which has to lie on the CT's grid."""
        return Segmentation(self.mask, {"segmenter": "truth"})


@dataclass(frozen=True)
class Sample:
    """The two volume nodes, and the true mask of what is in them."""

    ct: Any
    pet: Any
    truth: TrueMask


def add_sample(scene: Any, size: str = "demo", seed: int = 0, progress: Progress = silent) -> Sample:
    """Simulate a patient on day 28 and add its CT and PET (in SUV, tracer FLT) to the scene."""
    return add_phantom(scene, make_phantom(seed=seed, size=size, progress=progress))


def add_phantom(scene: Any, phantom: PhantomCase) -> Sample:
    """Add a simulated patient's CT and PET to the scene."""
    ct = add_volume(scene, phantom.ct, "Simulated CT")
    units.mark_as_ct(ct)
    units.show_as_ct(ct)
    pet = add_volume(scene, phantom.pet_suv, "Simulated FLT-PET")
    units.mark_as_suv(pet, "FLT")
    units.show_as_pet(pet)
    return Sample(ct, pet, TrueMask(phantom.semantic))


def run_sample(scene: Any, size: str = "small") -> CaseRun:
    """Add a sample and run it with its true mask."""
    sample = add_sample(scene, size)
    return run_case(scene, sample.ct, sample.pet, segmenter=sample.truth)
