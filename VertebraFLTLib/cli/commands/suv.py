"""How SUV is derived from a PET, term by term, or why it is refused."""

from __future__ import annotations

import argparse
import json

from VertebraFLTLib.cli import arguments
from VertebraFLTLib.io.images import read_image
from VertebraFLTLib.io.suv import pet_to_suv
from VertebraFLTLib.progress import Progress


def add_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.add_pet(parser)
    arguments.add_series(parser)
    parser.add_argument("--json", action="store_true", help="print all terms as JSON")


def execute(args: argparse.Namespace, progress: Progress) -> None:
    pet = read_image(args.pet, modality="PT", series=args.series, progress=progress)
    _, record = pet_to_suv(pet, args.pet_units, arguments.overrides(args))
    if args.json:
        print(json.dumps(record.to_json(), indent=2))
        return
    print(f"SUVbw = value * {record.factor:.9g}   ({record.method})")
    for term in record.terms:
        print(f"  {term.name:<28} {term.value} {term.unit}".rstrip() + f"   [{term.tag or term.source}]")
    for warning in (*pet.warnings, *record.warnings):
        print(f"  warning: {warning}")
