"""Writes a run's folder: images, tables, surfaces, figures, record and page; everything but the scene."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from matplotlib.figure import Figure

from VertebraFLTLib.io.geometry import back_to_original
from VertebraFLTLib.io.writing import sha256_of, write_image, write_text
from VertebraFLTLib.progress import Progress, silent
from VertebraFLTLib.quantification.surfaces import write_surface
from VertebraFLTLib.quantification.suv_table import table_to_csv
from VertebraFLTLib.report.level_figure import level_figure
from VertebraFLTLib.report.offscreen import CannotRender
from VertebraFLTLib.report.overlay_figure import overlay_figure
from VertebraFLTLib.report.page import report_page
from VertebraFLTLib.report.profile_figure import profile_figure
from VertebraFLTLib.report.record import case_record, to_json
from VertebraFLTLib.report.registration_figure import registration_figure
from VertebraFLTLib.report.style import save
from VertebraFLTLib.report.uptake_3d import uptake_3d_figure
from VertebraFLTLib.result import Result

logger = logging.getLogger(__name__)

FIGURES: dict[str, Callable[[Result], Figure]] = {
    "sagittal": lambda result: overlay_figure(result, "sagittal"),
    "coronal": lambda result: overlay_figure(result, "coronal"),
    "profile": profile_figure,
    "uptake_3d": uptake_3d_figure,
    "suv_by_level": level_figure,
}


def write_report(result: Result, folder: Path | str, progress: Progress = silent) -> None:
    """Write all of the run-folder list except ``scene.mrb`` into a folder, which is made where it is missing.

    Masks return in the CT's own geometry. A 3-D view that cannot be drawn here becomes a warning in ``result.warnings``
    and the report goes on without it. Raises InputError where a file cannot be written.
    """
    folder = Path(folder)
    write_image(back_to_original(result.semantic, result.ct.original), folder / "semantic.nii.gz")
    write_image(back_to_original(result.vertebrae, result.ct.original), folder / "vertebrae.nii.gz")
    write_text(folder / "profile.csv", result.profile.to_csv())
    write_text(folder / "boundaries.csv", result.boundaries.to_csv())
    write_text(folder / "suv.csv", table_to_csv(result.suv_table))

    (folder / "surfaces").mkdir(exist_ok=True)
    for surface in result.surfaces:
        write_surface(surface, folder / "surfaces" / f"{surface.name}.vtp")

    figures = _write_figures(result, folder / "figures", progress)
    record = case_record(result)
    write_text(folder / "report.html", report_page(result, record, figures))
    write_record(result, folder)


def write_record(result: Result, folder: Path | str) -> None:
    """Write ``case.json`` alone, anew, with what is known only after :func:`write_report`: timings, the mask's hash."""
    folder = Path(folder)
    record = case_record(result)
    record["semantic_sha256"] = sha256_of([folder / "semantic.nii.gz"])
    write_text(folder / "case.json", to_json(record))


def _write_figures(result: Result, folder: Path, progress: Progress) -> dict[str, bytes]:
    folder.mkdir(exist_ok=True)
    written = {}
    figures = FIGURES if result.comparison is None else {**FIGURES, "registration": registration_figure}
    for done, (name, draw) in enumerate(figures.items()):
        progress("report", done / len(figures))
        path = folder / f"{name}.png"
        try:
            save(draw(result), path)
        except CannotRender as reason:
            result.warnings.append(f"the 3-D view of uptake was not drawn: {reason}")
            logger.debug("no off-screen rendering", exc_info=True)
            continue
        written[name] = path.read_bytes()
    progress("report", 1.0)
    return written
