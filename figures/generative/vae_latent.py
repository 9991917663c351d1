"""Nobody told the encoder of digits, and it keeps them apart: where the images of each digit lie in the plane.
PML.145, PML.152.

Signs: means of the codes of test images, each drawn as its own digit. Dashed circles: 1, 2 and 3 standard deviations
of the prior N(0, I).
"""
import numpy as np

from digits import CIRCLES, QUICK, circles, fitted, scatter, watched       # noqa: F401
from refvi.generative.vae import evaluate

FORMAT, EXPENSIVE = "png", True
SHOWN = 1200


def data(rng, **how):
    return codes(rng, "mnist", **how)


def codes(rng, kind, **how):
    """Means of the codes of some test images, and their labels."""
    digits, fit = fitted(rng, kind, 2, **how)
    some = rng.permutation(len(digits.test.labels))[:SHOWN]
    lam = evaluate.encoded(fit.shape, fit.weights, digits.test.images[some])
    return dict(random_code=np.round(lam[:, :2].astype(float), 4), random_label=digits.test.labels[some],
                random_fit=watched(fit, digits))


def draw(figure, random_code, random_label, random_fit):
    figure.set_size_inches(4.4, 4.4)
    axes = figure.add_subplot(aspect="equal")
    circles(axes)
    scatter(axes, random_code, random_label)
    edge = max(3.3, np.quantile(np.abs(random_code), 0.997))
    axes.set(xlabel="$z_1$", ylabel="$z_2$", xlim=(-edge, edge), ylim=(-edge, edge), title=str(random_fit))
    axes.legend(handles=[CIRCLES], loc="upper center", bbox_to_anchor=(0.5, -0.13))
