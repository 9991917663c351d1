"""Logistic regression on a UCI set whose target is cut at its median: Newton's steps beside gradient ascent and beside
SciPy's own optimum, with standard errors from the curvature, and labels on purpose that have no maximum.
"""
import numpy as np
from scipy.optimize import minimize

from refvi.app.fits.outcome import Failure, ended
from refvi.data import store as data, uci
from refvi.likelihood.likelihoods import logistic
from refvi.likelihood.networks import sigmoid

DATA = (*uci.SETS, "toy")
LEVEL = 1e-5        # of a standard error: so far may SciPy's optimum lie from Newton's


def toy(rng, N=400):
    """(inputs (N, 3), labels (N,), the weights behind them (4,), the offset first)."""
    inputs, theta = rng.standard_normal((N, 3)) @ (np.eye(3) + 0.4), rng.uniform(-1, 1, 4)
    return inputs, (rng.random(N) < sigmoid(theta[0] + inputs @ theta[1:])).astype(float), theta


def independent(inputs):
    """Which columns (D,) are no combination of a constant and the columns before them."""
    kept, y = [], np.ones((len(inputs), 1))
    for column in inputs.T:
        more = np.column_stack([y, column])
        kept.append(np.linalg.matrix_rank(more) > y.shape[1])
        y = more if kept[-1] else y
    return np.array(kept)


def choose(rng, name):
    """(what the labels are, standardized inputs (N, D), labels (N,), the weights behind them or None)."""
    if name == "toy" or name is None and not uci.at_hand("concrete"):
        inputs, labels, theta = toy(rng)
        return "toy labels", inputs, labels, theta
    chosen = uci.load(name or "concrete")
    cut = np.median(chosen.target)
    return (f"{chosen.name}, label: target above its median {cut:g}", data.standardize(chosen.inputs),
            (chosen.target > cut).astype(float), None)


def by_scipy(x, y):
    """SciPy's optimum (D,) by BFGS, which knows nothing of the curvature."""
    found = minimize(lambda theta: -logistic.log_likelihood(theta, x, y), np.zeros(y.shape[1]), method="BFGS",
                     jac=lambda theta: -logistic.label_gradient(sigmoid(y @ theta), x, y), options=dict(gtol=1e-9))
    return found.x


def run(rng, name=None, steps=20_000):
    """The lines of the report: every weight with its standard error, three ways to the optimum, and separable labels.
    """
    called, inputs, x, truth = choose(rng, name)
    kept = independent(inputs)
    y = np.column_stack([np.ones(len(x)), inputs[:, kept]])
    if name is None and not uci.at_hand("concrete"):
        yield uci.stands_in("concrete")
    for d in np.flatnonzero(~kept):
        yield f"input {d + 1} is left out: it is a combination of those before it"
    fit = logistic.fit(x, y)
    steps_of = f"{len(fit.trace) - 1} steps of Newton's"
    yield ended(f"{called}, N = {len(x)}, D = {y.shape[1]} weights; {steps_of}", fit.stopped)
    if fit.stopped:
        return
    errors, optimum, ascent = logistic.standard_errors(fit.found, y), by_scipy(x, y), logistic.ascend(x, y, steps)
    yield " ".join([f"{'weight':>10}", *(f"{head:>12}" for head in ("Newton", "ascent", "SciPy", "std. error"))]
                   + [f"{'truth':>10}"] * (truth is not None))
    labels = ["offset", *(f"input {d + 1}" for d in np.flatnonzero(kept))]
    for d, label in enumerate(labels):
        numbers = " ".join(f"{column[d]:12.6f}" for column in (fit.found, ascent.lam, optimum, errors))
        yield f"{label:>10} {numbers}" + (f" {truth[d]:10.4f}" if truth is not None else "")
    off = np.max(np.abs(optimum - fit.found) / errors)
    agree = f"SciPy's optimum lies within {off:.1e} standard errors of Newton's"
    yield agree if off < LEVEL else Failure(f"{agree}: they should agree to {LEVEL:g}")
    below = fit.trace[-1] - logistic.log_likelihood(ascent.lam, x, y)
    yield ended(f"ascent, {ascent.steps} steps: {max(below, 0.):.1e} nats below, "
                f"{np.max(np.abs(ascent.lam - fit.found) / errors):.1e} standard errors away", ascent.stopped)
    on_purpose = logistic.fit((y[:, 1] > np.median(y[:, 1])).astype(float), y)
    yield f"labels on purpose, input {labels[1].split()[1]} above its median: {on_purpose.stopped}"
    base = len(x) * (np.log(np.mean(x)) * np.mean(x) + np.log(1 - np.mean(x)) * (1 - np.mean(x)))
    yield (f"{called}: {fit.trace[-1] / len(x):.4f} nats per label (without inputs {base / len(x):.4f}), "
           f"{100 * np.mean((y @ fit.found > 0) == x):.1f} % on their side")
