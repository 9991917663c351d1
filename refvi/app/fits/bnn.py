"""A Bayesian neural network on UCI sets by HMC, or by vi, laplace or swag, beside the networks of one set of weights
that stand; without data the band on a sine.

Named on the command line, every finished split is stored, and none is run twice.
"""
import json
import warnings
from typing import NamedTuple

import numpy as np

from refvi.app.fits.outcome import CutShort, Failure, mean_and_error
from refvi.base import files
from refvi.base.progress import Progress
from refvi.bayes.bayesian_nn import model
from refvi.bayes.bnn_inference import methods
from refvi.bayes.mcmc import network
from refvi.bayes.mcmc.diagnostics import effective_sample_size, r_hat
from refvi.data import uci
from refvi.data.store import Regression, cache
from refvi.generative.vae.store import alone
from refvi.likelihood.mle import heteroscedastic

DATA = (*uci.SETS, "toy")
METHODS = ("hmc", "vi", "laplace", "swag")
OPTIONS = dict(method="hmc", out="", fresh=False)       # of the named fit, where the call does not say otherwise
HIDDEN, SHORT, TOYS = 50, 1, 3      # units; splits of a fit without a name, and of toy data
PLACES = np.linspace(-3, 3, 7)      # where the band is told


class Settings(NamedTuple):
    """How long the chains of a split are."""
    hidden: int = HIDDEN
    trajectories: int = 120         # in each of three rounds that set the scales
    draws: int = 200
    warm: int = 80
    steps: int = 100
    epochs: int = 400               # of the networks with one set of weights


BRIEF = Settings(20, 60, 150, 80, 60)      # for a sine, or where all fits are asked for


class Split(NamedTuple):
    """Standardized data, those held out, and the unit of their targets."""
    y: np.ndarray
    x: np.ndarray
    new_y: np.ndarray
    new_x: np.ndarray
    unit: float


def sine(rng, N):
    """Inputs (N, 1) on both sides of a gap, and a sine of them with noise of deviation 0.1."""
    y = rng.uniform(0.5, 2., (N, 1)) * rng.choice([-1., 1.], (N, 1))
    return Regression("toy sine", y, np.sin(2 * y[:, 0]) + 0.1 * rng.standard_normal(N))


def split(rng, regression, number):
    """The Split of this number of a UCI set; of a toy set 200 new data are held out."""
    inputs, target = regression.inputs, network.require_targets(regression.target)
    if regression.name == "toy sine":
        return standardized(inputs, target, *sine(rng, 200)[1:])
    train, test = uci.split(regression.name.split()[-1], number)
    return standardized(inputs[train], target[train], inputs[test], target[test])


def standardized(y, x, new_y, new_x):
    """The Split of these data, in units of those to learn from."""
    centre, sd, unit = np.mean(y, axis=0), np.std(y, axis=0), np.std(network.require_targets(x))
    sd = np.where(sd > 0, sd, 1.)
    return Split((y - centre) / sd, (x - np.mean(x)) / unit, (new_y - centre) / sd, (new_x - np.mean(x)) / unit, unit)


def told(data, mean, log_p):
    """[RMSE, nats per datum] of predictions, in the target's own units."""
    return [float(data.unit * np.sqrt(np.mean((data.new_x - mean)**2))), float(np.mean(log_p) - np.log(data.unit))]


def one_set_of_weights(rng, data, constant, epochs):
    """Of the network whose weights are fitted, with sigma of y, or constant."""
    lam = heteroscedastic.fit(rng, data.x, data.y, epochs, min(32, len(data.x)), constant=constant).lam
    mean, _ = heteroscedastic.predict(lam, data.new_y)
    return told(data, mean, heteroscedastic.log_likelihood(lam, data.new_x, data.new_y))


def many(rng, data, method, settings, watch):
    """(net, outputs, agreement) by a method: outputs(y) (S, N, 1) are those of S drawn networks at inputs y (N, D).

    agreement of chains on held-out predictions: [largest R-hat, least effective draws, divergent trajectories], or [].
    """
    net, w, size = network.scales(rng, data.x, data.y, (settings.hidden,), trajectories=settings.trajectories,
                                  watch=lambda done, _: watch(f"scales {done}"))
    if method == "laplace":     # a normal around a mode is one of the tangent's weights: see bnn_inference.md
        mode = methods.mode(data.x, data.y, net, methods.initial(rng, net))
        drawn = methods.laplace(rng, data.x, data.y, net, S=settings.draws, w=mode)
        return net, lambda y: methods.tangent(drawn, mode, y, net), []
    if method != "hmc":
        drawn = getattr(methods, method)(rng, data.x, data.y, net, S=settings.draws)
        return net, lambda y: model.forward(drawn, y, net)[-1], []
    found = network.posterior(rng, data.x, data.y, net, w, size, settings.draws, settings.warm, settings.steps,
                              lambda done, _: watch(f"trajectory {done}"))
    means = np.stack([model.forward(w, data.new_y, net)[-1][..., 0] for w in found.z])
    return (net, lambda y: model.forward(found.z.reshape(-1, net.P), y, net)[-1],
            [float(np.max(r_hat(means))), float(np.min(effective_sample_size(means))), found.divergent])


