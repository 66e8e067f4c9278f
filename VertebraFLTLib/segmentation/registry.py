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

        _refuse_options_of_the_ensemble(options)
        if options.model_folder is not None or options.segmenter != "ensemble":
            raise InputError("--mask takes the place of a segmenter; leave out --segmenter and --model-folder")
        return GivenMask(mask)
    if options.segmenter == "ensemble":
        from VertebraFLTLib.segmentation.ensemble import EnsembleSegmenter
        from VertebraFLTLib.segmentation.weights import read_model

        return EnsembleSegmenter(
            read_model(options.model_folder),
            device=options.device,
            views=options.views,
            combine=options.combine,
            threshold=options.threshold,
        )
    _refuse_options_of_the_ensemble(options)
    if options.segmenter == "nnunet":
        from VertebraFLTLib.segmentation.nnunet import NnUnetSegmenter

        return NnUnetSegmenter(options.model_folder, device=options.device)
    if options.segmenter == "totalsegmentator":
        from VertebraFLTLib.segmentation.totalsegmentator import TotalSegmentatorSegmenter

        if options.model_folder is not None:
            raise InputError("--model-folder is not for --segmenter totalsegmentator, which has its own weights")
        return TotalSegmentatorSegmenter(device=options.device)
    raise InputError(f"--segmenter {options.segmenter}: choose one of {', '.join(SEGMENTERS)}")


def _refuse_options_of_the_ensemble(options: Options) -> None:
    """An option that would be ignored is refused: the user takes it for having worked."""
    for name in ("views", "combine", "threshold"):
        if getattr(options, name) is not None:
            raise InputError(f"--{name} is for --segmenter ensemble only; leave it out with {options.segmenter}")
