"""A segmenter that runs TotalSegmentator's own models through its Python API (``--segmenter totalsegmentator``)."""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from VertebraFLTLib.anatomy import HIP_BONE, SACRUM, STERNUM, STRUCTURES, VERTEBRAL_BODY
from VertebraFLTLib.errors import InputError
from VertebraFLTLib.progress import Progress
from VertebraFLTLib.segmentation.device import choose_device, device_words
from VertebraFLTLib.segmentation.other_packages import as_segmentation, optional_package, part_of, quiet
from VertebraFLTLib.segmentation.protocol import Segmentation

log = logging.getLogger(__name__)

REQUIREMENT = "TotalSegmentator>=2.4"
# Per task the classes asked for; a later line has the voxels that several claim. The body of S1 is the sacrum's.
TASKS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "vertebrae_body": {VERTEBRAL_BODY.key: ("vertebrae_body",)},
    "total": {
        HIP_BONE.key: ("hip_left", "hip_right"),
        STERNUM.key: ("sternum",),
        SACRUM.key: ("sacrum", "vertebrae_S1"),
    },
}
_LPS_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])  # its own inverse


class TotalSegmentatorSegmenter:
    """TotalSegmentator's task ``vertebrae_body`` for the column, and ``total`` for hip bones, sternum and sacrum.

    fast: the 3 mm model for ``total`` (``vertebrae_body`` has none); by default on the CPU, where the full one takes
    many minutes and PET's resolution asks for no more.
    """

    def __init__(self, *, device: str = "auto", fast: bool | None = None) -> None:
        self.device = choose_device(device)
        self.fast = self.device.type == "cpu" if fast is None else fast
        with optional_package("totalsegmentator", REQUIREMENT, log):
            from totalsegmentator import config
            from totalsegmentator.map_to_binary import class_map
            from totalsegmentator.python_api import totalsegmentator
        self.run: Callable[..., Any] = totalsegmentator
        self.classes: Mapping[str, Mapping[int, str]] = class_map
        _no_statistics_unasked(config)

    def segment(self, ct: sitk.Image, progress: Progress) -> Segmentation:
        """See :class:`Segmenter`. Any axis order and obliqueness: the mask is on the CT's own grid.

        Raises InputError where TotalSegmentator lacks weights it cannot fetch, or a licence. It reports no progress
        and cannot be cancelled within a task.
        """
        image = to_nibabel(ct)
        labels = np.zeros(ct.GetSize()[::-1], np.uint8)
        began = time.perf_counter()
        for index, (task, wanted) in enumerate(TASKS.items()):
            part_of(progress, 0.02, 0.95)(index / len(TASKS))
            value = {name: number for number, name in self.classes[task].items()}
            known = {key: [value[name] for name in names if name in value] for key, names in wanted.items()}
            found = on_grid_of(
                self._run(task, image, [n for names in wanted.values() for n in names if n in value]), ct
            )
            for structure in STRUCTURES:
                labels[np.isin(found, known.get(structure.key, []))] = structure.label
        progress("segmentation", 0.95)
        details: dict[str, Any] = {
            "segmenter": "totalsegmentator",
            "model": "TotalSegmentator " + metadata.version("TotalSegmentator"),
            "tasks": {task: {key: list(names) for key, names in wanted.items()} for task, wanted in TASKS.items()},
            "fast": self.fast,
            "device": device_words(self.device),
            "network_seconds": round(time.perf_counter() - began, 3),
        }
        segmentation = as_segmentation(labels, ct, details, (), [])
        progress("segmentation", 1.0)
        return segmentation

    def _run(self, task: str, image: Any, names: list[str]) -> Any:
        """One task; a nibabel image of its class numbers."""
        import requests

        total = task == "total"
        with quiet(log) as chatter, tempfile.TemporaryDirectory(prefix="vertebraflt-") as folder:
            try:
                # An output path, though nothing is saved: without one it fails where none of the classes is in view.
                return self.run(
                    image,
                    Path(folder) / f"{task}.nii.gz",
                    task=task,
                    ml=True,
                    roi_subset=names if total else None,
                    fast=self.fast and total,
                    device="gpu" if self.device.type == "cuda" else "cpu",
                    quiet=True,
                    skip_saving=True,
                )
            except SystemExit as error:  # its way to say that a licence is missing or not valid
                raise InputError(
                    f"TotalSegmentator refused task {task} ({chatter.said or error}); if it asks for a licence, get a "
                    "free academic one and run totalseg_set_license -l NUMBER, or choose another --segmenter"
                ) from error
            except requests.RequestException as error:
                reason = " ".join(str(error).split())[:160]
                raise InputError(
                    f"TotalSegmentator could not fetch its weights for task {task} ({reason}); connect to the network "
                    f"once and run 'totalseg_download_weights -t {task}', or copy another computer's "
                    "~/.totalsegmentator (its path may be set in TOTALSEG_HOME_DIR)"
                ) from error


def to_nibabel(image: sitk.Image) -> Any:
    """A nibabel image of the same voxels: array i, j, k and an affine to RAS millimetres; nothing is resampled."""
    import nibabel

    return nibabel.Nifti1Image(sitk.GetArrayFromImage(image).transpose(2, 1, 0), ras_affine(image))


def ras_affine(image: sitk.Image) -> np.ndarray:
    """4 x 4, voxel (i, j, k) to RAS millimetres, of an image whose geometry is LPS."""
    affine = np.eye(4)
    affine[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * np.array(image.GetSpacing())
    affine[:3, 3] = image.GetOrigin()
    return _LPS_RAS @ affine


def on_grid_of(found: Any, ct: sitk.Image) -> np.ndarray:
    """A nibabel label image as an array (k, j, i, uint8) on the grid of ``ct``, whatever its own axis order."""
    array = np.asarray(found.dataobj).astype(np.uint8).transpose(2, 1, 0)
    affine = np.asarray(found.affine, float)
    if array.shape == ct.GetSize()[::-1] and np.allclose(affine, ras_affine(ct), atol=1e-3):
        return array
    to_lps = _LPS_RAS @ affine
    spacing = np.linalg.norm(to_lps[:3, :3], axis=0)
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((to_lps[:3, :3] / spacing).ravel().tolist())
    image.SetOrigin(to_lps[:3, 3].tolist())
    return sitk.GetArrayFromImage(sitk.Resample(image, ct, sitk.Transform(), sitk.sitkNearestNeighbor, 0))


def _no_statistics_unasked(config: Any) -> None:
    """TotalSegmentator tells its makers of each run unless its settings say otherwise: where there are no settings
    yet they are made with that switched off; settings that the user has are left as they are."""
    try:
        with quiet(log):
            if not (config.get_totalseg_dir() / "config.json").exists():
                config.setup_totalseg()
                config.set_config_key("send_usage_stats", False)
    except OSError as error:
        raise InputError(
            f"TotalSegmentator cannot write its settings ({error}); set TOTALSEG_HOME_DIR to a folder you may write"
        ) from error
