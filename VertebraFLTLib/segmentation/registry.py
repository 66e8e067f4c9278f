"""From a segmenter's name in the options to the segmenter; the only place that knows them all."""

from __future__ import annotations

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.result import SEGMENTERS, Options
from VertebraFLTLib.segmentation.protocol import Segmenter


def get_segmenter(options: Options, mask: str | None = None) -> Segmenter:
    """The segmenter the options ask for; a given ``mask`` file stands in for any.

    Imports are here, not above: each brings its own large library, and a user needs one of them.
    """
    if mask is not None:
        from VertebraFLTLib.segmentation.given import GivenMask

        _refuse(options, "--mask", "views", "combine", "threshold")
        if options.model_folder is not None or options.segmenter is not None:
            raise InputError("--mask takes the place of a segmenter; leave out --segmenter and --model-folder")
        return GivenMask(mask)
    if options.segmenter in (None, "volume", "ensemble"):
        return _own(options)
    _refuse(options, f"--segmenter {options.segmenter}", "views", "combine", "threshold")
    if options.segmenter == "nnunet":
        from VertebraFLTLib.segmentation.nnunet import NnUnetSegmenter

        return NnUnetSegmenter(options.model_folder, device=options.device)
    if options.segmenter == "totalsegmentator":
        from VertebraFLTLib.segmentation.totalsegmentator import TotalSegmentatorSegmenter

        if options.model_folder is not None:
            raise InputError("--model-folder is not for --segmenter totalsegmentator, which has its own weights")
        return TotalSegmentatorSegmenter(device=options.device)
    raise InputError(f"--segmenter {options.segmenter}: choose one of {', '.join(SEGMENTERS)}")


def _own(options: Options) -> Segmenter:
    """The product's own networks: the thesis's ensemble of 2-D ones, or those in 3-D."""
    from VertebraFLTLib.segmentation.ensemble import EnsembleSegmenter
    from VertebraFLTLib.segmentation.volume import VolumeSegmenter
    from VertebraFLTLib.segmentation.weights import ENSEMBLE_MODEL, VOLUME_MODEL, read_model, shipped

    in_3d = options.segmenter == "volume"
    if in_3d:
        _refuse(options, "--segmenter volume", "views", "combine")
    # Views and their combination are the ensemble's own: whoever asks for them has asked for it.
    in_2d = options.segmenter == "ensemble" or options.views is not None or options.combine is not None
    model = read_model(options.model_folder or shipped(ENSEMBLE_MODEL if in_2d else VOLUME_MODEL))
    if model.kind == "unet2d" and not in_3d:
        return EnsembleSegmenter(
            model,
            device=options.device,
            views=options.views,
            combine=options.combine,
            threshold=options.threshold,
        )
    if in_2d:
        raise InputError(f"{model.folder}: holds a 3-D network; leave out --segmenter ensemble, --views and --combine")
    return VolumeSegmenter(model, device=options.device, threshold=options.threshold)


def _refuse(options: Options, by: str, *names: str) -> None:
    """An option that would be ignored is refused: the user takes it for having worked."""
    for name in names:
        if getattr(options, name) is not None:
            raise InputError(
                f"--{name} is for the product's own networks only; leave it out with {by}"
                if name == "threshold"
                else f"--{name} is for --segmenter ensemble only; leave it out with {by}"
            )
