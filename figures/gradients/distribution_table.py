"""All nine rows of the slide's table, put right, draw what they say: histograms lie on their exact densities. PML.062.

Steps with dots: the share of 20,000 draws in each bin over its width, with two standard errors; thin lines: the exact density. Dashed, where the slide
prints another: its density e^-|x|; draws of its Laplace noise that have a value, of its Gaussian, its log-normal and its inverse gamma, read as printed.
The second Gaussian is the second coordinate of mu + R eps in the plane. The Rademacher's bars stand for two points.
"""
import numpy as np
from scipy.special import erf, gammaincc

from refvi import (cauchy, exponential, full_normal, full_normal_lam, gamma, inverse_gamma, laplace, log_normal, noise,
                   normal)
from refvi.gradients.distributions.table import (cauchy_line, exponential_line, inverse_gamma_line, laplace_line,
                                                 laplace_ratio, log_normal_line, normal_line, rademacher_line,
                                                 uniform_noise)

N, BINS = 20_000, 24
ONE = np.zeros(2)
MU, B, SIGMA, K, THETA, P = 0.7, 0.6, 0.5, 3., 1.6, 0.5
MEANS, COVARIANCE = np.array([0.3, -0.5]), np.array([[1.2, 0.8], [0.8, 0.9]])
TITLES = {"exponential": "Exponential: ln(1/u)", "cauchy": "Cauchy: tan(πu)", "laplace_of_two": "Laplace(0, 1): ln(u₁/u₂)",
          "laplace": "Laplace(μ, b): μ − b sgn(e) ln(1 − 2|e|)",
          "gaussian": "Normal: √(2 ln(1/u₁)) cos(2πu₂)", "full_normal": "Normal: μ + Rε, second coordinate", "rademacher": "Rademacher: 2[u < ½] − 1",
          "log_normal": "Log-normal: exp(μ + σε)", "inverse_gamma": "Inverse gamma: θ/g"}

PRINTED = {"laplace_of_two": "density as printed", "laplace": "noise as printed, u for e", "gaussian": "as printed, without the 2", "log_normal": "σ read as a variance",
           "inverse_gamma": "1/θ read as a rate"}


def rows():
    """name: (draws of rng, cdf, density, ends of the picture, the slide's density or None)."""
    log_normal_lam, inverse_lam, plane = np.array([MU, np.log(SIGMA)]), np.log([K, THETA]), full_normal_lam(MEANS, Sigma=COVARIANCE)
    laplace_lam, second = np.array([MU, np.log(B)]), np.array([MEANS[1], 0.5 * np.log(COVARIANCE[1, 1])])
    u, e, uu, base = uniform_noise(), uniform_noise(low=-0.5), uniform_noise(2), noise(gamma, np.array([np.log(K), 0.]))

    def by(eps, line, lam):
        return lambda rng: line(eps.draw(rng, N, 1)[:, 0], lam)

    def pdf(q, lam):
        return lambda x: np.exp(q.log_prob(x, lam))

    return {
        "exponential": (by(u, exponential_line, np.zeros(1)), lambda x: -np.expm1(-x), pdf(exponential, np.zeros(1)), (0, 4), None),
        "cauchy": (by(u, cauchy_line, ONE), lambda x: 0.5 + np.arctan(x) / np.pi, pdf(cauchy, ONE), (-6, 6), None),
        "laplace_of_two": (by(uu, laplace_ratio, ONE), lambda x: laplace_cdf(x, 0, 1), pdf(laplace, ONE), (-4, 4), lambda x: np.exp(-np.abs(x))),
        "laplace": (by(e, laplace_line, laplace_lam), lambda x: laplace_cdf(x, MU, B), pdf(laplace, laplace_lam), (-2, 3.4),
                    lambda x: np.where(x > MU, np.exp(-np.abs(x - MU) / B) / B, 0.)),
        "gaussian": (by(uu, normal_line, ONE), lambda x: normal_cdf(x, 0, 1), pdf(normal, ONE), (-3, 3), pdf(normal, np.array([0., -0.5 * np.log(2)]))),
        "full_normal": (lambda rng: full_normal.transport(rng.standard_normal((N, 2)), plane)[:, 1], lambda x: normal_cdf(x, MEANS[1], COVARIANCE[1, 1]**0.5),
                        pdf(normal, second), (-3.5, 2.5), None),
        "rademacher": (by(u, rademacher_line, P), lambda x: (x >= -1) * (1 - P) + (x >= 1) * P, None, (-1.5, 1.5), None),
        "log_normal": (by(noise(normal, ONE), log_normal_line, log_normal_lam), lambda x: normal_cdf(np.log(np.maximum(x, 1e-300)), MU, SIGMA),
                       pdf(log_normal, log_normal_lam), (0, 6), pdf(log_normal, np.array([MU, np.log(SIGMA) / 2]))),
        "inverse_gamma": (by(base, inverse_gamma_line, inverse_lam), lambda x: gammaincc(K, THETA / np.maximum(x, 1e-300)), pdf(inverse_gamma, inverse_lam), (0, 3),
                          pdf(inverse_gamma, np.array([np.log(K), -np.log(THETA)])))}


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
        numbers |= {f"edges_{name}": edges, f"place_{name}": (edges[:-1] + edges[1:])[seen] / 2, f"measured_{name}": share[seen] / width,
                    f"error_{name}": np.sqrt(mass * (1 - mass) / N)[seen] / width, f"exact_{name}": mass[seen] / width, f"x_{name}": x}
        numbers |= {} if density is None else {f"density_{name}": density(x)}
        numbers |= {} if printed is None else {f"printed_{name}": printed(x)}
    return numbers


def draw(figure, **numbers):
    figure.set_size_inches(8.4, 6.6)
    for axes, (name, title) in zip(figure.subplots(3, 3).ravel(), TITLES.items()):
        edges, place, height = numbers[f"edges_{name}"], numbers[f"place_{name}"], numbers[f"measured_{name}"]
        width = edges[1] - edges[0]
        axes.bar(place, height, width, color="0.9", edgecolor="0.75", linewidth=0.5)
        if f"density_{name}" in numbers:
            axes.plot(numbers[f"x_{name}"], numbers[f"density_{name}"], color="black", linewidth=1)
        else:
            axes.hlines(numbers[f"exact_{name}"], place - width / 2, place + width / 2, color="black", linewidth=1)
        if f"printed_{name}" in numbers:
            axes.plot(numbers[f"x_{name}"], numbers[f"printed_{name}"], color="0.4", linestyle="--", linewidth=1)
            axes.text(0.98, 0.92, f"dashed: {PRINTED[name]}", transform=axes.transAxes, ha="right", fontsize=7, color="0.3")
        axes.errorbar(place, height, 2 * numbers[f"error_{name}"], fmt=".", color="black", markersize=3, elinewidth=0.7)
        axes.set_title(title, fontsize=9)
        top = max(np.max(numbers.get(f"{kind}_{name}", 0)) for kind in ("density", "printed", "measured"))
        axes.set(xlim=(edges[0], edges[-1]), ylim=(0, top * (1.2 if f"printed_{name}" in numbers else 1.08)))
        axes.tick_params(labelsize=8)
    for axes in figure.axes[6:]:
        axes.set_xlabel("z", fontsize=9)
    for axes in figure.axes[::3]:
        axes.set_ylabel("density", fontsize=9)
