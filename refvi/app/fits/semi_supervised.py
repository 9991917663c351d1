"""A hundred labels and many images: the codes of a VAE, which needs no labels, and classes of normals on them, whose
labels are summed out where they were not seen; beside what the hundred labels alone are worth.
"""
import numpy as np
from scipy.optimize import minimize

from refvi.app.fits.outcome import CutShort, mean_and_error
from refvi.app.fits.classifier import choose
from refvi.base.progress import Progress
from refvi.generative.semi_supervised.model import UNSEEN, fit, predict
from refvi.generative.vae import evaluate, model, training
from refvi.likelihood.mle.classifier import log_softmax

DATA = ("mnist", "typeset")
OPTIONS = dict(epochs=8)         # of the named fit, where the call does not say otherwise
N, HELD, EACH, D, SETS, STEPS = 30_000, 4000, 10, 10, 3, 30
WEIGHT, SHARE = 10., 0.5         # of the prior on covariances: so many data, of such a share of that of all codes
PRIOR_SD = 0.5          # of a weight of the regression


def regression_answers(x, labels, held):
    """The class (N',) of each row of held (N', D), by a softmax regression that was learnt from labels of x (N, D)."""
    y, one = np.column_stack([x, np.ones(len(x))]), np.eye(10)[labels]

    def down(theta):
        theta = theta.reshape(-1, 10)
        log_p = log_softmax(y @ theta)
        value = np.sum(one * log_p) - 0.5 * np.sum(theta**2) / PRIOR_SD**2
        return -value, (theta / PRIOR_SD**2 - y.T @ (one - np.exp(log_p))).ravel()

    theta = minimize(down, np.zeros(y.shape[1] * 10), jac=True, method="L-BFGS-B").x.reshape(-1, 10)
    return np.argmax(held @ theta[:-1] + theta[-1], axis=1)


def climb(rng, images, epochs):
    """(the VAE after so many epochs, whether Ctrl-C ended it before)."""
    found = training.begin(rng, model.architecture(D=D))
    with Progress("fit semi_supervised", epochs * len(images)) as bar:
        try:
            for found in training.epochs(found, images, watch=lambda seen: bar(found.epochs * len(images) + seen)):
                if found.epochs == epochs:
                    return found, False
        except KeyboardInterrupt:
            return found, True


def few(rng, labels, each=EACH):
    """Labels (N,) of which so many of each class are seen."""
    kept = np.full(len(labels), UNSEEN)
    for k in range(10):
        kept[rng.permutation(np.flatnonzero(labels == k))[:each]] = k
    return kept


def told(right, N):
    """Accuracies of several sets of labels on the N held-out images: their average, its standard error."""
    error = np.hypot(np.std(right) / np.sqrt(len(right) - 1), np.sqrt(np.mean(right) * (1 - np.mean(right)) / N))
    return f"{100 * np.mean(right):.1f} +- {100 * error:.1f} %"


def run(rng, name=None, epochs=2):
    """The lines of the report."""
    train, test = choose(rng, name)
    if train.name.startswith("typeset") and name is None:
        yield "MNIST is not at hand (`refvi data fetch mnist`): these are typeset digits, drawn anew on every run"
    x, held = model.binarized(train.images[:N]), model.binarized(test.images[:HELD])
    labels, truth = train.labels[:N].astype(int), test.labels[:HELD].astype(int)
    found, cut = climb(rng, x, epochs)
    line = f"{train.name}: a VAE of {len(x):,} images without labels, {D} latent dimensions, {found.epochs} epochs"
    if cut:
        yield CutShort(f"{line}, interrupted")
        return
    codes, of_held = (np.asarray(evaluate.encoded(found.shape, found.weights, part)[:, :D], float)
                      for part in (x, held))
    bound = evaluate.bound(found.shape, found.weights, held, rng)
    yield f"{line}, held out {mean_and_error(bound, 2)} nats per image at least"
    prior = WEIGHT, SHARE * np.cov(codes.T)
    right = {"pixels, regression": [], "codes, regression": [], "codes, classes of normals": [],
             "codes, classes of normals, labels that were not seen summed out": []}
    for _ in range(SETS):
        kept = few(rng, labels)
        seen = kept != UNSEEN
        answers = [regression_answers(x[seen], kept[seen], held), regression_answers(codes[seen], kept[seen], of_held),
                   *(predict(of_held, fit(codes, kept, 10, steps, prior).found) for steps in (0, STEPS))]
        for shares, answer in zip(right.values(), answers):
            shares.append(np.mean(answer == truth))
    yield f"accuracy on {len(held):,} held-out images, {SETS} sets of {EACH} labels of each digit:"
    for way, shares in right.items():
        yield f"  {way}: {told(shares, len(held))}"
    every = np.mean(predict(of_held, fit(codes, labels, 10, 0, prior).found) == truth)
    yield f"{train.name}: codes, classes of normals from all {len(labels):,} labels: {told([every, every], len(held))}"
