"""What the pictures of the VAE share: digits with their labels, the fit to show, images as short strings and as
sheets. No figure itself.

Images (k, 784), means in [0, 1] or booleans; a sheet is a list of rows of images. White on black, as the slides have
them.
"""
import base64
import zlib
from functools import lru_cache

import numpy as np
from matplotlib.lines import Line2D

from refvi.app.fits import vae
from refvi.data import mnist
from refvi.data.typeset import typeset_digits
from refvi.generative.vae import model, store, training

SHORT = 3           # epochs of the fit that is shown where none is stored
SIDE = 28
QUICK = dict(epochs=1, N=1000)      # for tests: of a fit whose picture nobody looks at


class Part:
    """Binarized images (N, 784), and their labels (N,)."""

    def __init__(self, images, labels):
        self.images, self.labels = model.binarized(images), labels

    def of(self, wanted):
        """The first image of each of the digits wanted; of one that is wanted twice, the first two."""
        places = {digit: iter(np.flatnonzero(self.labels == digit)) for digit in set(wanted)}
        return self.images[[next(places[digit]) for digit in wanted]]


class Split:
    """Training, validation and test digits, and the stamp of the first."""

    def __init__(self, digits, counts, name, **more):
        start = np.cumsum([0, *counts])
        parts = [Part(digits.images[a:b], digits.labels[a:b]) for a, b in zip(start, start[1:])]
        self.train, self.validation, self.test = parts
        self.stamp = store.stamp(name, self.train.images, **more)


@lru_cache
def mnist_digits():
    """MNIST, 55,000 of its training images and 5,000 to watch, as the fit vae has them."""
    train, test = mnist.load("train"), mnist.load("test")
    pairs = (train.images, test.images), (train.labels, test.labels)
    images, labels = (np.concatenate([*model.held_apart(old), new]) for old, new in pairs)
    return Split(train._replace(images=images, labels=labels), (55_000, 5000, 10_000), "MNIST")


@lru_cache
def typeset(seed, counts):
    """Typeset digits drawn from this seed, as the fit vae draws them."""
    return Split(typeset_digits(np.random.Generator(np.random.SFC64(list(seed))), sum(counts)), counts,
                 "typeset digits", seed=list(seed))


def at_hand(kind):
    """The kind of digits, "mnist" or "typeset", where MNIST is at hand; else the latter stand in, and titles say so."""
    return kind if mnist.at_hand() else "typeset"


def load(rng, kind, N=None, seed=None):
    """The digits of kind "mnist" or "typeset"; with N, few of the latter."""
    if at_hand(kind) == "mnist":
        return mnist_digits()
    counts = (N, N // 5, N // 2) if N else tuple(vae.TYPESET.values())
    return typeset(tuple(seed or rng.integers(2**63, size=2).tolist()), counts)


FITS = {}           # the short ones of this process


def fitted(rng, kind, D=2, epochs=None, N=None):
    """(digits, Training).

    The one that `refvi fit vae` keeps for this data and D; else, or if epochs are given, a short one, climbed once in
    a process.
    """
    path = vae.default_place(at_hand(kind), D)
    if epochs is None and path.exists():
        fit = store.load(path)
        if fit.shape != model.architecture(D=D):
            raise ValueError(f"{path} holds a fit of {fit.shape}, expected {model.architecture(D=D)}: delete it, or "
                             f"fit anew with --fresh")
        return load(rng, kind, seed=fit.data.get("seed")), fit
    if (kind, D, epochs, N) not in FITS:
        digits = load(rng, kind, N)
        FITS[kind, D, epochs, N] = digits, climbed(rng, digits, model.architecture(D=D), epochs or SHORT, N,
                                                   held_out=digits.validation.images[:N])
    return FITS[kind, D, epochs, N]


def climbed(rng, digits, shape, epochs, N=None, ascent=training.epochs, **how):
    """The Training after this many epochs with the fit's own settings, to the first N training images."""
    fit = training.begin(rng, shape, data=digits.stamp)
    return next(fit for fit in ascent(fit, digits.train.images[:N], **how) if fit.epochs >= epochs)


def watched(fit, digits):
    """How a fit was had, in words."""
    return f"{digits.stamp['name']}, {fit.epochs} epoch{'s' * (fit.epochs > 1)}"


# ---- images in a file, and on paper

def packed(images):
    """Images (k, 784) as one string: a byte a pixel, compressed."""
    content = np.rint(255 * np.asarray(images, float)).astype(np.uint8).tobytes()
    return base64.b64encode(zlib.compress(content, 9)).decode("ascii")


def unpacked(text):
    """Images (k, 784) from their string, 0 to 255."""
    return np.frombuffer(zlib.decompress(base64.b64decode(str(text))), np.uint8).reshape(-1, SIDE**2)


def sheet(images, columns, gap=1, shade=110):
    """Images (k, 784) from 0 to 255 side by side, row after row, with grey lines between them."""
    rows = -(-len(images) // columns)
    paper = np.full((rows * (SIDE + gap) + gap, columns * (SIDE + gap) + gap), shade, np.uint8)
    for i, image in enumerate(images):
        top, left = (gap + (SIDE + gap) * place for place in divmod(i, columns))
        paper[top:top + SIDE, left:left + SIDE] = image.reshape(SIDE, SIDE)
    return paper


def show(axes, images, columns, **how):
    """A sheet of images on these axes, which keep only their labels; ticks are set where rows are."""
    axes.imshow(sheet(images, columns, **how), cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)


def name_rows(axes, names, gap=1):
    """Words to the left of the rows of a sheet."""
    axes.set_yticks([gap + (SIDE + gap) * row + SIDE / 2 for row in range(len(names))], names)
    axes.tick_params(length=0)


# ---- codes on paper

def circles(axes, radii=(1, 2, 3), **style):
    """Where N(0, I) has its standard deviations."""
    angle = np.linspace(0, 2 * np.pi, 121)
    for radius in radii:
        axes.plot(radius * np.cos(angle), radius * np.sin(angle),
                  **{"color": "0.35", "linewidth": 0.8, "linestyle": "--", "zorder": 1, **style})


def scatter(axes, codes, labels, size=5):
    """Every code a digit in its own shade: legible in grey, for the sign itself says which it is."""
    for digit in range(10):
        own = codes[labels == digit]
        axes.plot(*own.T, linestyle="none", marker=f"${digit}$", markersize=size, markeredgewidth=0,
                  color=SHADES[digit], zorder=2)


# of lightnesses that differ where signs are alike
SHADES = ["#000000", "#c1272d", "#5b9bd5", "#5a3000", "#a78bda", "#00695c", "#ee8a3c", "#4d4d4d", "#8e0b61", "#74b252"]
CIRCLES = Line2D([], [], color="0.35", linewidth=0.8, linestyle="--", label="N(0, I): 1, 2, 3 standard deviations")
