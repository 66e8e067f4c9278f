"""Where the files lie that ship beside the library: weights, terminology, colours."""

from pathlib import Path


def resource_path(*parts: str) -> Path:
    """Path below ``Resources/``, the same in a clone, an installed extension and an editable install."""
    return Path(__file__).resolve().parents[1].joinpath("Resources", *parts)
