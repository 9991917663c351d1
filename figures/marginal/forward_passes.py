"""A few dozen forward passes through a decoder do for one latent number, and their number to the power D for D. UA.067,
UA.070, SA.35, SA.37.

Decoders D-6-4 with tanh between and four outcomes, fixed weights. Error of the probabilities, root of the mean
square over the outcomes. Lines with marks: n^D nodes of Gauss and Hermite, against many more of them. Dots: averages
over draws from the prior, root of the mean square over 400 repetitions, on the line of their exact standard error,
drawn for D = 2.
"""
import numpy as np

from refvi.likelihood.heads import softmax
from refvi.likelihood.networks import count, forward, tanh

SIZE = (5.2, 3.3)
NODES = {1: (2, 3, 4, 6, 8, 12, 16, 24, 32, 48), 2: (2, 3, 4, 6, 8, 12, 16, 24, 32), 3: (2, 3, 4, 6, 8, 12, 16, 24)}
FINE = {1: 150, 2: 80, 3: 44}
DRAWS, REPEATS = (10, 32, 100, 316, 1000, 3160), 400


def rule(n, D):
    t, w = np.polynomial.hermite_e.hermegauss(n)
    masses = np.stack(np.meshgrid(*[w / np.sum(w)] * D), axis=-1).reshape(-1, D)
    return np.stack(np.meshgrid(*[t] * D), axis=-1).reshape(-1, D), np.prod(masses, axis=1)


def data(rng):
    found = {}
    for D, nodes in NODES.items():
        sizes = (D, 6, 4)
        theta = 1.4 * np.cos(np.arange(count(sizes))**1.5)

        def shares(z):
            return softmax(forward(theta, z, sizes, tanh)[-1])

        def integral(n):
            z, mass = rule(n, D)
            return mass @ shares(z)

        exact = integral(FINE[D])
        found[f"passes_{D}"] = [n**D for n in nodes]
        found[f"by_rule_{D}"] = [np.sqrt(np.mean((integral(n) - exact)**2)) for n in nodes]
        if D == 2:
            z, mass = rule(FINE[D], D)
            variance = np.mean(mass @ (shares(z) - exact)**2)
            squares = [[np.mean((np.mean(shares(rng.standard_normal((S, D))), axis=0) - exact)**2)
                        for _ in range(REPEATS)] for S in DRAWS]
            mean, error = np.mean(squares, axis=1), np.std(squares, axis=1) / np.sqrt(REPEATS)
            found |= dict(draws=DRAWS, measured_square=mean, error_square=error,
                          exact_square=variance / np.array(DRAWS))
    return found


def draw(figure, draws, measured_square, error_square, exact_square, **by_rule):
    axes = figure.add_subplot()
    for D, mark in zip((1, 2, 3), "os^"):
        axes.plot(by_rule[f"passes_{D}"], by_rule[f"by_rule_{D}"], "-" + mark, color=f"C{D}", markersize=5,
                  markerfacecolor="none", label=f"nodes, D = {D}")
    axes.plot(draws, exact_square**0.5, color="C0", linestyle="--", label="draws, standard error")
    axes.errorbar(draws, measured_square**0.5, error_square / measured_square**0.5, fmt=".", color="C0",
                  label="draws, measured")
    axes.set(xscale="log", yscale="log", xlabel="forward passes", ylabel="error of the probabilities",
             ylim=(2e-6, None))
    axes.legend(fontsize=8)
