"""Two dimensions keep a digit's shape, and twenty its hand: test images, and the mean images at the means of their
codes. PML.152.

Rows: the binarized image; decoded from two dimensions; from twenty. Fits of `refvi fit vae`, as long as they were
climbed.
"""
from digits import QUICK, fitted, name_rows, packed, show, unpacked, watched      # noqa: F401
from refvi.generative.vae import evaluate

FORMAT, EXPENSIVE = "png", True
ROWS = ("image", "2 dimensions", "20 dimensions")


def data(rng, **how):
    return reconstructions(rng, "mnist", **how)


def reconstructions(rng, kind, **how):
    """Ten test digits, one of each, through both fits."""
    fits, sets = [], []
    for D in (2, 20):
        digits, fit = fitted(rng, kind, D, **how)
        fits.append(fit)
        sets.append(digits)
    images = sets[0].test.of(range(10))
    parts = [evaluate.means(fit.shape, fit.weights,
                            evaluate.encoded(fit.shape, fit.weights, images)[:, :fit.shape.D]) for fit in fits]
    return dict(random_images=packed([*images, *parts[0], *parts[1]]),
                random_fits=[watched(fit, digits) for fit, digits in zip(fits, sets)])


def draw(figure, random_images, random_fits):
    figure.set_size_inches(5.2, 1.55)
    axes = figure.add_subplot()
    show(axes, unpacked(random_images), 10)
    name_rows(axes, ROWS)
