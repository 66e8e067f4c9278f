"""Writing a phantom as the five files that the command ``vertebraflt phantom`` promises."""

from __future__ import annotations

from pathlib import Path

from VertebraFLTLib.io.units import SUV_MARK
from VertebraFLTLib.io.writing import StagedFolder, write_image, write_text

from .case import PhantomCase, TrueBoundary

FILES = ("ct.nii.gz", "pet_suv.nii.gz", "truth_semantic.nii.gz", "truth_vertebrae.nii.gz", "truth_boundaries.csv")
BOUNDARY_COLUMNS = (
    "index", "below", "above", "pet_slice", "z_mm", "centre_x", "centre_y", "normal_x", "normal_y", "normal_z",
)  # fmt: skip


def boundaries_csv(boundaries: tuple[TrueBoundary, ...]) -> str:
    """``truth_boundaries.csv``: one row per disc from the lowest up; LPS mm, ``index`` counts from 0."""
    lines = [",".join(BOUNDARY_COLUMNS)]
    for index, b in enumerate(boundaries):
        numbers = (b.pet_slice, b.z_mm, *b.centre[:2], *b.normal)
        lines.append(",".join((str(index), b.below, b.above, *(f"{n:.4f}" for n in numbers))))
    return "\n".join(lines) + "\n"


def write_phantom(case: PhantomCase, out: str | Path) -> None:
    """Write CT, PET (described as SUVbw) and truth into the folder ``out``, all or nothing."""
    with StagedFolder(Path(out), marker=FILES[-1], known=FILES) as folder:
        write_image(case.ct, folder / FILES[0], description="HU")
        write_image(case.pet_suv, folder / FILES[1], description=SUV_MARK)
        write_image(case.semantic, folder / FILES[2])
        write_image(case.vertebrae, folder / FILES[3])
        write_text(folder / FILES[4], boundaries_csv(case.boundaries))