def scores(rng, data, method, settings, watch):
    """({name: numbers} of a split, net, its outputs: see many)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)         # of single trajectories that diverge: they are told
        net, outputs, agreement = many(rng, data, method, settings, watch)
    drawn = outputs(data.new_y)
    log_p = model.log_average(drawn, data.new_x, data.new_y, net)
    return dict(bnn=told(data, np.mean(drawn[..., 0], axis=0), log_p), agreement=agreement,
                constant=one_set_of_weights(rng, data, True, settings.epochs),
                sigma=one_set_of_weights(rng, data, False, settings.epochs)), net, outputs


def place(name, method):
    """Where finished splits are kept, if no other file is named."""
    return cache() / "fits" / f"bnn-{name}-{method}.json"


def stamped(name, method, settings):
    """What tells splits of one kind from those of another."""
    return dict(data=name, method=method, **settings._asdict())


def kept(name):
    """{number: scores} of the splits of this set that `refvi fit bnn --data name` has finished by HMC so far."""
    return stored(place(name, "hmc"), stamped(name, "hmc", Settings()))


def stored(path, stamp):
    """{number: scores} of the splits in path, none if there is no file; ValueError for what is no such file."""
    if path is None or not path.exists():
        return {}
    try:
        content = json.loads(files.text_of(path))
        found, splits = content["stamp"], {int(key): value for key, value in content["splits"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is damaged, or holds no splits of `refvi fit bnn` ({error}): delete it, choose "
                         "another --out, or begin anew with --fresh") from None
    if found != stamp:
        raise ValueError(f"{path} holds splits of {found}, not of {stamp}: choose another --out, or begin anew with "
                         "--fresh")
    return splits


def run(rng, name=None, method=None, out=None, fresh=False):
    """The lines of the report: RMSE and nats per datum of each model, averaged over splits, with standard errors."""
    if method not in (None, *METHODS):
        raise ValueError(f"no method {method!r}, expected one of {', '.join(METHODS)}")
    if name is None and not uci.at_hand("yacht"):
        yield uci.stands_in("yacht")
    name = name or ("yacht" if uci.at_hand("yacht") else "toy")
    path = None
    if out is not None and name != "toy":
        path = files.Path(out) if out else place(name, method)
        files.require_folder(path.parent, "finished splits")
    with alone(path):
        yield from table(rng, name, method or "hmc", path, fresh, brief=method is None)


def table(rng, name, method, path, fresh, brief):
    """The lines of a report on one set."""
    toy = name == "toy"
    regression, settings = sine(rng, 60) if toy else uci.load(name), BRIEF if brief or toy else Settings()
    total = SHORT if brief else {"toy": TOYS}.get(name, uci.SPLITS)
    stamp = stamped(name, method, settings)
    done = {} if fresh else stored(path, stamp)
    N, D = regression.inputs.shape
    yield f"{regression.name}, N = {N}, {D}-{settings.hidden}-1 network, {method}, {total} split{'s' * (total > 1)}" + (
        f"; {len(done)} are done, in {path}" if done else "")
    last, trouble = None, ""
    with Progress(f"fit bnn on {regression.name}", total) as bar:
        try:
            for number in sorted(set(range(total)) - set(done)):
                data = split(rng, regression, number)
                done[number], *last = scores(rng, data, method, settings, lambda note: bar(len(done), note))
                if path:
                    files.write(path, json.dumps(dict(stamp=stamp, splits=done), indent=1))
                bar(len(done))
        except ArithmeticError as error:
            trouble = Failure(f"split {number}: {error}")
        except KeyboardInterrupt:
            trouble = CutShort(f"interrupted in split {number}; {len(done)} of {total} are done"
                               + (f", and kept in {path}" if path else ""))
    if trouble:
        yield trouble
    if done:
        yield from lines(regression.name, method, done)
    if last and toy:
        yield from band(regression, *last)
    if path and not trouble:
        yield f"kept in {path}"


def lines(name, method, done):
    """Of the averages over the splits that are done."""
    splits = list(done.values())
    if method == "hmc":
        worst, fewest, divergent = np.transpose([split["agreement"] for split in splits])
        yield (f"held-out predictions of 4 chains: R-hat at most {np.max(worst):.2f}, on average {np.mean(worst):.2f}; "
               f"effective draws at least {np.min(fewest):.0f}; {divergent.sum():.0f} trajectories diverged")
    yield f"{'':>34} {'RMSE':>18} {'nats per datum':>20}"
    for key, label in (("bnn", f"Bayesian network, {method}"), ("constant", "one set of weights"),
                       ("sigma", "one set of weights, sigma(y)")):
        rmse, nats = np.transpose([split[key] for split in splits])
        yield f"{label:>34} {mean_and_error(rmse):>18} {mean_and_error(nats):>20}"
    gain = [split["bnn"][1] - split["constant"][1] for split in splits]
    yield (f"{name}: {method} gains {mean_and_error(gain, sign='+')} nats per datum over one set of weights, in "
           f"{len(splits)} split{'s' * (len(splits) > 1)}")


def band(regression, net, outputs):
    """Mean and deviation of what is predicted of the sine."""
    centre, sd = np.mean(regression.inputs), np.std(regression.inputs)
    mean, variance = model.moments(outputs((PLACES[:, None] - centre) / sd), net)
    unit, offset = np.std(regression.target), np.mean(regression.target)
    yield f"{'input':>8} {'sine':>8}   mean and deviation predicted (data: 0.5 to 2 on both sides)"
    for y, m, v in zip(PLACES, mean[:, 0], variance[:, 0]):
        yield f"{y:8.1f} {np.sin(2 * y):8.3f} {offset + unit * m:9.3f} +- {unit * np.sqrt(v):.3f}"
