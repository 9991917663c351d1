"""Masks never, off or on: a network without and with dropout on the splits of a UCI set, held out; then inputs of pure
noise beside the set's own, and which of them sparse variational dropout switches off.
"""
import numpy as np

from refvi.app.fits import bnn
from refvi.app.fits.heteroscedastic import split, toy
from refvi.app.fits.logistic import independent
from refvi.app.fits.outcome import ended, mean_and_error
from refvi.base.progress import Interrupted, Progress
from refvi.bayes.dropout import model, sparse
from refvi.data import store as data, uci

DATA = (*uci.SETS, "toy")
FEW = 5                 # splits where all fits are asked for, or a toy set; all of its splits where a set is named
KEEP, T, EPOCHS = 0.95, 500, 200
SURPLUS = 10


def choose(rng, name):
    """The set asked for, else yacht, else a toy set."""
    if name == "toy" or name is None and not uci.at_hand("yacht"):
        return toy(rng)
    return uci.load(name or "yacht")


def standardized(regression, train):
    """(x, y, unit): target and inputs in units of the training data's deviations, and the target's."""
    part = regression.inputs[train], regression.target[train]
    sd, unit = np.std(part[0], axis=0), np.std(part[1])
    y = (regression.inputs - np.mean(part[0], axis=0)) / np.where(sd > 0, sd, 1.)
    return (regression.target - np.mean(part[1])) / unit, y, unit


def answers(rng, x, y, test):
    """({way: (means (T, n) at the test inputs, the noise's deviation)}, why a fit stopped), from training data (x, y).
    """
    plain, masked = (model.fit(rng, x, y, keep, EPOCHS) for keep in (None, KEEP))
    ways = {"without dropout": model.as_they_stand(plain.lam, test),
            "dropout, masks off": model.as_they_stand(masked.lam, test),
            f"dropout, {T} masks": model.passes(rng, masked.lam, test, KEEP, T)}
    return ways, plain.stopped or masked.stopped


def scores(x, means, sd, unit):
    """(root mean squared error, nats per datum) of targets x (n,), both in the target's own unit."""
    error = np.sqrt(np.mean((x - np.mean(means, axis=0))**2))
    return unit * error, np.mean(model.log_predictive(x, means, sd)) - np.log(unit)


def switched_off(rng, regression):
    """(own, surplus): which of the set's inputs, and of columns of noise beside them, have an alpha above 20."""
    own = independent(regression.inputs)
    y = data.standardize(np.column_stack([regression.inputs[:, own],
                                          rng.standard_normal((len(regression.target), SURPLUS))]))
    x = data.standardize(regression.target)
    rest = x - y @ np.linalg.lstsq(y, x, rcond=None)[0]
    off = sparse.log_alphas(sparse.fit(x, y, np.sqrt(rest @ rest / (len(x) - y.shape[1]))).lam) > sparse.OFF
    return off[:-SURPLUS], off[-SURPLUS:]


def run(rng, name=None):
    """The lines of the report: of each way the root mean squared error and nats, averaged over splits."""
    regression = choose(rng, name)
    toy_set = regression.name.startswith("toy")
    if toy_set and name is None:
        yield uci.stands_in("yacht")
    splits, found, stopped = FEW if toy_set or name is None else uci.SPLITS, {}, ""
    beside = {} if toy_set else bnn.kept(name or "yacht")
    sampled = [beside[number]["bnn"] for number in range(splits) if number in beside]
    with Progress(f"fit dropout on {regression.name}", splits) as bar:
        for number in range(splits):
            train, test = split(rng, "toy" if toy_set else name or "yacht", number, len(regression.target))
            x, y, unit = standardized(regression, train)
            ways, stopped = answers(rng, x[train], y[train], y[test])
            if isinstance(stopped, Interrupted):
                break
            for way, (means, sd) in ways.items():
                found.setdefault(way, []).append(scores(x[test], means, sd, unit))
            bar(number + 1)
    yield ended(f"{regression.name}: a hidden layer of {model.HIDDEN} units, each kept with probability {KEEP}, "
                f"{EPOCHS} epochs; held out, {splits} splits", stopped)
    if isinstance(stopped, Interrupted):
        return
    yield f"{'':>20} {'RMSE':>16} {'nats per datum':>18}"
    for way, told in found.items():
        errors, nats = np.transpose(told)
        yield f"{way:>20} {mean_and_error(errors):>16} {mean_and_error(nats):>18}"
    if sampled:
        errors, nats = np.transpose(sampled)
        yield (f"{'Bayesian network':>20} {mean_and_error(errors):>16} {mean_and_error(nats):>18}   "
               f"(by HMC, {len(sampled)} splits)")
    elif not toy_set:
        yield f"a Bayesian network beside it: run `refvi fit bnn --data {name or 'yacht'}` before"
    own, surplus = switched_off(rng, regression)
    yield (f"linear, {SURPLUS} inputs of noise beside its own: alpha > 20 switches off {np.sum(surplus)} of them, and "
           f"{np.sum(own)} of its {len(own)}")
    gain = np.subtract(*(np.array(found[way])[:, 1] for way in (f"dropout, {T} masks", "without dropout")))
    yield f"{regression.name}: gain of {T} masks over no dropout in nats per datum {mean_and_error(gain, sign='+')}"
