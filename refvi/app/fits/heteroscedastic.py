"""N(mu(y), sigma(y)^2) with a network for both, on UCI sets, beside a baseline whose sigma is the same for all inputs.
"""
import numpy as np

from refvi.base.progress import Progress
from refvi.data import store as data, uci
from refvi.likelihood.mle import heteroscedastic

DATA = (*uci.SETS, "toy")
FEW = 5                 # splits of each set where all sets are asked for, or a toy set; all of its splits where one is


def toy(rng, N=400):
    """A sine whose noise grows along the input."""
    y = rng.uniform(-2, 2, (N, 1))
    return data.Regression("toy sine", y, np.sin(2 * y[:, 0]) + np.exp(0.7 * y[:, 0] - 1.2) * rng.standard_normal(N))


def split(rng, name, number, N):
    """(train, test) indices; a toy set is split at random."""
    if name != "toy":
        return uci.split(name, number)
    order = rng.permutation(N)
    return order[N // 5:], order[:N // 5]


def scores(rng, regression, train, test, constant):
    """Held-out log densities (n,) of one split in nats, in the target's own units."""
    centre, sd = np.mean(regression.inputs[train], axis=0), np.std(regression.inputs[train], axis=0)
    y = (regression.inputs - centre) / np.where(sd > 0, sd, 1.)
    unit = np.std(regression.target[train])
    x = (regression.target - np.mean(regression.target[train])) / unit
    ascent = heteroscedastic.fit(rng, x[train], y[train], epochs=40, constant=constant)
    return heteroscedastic.log_likelihood(ascent.lam, x[test], y[test]) - np.log(unit)


def run(rng, name=None):
    """The lines of the report: for each set the held-out log-likelihood of both models, and of their difference, with
    standard errors.
    """
    names = [name] if name else [known for known in uci.SETS if uci.at_hand(known)] or ["toy"]
    if names == ["toy"] and name is None:
        yield uci.stands_in("yacht")
    yield f"{'held-out nats per datum':>24} {'splits':>7} {'sigma(y)':>18} {'constant sigma':>18} {'difference':>18}"
    told = []
    for name in names:
        regression, splits = (toy(rng) if name == "toy" else uci.load(name),
                              FEW if len(names) > 1 or name == "toy" else uci.SPLITS)
        means = np.empty((splits, 2))
        with Progress(f"fit heteroscedastic on {regression.name}", splits) as bar:
            for number in range(splits):
                train, test = split(rng, name, number, len(regression.target))
                means[number] = [np.mean(scores(rng, regression, train, test, constant)) for constant in (False, True)]
                bar(number + 1)
        columns = np.column_stack([means, means[:, 0] - means[:, 1]])
        cells = [f"{m:.3f} +- {e:.3f}"
                 for m, e in zip(np.mean(columns, axis=0), np.std(columns, axis=0, ddof=1) / np.sqrt(splits))]
        yield f"{regression.name:>24} {splits:>7} " + " ".join(f"{cell:>18}" for cell in cells)
        told.append(f"{regression.name} {cells[2]}")
    yield "gain of sigma(y) over a constant in nats per datum: " + ", ".join(told)
