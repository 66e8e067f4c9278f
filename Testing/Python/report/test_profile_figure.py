"""The profile figure shows the CT's discs where a segmenter knew them, and says so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from VertebraFLTLib.report.profile_figure import profile_figure
from VertebraFLTLib.spine.disc_track import DiscTrack


def legend(figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_discs_are_shaded_and_named_only_where_they_are_known(made_run):
    low, high = made_run.profile.extent_mm
    z = np.arange(low, high, 1.0)
    track = DiscTrack(z, 0.5 + 0.5 * np.cos(z / 5.0))
    with_discs = profile_figure(replace(made_run, discs=track))
    without = profile_figure(replace(made_run, discs=None))
    assert "Disc on CT" in legend(with_discs) and "Disc on CT" not in legend(without)
    drawn = [path.vertices[:, 1].max() for one in with_discs.axes[1].collections for path in one.get_paths()]
    assert track.share.max() in drawn
    assert len(with_discs.axes[1].collections) == 1 + len(without.axes[1].collections)
