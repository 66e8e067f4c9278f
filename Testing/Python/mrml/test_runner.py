"""A run in a process of its own: it ends as one in this process does, and can be stopped at any moment."""

from __future__ import annotations

import os
import signal
import time

import numpy as np
import pytest
import SimpleITK as sitk

slicer = pytest.importorskip("slicer")

from VertebraFLTLib.errors import InputError  # noqa: E402
from VertebraFLTLib.mrml import scene as scene_module  # noqa: E402
from VertebraFLTLib.mrml.logic import finish_run, start_run  # noqa: E402
from VertebraFLTLib.mrml.runner import overall  # noqa: E402
from VertebraFLTLib.mrml.sample import add_phantom  # noqa: E402
from VertebraFLTLib.mrml.scene import private_scene  # noqa: E402
from VertebraFLTLib.result import Options  # noqa: E402

LONGEST_S = 120.0  # only to end a test that hangs


@pytest.fixture
def sample(phantom):
    scene = private_scene()
    yield scene, add_phantom(scene, phantom)
    scene.Clear(1)


@pytest.fixture(scope="module")
def mask(phantom, tmp_path_factory):
    path = tmp_path_factory.mktemp("mask") / "semantic.nii.gz"
    sitk.WriteImage(phantom.semantic, str(path))
    return path


def wait_for(run, until):
    """Poll, as the widget's timer does, until the run has ended or something is true of it."""
    end = time.monotonic() + LONGEST_S
    while run.poll() == "running" and not until(run) and time.monotonic() < end:
        time.sleep(0.02)


def content(scene):
    tree = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    return sorted(scene.GetNthNode(i).GetID() for i in range(scene.GetNumberOfNodes())), tree.GetNumberOfItems()


def test_a_run_tells_how_far_it_is_and_ends_as_one_in_this_process(sample, mask, phantom_result):
    scene, volumes = sample
    before, fractions, stages = content(scene), [], []
    run = start_run(scene, volumes.ct, volumes.pet, Options(lowest="L5"), mask=mask)

    def note(run):
        fractions.append(run.fraction)
        stages.append(run.stage)
        return False

    wait_for(run, note)
    assert (run.state, run.error, run.fraction) == ("done", "", 1.0)
    assert fractions == sorted(fractions) and "surfaces" in stages
    assert content(scene) == before  # until the result is asked for
    assert run.result.boundaries == phantom_result.boundaries
    assert run.result.suv_table == phantom_result.suv_table
    assert np.array_equal(
        sitk.GetArrayFromImage(run.result.vertebrae), sitk.GetArrayFromImage(phantom_result.vertebrae)
    )
    points = [s.polydata.GetNumberOfPoints() for s in phantom_result.surfaces]
    assert [s.polydata.GetNumberOfPoints() for s in run.result.surfaces] == points

    volumes.ct.GetImageData().GetPointData().GetScalars().Modified()  # other voxels while it ran
    with pytest.raises(InputError, match="Simulated CT was changed while the run went on"):
        finish_run(run)
    assert content(scene) == before


def test_a_cancelled_run_is_gone_with_all_it_left(sample, mask):
    scene, volumes = sample
    before = content(scene)
    run = start_run(scene, volumes.ct, volumes.pet, mask=mask)
    wait_for(run, lambda run: run.stage == "boundaries")
    assert run.state == "running"
    process, folder = run._process.pid, run._folder
    run.cancel()
    assert run.state == run.poll() == "cancelled" and not folder.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
    assert content(scene) == before
    with pytest.raises(InputError, match="cancelled"):
        finish_run(run)
    run.cancel()


def test_input_at_fault_is_told_in_one_line(sample, tmp_path):
    scene, volumes = sample
    run = start_run(scene, volumes.ct, volumes.pet, mask=tmp_path / "nowhere.nii.gz")
    wait_for(run, lambda run: False)
    assert run.state == "failed" and "nowhere.nii.gz does not exist" in run.error and "\n" not in run.error
    with pytest.raises(InputError, match="nowhere"):
        finish_run(run)
    with pytest.raises(InputError, match="no PET is chosen"):
        start_run(scene, volumes.ct, None)


def test_a_bug_in_the_run_is_told_with_its_traceback(sample, mask):
    scene, volumes = sample
    run = start_run(scene, volumes.ct, volumes.pet, Options(cuts="none such"), mask=mask)
    wait_for(run, lambda run: False)
    assert run.state == "failed" and run.error.startswith("the run failed: ") and "\n" not in run.error
    assert "Traceback" in run.details and run.error.removeprefix("the run failed: ") in run.details


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_run_that_the_system_ends_says_so(sample, mask):
    scene, volumes = sample
    run = start_run(scene, volumes.ct, volumes.pet, mask=mask)
    os.kill(run._process.pid, signal.SIGKILL)
    run._process.wait()
    assert run.poll() == "failed" and "memory" in run.error


def test_an_error_while_nodes_are_made_leaves_the_scene_as_it_was(sample, phantom_result, monkeypatch):
    scene, volumes = sample
    before = content(scene)
    window = volumes.pet.GetDisplayNode().GetWindow()
    volumes.pet.GetDisplayNode().SetWindow(17.0)
    for module, name in (
        (scene_module.tables, "add_boundary_table"),
        (scene_module.planes, "update_planes"),
        (scene_module.case, "add_case"),
        (scene_module.hierarchy, "arrange"),
    ):
        with monkeypatch.context() as patch:
            original = getattr(module, name)

            def failing(*args, original=original, **keywords):
                original(*args, **keywords)
                raise RuntimeError("in the middle")

            patch.setattr(module, name, failing)
            with pytest.raises(RuntimeError, match="in the middle"):
                scene_module.build_scene(phantom_result, scene, ct_node=volumes.ct, pet_node=volumes.pet)
        assert content(scene) == before, name
    assert volumes.pet.GetDisplayNode().GetWindow() == 17.0 != window


@pytest.mark.parametrize("what", ["deleted", "moved"])
def test_volumes_that_went_while_it_ran_are_missed_in_words(sample, phantom_result, mask, what):
    scene, volumes = sample
    run = start_run(scene, volumes.ct, volumes.pet, mask=mask)
    run.cancel()
    run.result = phantom_result
    if what == "deleted":
        scene.RemoveNode(volumes.pet)
    else:
        volumes.pet.SetOrigin(1.0, 2.0, 3.0)
    before = content(scene)
    with pytest.raises(InputError, match="the PET .*while the run went on"):
        finish_run(run)
    assert content(scene) == before


def test_the_whole_is_told_from_the_stage():
    stages = ["load model", "suv", "segmentation", "boundaries", "instances", "quantification", "surfaces"]
    told = [overall(stage, fraction) for stage in stages for fraction in (0.0, 0.5, 1.0)]
    assert min(np.diff(told)) > -1e-9 and told[0] == 0.0 and told[-1] == 1.0
    assert overall("something new", 0.5) == 0.0
