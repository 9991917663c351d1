"""Whom to trust: logistic regression acts only where draws of its weights agree, on the held-out half of a UCI set
whose target is cut at its median, or of toy labels; then two data sets on which agreement means nothing.
"""
import numpy as np

from refvi.app.fits import logistic as report
from refvi.app.fits.outcome import Failure
from refvi.bayes.trust import act_where_draws_agree, draws_of_weights
from refvi.data import uci
from refvi.likelihood.likelihoods import logistic
from refvi.likelihood.networks import sigmoid

DATA = report.DATA
S = 1_000                       # draws of the weights
SHARES = (1., 0.75, 0.5, 0.25)  # of the held-out inputs, those whose draws agree best
PLACE = np.array([[1., -2.8]])  # where the line is wrong, with its constant


def exclusive_or(rng, N=4_000):
    """Four clouds around (+-1, +-1): inputs with a constant (N, 3), and labels (N,), one where the signs differ."""
    signs = rng.choice([-1., 1.], (N, 2))
    inputs = signs + 0.4 * rng.standard_normal((N, 2))
    return np.column_stack([np.ones(N), inputs]), (signs[:, 0] != signs[:, 1]).astype(float)


def one_beyond(rng, end=-2.5, N=4_000):
    """Standard normal inputs with a constant (N, 2), and labels that are one above zero, and again below the end; one
    in twenty of the others is turned.
    """
    y = rng.standard_normal(N)
    beyond, turned = y < end, rng.random(N) < 0.05
    return np.column_stack([np.ones(N), y]), (beyond | ((y > 0) != turned)).astype(float)


def probabilities(rng, x, y, new):
    """Those of class one (S, N) at new inputs, under draws of the weights that data (y, x) leave likely."""
    fit = logistic.fit(x, y)
    if fit.stopped:
        raise ArithmeticError(fit.stopped)
    return sigmoid(draws_of_weights(rng, fit.found, y, S) @ new.T)


def run(rng, name=None):
    """The lines of the report: accuracy where the draws agree, and two data sets where they agree and are wrong."""
    called, inputs, x, _ = report.choose(rng, name)
    if name is None and not uci.at_hand("concrete"):
        yield uci.stands_in("concrete")
    y = np.column_stack([np.ones(len(x)), inputs[:, report.independent(inputs)]])
    order, half = rng.permutation(len(x)), len(x) // 2
    held, train = order[:half], order[half:]
    try:
        pi = probabilities(rng, x[train], y[train], y[held])
    except ArithmeticError as error:
        yield Failure(f"{called}: {error}")
        return
    yield f"{called}: {len(train):,} to learn from, {half:,} held out, {S:,} draws of {y.shape[1]} weights"
    for share in SHARES:
        acted, right = act_where_draws_agree(pi, x[held], share)
        error = np.sqrt(right * (1 - right) / acted.sum())
        yield (f"  acts on {100 * share:3.0f} %, where draws differ by at most {np.std(pi, axis=0)[acted].max():.3f}: "
               f"{100 * right:.1f} +- {100 * error:.1f} % right")
    y, x = exclusive_or(rng)
    pi = probabilities(rng, x, y, y)
    yield (f"an exclusive-or, {len(x):,} data: draws differ by {np.mean(np.std(pi, axis=0)):.3f} on average, "
           f"{100 * act_where_draws_agree(pi, x, 1.)[1]:.0f} % right")
    pi = probabilities(rng, *one_beyond(rng)[::-1], PLACE)
    yield (f"labels that are one again below -2.5: at {PLACE[0, 1]} the draws say {np.mean(pi):.4f} +- "
           f"{np.std(pi):.4f}, and the label is one")
