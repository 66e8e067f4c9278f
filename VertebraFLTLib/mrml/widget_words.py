"""The library's short names in the words of the panel."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from slicer.i18n import tr as _

STAGES = {
    "reading": _("Reading the volumes"),
    "suv": _("Deriving SUV"),
    "segmentation": _("Segmenting the bones"),
    "boundaries": _("Finding the boundaries"),
    "instances": _("Parting the vertebrae"),
    "quantification": _("Measuring uptake"),
    "surfaces": _("Making surfaces"),
    "report": _("Writing the report"),
    "scene": _("Writing the scene"),
}
CHOICES = {
    "petUnitsComboBox": {
        "auto": _("as the volume or its header states"),
        "suv": _("SUV (g/ml)"),
        "bqml": _("Bq/ml"),
    },
    "decayCorrectionComboBox": {
        "header": _("from the header"),
        "START": _("to the start of the scan"),
        "ADMIN": _("to the injection"),
    },
    "lowestLevelComboBox": {"automatic": _("counted from the sacrum")},
    "deviceComboBox": {"auto": _("Auto"), "cpu": _("CPU"), "cuda": _("GPU")},
    "segmenterComboBox": {
        "ensemble": _("2-D networks of three planes"),
        "volume": _("3-D networks"),
        "totalsegmentator": "TotalSegmentator",
        "nnunet": _("nnU-Net (model folder)"),
    },
    "detectorComboBox": {
        "span-prior": _("best fit of profile and spans"),
        "thesis": _("valley by valley (thesis)"),
        "kalman": _("Kalman filter"),
    },
}
REGIONS = {
    "all": _("All regions"),
    "vertebral_column": _("Vertebral column"),
    "pelvis": _("Pelvis"),
    "hips": _("Hip bones"),
    "sacrum": _("Sacrum"),
    "sternum": _("Sternum"),
}
SUV_HEADINGS = {
    "roi": (_("Region"), _("Vertebra or bone.")),
    "label": (_("Label"), _("Value in the masks of an export.")),
    "voxels": (_("Voxels"), _("Voxels of the PET.")),
    "volume_ml": (_("Volume (ml)"), ""),
    "suv_sum": (_("Sum"), _("Sum of SUV over the voxels: depends on the voxel size.")),
    "suv_mean": (_("Mean"), _("Mean SUVbw (g/ml).")),
    "suv_sd": (_("SD"), _("Standard deviation of SUV.")),
    "suv_min": (_("Min"), ""),
    "suv_median": (_("Median"), ""),
    "suv_p85": (_("P85"), _("85th percentile of SUV.")),
    "suv_p98": (_("P98"), _("98th percentile of SUV.")),
    "suv_max": (_("Max"), ""),
    "suv_peak": (_("Peak"), _("Highest mean of a 1 ml ball.")),
}


def name_choices(ui: Any) -> None:
    """Say the choices of the bound combo boxes in words; the binding goes by their order, not their text."""
    for widget, words in CHOICES.items():
        combo = getattr(ui, widget)
        for index in range(combo.count):
            combo.setItemText(index, words.get(combo.itemText(index), combo.itemText(index)))


def moment(iso: str) -> str:
    """A time of the record (ISO 8601, UTC) to the minute, in this machine's own time."""
    return datetime.fromisoformat(iso).astimezone().strftime("%Y-%m-%d %H:%M")


def remaining(seconds: float | None) -> str:
    """How long it will still take, as a user wants to know it."""
    if seconds is None:
        return ""
    if seconds < 90:
        return _("about {seconds} s left").format(seconds=max(1, round(seconds)))
    return _("about {minutes} min left").format(minutes=round(seconds / 60))
