"""The network's discs along the column: their probability in cross-sections square to the centre line."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import map_coordinates

from VertebraFLTLib.spine.centre_line import CentreLine
from VertebraFLTLib.spine.profile import FloatArray

RADIUS_MM = 10.0  # of the cross-section: inside a cervical body, and wide enough to average a network's doubts
ACROSS_MM = 2.0  # between its points
GRID_MM = 1.0  # between cross-sections


@dataclass(frozen=True, eq=False)
class DiscTrack:
    """``share`` (n,), mean probability of disc (0 to 1) in the cross-section that meets the centre line at ``z_mm``."""

    z_mm: FloatArray
    share: FloatArray


def disc_track(discs: npt.NDArray[np.uint8], ijk_to_lps: npt.NDArray[np.floating], line: CentreLine) -> DiscTrack:
    """Mean probability of disc within 10 mm of the centre line, from its lower to its upper end, one a millimetre.

    ``discs``: uint8 (k, j, i), 255 = 1, 0 where the map ends; ``ijk_to_lps``: (4, 4), its voxel index to LPS mm.
    Square to the line, a tilted disc is as thin and as clear as a level one, and its height is that of its middle.
    """
    z = np.arange(line.low_mm, line.high_mm + GRID_MM / 2, GRID_MM)
    steps = np.arange(-RADIUS_MM, RADIUS_MM + ACROSS_MM / 2, ACROSS_MM)
    u, v = (one[np.hypot(*np.meshgrid(steps, steps)) <= RADIUS_MM] for one in np.meshgrid(steps, steps))
    centre = np.array([line.point(float(one)) for one in z])
    along = np.array([line.tangent(float(one)) for one in z])
    right = np.cross([0.0, 1.0, 0.0], along)  # no spine runs from front to back
    right /= np.linalg.norm(right, axis=1, keepdims=True)
    front = np.cross(along, right)
    points = centre[:, None] + u[:, None] * right[:, None] + v[:, None] * front[:, None]
    index = (points - ijk_to_lps[:3, 3]) @ np.linalg.inv(ijk_to_lps[:3, :3]).T
    values = map_coordinates(discs, np.moveaxis(index[..., ::-1], -1, 0), np.float32, order=1)
    return DiscTrack(z, np.asarray(values.mean(axis=1) / 255.0, np.float64))
