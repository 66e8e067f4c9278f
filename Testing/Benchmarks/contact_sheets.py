"""Segments CTs and writes contact sheets of the masks with what they hold in words: looking at many cases at once."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import SimpleITK as sitk

from VertebraFLTLib.errors import InputError
from VertebraFLTLib.io.images import read_image
from VertebraFLTLib.progress import silent
from VertebraFLTLib.report.contact_sheet import SheetCase, write_contact_sheets
from VertebraFLTLib.report.mask_words import describe_mask
from VertebraFLTLib.result import Options
from VertebraFLTLib.segmentation.protocol import Segmenter
from VertebraFLTLib.segmentation.registry import get_segmenter


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cts", nargs="+", type=Path, metavar="CT", help="files, folders or zips")
    parser.add_argument("--out", type=Path, required=True, help="folder for sheets (PNG), masks and masks.txt")
    parser.add_argument("--model-folder", default=None, help="weights other than those that ship")
    parser.add_argument("--segmenter", default=None, help="another than the default")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--per-page", type=int, default=1, help="cases on one PNG")
    return parser.parse_args(arguments)


def name_of(path: Path) -> str:
    """A short name for a CT: its file's, or for a file called CT its folder's."""
    name = path.name.split(".")[0]
    return path.parent.name if name.upper() == "CT" else name.removesuffix("_ct")


def _cases(paths: list[Path], out: Path, segmenter: Segmenter) -> Iterator[SheetCase]:
    with (out / "masks.txt").open("w", encoding="utf-8") as words:
        for path in paths:
            name = name_of(path)
            ct = read_image(str(path), modality="CT").image
            found = segmenter.segment(ct, silent)
            sitk.WriteImage(found.mask, str(out / f"{name}_mask.nii.gz"), useCompression=True)
            gone = found.details.get("removed_by_clean_up_ml") or {}
            removed = ", ".join(f"{key} {ml:.1f} ml" for key, ml in gone.items()) or "nothing"
            lines = [f"removed by clean-up: {removed}", *describe_mask(found.mask, ct), *found.warnings]
            text = "\n  ".join([name, *lines])
            print(text, flush=True)
            print(text, file=words, flush=True)
            yield SheetCase(name, ct, found.mask, lines[0])


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0 done, 2 where input or arguments are at fault."""
    given = _arguments(arguments)
    try:
        given.out.mkdir(parents=True, exist_ok=True)
        options = Options(segmenter=given.segmenter, model_folder=given.model_folder, device=given.device)
        segmenter = get_segmenter(options)
        for sheet in write_contact_sheets(_cases(given.cts, given.out, segmenter), given.out, given.per_page):
            print(sheet, flush=True)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
