"""A segmenter that runs any trained nnU-Net v2 model through nnU-Net's own predictor (``--segmenter nnunet``)."""

from __future__ import annotations

import logging
import pickle
import time
from collections.abc import Callable
from importlib import metadata
from typing import Any

import numpy as np
import SimpleITK as sitk
import torch

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.io.geometry import OriginalGeometry, back_to_original
from VertebraFLTLib.io.writing import sha256_of
from VertebraFLTLib.progress import Progress
from VertebraFLTLib.segmentation.device import choose_device, device_words
from VertebraFLTLib.segmentation.label_map import LabelMap
from VertebraFLTLib.segmentation.nnunet_folder import NnUnetFolder, read_nnunet_folder
from VertebraFLTLib.segmentation.other_packages import as_segmentation, optional_package, part_of, quiet
from VertebraFLTLib.segmentation.protocol import Segmentation

log = logging.getLogger(__name__)

REQUIREMENT = "nnunetv2>=2.8.1"  # after Ctrl-C earlier ones wait for ever on a thread of their own
# nnU-Net's usual readers hand over a file's voxels in the order in which they lie there, and networks trained without
# mirroring depend on it. RAS is the order of the public CT collections (TotalSegmentator's among them) and what
# nnU-Net's reorienting readers make; a model trained otherwise says so in vertebraflt-labels.json.
DEFAULT_ORIENTATION = "RAS"


class NnUnetSegmenter:
    """Holds the network, so that a cohort loads it once.

    folder: see :func:`read_nnunet_folder`. Its checkpoints are Python pickles, which can run code when loaded: only
    models from people you trust. No mirroring at test time: eight times the work for little.
    """

    def __init__(self, folder: str | None, *, device: str = "auto") -> None:
        self.model = read_nnunet_folder(folder)
        self.labels = self.model.labels()
        self.device = choose_device(device)
        self.predictor = _load(self.model, self.device)
        self.sha256 = sha256_of(self.model.checkpoints)

    def segment(self, ct: sitk.Image, progress: Progress) -> Segmentation:
        """See :class:`Segmenter`. Any axis order and obliqueness: the mask is on the CT's own grid."""
        report = part_of(progress, 0.02, 0.9)
        report(0.0)
        orientation = self.labels.orientation or DEFAULT_ORIENTATION
        presented = sitk.DICOMOrient(ct, orientation)
        began = time.perf_counter()
        with quiet(log):
            prediction = self.predictor.predict(presented, report)
        seconds = time.perf_counter() - began
        progress("segmentation", 0.95)
        mask = sitk.GetImageFromArray(self.labels.apply(prediction))
        mask.CopyInformation(presented)
        mask = back_to_original(mask, OriginalGeometry.of(ct))
        details: dict[str, Any] = {
            "segmenter": "nnunet",
            "model": self.model.name,
            "weights_sha256": self.sha256,
            "folds": list(self.model.folds),
            "checkpoint": self.model.checkpoint,
            "trainer": str(self.predictor.nnunet.trainer_name),
            "labels": {key: list(values) for key, values in self.labels.values.items()},
            "labels_from": self.labels.source,
            "orientation": orientation,
            "mirroring": False,
            "device": device_words(self.device),
            "nnunetv2": _version("nnunetv2"),
            "torch": torch.__version__,
            "network_seconds": round(seconds, 3),
        }
        found = as_segmentation(
            sitk.GetArrayFromImage(mask), ct, details, self.labels.missing, _doubts(self.model, self.labels)
        )
        progress("segmentation", 1.0)
        return found


class _Predictor:
    """nnU-Net's predictor with our progress and cancelling; ``nnunet`` is the object itself."""

    def __init__(self, nnunet: Any) -> None:
        self.nnunet = nnunet

    def predict(self, image: sitk.Image, report: Callable[[float], None]) -> np.ndarray:
        """Label values (k, j, i) on the grid of ``image``, by the conventions of nnU-Net's SimpleITK reader."""
        array = sitk.GetArrayFromImage(image).astype(np.float32)[None]  # channel, k, j, i
        self.nnunet.begin(report)
        found = self.nnunet.predict_single_npy_array(
            array, {"spacing": [float(s) for s in image.GetSpacing()[::-1]]}, None, None, False
        )
        return np.asarray(found)


def _load(model: NnUnetFolder, device: torch.device) -> _Predictor:
    with optional_package("nnunet", REQUIREMENT, log):
        from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
    with quiet(log) as chatter:
        predictor = _reporting(nnUNetPredictor)(
            tile_step_size=0.5,
            use_gaussian=True,
            use_mirroring=False,
            perform_everything_on_device=device.type == "cuda",
            device=device,
            verbose=False,
            verbose_preprocessing=False,
            allow_tqdm=False,
        )
        try:
            predictor.initialize_from_trained_model_folder(
                str(model.path), use_folds=model.folds, checkpoint_name=model.checkpoint
            )
        except MemoryError:
            raise
        except (
            pickle.UnpicklingError,
            ImportError,
            RuntimeError,
            LookupError,
            TypeError,
            ValueError,
            OSError,
        ) as error:
            # nnU-Net checks none of what it reads: whatever goes wrong here, the folder is at fault.
            reason = " ".join(f"{type(error).__name__}: {error} {chatter.said}".split())[:300]
            raise InputError(
                f"{model.path}: nnU-Net {_version('nnunetv2')} cannot load this model ({reason}); "
                "check that its files are whole and of one model"
            ) from error
    if predictor.configuration_manager.previous_stage_name is not None:
        raise InputError(f"{model.path}: the second stage of a cascade; give a model that works alone (3d_fullres)")
    return _Predictor(predictor)


def _reporting(base: type) -> type:
    """nnU-Net's predictor class made to report each tile. A report may raise (the user cancels).

    The exception is kept until the tiles are through, each now skipped: nnU-Net fills a queue from a thread, which
    would wait for ever on a reader that went away.
    """

    class Reporting(base):
        def begin(self, report: Callable[[float], None]) -> None:
            self._report = report
            self._stopped: BaseException | None = None
            self._done, self._tiles = 0, 1

        def predict_logits_from_preprocessed_data(self, *args: Any, **more: Any) -> torch.Tensor:
            logits = super().predict_logits_from_preprocessed_data(*args, **more)
            if self._stopped is not None:
                raise self._stopped
            return logits

        def _internal_get_sliding_window_slicers(self, *args: Any, **more: Any) -> list[Any]:
            slicers = super()._internal_get_sliding_window_slicers(*args, **more)
            self._tiles = len(slicers) * len(self.list_of_parameters)
            return slicers

        def _internal_maybe_mirror_and_predict(self, x: torch.Tensor) -> torch.Tensor:
            if self._stopped is None:
                try:
                    self._report(self._done / self._tiles)
                except BaseException as error:
                    self._stopped = error
            self._done += 1
            if self._stopped is not None:
                return x.new_zeros((len(x), self.label_manager.num_segmentation_heads, *x.shape[2:]))
            return super()._internal_maybe_mirror_and_predict(x)

    return Reporting


def _doubts(model: NnUnetFolder, labels: LabelMap) -> list[str]:
    warned = []
    if labels.whole_vertebrae and not model.says_bodies:
        warned.append(
            "the model's labels do not say whether they are vertebral bodies or whole vertebrae: "
            "uptake of the arches may be in the column's figures"
        )
    if model.channel.lower() != "ct":
        warned.append(f"the model was trained on images called {model.channel!r}, not CT: look at the mask")
    return warned


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "unknown"
