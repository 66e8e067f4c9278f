"""Draws the module's icon: vertebral bodies aglow with uptake, and the profile whose valleys part them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SIZE, SCALE = 128, 8
BACKGROUND, BONE, LINE = (35, 56, 78), (242, 222, 176), (129, 205, 232)
HOT = ((244, 190, 80), (228, 112, 48), (196, 48, 40))  # from the rim of a body to its core
BODIES = ((44, 21.5, -9), (38.5, 49.5, -3), (38, 78.5, 4), (43.5, 107, 11))  # centre x, y, tilt in degrees
WIDTH, HEIGHT = 48, 21.5


def _rounded(size: tuple[float, float], radius: float, colour: tuple[int, ...], margin: float = 8) -> Image.Image:
    w, h = ((part + 2 * margin) * SCALE for part in size)
    tile = Image.new("RGBA", (round(w), round(h)), (*colour, 0))
    box = [margin * SCALE, margin * SCALE, w - margin * SCALE, h - margin * SCALE]
    ImageDraw.Draw(tile).rounded_rectangle(box, radius * SCALE, fill=(*colour, 255))
    return tile


def _paste(canvas: Image.Image, tile: Image.Image, x: float, y: float, tilt: float) -> None:
    turned = tile.rotate(-tilt, Image.Resampling.BICUBIC, expand=True)
    canvas.alpha_composite(turned, (round(x * SCALE - turned.width / 2), round(y * SCALE - turned.height / 2)))


def draw() -> Image.Image:
    """The icon at its final size, with a transparent corner."""
    canvas = Image.new("RGBA", (SIZE * SCALE,) * 2, (0, 0, 0, 0))
    draw = ImageDraw.Draw(canvas)
    draw.rounded_rectangle([0, 0, SIZE * SCALE - 1, SIZE * SCALE - 1], 22 * SCALE, fill=(*BACKGROUND, 255))
    for x, y, tilt in BODIES:
        _paste(canvas, _rounded((WIDTH, HEIGHT), 5, BONE), x, y, tilt)
        for part, colour in zip((0.8, 0.58, 0.3), HOT, strict=True):
            glow = _rounded((WIDTH * part, HEIGHT * part * 0.92), HEIGHT * part * 0.4, colour)
            _paste(canvas, glow.filter(ImageFilter.GaussianBlur(1.6 * SCALE)), x, y, tilt)
    y = np.linspace(9, 119, 400)
    centres = np.array([body[1] for body in BODIES])
    uptake = sum(np.exp(-(((y - centre) / 8.2) ** 2)) for centre in centres)
    points = list(zip((82 + 32 * uptake) * SCALE, y * SCALE, strict=True))
    draw = ImageDraw.Draw(canvas)
    draw.line(points, fill=(*LINE, 255), width=round(4.2 * SCALE), joint="curve")
    for point in (points[0], points[-1]):
        _dot(draw, point[0], point[1], 2.1, LINE)
    for below, above in zip(centres[1:], centres[:-1], strict=True):
        middle = (below + above) / 2
        level = sum(np.exp(-(((middle - centre) / 8.2) ** 2)) for centre in centres)
        _dot(draw, (82 + 32 * level) * SCALE, middle * SCALE, 5.4, (255, 255, 255))
    return canvas.resize((SIZE, SIZE), Image.Resampling.LANCZOS)


def _dot(draw: ImageDraw.ImageDraw, x: float, y: float, radius: float, colour: tuple[int, int, int]) -> None:
    r = radius * SCALE
    draw.ellipse([x - r, y - r, x + r, y + r], fill=(*colour, 255))


if __name__ == "__main__":
    target = Path(__file__).resolve().parents[1] / "Resources" / "Icons" / "VertebraFLT.png"
    draw().save(target, optimize=True)
