"""From drawn HU to a CT: correlated noise, whole HU numbers, the scanner's range."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from VertebraFLTLib.progress import Progress, silent

_SLAB = 24


def finish_ct(
    hu: np.ndarray, spacing_mm: float, noise_hu: float, rng: np.random.Generator, progress: Progress = silent
) -> np.ndarray:
    """``hu`` (kji float32, changed in place) with noise of ``noise_hu`` standard deviation, as int16 HU."""
    out = np.empty(hu.shape, dtype=np.int16)
    for start in range(0, hu.shape[0], _SLAB):
        slab = hu[start : start + _SLAB]
        if noise_hu > 0:
            noise = rng.standard_normal(slab.shape, dtype=np.float32)
            sigma = 0.75 / spacing_mm  # a soft reconstruction kernel, about 1.8 mm
            if sigma > 0.25:
                gaussian_filter(noise, (0, sigma, sigma), output=noise, truncate=2.5)
            noise *= np.float32(noise_hu) / noise.std()
            noise[slab < -980] *= np.float32(0.3)  # the clipped air around the patient is quieter
            slab += noise
        out[start : start + _SLAB] = np.clip(np.rint(slab), -1024, 3071)
        progress("phantom CT noise", min(1.0, (start + _SLAB) / hu.shape[0]))
    return out
