"""Verdicts on films from bags of words: logistic regression beside naive Bayes, on the movie-review sentences or on toy
ones.
"""
import numpy as np

from refvi.app.fits.outcome import mean_and_error
from refvi.data import polarity, texts
from refvi.likelihood.conditional import sentiment

DATA = ("polarity", "toy")
PRIOR_SDS = (0.25, 0.5, 1., 2.)      # tried on a tenth of the data
SHOWN = 8                           # words of either sign


def choose(rng, name):
    """The sentences asked for, else the real ones, else toy ones."""
    if name == "polarity" or name is None and polarity.at_hand():
        return polarity.load()
    return polarity.toy_sentences(rng)


def told(nats, right):
    """How a line tells held-out nats and whether verdicts are right, (N,) each, with standard errors."""
    return f"{mean_and_error(nats)} nats per sentence, accuracy {mean_and_error(100 * right, 1)} %"


def score(theta, x, y):
    """How a line tells what weights are worth on held-out sentences."""
    return told(sentiment.log_likelihood(theta, x, y), (sentiment.logits(theta, y) > 0) == x)


def run(rng, name=None):
    """The lines of the report: data, prior, held-out nats and accuracy of both models, the words that weigh most."""
    data = choose(rng, name)
    if data.name.startswith("toy") and name is None:
        yield polarity.stands_in()
    train, test, dev = texts.split(rng, len(data.words), 10, 10)
    columns = sentiment.vocabulary([data.words[n] for n in train])
    bags, x = sentiment.bags(data.words, columns), data.labels
    yield (f"{data.name}: {len(train):,} to train, {len(dev):,} to choose the prior, {len(test):,} held out; "
           f"{len(columns):,} words that stand in two sentences or more")
    tried = {sd: sentiment.fit(x[train], bags[train], sd) for sd in PRIOR_SDS}
    nats = {sd: np.mean(sentiment.log_likelihood(found.theta, x[dev], bags[dev])) for sd, found in tried.items()}
    best = max(nats, key=nats.get)
    yield "prior sd of a weight, nats per sentence: " + ", ".join(f"{sd:g}: {nats[sd]:.3f}" for sd in PRIOR_SDS)
    yield f"logistic regression, prior sd {best:g}, gradient {tried[best].slope:.0e} at its top"
    theta = tried[best].theta
    inside = np.mean(sentiment.log_likelihood(theta, x[train], bags[train]))
    yield f"  held out: {score(theta, x[test], bags[test])} (trained on: {inside:.3f})"
    counted = sentiment.naive_bayes(x[train], bags[train])
    yield f"naive Bayes, by counting\n    held out: {score(counted, x[test], bags[test])}"
    words, order = list(columns), np.argsort(theta[:-1])
    for sign, chosen in (("for", order[::-1][:SHOWN]), ("against", order[:SHOWN])):
        yield f"{sign}: " + ", ".join(f"{words[v]} {theta[v]:+.2f}" for v in chosen)
    yield f"{data.name}: held out {score(theta, x[test], bags[test])} (guessing: {-np.log(2):.3f})"
