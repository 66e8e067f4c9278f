"""What a segmenter sees of the discs goes into the boundaries: on a PET without contrast it places them all."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from VertebraFLTLib.io.images import read_image
from VertebraFLTLib.pipeline import run
from VertebraFLTLib.result import Options, Result
from VertebraFLTLib.segmentation.protocol import Segmentation


class Knows:
    """A segmenter that answers with the truth; the discs on a grid of its own."""

    def __init__(self, mask: sitk.Image, discs: sitk.Image | None) -> None:
        self.answer = Segmentation(mask, {"segmenter": "truth"}, discs=discs)

    def segment(self, ct, progress) -> Segmentation:
        return self.answer


def drawn(patient, thickness_mm: float = 6.0) -> sitk.Image:
    """The true discs, as a network's probability on another grid than the CT's, around the spine only."""
    centres = np.array([b.centre for b in patient.boundaries])
    spacing, origin = np.array([4.0, 4.0, 2.0]), centres.min(axis=0) - 30.0
    size = np.ceil((centres.max(axis=0) + 30.0 - origin) / spacing).astype(int)
    k, j, i = np.mgrid[tuple(slice(n) for n in size[::-1])]
    points = np.stack([i, j, k], axis=-1) * spacing + origin
    found = np.zeros(points.shape[:3], np.uint8)
    for disc in patient.boundaries:
        if disc.above != "C1":
            near = slice(*(int((disc.z_mm + mm - origin[2]) / spacing[2]) for mm in (-25.0, 25.0)))
            away = points[near] - np.array(disc.centre)
            height = away @ np.array(disc.normal)
            across = np.linalg.norm(away - height[..., None] * np.array(disc.normal), axis=-1)
            found[near][(np.abs(height) <= thickness_mm / 2) & (across <= 18.0)] = 230
    image = sitk.GetImageFromArray(found)
    image.SetSpacing(spacing.tolist())
    image.SetOrigin(origin.tolist())
    return image


@pytest.fixture(scope="module")
def flat(patient, tmp_path_factory):
    """CT and PET of the patient; the PET is noise around one uptake."""
    folder = tmp_path_factory.mktemp("flat")
    rng = np.random.default_rng(5)
    suv = sitk.GetImageFromArray((0.6 + 0.05 * rng.standard_normal(patient.pet_suv.GetSize()[::-1])).astype(np.float32))
    suv.CopyInformation(patient.pet_suv)
    suv.SetMetaData("ITK_FileNotes", "SUVbw g/ml")
    sitk.WriteImage(patient.ct, str(folder / "ct.nii"))
    sitk.WriteImage(suv, str(folder / "pet.nii"))
    return read_image(folder / "ct.nii", modality="CT"), read_image(folder / "pet.nii", modality="PT")


def result_of(images, patient, discs: sitk.Image | None) -> Result:
    return run(*images, Knows(patient.semantic, discs), Options(percentiles=(85.0,)))


def test_on_a_flat_pet_the_discs_place_every_boundary(flat, patient):
    truth = {(b.below, b.above): b.z_mm for b in patient.boundaries if b.below != "S1" and b.above != "C1"}
    found = result_of(flat, patient, drawn(patient)).boundaries
    at = {(b.below, b.above): b for b in found.boundaries}
    assert set(truth) <= set(at)
    assert max(abs(at[pair].z_mm - z) for pair, z in truth.items()) <= 3.0
    assert {at[pair].source for pair in truth} == {"ct"} and min(at[pair].confidence for pair in truth) >= 0.9
    assert all("the PET is flat: placed by the CT" in at[pair].reasons for pair in truth)


def test_discs_that_are_not_there_are_believed_too_and_none_leaves_the_ct_to_speak(flat, patient):
    """The vote is the discs' where a segmenter knows them, else that of density and mask."""
    moved = drawn(patient)
    moved.SetOrigin((moved.GetOrigin()[0], moved.GetOrigin()[1], moved.GetOrigin()[2] + 8.0))
    truth = np.array([b.z_mm for b in patient.boundaries[1:-1]])
    off = [
        np.median([np.abs(truth - b.z_mm).min() for b in result_of(flat, patient, discs).boundaries.boundaries])
        for discs in (moved, None)
    ]
    assert off[0] > 5.0 and off[1] < 4.0
