"""Typeset digits: what stands in for MNIST where it is not at hand, rendered from the fonts that come with matplotlib.
"""
from functools import lru_cache
from pathlib import Path

import numpy as np

from refvi.base.checks import require_count
from refvi.data.store import Digits

FONTS = ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSans-BoldOblique", "DejaVuSerif",
         "DejaVuSerif-Bold", "DejaVuSerif-Italic", "DejaVuSerif-BoldItalic", "DejaVuSansMono", "DejaVuSansMono-Bold",
         "DejaVuSansMono-Oblique", "STIXGeneral", "STIXGeneralBol", "STIXGeneralItalic", "STIXGeneralBolIta", "cmr10",
         "cmb10", "cmss10", "cmtt10", "cmti10")
SIDE, CANVAS, HEIGHT = 28, 96, 60      # pixels of an image; of the canvas a glyph is drawn on; of the glyph itself
BLOCK = 2000                            # images rendered at once


@lru_cache(maxsize=1)
def glyphs():
    """Every digit in every font on its canvas, (fonts, 10, CANVAS, CANVAS) of booleans, centred and of one height."""
    import matplotlib
    from matplotlib.ft2font import FT2Font
    from scipy.ndimage import zoom

    canvases = np.zeros((len(FONTS), 10, CANVAS, CANVAS), bool)
    for f, name in enumerate(FONTS):
        font = FT2Font(str(Path(matplotlib.get_data_path(), "fonts", "ttf", f"{name}.ttf")))
        font.set_size(80, 72)
        for digit in range(10):
            font.set_text(str(digit))
            font.draw_glyphs_to_bitmap(antialiased=True)
            ink = np.asarray(font.get_image())
            ink = ink[np.any(ink, axis=1)][:, np.any(ink, axis=0)]
            ink = zoom(ink.astype(float), HEIGHT / len(ink), order=1) > 127
            top, left = (CANVAS - ink.shape[0]) // 2, (CANVAS - ink.shape[1]) // 2
            canvases[f, digit, top:top + ink.shape[0], left:left + ink.shape[1]] = ink
    return canvases


def typeset_digits(rng, N):
    """Digits of N random fonts, digits and affine jitters: turned, slanted, stretched and shifted; pixels are 0 or
    255.
    """
    require_count("N", N)
    labels = rng.integers(0, 10, N)
    blocks = [render(rng, labels[start:start + BLOCK]) for start in range(0, N, BLOCK)]
    return Digits("typeset digits", np.concatenate(blocks), labels.astype(np.uint8))


def render(rng, labels):
    """Images (n, 784) of the labels: every pixel looks up where on its glyph's canvas it came from."""
    n = len(labels)
    font, turn, slant = rng.integers(0, len(FONTS), n), rng.normal(0, 0.13, n), rng.normal(0, 0.15, n)
    stretch, shift = np.exp(rng.normal(0, 0.1, (n, 2))), rng.normal(0, 1.2, (n, 2))
    cos, sin = np.cos(turn), np.sin(turn)
    matrix = (np.stack([np.stack([cos, sin + slant], axis=-1), np.stack([-sin, cos], axis=-1)], axis=1)
              * stretch[:, None] * HEIGHT / 20)
    grid = (
        np.stack(np.meshgrid(np.arange(SIDE), np.arange(SIDE), indexing="ij"), axis=-1).reshape(-1, 2) - (SIDE - 1) / 2
    )
    at = np.einsum("nij,npj->npi", matrix, grid - shift[:, None]) + (CANVAS - 1) / 2
    at = np.clip(np.rint(at).astype(int), 0, CANVAS - 1)        # the canvas is empty at its edge
    return glyphs()[font[:, None], labels[:, None], at[..., 0], at[..., 1]].astype(np.uint8) * 255
