"""All nine rows of the slide's table, put right, draw what they say: shares of draws lie on exact densities. PML.062.

Dots: the share of 20,000 draws in each bin over its width, with two standard errors; lines: the exact density. Dashed,
where the slide prints another: its density e^-|x|; draws of its Laplace noise that have a value, of its Gaussian, its
log-normal and its inverse gamma, read as printed. The second Gaussian is the second coordinate of mu + R eps in the
plane. The Rademacher's bars stand for two points.
"""
import numpy as np
from scipy.special import erf, gammaincc

from refvi import (cauchy, exponential, full_normal, full_normal_lam, gamma, inverse_gamma, laplace, log_normal, noise,
                   normal)
from refvi.gradients.distributions.table import (cauchy_line, exponential_line, inverse_gamma_line, laplace_line,
                                                 laplace_ratio, log_normal_line, normal_line, rademacher_line,
                                                 uniform_noise)

SIZE = (8.4, 7.6)
N, BINS = 20_000, 24
ONE = np.zeros(2)
MU, B, SIGMA, K, THETA, P = 0.7, 0.6, 0.5, 3., 1.6, 0.5
MEANS, COVARIANCE = np.array([0.3, -0.5]), np.array([[1.2, 0.8], [0.8, 0.9]])
TITLES = {"exponential": "Exponential\nln(1/u)", "cauchy": "Cauchy\ntan(πu)",
          "laplace_of_two": "Laplace(0, 1)\nln(u₁/u₂)", "laplace": "Laplace(μ, b)\nμ − b sgn(e) ln(1 − 2|e|)",
          "gaussian": "Normal\n√(2 ln(1/u₁)) cos(2πu₂)", "full_normal": "Normal, second coordinate\nμ + Rε",
          "rademacher": "Rademacher\n2[u < ½] − 1", "log_normal": "Log-normal\nexp(μ + σε)",
          "inverse_gamma": "Inverse gamma\nθ/g"}
PRINTED = {"laplace_of_two": "density\nas printed", "laplace": "u for e", "gaussian": "without\nthe 2",
           "log_normal": "σ read as\na variance", "inverse_gamma": "1/θ read\nas a rate"}


def rows():
    """name: (draws of rng, cdf, density, ends of the picture, the slide's density or None)."""
    log_normal_lam, inverse_lam = np.array([MU, np.log(SIGMA)]), np.log([K, THETA])
    laplace_lam, second = np.array([MU, np.log(B)]), np.array([MEANS[1], 0.5 * np.log(COVARIANCE[1, 1])])
    plane, base = full_normal_lam(MEANS, Sigma=COVARIANCE), noise(gamma, np.array([np.log(K), 0.]))
    u, e, uu = uniform_noise(), uniform_noise(low=-0.5), uniform_noise(2)

    def by(eps, line, lam):
        return lambda rng: line(eps.draw(rng, N, 1)[:, 0], lam)

    def in_the_plane(rng):
        return full_normal.transport(rng.standard_normal((N, 2)), plane)[:, 1]

    def pdf(q, lam):
        return lambda x: np.exp(q.log_prob(x, lam))

    def upper_half(x):
        return np.where(x > MU, np.exp(-np.abs(x - MU) / B) / B, 0.)

    return {
        "exponential": (by(u, exponential_line, np.zeros(1)), lambda x: -np.expm1(-x), pdf(exponential, np.zeros(1)),
                        (0, 4), None),
        "cauchy": (by(u, cauchy_line, ONE), lambda x: 0.5 + np.arctan(x) / np.pi, pdf(cauchy, ONE), (-6, 6), None),
        "laplace_of_two": (by(uu, laplace_ratio, ONE), lambda x: laplace_cdf(x, 0, 1), pdf(laplace, ONE), (-4, 4),
                           lambda x: np.exp(-np.abs(x))),
        "laplace": (by(e, laplace_line, laplace_lam), lambda x: laplace_cdf(x, MU, B), pdf(laplace, laplace_lam),
                    (-2, 3.4), upper_half),
        "gaussian": (by(uu, normal_line, ONE), lambda x: normal_cdf(x, 0, 1), pdf(normal, ONE), (-3, 3),
                     pdf(normal, np.array([0., -0.5 * np.log(2)]))),
        "full_normal": (in_the_plane, lambda x: normal_cdf(x, MEANS[1], COVARIANCE[1, 1]**0.5), pdf(normal, second),
                        (-3.5, 2.5), None),
        "rademacher": (by(u, rademacher_line, P), lambda x: (x >= -1) * (1 - P) + (x >= 1) * P, None,
                       (-1.5, 1.5), None),
        "log_normal": (by(noise(normal, ONE), log_normal_line, log_normal_lam),
                       lambda x: normal_cdf(np.log(np.maximum(x, 1e-300)), MU, SIGMA), pdf(log_normal, log_normal_lam),
                       (0, 6), pdf(log_normal, np.array([MU, np.log(SIGMA) / 2]))),
        "inverse_gamma": (by(base, inverse_gamma_line, inverse_lam),
                          lambda x: gammaincc(K, THETA / np.maximum(x, 1e-300)), pdf(inverse_gamma, inverse_lam),
                          (0, 3), pdf(inverse_gamma, np.array([np.log(K), -np.log(THETA)])))}


