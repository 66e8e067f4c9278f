"""Only the semantic mask of a CT: vertebral bodies, hip bones, sternum, sacrum."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from VertebraFLTLib.cli import arguments
from VertebraFLTLib.errors import InputError
from VertebraFLTLib.io.geometry import back_to_original
from VertebraFLTLib.io.images import read_image
from VertebraFLTLib.io.writing import check_can_write, write_image
from VertebraFLTLib.progress import Progress
from VertebraFLTLib.segmentation.registry import get_segmenter

log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--ct", required=True, metavar="PATH", help=f"CT: {arguments.IMAGE}")
    parser.add_argument("--out", required=True, metavar="FILE", help="mask to write: .nii.gz, .nii, .nrrd, .mha")
    arguments.add_series(parser)
    arguments.add_segmenter(parser)


def execute(args: argparse.Namespace, progress: Progress) -> None:
    check_can_write(args.out, image=True)
    if Path(args.out).resolve() in {Path(p).resolve() for p in (args.ct, args.mask) if p}:
        raise InputError(f"--out {args.out} is the input itself; give another file")
    ct = read_image(args.ct, modality="CT", series=args.series, progress=progress)
    segmentation = get_segmenter(arguments.options_of(args), args.mask).segment(ct.image, progress)
    for warning in (*ct.warnings, *segmentation.warnings):
        log.warning("warning: %s", warning)
    write_image(back_to_original(segmentation.mask, ct.original), args.out)
    print(args.out)
