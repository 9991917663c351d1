"""Topics of sentences about films, by coordinate ascent: words of each topic, and words of new sentences foretold from
the rest of the sentence, beside a model without topics.
"""
import numpy as np
from scipy.sparse import csr_matrix

from refvi.app.fits.outcome import ended, ratio
from refvi.data import polarity, texts
from refvi.likelihood.conditional.sentiment import vocabulary
from refvi.marginal.decoders.topic_plane import columns_of, counted
from refvi.marginal.topics import lda

DATA = ("polarity", "toy")
K, SWEEPS, ETA = 10, 60, 0.1
SHOWN = 8               # words of a topic
LEAST, MOST = 10, 0.01  # sentences that a word stands in: so many, and no larger share


def content(sentences):
    """{word: column} of words of three letters or more that are neither rare nor in every other sentence."""
    kept = [word for word in columns_of(sentences, LEAST, MOST) if word.isalpha() and len(word) > 2]
    return {word: column for column, word in enumerate(kept)}


def halves(rng, x):
    """(words that are seen, words that are to be foretold), like x: a fair coin for each word."""
    counts = x.data.astype(int)
    first = rng.binomial(counts, 0.5)
    seen, hidden = (csr_matrix((1. * part, x.indices, x.indptr), x.shape, copy=True)
                    for part in (first, counts - first))
    for part in (seen, hidden):
        part.eliminate_zeros()
    return seen, hidden


def nats(hidden, log_p):
    """(mean nats per word, its standard error over sentences) of words `hidden` with log probabilities like it."""
    return ratio(*(np.asarray(part.sum(axis=1)).ravel() for part in (hidden.multiply(log_p), hidden)))


def of_words(hidden, p):
    """log p, sparse like `hidden`, of probabilities p (N, V)."""
    rows = np.repeat(np.arange(hidden.shape[0]), np.diff(hidden.indptr))
    return csr_matrix((np.log(p[rows, hidden.indices]), hidden.indices, hidden.indptr), hidden.shape)


def toy(rng, N=400, longest=40):
    """Documents of 20 to 40 words about what is liked, what is not, and the things themselves, mixed anew in each."""
    groups, words = (polarity.LIKED, polarity.DISLIKED, polarity.THINGS), []
    for _ in range(N):
        shares = rng.dirichlet(np.full(len(groups), 0.4))
        chosen = rng.choice(len(groups), rng.integers(longest // 2, longest + 1), p=shares)
        words.append([groups[k][int(6 * rng.beta(1, 2))] for k in chosen])
    return polarity.Sentences("toy documents", words, np.zeros(N, int))


def choose(rng, name):
    """The sentences asked for, else the real ones, else toy ones; topics, and the vocabulary of chosen sentences."""
    if name == "polarity" or name is None and polarity.at_hand():
        return polarity.load(), K, content
    return toy(rng), 3, lambda sentences: vocabulary(sentences, 1)


def run(rng, name=None, sweeps=SWEEPS):
    """The lines of the report: data, bound, the words of each topic, held-out nats with and without topics."""
    data, topics, columns_of = choose(rng, name)
    if data.name.startswith("toy") and name is None:
        yield texts.stands_in("polarity", "toy documents")
    train, test = texts.split(rng, len(data.words), 10)
    columns = columns_of([data.words[n] for n in train])
    x, new = (counted([data.words[n] for n in chosen], columns) for chosen in (train, test))
    x, new = (part[np.diff(part.indptr) > 0] for part in (x, new))
    yield (f"{data.name}: {x.shape[0]:,} to train, {new.shape[0]:,} held out; {len(columns):,} words, "
           f"{x.sum() / x.shape[0]:.1f} in each")
    seen, hidden = halves(rng, new)
    frequencies = np.asarray(x.sum(axis=0)).ravel() + ETA
    without = of_words(hidden, np.tile(frequencies / np.sum(frequencies), (hidden.shape[0], 1)))
    mean, error = nats(hidden, without)
    yield f"held out, without topics: {mean:.4f} +- {error:.4f} nats per word"
    for prior, learn in (("held at one over their number", False), ("learnt", True)):
        found = lda.fit(rng, x, topics, sweeps, ETA, learn)
        low, high = found.trace[[0, -1]] / x.sum()
        yield ended(f"{topics} topics, alpha {prior}, {len(found.trace) - 1} sweeps: bound {low:.4f} to {high:.4f} "
                    "nats per word", found.stopped)
        if found.stopped:
            return
        with_topics = of_words(hidden, lda.predicted(seen, found.found))
        told = [f"{mean:.4f} +- {error:.4f}" for mean, error in (
            nats(hidden, with_topics), nats(hidden, with_topics - without))]
        yield f"    held out, given about half of the words: {told[0]}, less that without topics: {told[1]}"
    yield from listed(found.found, list(columns))
    yield f"{data.name}: held out {told[0]} nats per word, less that without topics: {told[1]}"


def listed(q, words):
    """A line for each topic: its alpha, and words that are frequent in it and more so than elsewhere."""
    share = q.lam / q.lam.sum(axis=1, keepdims=True)
    weight = share * np.log(share / (np.sum(q.lam, axis=0) / np.sum(q.lam)))
    for k in np.argsort(-q.alpha):
        yield f"alpha {q.alpha[k]:.3f}: " + ", ".join(words[v] for v in np.argsort(-weight[k])[:SHOWN])
