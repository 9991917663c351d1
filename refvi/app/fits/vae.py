"""The VAE of the slides on MNIST, or on typeset digits where MNIST is not at hand: 784-256-64-(2,2), 2-64-256-784,
Adam, one draw an image.

Named on the command line, the fit is stored after every epoch and goes on from there when called again; without a name
it is short, and not stored.
"""
import time
from typing import NamedTuple

import numpy as np

from refvi.app.fits.outcome import CutShort, Failure
from refvi.base.progress import Progress
from refvi.data import mnist
from refvi.data.store import cache
from refvi.data.typeset import typeset_digits
from refvi.generative.vae import evaluate, model, store, training

DATA = ("mnist", "typeset")
OPTIONS = dict(epochs=20, latent=2, out="", fresh=False)     # of the named fit, where the call does not say otherwise
# the rate halves in 40 epochs; by then the held-out bound hardly rises
SETTINGS = training.Settings(delay=40.)
SHORT = 2                                                   # epochs of the fit without a name
TYPESET = dict(train=20_000, validation=1000, test=4000)


class Digits(NamedTuple):
    """Binarized images (N, 784) to climb with, to watch and to report on; what tells them apart."""
    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    stamp: dict


def choose(rng, name, stored=None):
    """The Digits asked for, else those of a stored fit, else MNIST, else typeset ones, which a stored fit has drawn
    from its own seed.
    """
    if name == "mnist" or name is None and (stored.data.get("name") == "MNIST" if stored else mnist.at_hand()):
        images, test = model.binarized(mnist.load("train").images), model.binarized(mnist.load("test").images)
        train, validation = model.held_apart(images)
        return Digits(train, validation, test, store.stamp("MNIST", train))
    seed = (stored.data.get("seed") if stored else None) or rng.integers(2**63, size=2).tolist()
    images = model.binarized(typeset_digits(np.random.Generator(np.random.SFC64(seed)), sum(TYPESET.values())).images)
    parts = np.split(images, np.cumsum(list(TYPESET.values()))[:-1])
    return Digits(*parts, store.stamp("typeset digits", parts[0], seed=seed))


def default_place(name, latent):
    """Where a fit is kept if nothing else is said: the user's cache, one file for each data set and D."""
    return cache() / "fits" / f"vae-{name or ('mnist' if mnist.at_hand() else 'typeset')}-{latent}d.npz"


def climb(fit, digits, epochs, path=None):
    """(the Training after `epochs` epochs in all, seconds, what went otherwise).

    Ctrl-C ends it at the last whole epoch; a file that cannot be written does not.
    """
    begun, started, trouble = fit.epochs, time.monotonic(), ""
    N, total = len(digits.train), (epochs - fit.epochs) * len(digits.train)
    with Progress("fit vae", total) as bar:
        def watch(seen):
            done = (fit.epochs - begun) * N + seen
            speed = done / (time.monotonic() - started)
            bar(done, f"epoch {fit.epochs + 1}/{epochs}  {told(fit)}  {speed:,.0f} images/s")

        try:
            for fit in training.epochs(fit, digits.train, digits.validation, watch if bar.shown else None):
                trouble = keep(fit, path)
                if fit.epochs >= epochs:
                    break
        except KeyboardInterrupt:
            trouble = CutShort(f"interrupted after step {fit.steps}, epoch {fit.epochs} of {epochs}"
                               + (rescued(fit, path, fit.epochs > begun) if path else ""))
        except ArithmeticError as error:
            trouble = Failure(error)
    return fit, time.monotonic() - started, trouble


def keep(fit, path):
    """Store the fit; what hinders that is returned, so that training goes on and the next epoch tries again."""
    try:
        if path:
            store.save(fit, path)
        return ""
    except OSError as error:
        return Failure(error)


def rescued(fit, path, has_grown):
    """What became of an interrupted fit; it is stored again, since it may have been the storing that was cut short."""
    if not has_grown:
        return ", no whole epoch to keep"
    trouble = keep(fit, path)
    return f"; {trouble}" if trouble else f", kept in {path}"


def told(fit):
    """The last line of a fit's history, in nats per image."""
    if not fit.epochs:
        return ""
    reconstruction, kl, value, error = fit.history[-1]
    return f"ELBO {reconstruction - kl:.2f} = {reconstruction:.2f} - {kl:.2f}, held out {value:.2f} +- {error:.2f}"


def run(rng, name=None, epochs=SHORT, latent=2, out=None, fresh=False):
    """The lines of the report: model and data, every tenth epoch, the ELBO of the test images in nats."""
    if latent > model.SLIDE.n:
        raise ValueError(f"{latent} latent dimensions for images of {model.SLIDE.n} pixels: "
                         f"take --latent of at most {model.SLIDE.n}; the slides take 2")
    path = None if out is None else store.require_place(out or default_place(name, latent), fresh)
    with store.alone(path):
        yield from report(rng, name, epochs, latent, path, fresh)


def report(rng, name, epochs, latent, path, fresh):
    """The lines of a fit that is kept in path, or not at all."""
    stored = store.load(path) if path and path.exists() and not fresh else None
    digits, shape = choose(rng, name, stored), model.architecture(D=latent)
    if name is None and not mnist.at_hand():
        yield "MNIST is not at hand (`refvi data fetch mnist`): these are typeset digits, drawn anew for every new fit"
    fit = stored or training.begin(rng, shape, SETTINGS, digits.stamp)
    if stored:
        store.require_same(stored, shape, SETTINGS, digits.stamp, path)
        yield f"goes on from epoch {stored.epochs} in {path}, with the chance of that file (--fresh begins anew)"
    elif path:
        keep_or_raise(fit, path)
    inner, outer = shape.counts
    called = digits.stamp["name"]
    yield f"{called}, N = {len(digits.train):,}, {shape}: {inner:,} + {outer:,} parameters in {fit.weights.dtype}"
    trouble, seconds, begun = "", 0., fit.epochs
    if fit.epochs < epochs:
        fit, seconds, trouble = climb(fit, digits, epochs, path)
    for epoch in range(begun + 1, fit.epochs + 1):
        if epoch % 10 == 0 or epoch in (begun + 1, fit.epochs):
            yield f"epoch {epoch:4d}: {told(fit._replace(history=fit.history[:epoch]))}"
    if trouble:
        yield trouble
    if fit.epochs > begun:
        place = f"; kept in {path}" if path and not trouble else ""
        speed = (fit.epochs - begun) * len(digits.train) / seconds
        yield f"{speed:,.0f} images/s{place if path else '; not stored'}"
    elif not trouble:
        yield f"nothing to do: {fit.epochs} epochs are done, --epochs {fit.epochs + 10} would go on"
    value = evaluate.average(evaluate.bound(shape, fit.weights, digits.test, rng))
    yield f"{called}: test ELBO {value.value:.2f} +- {value.error:.2f} nats per image after {fit.epochs} epochs"


def keep_or_raise(fit, path):
    """Tried before the long run, not after it; an existing file stays until there is an epoch to replace it with."""
    if not path.exists():
        store.save(fit, path)
