"""Sections Inputs and Run: what is offered and what is missing, Cancel at any stage, faults in words."""

from __future__ import annotations

import time

import pytest

slicer = pytest.importorskip("slicer")

from VertebraFLTLib.errors import Cancelled, InputError  # noqa: E402
from VertebraFLTLib.mrml import dependencies, logic, sample  # noqa: E402
from VertebraFLTLib.mrml.volumes import add_volume  # noqa: E402


@pytest.fixture
def volumes(panel, phantom):
    made = sample.add_phantom(slicer.mrmlScene, phantom)
    panel.inputs.offer_what_fits()
    panel.parameters.ct, panel.parameters.pet = made.ct, made.pet
    return made


class Run:
    """A run that stands at a stage until it is told to go on."""

    def __init__(self, state="running", error=""):
        self.state, self.error, self.stage, self.fraction, self.remaining_s = state, error, "segmentation", 0.4, 100.0
        self.cancelled, self.details = False, ""

    def poll(self):
        return self.state

    def cancel(self):
        self.cancelled, self.state = True, "cancelled"


@pytest.fixture
def run(monkeypatch):
    made = Run()
    monkeypatch.setattr(logic, "start_run", lambda *_, **__: made)
    return made


def _contents():
    nodes = [slicer.mrmlScene.GetNthNode(i) for i in range(slicer.mrmlScene.GetNumberOfNodes())]
    return [(node.GetID(), node.GetName()) for node in nodes]


def test_selectors_offer_what_fits(panel, volumes, phantom):
    rgb = add_volume(slicer.mrmlScene, phantom.ct, "another CT")
    labels = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "labels")
    panel.inputs.offer_what_fits()
    ct, pet = panel.ui.ctSelector, panel.ui.petSelector
    for_ct = [ct.nodeFromIndex(i) for i in range(ct.nodeCount())]
    for_pet = [pet.nodeFromIndex(i) for i in range(pet.nodeCount())]
    assert volumes.ct in for_ct and rgb in for_ct and volumes.pet not in for_ct
    assert volumes.pet in for_pet and volumes.ct not in for_pet
    assert labels not in [*for_ct, *for_pet]


def test_a_pet_without_suv_is_explained_and_its_fields_appear(panel, volumes, wait):
    ui = panel.ui
    wait(lambda: "SUV" in ui.petStatusLabel.text, "how the PET becomes SUV")
    assert not ui.weightSpinBox.visible
    units = slicer.vtkCodedEntry()
    units.SetValueSchemeMeaning("Bq/ml", "UCUM", "Becquerels/milliliter")
    volumes.pet.SetVoxelValueUnits(units)
    panel.parameters.petUnits = "bqml"
    wait(lambda: ui.decayCorrectionComboBox.visible, "the field of the decay correction")
    assert "decay correction" in ui.petStatusLabel.text
    panel.parameters.decayCorrection = "ADMIN"
    wait(lambda: ui.weightSpinBox.visible, "the field of the weight")
    assert not ui.scanTimeLineEdit.visible
    ui.weightSpinBox.value = 70.0
    wait(lambda: ui.doseSpinBox.visible, "the field of the dose")
    assert panel.parameters.weightKg == 70.0 and ui.weightSpinBox.visible
    ui.doseSpinBox.value = 350.0
    wait(lambda: "ADMIN" in ui.petStatusLabel.text, "how the PET becomes SUV")
    assert ui.doseSpinBox.visible


def test_choices_are_in_words_and_kept_by_name(panel):
    ui = panel.ui
    assert [ui.deviceComboBox.itemText(i) for i in range(ui.deviceComboBox.count)] == ["Auto", "CPU", "GPU"]
    ui.deviceComboBox.currentIndex = 1
    ui.segmenterComboBox.currentIndex = 1
    assert (panel.parameters.device, panel.parameters.segmenter) == ("cpu", "volume")
    node = panel.parameters.parameterNode
    assert node.GetParameter("device") == "cpu"


def test_progress_is_shown_and_cancel_leaves_the_scene(panel, volumes, run, wait, app):
    ui, before = panel.ui, _contents()
    ui.applyButton.click()
    wait(lambda: ui.progressBar.value == 40, "progress")
    assert ui.stageLabel.text == "Segmenting the bones – about 2 min left"
    assert ui.applyButton.text == "Cancel" and not ui.inputsCollapsibleButton.enabled
    ui.applyButton.click()
    assert run.cancelled and _contents() == before
    assert ui.applyButton.text == "Apply" and ui.applyButton.enabled and not ui.progressBar.visible
    assert [kind for kind, _ in app.told] == ["status"]


def test_a_run_that_fails_is_told_in_a_line(panel, volumes, run, app):
    before = _contents()
    panel.ui.applyButton.click()
    run.state, run.error = "failed", "no vertebral body was found: is this a CT?"
    _until_told(app)
    assert app.told == [("error", run.error)] and _contents() == before
    assert panel.ui.applyButton.text == "Apply"


def _until_told(app):
    end = time.monotonic() + 10
    while not app.told and time.monotonic() < end:
        app.processEvents()


def test_a_refusal_at_the_end_leaves_the_scene(panel, volumes, run, app, monkeypatch):
    def changed(_):
        raise InputError("the CT was changed while the run went on: press Apply again")

    monkeypatch.setattr(logic, "finish_run", changed)
    before = _contents()
    panel.ui.applyButton.click()
    run.state = "done"
    _until_told(app)
    assert app.told[0][0] == "error" and "press Apply again" in app.told[0][1] and _contents() == before
    assert panel.review is None and panel.ui.applyButton.enabled


def test_declined_packages_start_nothing(panel, volumes, run, app, monkeypatch):
    def decline():
        raise Cancelled("PyTorch was not installed")

    monkeypatch.setattr(dependencies, "ensure_for_run", decline)
    panel.ui.applyButton.click()
    assert app.told == [("status", "PyTorch was not installed")]
    assert panel.run.run is None and panel.ui.applyButton.text == "Apply"


def test_volumes_that_cannot_be_run_are_told_at_once(panel, volumes, app):
    volumes.ct.SetAndObserveImageData(None)
    panel.ui.applyButton.click()
    ((kind, text),) = app.told
    assert kind == "error" and "Simulated CT" in text and "\n" not in text
    assert panel.run.run is None


def test_closing_the_scene_ends_the_run(panel, volumes, run):
    panel.ui.applyButton.click()
    slicer.mrmlScene.Clear()
    assert run.cancelled and panel.run.run is None and not panel.ui.applyButton.enabled
