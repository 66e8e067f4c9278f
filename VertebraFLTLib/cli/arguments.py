"""Arguments that several commands share, and how they become the library's plain values."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from typing import TypeVar

from VertebraFLTLib.errors import InputError, NoSuchSeries
from VertebraFLTLib.io.images import LoadedImage, Modality, read_image
from VertebraFLTLib.io.suv_record import SuvOverrides
from VertebraFLTLib.progress import Progress
from VertebraFLTLib.quantification.surfaces import parse_percentiles
from VertebraFLTLib.result import COMBINATIONS, CUTS, DETECTORS, DEVICES, PET_UNITS, SEGMENTERS, VIEWS, Options

T = TypeVar("T")
IMAGE = "a NIfTI, NRRD or MetaImage file, a folder of DICOM files, or a zip of one"


def add_pet(parser: argparse.ArgumentParser) -> None:
    """--pet and what is needed to read SUV from it."""
    parser.add_argument("--pet", required=True, metavar="PATH", help=f"PET: {IMAGE}")
    parser.add_argument("--pet-units", choices=PET_UNITS, default="auto", help="what the PET's values are (auto)")
    group = parser.add_argument_group("SUV, where the PET's header lacks a value or is wrong")
    group.add_argument("--weight", type=typed(_positive), metavar="KG", help="patient weight")
    group.add_argument("--dose", type=typed(_positive), metavar="MBQ", help="injected activity at injection time")
    group.add_argument("--injection-time", metavar="TIME", help="HH:MM:SS, or date and time as 2026-01-31T10:30:00")
    group.add_argument("--scan-time", metavar="TIME", help="time to which the values are decay-corrected, likewise")
    group.add_argument("--half-life", type=typed(_positive), metavar="S", help="of the isotope, in seconds")
    group.add_argument("--decay-correction", choices=("START", "ADMIN"), help="to what the values are corrected")


def overrides(args: argparse.Namespace) -> SuvOverrides:
    """The SUV values given by option."""
    return SuvOverrides(
        weight_kg=args.weight,
        dose_bq=None if args.dose is None else args.dose * 1e6,
        injection_time=args.injection_time,
        scan_time=args.scan_time,
        half_life_s=args.half_life,
        decay_correction=args.decay_correction,
    )


def add_series(parser: argparse.ArgumentParser) -> None:
    """--series, for DICOM folders with more than one candidate."""
    parser.add_argument(
        "--series",
        metavar="ID",
        help="DICOM series, where a folder holds several: UID, end of the UID, or series number",
    )


def add_series_of_two(parser: argparse.ArgumentParser) -> None:
    """--series where CT and PET are both read: one for each, if need be."""
    parser.add_argument(
        "--series",
        metavar="ID",
        action="append",
        default=[],
        help="DICOM series of CT or PET, where a folder holds several: UID, its end, or number; may be given twice",
    )


def read_ct_and_pet(args: argparse.Namespace, progress: Progress) -> tuple[LoadedImage, LoadedImage]:
    """The images of --ct and --pet; each --series must name a series of one of them."""
    used: set[str] = set()

    def read(path: str, modality: Modality) -> LoadedImage:
        for series in args.series:
            try:
                image = read_image(path, modality=modality, series=series, progress=progress)
            except NoSuchSeries:
                continue
            used.add(series)
            return image
        return read_image(path, modality=modality, progress=progress)

    images = read(args.ct, "CT"), read(args.pet, "PT")
    for series in args.series:
        if series not in used:
            raise NoSuchSeries(f"--series {series} is a CT series of {args.ct} no more than a PET series of {args.pet}")
    return images


def add_segmenter(parser: argparse.ArgumentParser) -> None:
    """Which segmenter, and how the ensemble decides."""
    parser.add_argument("--device", choices=DEVICES, default="auto", help="where the networks run (auto)")
    parser.add_argument(
        "--segmenter",
        choices=SEGMENTERS,
        help="what segments the CT: 3-D networks, the thesis's ensemble of 2-D ones, or another package's (volume; "
        "ensemble where --views or --combine are given)",
    )
    parser.add_argument("--model-folder", metavar="DIR", help="weights to use instead of those that ship")
    parser.add_argument(
        "--mask", metavar="PATH", help="use this mask (values as semantic.nii.gz) instead of segmenting"
    )
    parser.add_argument("--views", type=typed(_views), metavar="LIST", help=f"of the ensemble: {','.join(VIEWS)}")
    parser.add_argument("--combine", choices=COMBINATIONS, help="how the views are combined (the model's own)")
    parser.add_argument(
        "--threshold", type=typed(_fraction), metavar="T", help="probability threshold, 0 to 1 (the model's own)"
    )


def add_detector(parser: argparse.ArgumentParser) -> None:
    """Which boundary detector, and where it starts."""
    parser.add_argument("--detector", choices=DETECTORS, default="span-prior", help="boundary detector (span-prior)")
    parser.add_argument(
        "--lowest", metavar="LEVEL", help="the lowest vertebra in the column, where you know it, e.g. L5"
    )
    add_cuts(parser, "oblique")


def add_cuts(parser: argparse.ArgumentParser, default: str | None) -> None:
    """--cuts."""
    meaning = default or "as they are in boundaries.csv"
    parser.add_argument(
        "--cuts",
        choices=CUTS,
        default=default,
        help=f"planes between vertebrae: square to the column's centre line, or axial as in the thesis ({meaning})",
    )


def add_percentiles(parser: argparse.ArgumentParser) -> None:
    """--percentiles."""
    parser.add_argument(
        "--percentiles",
        type=typed(parse_percentiles),
        metavar="LIST",
        default=(50.0, 85.0, 98.0),
        help="isosurfaces (50,85,98)",
    )


def options_of(args: argparse.Namespace) -> Options:
    """The run's options from whichever of these arguments the command has."""
    names = ("device", "pet_units", "segmenter", "model_folder", "views", "combine", "threshold", "detector", "lowest")
    given = {name: getattr(args, name) for name in (*names, "cuts", "percentiles") if hasattr(args, name)}
    return Options(**given)


def allow_lists_below_zero(parser: argparse.ArgumentParser) -> None:
    """Let ``--days -1,7`` be a value: argparse takes single numbers below 0 for values, lists of them for options."""
    parser._negative_number_matcher = re.compile(r"^-[\d.][\d.,eE+-]*$")


def number_list(text: str) -> tuple[float, ...]:
    """Numbers with commas between them. Raises InputError."""
    return tuple(_number(part.strip()) for part in text.split(","))


def typed(parse: Callable[[str], T]) -> Callable[[str], T]:
    """For ``type=``: argparse hides the message of a ValueError, and ours says what to do."""

    def convert(text: str) -> T:
        try:
            return parse(text)
        except InputError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return convert


def _views(text: str) -> tuple[str, ...]:
    views = tuple(dict.fromkeys(v.strip() for v in text.split(",") if v.strip()))
    if not views or any(v not in VIEWS for v in views):
        raise InputError(f"{text!r}: give one or more of {','.join(VIEWS)}")
    return views


def _fraction(text: str) -> float:
    value = _number(text)
    if not 0.0 < value < 1.0:
        raise InputError(f"{text!r}: must lie between 0 and 1")
    return value


def _positive(text: str) -> float:
    value = _number(text)
    if not 0.0 < value < float("inf"):
        raise InputError(f"{text!r}: must be above 0")
    return value


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(f"{text!r}: not a number") from None
