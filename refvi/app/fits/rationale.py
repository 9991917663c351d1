"""Verdicts on films from a few of their words, and which: masks of words summed out, beside logistic regression on all
words, on the movie-review sentences or on toy ones.
"""
import numpy as np

from refvi.app.fits.outcome import mean_and_error
from refvi.app.fits.sentiment import choose, score, told
from refvi.data import polarity, texts
from refvi.likelihood.conditional import sentiment
from refvi.likelihood.networks import sigmoid
from refvi.marginal.rationale import fit as rationale

DATA = ("polarity", "toy")
PRIOR = (-2., 2.)       # mean and sd of the log odds with which a word is kept
BAG_SD = 1.             # of a weight in logistic regression, as `refvi fit sentiment` chooses it
SHOWN = 8               # words of either vote, and sentences


def prepared(data, train):
    """({word: number}, the sentences as numbers, unknown words left out, what their words vote, bags of words)."""
    columns = sentiment.vocabulary([data.words[n] for n in train])
    bags = sentiment.bags(data.words, columns)
    y = [np.array([columns[word] for word in words if word in columns], int) for words in data.words]
    counted = sentiment.naive_bayes(data.labels[train], bags[train])[:-1]
    return columns, y, np.where(counted > 0, 1., -1.), bags


def probability(y, theta):
    """p(x = 1 | y) (N,)."""
    return np.exp(rationale.log_likelihood(np.ones(len(y), int), y, theta))


def run(rng, name=None):
    """The lines of the report: held-out nats and accuracy of both models, the words that are heard, rationales."""
    data = choose(rng, name)
    if data.name.startswith("toy") and name is None:
        yield polarity.stands_in()
    train, test = texts.split(rng, len(data.words), 10)
    columns, y, votes, bags = prepared(data, train)
    x, known, new = data.labels, [y[n] for n in train], [y[n] for n in test]
    yield (f"{data.name}: {len(train):,} to train, {len(test):,} held out; {len(columns):,} words that stand in two "
           "sentences or more, votes counted as naive Bayes does")
    bag = sentiment.fit(x[train], bags[train], BAG_SD).theta
    yield f"all words, logistic regression: held out {score(bag, x[test], bags[test])}"
    theta = rationale.fit(x[train], known, votes, *PRIOR)
    yield (f"some words, masks summed out: offset {theta.offset:+.2f}, a vote is worth {theta.slope:.1f}; "
           f"trained on: {np.mean(rationale.log_likelihood(x[train], known, theta)):.3f} nats per sentence")
    nats = rationale.log_likelihood(x[test], new, theta)
    right = (probability(new, theta) > 0.5) == x[test]
    yield f"  held out {told(nats, right)}"
    heard, words = sigmoid(theta.rho), list(columns)
    for sign, vote in (("for", 1), ("against", -1)):
        best = np.argsort(np.where(votes == vote, -heard, 0.))[:SHOWN]
        yield f"{sign}: " + ", ".join(f"{words[v]} {heard[v]:.2f}" for v in best)
    yield "held-out sentences, [words] that more than half of the masks keep, given the likelier verdict:"
    for n in test[:SHOWN]:
        yield f"  {marked(data.words[n], columns, theta)}"
    share = np.mean(np.concatenate([heard[words] for words in new]))
    off = nats - sentiment.log_likelihood(bag, x[test], bags[test])
    yield (f"{data.name}: {100 * share:.1f} % of the words kept, {mean_and_error(off, sign='+')} nats per held-out "
           "sentence beside all words")


def marked(words, columns, theta):
    """A sentence with its verdict, and the words that were kept in brackets."""
    y = np.array([columns[word] for word in words if word in columns], int)
    p, = probability([y], theta)
    keep = iter(rationale.kept(int(p > 0.5), y, theta) > 0.5)
    return f"{p:.2f} " + " ".join(f"[{word}]" if word in columns and next(keep) else word for word in words)
