"""A reviewed case on disk: the folder that the command line writes, one bundle, or the report alone."""

from __future__ import annotations

import tempfile
from pathlib import Path

from VertebraFLTLib.io.writing import StagedFolder, write_text
from VertebraFLTLib.mrml.review import ReviewPresenter
from VertebraFLTLib.mrml.scene import write_scene
from VertebraFLTLib.progress import Progress, silent
from VertebraFLTLib.quantification.suv_table import table_to_csv
from VertebraFLTLib.result import Result


def export_folder(review: ReviewPresenter, folder: Path | str, progress: Progress = silent) -> None:
    """Write the folder that ``vertebraflt run`` writes, report and scene included; whole or not at all.

    Raises InputError where it cannot be written.
    """
    review.settle()
    export_result(review.result, folder, progress, review)


def export_result(
    result: Result, folder: Path | str, progress: Progress = silent, review: ReviewPresenter | None = None
) -> None:
    """The same for a run that nobody has reviewed."""
    from VertebraFLTLib.report.run_folder import write_report  # brings matplotlib, which a run does not need

    with StagedFolder(folder) as stage:
        progress("report", 0.0)
        write_report(result, stage, progress)
        progress("scene", 0.0)
        write_scene(result, stage / "scene.mrb", None if review is None else review.content)
        progress("scene", 1.0)


def export_mrb(review: ReviewPresenter, path: Path | str) -> None:
    """Write the case alone as one Slicer data bundle, from which the review can go on. Raises InputError."""
    review.settle()
    write_scene(review.result, path, review.content)


def export_report(review: ReviewPresenter, path: Path | str, progress: Progress = silent) -> None:
    """Write ``report.html`` alone, under any name. Raises InputError where it cannot be written."""
    from VertebraFLTLib.report.run_folder import write_report

    review.settle()
    with tempfile.TemporaryDirectory(prefix="vertebraflt-report-") as folder:
        write_report(review.result, folder, progress)
        write_text(Path(path), (Path(folder) / "report.html").read_text(encoding="utf-8"))


def suv_csv(review: ReviewPresenter) -> str:
    """The text of ``suv.csv``."""
    return table_to_csv(review.result.suv_table)
