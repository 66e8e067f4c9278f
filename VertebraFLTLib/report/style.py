"""How figures look, and how they reach a file: matplotlib's object interface only, so that no global state changes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from VertebraFLTLib.anatomy import LEVEL_BY_NAME
from VertebraFLTLib.errors import InputError
from VertebraFLTLib.spine.boundaries import BoundarySet
from VertebraFLTLib.spine.levels import SURE_OF_NAMES
from VertebraFLTLib.spine.name_confidence import in_words

INK = "#1f2328"
MUTED = "#6a737d"
GRID = "#e4e7eb"
# Okabe and Ito's colours, told apart with any colour vision.
REGION_COLORS = {"cervical": "#56B4E9", "thoracic": "#0072B2", "lumbar": "#009E73"}
SURE = "#0072B2"
UNSURE = "#D55E00"
DPI = 150


def new_figure(width_in: float, height_in: float, **options: Any) -> Figure:
    """An empty white figure with a canvas of its own."""
    figure = Figure(figsize=(width_in, height_in), dpi=DPI, facecolor="white", **options)
    FigureCanvasAgg(figure)
    return figure


def calm(axes: Axes, *, grid_axis: str | None = None) -> None:
    """Thin muted axes without a box, a faint grid along one axis where asked for."""
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(MUTED)
        axes.spines[side].set_linewidth(0.6)
    axes.tick_params(colors=MUTED, labelcolor=INK, labelsize=8, width=0.6, length=3)
    axes.xaxis.label.set(color=INK, size=9)
    axes.yaxis.label.set(color=INK, size=9)
    if grid_axis is not None:
        axes.grid(axis=grid_axis, color=GRID, linewidth=0.6)  # type: ignore[arg-type]
        axes.set_axisbelow(True)


def say_names_in_doubt(figure: Figure, boundaries: BoundarySet) -> None:
    """A line at the figure's foot where the level names are an inference: a picture travels without its report."""
    if boundaries.level_confidence >= SURE_OF_NAMES:
        return
    height = figure.get_size_inches()[1]
    figure.text(
        0.02,
        0.08 / height,
        f"Level names are an inference (confidence {in_words(boundaries)}); they may be off by one or more.",
        fontsize=8,
        color=UNSURE,
        va="bottom",
    )


def level_color(name: str) -> str:
    """Colour of a level's part of the spine."""
    return REGION_COLORS[LEVEL_BY_NAME[name].region]


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, atomically. Raises InputError where it cannot be written."""
    canvas = figure.canvas
    assert isinstance(canvas, FigureCanvasAgg)
    canvas.draw()
    image = Image.fromarray(np.ascontiguousarray(np.asarray(canvas.buffer_rgba())[..., :3]))
    partial = path.with_name(f".{path.name}.partial")
    try:
        image.save(partial, format="PNG", dpi=(DPI, DPI))
        os.replace(partial, path)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)
