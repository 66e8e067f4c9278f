"""Section Inputs: selectors that offer what fits, and what the PET's header lacks for SUV."""

from __future__ import annotations

from typing import Any

import slicer

from VertebraFLTLib.mrml import inputs, sample
from VertebraFLTLib.mrml.parameter_node import FROM_HEADER, overrides_of
from VertebraFLTLib.mrml.scheduler import Scheduler
from VertebraFLTLib.mrml.widget_told import say, told

_TYPING_MS = 200

# What PetStatus.missing names -> the widgets that take it, and the parameter behind them.
_FIELDS = {
    "weight_kg": ("weightSpinBox", "weightKg"),
    "dose_bq": ("doseSpinBox", "doseMBq"),
    "injection_time": ("injectionTimeLineEdit", "injectionTime"),
    "scan_time": ("scanTimeLineEdit", "scanTime"),
    "decay_correction": ("decayCorrectionComboBox", "decayCorrection"),
    "half_life_s": ("halfLifeSpinBox", "halfLifeS"),
}


class InputsSection:
    """Binds CT, PET and the PET's units."""

    def __init__(self, ui: Any, scheduler: Scheduler) -> None:
        self.ui = ui
        self.parameters: Any = None
        self._scheduler = scheduler
        self._asked: tuple[Any, ...] = ()  # what the line on the PET answers
        ui.sampleButton.clicked.connect(self.load_sample)
        self._show_status()

    def bind(self, parameters: Any) -> None:
        """Work on another parameter node, or on none."""
        self.parameters = parameters
        self.offer_what_fits()
        self.update()

    def offer_all(self) -> None:
        """Hide nothing: the ids of hidden volumes may by now be those of others."""
        for selector in (self.ui.ctSelector, self.ui.petSelector):
            selector.sortFilterProxyModel().hiddenNodeIDs = []

    def offer_what_fits(self) -> None:
        """Hide volumes that cannot be a CT, or a PET, from the selectors; what is chosen stays in view."""
        volumes = slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
        for selector, fits in ((self.ui.ctSelector, inputs.fits_ct), (self.ui.petSelector, inputs.fits_pet)):
            chosen = selector.currentNode()
            misfits = [node.GetID() for node in volumes if node is not chosen and fits(node)]
            model = selector.sortFilterProxyModel()
            if list(model.hiddenNodeIDs) != misfits:
                model.hiddenNodeIDs = misfits

    def update(self) -> None:
        """Ask anew how the PET becomes SUV where that may have changed; reading a header's files takes a moment."""
        parameters = self.parameters
        asked: tuple[Any, ...] = ()
        if parameters is not None and parameters.pet is not None:
            pet = parameters.pet
            asked = (pet, pet.GetMTime(), parameters.petUnits, overrides_of(parameters))
        if asked == self._asked:
            return
        self._asked = asked
        if asked:
            self._scheduler.call_later("pet status", _TYPING_MS, self._show_status)
        else:
            self._show_status()

    def _show_status(self) -> None:
        """Say it, and show the fields that the header leaves open."""
        parameters, text = self.parameters, ""
        missing: tuple[str, ...] = ()
        if parameters is not None and parameters.pet is not None:
            status = inputs.pet_status(parameters.pet, parameters.petUnits, overrides_of(parameters))
            text, missing = status.text, status.missing
        say(self.ui.petStatusLabel, text)
        for key, (widget, parameter) in _FIELDS.items():
            given = parameters is not None and getattr(parameters, parameter) not in ("", 0.0, FROM_HEADER)
            for name in (widget, f"{widget}Label"):
                getattr(self.ui, name).visible = given or key in missing

    def load_sample(self, *_: Any) -> None:
        """Simulate a patient into the scene and choose its volumes."""
        with told(), slicer.util.WaitCursor():
            made = sample.add_sample(slicer.mrmlScene)
            self.offer_what_fits()
            self.parameters.ct, self.parameters.pet = made.ct, made.pet
