"""Boundaries between vertebrae from a PET and a mask that is already there; without the CT, which votes in a run."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from VertebraFLTLib.cli import arguments
from VertebraFLTLib.column import column_of
from VertebraFLTLib.errors import InputError
from VertebraFLTLib.io.geometry import check_overlap
from VertebraFLTLib.io.images import read_image
from VertebraFLTLib.io.suv import pet_to_suv
from VertebraFLTLib.io.writing import StagedFolder, write_text
from VertebraFLTLib.pipeline import doubts, find_boundaries
from VertebraFLTLib.progress import Progress
from VertebraFLTLib.segmentation.given import check_labels

log = logging.getLogger(__name__)
FILES = ("boundaries.csv", "profile.csv")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.add_pet(parser)
    arguments.add_series(parser)
    parser.add_argument("--mask", required=True, metavar="PATH", help="mask with values as semantic.nii.gz")
    parser.add_argument("--out", required=True, metavar="DIR", help="folder for boundaries.csv and profile.csv")
    arguments.add_detector(parser)


def execute(args: argparse.Namespace, progress: Progress) -> None:
    options = arguments.options_of(args)
    if (Path(args.out) / "case.json").exists():
        raise InputError(f"{args.out} is the folder of a whole run; give another --out, or use 'vertebraflt rebuild'")
    with StagedFolder(args.out, marker="boundaries.csv", known=FILES) as folder:
        pet = read_image(args.pet, modality="PT", series=args.series, progress=progress)
        mask = read_image(args.mask)
        check_labels(mask.image, args.mask)
        check_overlap(mask.image, pet.image)
        pet_suv, suv = pet_to_suv(pet, args.pet_units, arguments.overrides(args))
        progress("boundaries", 0.0)
        profile, boundaries = find_boundaries(pet_suv, mask.image, column_of(mask.image), options, suv.tracer)
        before = Path(args.out) / "boundaries.csv"
        if before.is_file() and before.read_bytes() != boundaries.to_csv().encode():
            raise InputError(f"{before} holds other boundaries, perhaps edited ones; give another --out or remove it")
        write_text(folder / "boundaries.csv", boundaries.to_csv())
        write_text(folder / "profile.csv", profile.to_csv())
        progress("boundaries", 1.0)
    for warning in (*pet.warnings, *suv.warnings, *doubts(suv, boundaries)):
        log.warning("warning: %s", warning)
    print(f"{args.out}: {len(boundaries.boundaries)} boundaries")
