"""Small label images."""

import numpy as np
import pytest
import SimpleITK as sitk


@pytest.fixture
def image():
    """``image(array, spacing, origin)``: an array (kji) in LPS order; spacing and origin are ijk."""

    def make(array, spacing=(1.0, 1.0, 1.0), origin=(0.0, 0.0, 0.0)):
        result = sitk.GetImageFromArray(np.ascontiguousarray(array))
        result.SetSpacing(spacing)
        result.SetOrigin(origin)
        return result

    return make
