"""The main job on a simulated patient, made on the spot: nothing else is needed."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from VertebraFLTLib.cli.summary import say_result
from VertebraFLTLib.io.images import LoadedImage, Modality, read_image
from VertebraFLTLib.progress import Progress
from VertebraFLTLib.result import Options
from VertebraFLTLib.workflow import INPUTS, run_into

SEED = 0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", default="out/demo", metavar="DIR", help="results (out/demo)")
    parser.add_argument("--no-scene", action="store_true", help="do not write scene.mrb")


def execute(args: argparse.Namespace, progress: Progress) -> None:
    from VertebraFLTLib.phantom import make_phantom, write_phantom

    def make(folder: Path) -> tuple[LoadedImage, LoadedImage]:
        progress("phantom", 0.0)
        write_phantom(make_phantom(seed=SEED, day=28, size="demo"), folder / INPUTS)
        progress("phantom", 1.0)
        return read(folder, "ct.nii.gz", "CT"), read(folder, "pet_suv.nii.gz", "PT")

    def read(folder: Path, name: str, modality: Modality) -> LoadedImage:
        image = read_image(folder / INPUTS / name, modality=modality)
        # The record names the place where the file will lie, so that `rebuild` finds it.
        return replace(image, source=replace(image.source, path=str(Path(args.out) / INPUTS / name)))

    say_result(
        run_into(args.out, make, Options(), scene=not args.no_scene, keeps_inputs=True, progress=progress), args.out
    )
