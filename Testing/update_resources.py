"""Rewrites the resources that follow from the table of structures: Slicer's terminology context and colour tables."""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def contents() -> dict[str, str]:
    """File name below ``Resources/`` -> its text."""
    sys.path.insert(0, str(ROOT))
    from VertebraFLTLib.mrml import color_table, terminology

    return {
        "VertebraFLT.term.json": json.dumps(terminology.context_json(), indent=2) + "\n",
        color_table.SEMANTIC_FILE: color_table.semantic_csv(),
        color_table.VERTEBRAE_FILE: color_table.vertebrae_csv(),
    }


if __name__ == "__main__":
    for name, text in contents().items():
        (ROOT / "Resources" / name).write_text(text, encoding="utf-8", newline="")
