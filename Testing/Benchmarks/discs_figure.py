"""The figure of the discs' vote: real CT bent along the column, discs as a network sees them, a PET that is flat."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk
from boundary_run import given
from column_labels import ON_LABELS, Scanned

from VertebraFLTLib.column import line_of
from VertebraFLTLib.report.reformat import sample
from VertebraFLTLib.report.style import GRID, INK, MUTED, SURE, calm, new_figure
from VertebraFLTLib.spine.detectors import get_detector

ACROSS_MM = 45.0
WINDOW_HU = (-150.0, 650.0)
FLAT = next(c for c in ON_LABELS if c.with_discs and c.day == -1)


def draw(scanned: Scanned, path: Path) -> None:
    """From the feet (left) to the head: CT with the true discs, the network's discs, the profile, and boundaries."""
    case = next(scanned.cases(FLAT, 1))
    data = given(case)
    found = get_detector("span-prior").detect(data.profile, data.clues)
    assert case.discs is not None and case.ct is not None
    z = case.discs.z_mm
    across = np.arange(-ACROSS_MM, ACROSS_MM + 0.1, 0.75)
    line = line_of(case.semantic, case.column)
    along = np.array([line.tangent(float(at)) for at in z])
    front = np.cross([1.0, 0.0, 0.0], along)
    points = np.array([line.point(float(at)) for at in z])[:, None] + across[None, :, None] * front[:, None]
    figure = new_figure(11.0, 5.6)
    grid = figure.add_gridspec(
        3, 1, height_ratios=(3, 1.2, 1.6), hspace=0.12, left=0.07, right=0.98, bottom=0.1, top=0.92
    )
    ct, discs, pet = (figure.add_subplot(grid[i]) for i in range(3))
    shown = sample(sitk.Cast(case.ct, sitk.sitkFloat32), points, -1000.0)
    extent = (z[0] - 0.5, z[-1] + 0.5, -ACROSS_MM, ACROSS_MM)
    ct.imshow(shown.T, cmap="gray", vmin=WINDOW_HU[0], vmax=WINDOW_HU[1], origin="lower", extent=extent, aspect="auto")
    discs.fill_between(z, 0.0, case.discs.share, color=MUTED, linewidth=0)
    at, suv = data.profile.column()
    pet.fill_between(at, 0.0, suv, color=GRID, linewidth=0)
    pet.plot(at, suv, color=INK, linewidth=1.0)
    for boundary in found.boundaries:
        for axes in (discs, pet):
            axes.axvline(boundary.z_mm, color=SURE, linewidth=0.9)
    for _, _, true in case.truth:
        ct.plot([true, true], [0.75 * ACROSS_MM, ACROSS_MM], color=SURE, linewidth=1.4)
    for axes, label in ((ct, ""), (discs, "Disc on CT"), (pet, "Mean SUV")):
        axes.set_xlim(extent[:2])
        axes.set_ylabel(label)
        calm(axes)
        if axes is not pet:
            axes.tick_params(labelbottom=False)
    ct.set_yticks([])
    discs.set_ylim(0.0, 1.05)
    pet.set_ylim(bottom=0.0)
    pet.set_xlabel("Superior coordinate z (mm), feet to head")
    title = f"{scanned.anatomy.name}: true discs (marks on the CT) and boundaries found on a flat PET (lines)"
    figure.text(0.07, 0.95, title, fontsize=10, weight="bold", color=INK)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=90)
