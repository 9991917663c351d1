"""An average of S joint gradients over posterior draws closes in on the gradient of the evidence, as one over the
square root of S.

The linear-Gaussian model of the page, the gradient in w and in log t. Dots: root mean squared error of 1000 averages,
two standard errors; lines: exact standard deviation of one term over the square root of S.
"""
import autograd.numpy as np

from refvi import Model, noise, normal
from refvi.marginal.marginal_gradient.rows import posterior_average, posterior_expectation, variance_of_one_term

R, X = 1000, 1.9
THETA = np.array([0.45, -0.3, 1.35, -0.35, -0.45])       # m, log s, w, b, log t
SHOWN = {"weight w": 2, "log noise sd log t": 4}


def log_likelihood(x, z, theta):
    return normal.log_prob(x, np.stack([theta[..., 2] * z + theta[..., 3], theta[..., 4] + 0 * z], axis=-1))


P = Model(lambda z, theta: normal.log_prob(z, theta[..., :2]), log_likelihood)


def posterior():
    m, s, w, b, t = THETA[0], np.exp(THETA[1]), THETA[2], THETA[3], np.exp(THETA[4])
    precision = 1 / s**2 + w**2 / t**2
    return np.array([(m / s**2 + w * (X - b) / t**2) / precision, -0.5 * np.log(precision)])


def data(rng):
    S, lam, chosen = 2**np.arange(9), posterior(), list(SHOWN.values())
    eps, truth = noise(normal, lam), posterior_expectation(P, X, THETA, normal, lam)[chosen]
    squares = [(posterior_average(eps.draw(rng, R, s), P, X, THETA)[:, chosen] - truth)**2 for s in S]
    root = np.array([np.sqrt(s.mean(axis=0)) for s in squares])
    spread = np.array([s.std(axis=0) for s in squares]) / np.sqrt(R)
    exact = np.sqrt([variance_of_one_term(P, X, THETA, normal, lam, s)[chosen] for s in S])
    return dict(S=S, measured_error=root, error_error=spread / (2 * root), exact_error=exact)


def draw(figure, S, measured_error, error_error, exact_error):
    axes = figure.add_subplot()
    for p, (name, marker, color) in enumerate(zip(SHOWN, "os", ("C0", "C2"))):
        axes.plot(S, exact_error[:, p], color=color)
        axes.errorbar(S, measured_error[:, p], 2 * error_error[:, p], fmt=marker, color=color, capsize=2,
                      label=f"gradient in the {name}")
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set(xlabel="posterior draws S", ylabel="root mean squared error",
             title="Fisher's identity by posterior draws: exact lines, measured dots")
    axes.xaxis.set_major_formatter("{x:.0f}")
    axes.legend()
