"""After 118 flips the class probability is known to within 0.045: the density of Beta(50, 70). WI.29.

Both Beta figures share their vertical axis, which the slides drop: there a peak of 2.8 looks as tall as one of 8.9.
The horizontal axis is the class probability; the slides label it x, which is the classifier's input elsewhere on the
same slide.
"""
import numpy as np
from scipy.special import betainc

from refvi import beta


def data(rng):
    return density(50, 70)


def density(a, b):
    """The density on a grid, and the numbers the slide leaves to the eye."""
    pi = np.linspace(0, 1, 501)[1:-1]
    lam, mode = np.log([a, b]), (a - 1) / (a + b - 2)
    sd, peak = np.sqrt(a * b / (a + b + 1)) / (a + b), np.exp(beta.log_prob(mode, lam))
    return dict(pi=pi, density=np.exp(beta.log_prob(pi, lam)), a=a, b=b, mean=a / (a + b), mode=mode, peak=peak, sd=sd,
                above_half=betainc(b, a, 0.5))


def draw(figure, pi, density, a, b, mean, mode, peak, sd, above_half):
    axes = figure.add_subplot()
    axes.fill_between(pi, density, where=pi >= 0.5, color="0.85")
    axes.plot(pi, density, color="black")
    axes.axvline(0.5, color="C2", linestyle="--")
    axes.set(xlim=(0, 1), ylim=(0, 9.5), xticks=np.arange(0, 1.1, 0.2), xlabel="class probability π",
             ylabel="density p(π)", title=f"Beta({a}, {b}): mean {mean:.3f}, sd {sd:.3f}")
    inside = 0.52, float(np.interp(0.52, pi, density)) / 2
    axes.annotate(f"decide otherwise:\nP(π > 0.5) = {above_half:.3f}", inside, (0.68, 4.5), fontsize=9,
                  arrowprops=dict(arrowstyle="-", color="0.4"))
