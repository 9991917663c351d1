"""What several companions need: derivatives by differences, integrals by SciPy, rules of few nodes.

None of it enters a chapter of refvi.
"""
import numpy as np
from scipy import integrate, stats

from refvi import Estimate, Noise
from refvi.base.core import POINTS


def by_differences(f, at, h=1e-3):
    """The gradient of f in at (P,), shape f's + (P,), by central differences of fourth order; its error is what half
    the step changes.

    f takes (P,) and returns a number or an array.
    """
    def slopes(h):
        steps = h * np.eye(len(at))
        return np.stack(
            [(8 * (f(at + e) - f(at - e)) - f(at + 2 * e) + f(at - 2 * e)) / (12 * h) for e in steps], axis=-1
        )

    coarse, fine = slopes(h), slopes(h / 2)
    return Estimate(fine, np.abs(fine - coarse) + 1e-13 * np.max(np.abs(f(at))) / h)


def complex_step(f, at, h=1e-30):
    """The gradient of f in at (P,), shape f's + (P,), exact to rounding; f must take complex numbers."""
    return np.stack([np.imag(f(at + 1j * h * e)) / h for e in np.eye(len(at))], axis=-1)


def under_normal(g, mean, sd):
    """E g(z) for a scalar z ~ N(mean, sd^2), by SciPy's adaptive quadrature over 12 sd either side; its error is
    quad's own."""
    ends = mean - 12 * sd, mean + 12 * sd
    return Estimate(
        *integrate.quad(
            lambda z: stats.norm.pdf(z, mean, sd) * g(z), *ends, epsabs=1e-12, epsrel=1e-11, limit=200, points=[mean]
        )[:2]
    )


def coarser(noise, factor):
    """A Noise whose rule has a factor fewer nodes on each of its many axes: enough for what is nearly a polynomial."""
    return Noise(noise.draw, lambda S, order: noise.rule(S, int(order / factor)))


def few_nodes(D):
    """Standard normal Noise eps (R, S, D), its rule Gauss-Hermite: four to eight nodes on each of S D axes, for
    polynomials."""
    def rule(S, order):
        most = min(int(POINTS**(1 / (S * D)) + 1e-9), 8)
        if most < 4:
            return None
        t, w = np.polynomial.hermite_e.hermegauss(int(most * min(1, order / 64)))
        axes = [t] * (S * D), [w / w.sum()] * (S * D)
        eps, weights = (np.stack(np.meshgrid(*axis, indexing="ij"), axis=-1).reshape(-1, S * D) for axis in axes)
        return eps.reshape(-1, S, D), np.prod(weights, axis=-1)

    return Noise(lambda rng, R, S: rng.standard_normal((R, S, D)), rule)
