"""Which word stands for which: IBM model 1 by EM on 500 Hansard pairs, or on toy ones, with and without NULL, beside
the bare frequencies of words.
"""
import numpy as np

from refvi.app.fits.outcome import ended, ratio
from refvi.data import hansards, texts
from refvi.likelihood.conditional.sentiment import vocabulary
from refvi.marginal.alignment import fit as em

DATA = ("hansards", "toy")
ADDED = (1e-3, 3e-3, 1e-2, 3e-2)        # imagined words, tried on a tenth of the pairs
STEPS = 10
SHOWN = 3                               # sentences, shortest first, and translations of a word
LEAST = 8                               # French words of a sentence that is shown


def choose(rng, name):
    """The pairs asked for, else the real ones, else toy ones."""
    if name == "hansards" or name is None and hansards.at_hand():
        return hansards.load()
    return hansards.toy_pairs(rng)


def told(nats, words):
    return "{:.3f} +- {:.3f}".format(*ratio(nats, words))


def prepared(data, train, null):
    """(pairs of numbers, names of y's words, names of x's) of all sentences; words seen in one sentence are "?"."""
    columns = [vocabulary([sentences[n] for n in train]) for sentences in (data.x, data.y)]
    x, y = (em.numbered(sentences, each) for sentences, each in zip((data.x, data.y), columns))
    names = [np.array([*each, "?"]) for each in columns]
    if null:
        names[1] = np.append(names[1], "NULL")
        y = [np.append(words, len(names[1]) - 1) for words in y]
    return list(zip(x, y)), names[1], names[0]


def frequencies(pairs, V):
    """How frequent each word of x is, one added to each count."""
    counts = np.bincount(np.concatenate([x for x, _ in pairs]), minlength=V) + 1.
    return counts / np.sum(counts)


def run(rng, name=None):
    """The lines of the report: data, held-out nats with and without NULL, what frequent words become, alignments."""
    data = choose(rng, name)
    if data.name.startswith("toy") and name is None:
        yield hansards.stands_in()
    train, test, dev = texts.split(rng, len(data.x), 10, 10)
    words = np.array([len(sentence) for sentence in data.x])
    held = {}
    for null in (False, True):
        pairs, of_y, of_x = prepared(data, train, null)
        known, shape = [pairs[n] for n in train], (len(of_y), len(of_x))
        if not null:
            yield (f"{data.name}: {len(train)} to train, {len(dev)} to choose what is added, {len(test)} held out; "
                   f"{shape[1]} French words explained by {shape[0]} English ones, ? for those in one sentence only")
            alone = frequencies(known, shape[1])
            held["frequencies alone"] = np.array([np.sum(np.log(alone[x])) for x, _ in pairs])[test]
            yield f"frequencies alone: held out {told(held['frequencies alone'], words[test])} nats per word"
        tried = {added: em.fit(known, shape, STEPS, added) for added in ADDED}
        nats = {added: np.sum(em.log_likelihood([pairs[n] for n in dev], found.found)) / np.sum(words[dev])
                for added, found in tried.items()}
        best = max(nats, key=nats.get)
        fitted = tried[best]
        called = f"model 1 {'with' if null else 'without'} NULL"
        yield ended(f"{called}, {best:g} added, {len(fitted.trace) - 1} steps of EM, training "
                    f"{fitted.trace[0]:.0f} to {fitted.trace[-1]:.0f} nats", fitted.stopped)
        if fitted.stopped:
            return
        held[called] = em.log_likelihood([pairs[n] for n in test], fitted.found)
        yield f"  held out {told(held[called], words[test])} nats per word"
    yield from translations(known, fitted.found, of_y, of_x)
    yield from sentences(data, pairs, train, fitted.found, unknown=len(of_x) - 1)
    nats, alone = held[called], held["frequencies alone"]
    yield (f"{data.name}: English is worth {told(nats - alone, words[test])} nats per held-out word, NULL "
           f"{told(nats - held['model 1 without NULL'], words[test])}")


def translations(pairs, theta, of_y, of_x):
    """What the most frequent English words become, numbers and marks aside."""
    counts = np.bincount(np.concatenate([y for _, y in pairs]), minlength=len(of_y))
    chosen = [w for w in np.argsort(-counts) if of_y[w].isalpha()][:4 * SHOWN]
    for w in chosen:
        best = np.argsort(-theta[w])[:SHOWN]
        yield f"{of_y[w]:>12}: " + ", ".join(f"{of_x[v]} {theta[w, v]:.2f}" for v in best)


def sentences(data, pairs, train, theta, unknown):
    """A few short pairs, each French word with the English one that most likely stands behind it."""
    short = sorted((n for n in train if len(data.x[n]) >= LEAST and unknown not in pairs[n][0]),
                   key=lambda n: len(data.x[n]) + len(data.y[n]))
    for n in short[:SHOWN]:
        behind = [*data.y[n], "NULL"]
        yield " ".join(data.y[n])
        yield "  " + " ".join(f"{word}({behind[j]})" for word, j in zip(data.x[n], em.aligned(*pairs[n], theta)))
