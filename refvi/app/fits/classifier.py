"""Cat(pi(y)) with a 784-256-64-10 network: five epochs of minibatch Adam on MNIST, or on typeset digits where MNIST is
not at hand.
"""
import numpy as np

from refvi.app.fits.outcome import ended
from refvi.base.progress import Progress
from refvi.data import mnist
from refvi.data.typeset import typeset_digits
from refvi.likelihood.mle import classifier

DATA = ("mnist", "typeset")
EPOCHS, M = 5, 128


def choose(rng, name):
    """(train, test) digits: those asked for, else MNIST, else typeset ones."""
    if name == "mnist" or name is None and mnist.at_hand():
        return mnist.load("train"), mnist.load("test")
    return typeset_digits(rng, 20_000), typeset_digits(rng, 4_000)


def fit(rng, train, epochs=EPOCHS):
    """An Ascent of the network's log-likelihood on the training digits."""
    steps = len(train.images) // M
    with Progress(f"fit classifier on {train.name}", epochs * steps) as bar:
        return classifier.fit(rng, train.labels, train.images, epochs, M,
                              watch=lambda step, theta: bar(step, f"epoch {1 + (step - 1) // steps}"))


def held_out(theta, test):
    """log probabilities (N, 10) of the test digits, in nats."""
    return classifier.log_probabilities(theta, test.images * np.float32(1 / 255))


def run(rng, name=None, epochs=EPOCHS):
    """The lines of the report: data, held-out log-likelihood in nats per image with its standard error, accuracy."""
    train, test = choose(rng, name)
    ascent = fit(rng, train, epochs)
    log_p = held_out(ascent.lam, test)
    scores, correct = log_p[np.arange(len(log_p)), test.labels], np.mean(np.argmax(log_p, axis=1) == test.labels)
    error = np.std(scores) / np.sqrt(len(scores))
    if train.name.startswith("typeset") and name is None:
        yield "MNIST is not at hand (`refvi data fetch mnist`): these are typeset digits, drawn anew on every run"
    yield ended(f"{train.name}, N = {len(train.images):,}, {len(ascent.lam):,} parameters in {ascent.lam.dtype}, "
                f"{epochs} epochs of {len(train.images) // M} steps", ascent.stopped)
    yield (f"held out, N = {len(log_p):,}: {np.mean(scores):.4f} +- {error:.4f} nats per image "
           f"(guessing: {-np.log(10):.4f}), accuracy {100 * correct:.2f} %")
    yield f"{train.name}: held-out log-likelihood {np.mean(scores):.4f} nats per image, accuracy {100 * correct:.2f} %"
