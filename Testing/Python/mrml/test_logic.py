"""A case run on volumes of a scene: what a user's Apply does, without the widget."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.dataset import FileDataset, FileMetaDataset

slicer = pytest.importorskip("slicer")

from VertebraFLTLib import pipeline  # noqa: E402
from VertebraFLTLib.errors import Cancelled, InputError  # noqa: E402
from VertebraFLTLib.io.suv import suv_record  # noqa: E402
from VertebraFLTLib.mrml import units  # noqa: E402
from VertebraFLTLib.mrml.inputs import load_from_node  # noqa: E402
from VertebraFLTLib.mrml.logic import run_case  # noqa: E402
from VertebraFLTLib.mrml.sample import add_phantom  # noqa: E402
from VertebraFLTLib.mrml.scene import private_scene  # noqa: E402
from VertebraFLTLib.mrml.tables import heights_in_table  # noqa: E402
from VertebraFLTLib.mrml.volumes import add_volume  # noqa: E402
from VertebraFLTLib.result import Options  # noqa: E402


@pytest.fixture
def sample(phantom):
    scene = private_scene()
    return scene, add_phantom(scene, phantom)


def _content(scene):
    return sorted(scene.GetNthNode(i).GetID() for i in range(scene.GetNumberOfNodes()))


def test_an_error_or_a_cancel_at_any_stage_leaves_the_scene_as_it_was(sample):
    scene, volumes = sample
    before = _content(scene)
    stages: list[str] = []

    def stop_at(wanted):
        def progress(stage, fraction):
            if stage not in stages:
                stages.append(stage)
            if stage == wanted:
                raise Cancelled("enough")

        return progress

    for wanted in ("reading", "suv", "segmentation", "boundaries", "instances", "quantification", "surfaces"):
        with pytest.raises(Cancelled):
            run_case(scene, volumes.ct, volumes.pet, segmenter=volumes.truth, progress=stop_at(wanted))
        assert _content(scene) == before, wanted
    with pytest.raises(InputError):
        run_case(scene, volumes.ct, volumes.pet, Options(lowest="X9"), segmenter=volumes.truth)
    assert _content(scene) == before


def test_the_sample_becomes_tables_segments_plot_and_surfaces(sample, phantom_result, monkeypatch):
    scene, volumes = sample
    monkeypatch.setattr(pipeline, "run", lambda *_, **__: phantom_result)
    case = run_case(scene, volumes.ct, volumes.pet, Options(lowest="L5"), segmenter=volumes.truth)
    assert case.nodes.ct is volumes.ct and case.nodes.pet is volumes.pet
    assert scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 2
    assert case.result.suv.factor == 1.0 and case.result.suv.tracer == "FLT"
    segmentation = case.nodes.segmentation.GetSegmentation()
    levels = {b.below for b in case.result.boundaries.boundaries}
    assert {"L5", "L1", "T12"} <= levels
    for level in ("L5", "L1", "T12"):
        assert segmentation.GetSegment(f"vertebra_{level}").GetName() == level
    assert heights_in_table(case.nodes.boundary_table) == [b.z_mm for b in case.result.boundaries.boundaries]
    assert case.nodes.surfaces
    tree = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    assert tree.GetItemParent(tree.GetItemByDataNode(case.nodes.segmentation)) == case.nodes.folder


def test_no_volume_is_told_in_words():
    with pytest.raises(InputError, match="no PET is chosen"):
        load_from_node(None, "PT")


def _pet(scene, values=None):
    array = np.random.default_rng(0).random((8, 9, 10)).astype(np.float32) * 5 if values is None else values
    image = sitk.GetImageFromArray(array)
    image.SetSpacing((4.0, 4.0, 4.0))
    return add_volume(scene, image, "my PET")


def test_a_volume_that_states_suv_is_believed():
    node = _pet(slicer.vtkMRMLScene())
    units.mark_as_suv(node, "FLT")
    record = suv_record(load_from_node(node, "PT"))
    assert (record.factor, record.tracer) == (1.0, "FLT")


def test_a_volume_that_states_nothing_is_refused_by_name():
    with pytest.raises(InputError, match="my PET"):
        suv_record(load_from_node(_pet(slicer.vtkMRMLScene()), "PT"))


def test_the_header_of_a_dicom_volume_gives_suv(tmp_path, monkeypatch):
    node = _pet(slicer.vtkMRMLScene())
    paths = {}
    for index in range(3):
        meta = FileMetaDataset()
        meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
        meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.128"
        meta.MediaStorageSOPInstanceUID = f"1.2.3.{index}"
        one = FileDataset(str(tmp_path / str(index)), {}, file_meta=meta, preamble=b"\0" * 128)
        one.SOPClassUID, one.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
        one.Modality, one.Units, one.DecayCorrection = "PT", "BQML", "START"
        one.CorrectedImage = ["ATTN", "DECY"]
        one.SeriesDate, one.SeriesTime = "20200101", "120000"
        one.AcquisitionDate, one.AcquisitionTime = "20200101", "120000"
        one.PatientWeight = 70.0
        tracer = pydicom.Dataset()
        tracer.RadionuclideTotalDose, tracer.RadionuclideHalfLife = 3.0e8, 6586.2
        tracer.RadiopharmaceuticalStartTime = "110000"
        tracer.Radiopharmaceutical = "FLT"
        one.RadiopharmaceuticalInformationSequence = [tracer]
        one.save_as(tmp_path / str(index), enforce_file_format=True)
        paths[one.SOPInstanceUID] = str(tmp_path / str(index))

    class Database:
        def fileForInstance(self, uid):
            return paths.get(uid, "")

    monkeypatch.setattr(slicer, "dicomDatabase", Database(), raising=False)
    node.SetAttribute("DICOM.instanceUIDs", " ".join(paths))
    loaded = load_from_node(node, "PT")
    assert (loaded.source.kind, loaded.source.modality, loaded.source.files) == ("dicom", "PT", 3)
    record = suv_record(loaded)
    assert record.factor == pytest.approx(70e3 / (3.0e8 * 0.5 ** (3600 / 6586.2)), rel=1e-9)
    assert record.tracer == "FLT"