def normal_cdf(x, mu, sd):
    return 0.5 * (1 + erf((x - mu) / sd / np.sqrt(2)))


def laplace_cdf(x, mu, b):
    t = (x - mu) / b
    return np.where(t < 0, 0.5 * np.exp(-np.abs(t)), 1 - 0.5 * np.exp(-np.abs(t)))


def data(rng):
    numbers = {}
    for name, (draw, cdf, density, ends, printed) in rows().items():
        edges = np.linspace(*ends, (3 if density is None else BINS) + 1)
        width, mass = edges[1] - edges[0], np.diff(cdf(edges))
        share = np.histogram(draw(rng), edges)[0] / N
        seen = mass > 0.0015            # thirty draws or more: fewer have no standard error to speak of
        x = np.linspace(*ends, 241)[1:-1]
        numbers |= {f"edges_{name}": edges, f"place_{name}": (edges[:-1] + edges[1:])[seen] / 2, f"x_{name}": x,
                    f"measured_{name}": share[seen] / width, f"exact_{name}": mass[seen] / width,
                    f"error_{name}": np.sqrt(mass * (1 - mass) / N)[seen] / width}
        numbers |= {} if density is None else {f"density_{name}": density(x)}
        numbers |= {} if printed is None else {f"printed_{name}": printed(x)}
    return numbers


NOTES = {"laplace_of_two": (1.1, 0.62), "laplace": (1.6, 1.05), "gaussian": (0.95, 0.36), "log_normal": (2.9, 0.3),
         "inverse_gamma": (0.85, 1.35)}         # where the word for the dashed line stands


def draw(figure, **numbers):
    for axes, (name, title) in zip(figure.subplots(3, 3).ravel(), TITLES.items()):
        edges, place, height = numbers[f"edges_{name}"], numbers[f"place_{name}"], numbers[f"measured_{name}"]
        width = edges[1] - edges[0]
        axes.bar(place, height, width, color="0.92", edgecolor="0.8", linewidth=0.5)
        if f"density_{name}" in numbers:
            axes.plot(numbers[f"x_{name}"], numbers[f"density_{name}"], color="C1")
        else:
            axes.hlines(numbers[f"exact_{name}"], place - width / 2, place + width / 2, color="C1")
        if f"printed_{name}" in numbers:
            axes.plot(numbers[f"x_{name}"], numbers[f"printed_{name}"], color="C2", linestyle="--")
            axes.text(*NOTES[name], PRINTED[name], fontsize=9, color="C2")
        axes.errorbar(place, height, 2 * numbers[f"error_{name}"], fmt=".", color="C0", markersize=4, elinewidth=0.7)
        axes.set_title(title)
        top = max(np.max(numbers.get(f"{kind}_{name}", 0)) for kind in ("density", "printed", "measured"))
        axes.set(xlim=(edges[0], edges[-1]), ylim=(0, 1.08 * top))
    for axes in figure.axes[6:]:
        axes.set_xlabel("z")
    for axes in figure.axes[::3]:
        axes.set_ylabel("density")
