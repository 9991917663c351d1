"""Ten images as the model sees them, 784 pixels that are on or off, white on black: they read 5 7 4 4 2 6 3 5 9 2.
PML.143, PML.144.

MNIST's test images, binarized at 128; on the slide the third and the last are hard to read.
"""
import numpy as np

from digits import load, packed, show, unpacked

FORMAT, EXPENSIVE, QUICK = "png", True, dict(N=200)
READS = (5, 7, 4, 4, 2, 6, 3, 5, 9, 2)


def data(rng, N=2000):
    return strip(rng, "mnist", N)


def strip(rng, kind, N):
    """One image of each of the digits, taken at random."""
    test = load(rng, kind, N).test
    chosen, places = [], rng.permutation(len(test.labels))
    for digit in READS:
        chosen.append(next(i for i in places if test.labels[i] == digit and i not in chosen))
    return dict(random_strip=packed(test.images[chosen]), on=np.unique(unpacked(packed(test.images[chosen]))),
                reads=READS)


def draw(figure, random_strip, on, reads):
    figure.set_size_inches(5.2, 0.62)
    figure.set_layout_engine("none")
    axes = figure.add_axes((0, 0, 1, 1))
    show(axes, unpacked(random_strip), len(reads), gap=2)
