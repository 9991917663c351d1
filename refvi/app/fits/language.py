"""Recurrent language models of short sentences from reviews, or of toy ones: without and with a sentence variable,
perplexity of held-out sentences, and what is said along a line through the sentence space.
"""
from functools import partial

import numpy as np

from refvi.app.fits.outcome import ended, mean_and_error, ratio
from refvi.base.progress import Progress
from refvi.data import polarity, texts, topics
from refvi.marginal.language import fit as language
from refvi.marginal.language.model import Sizes
from refvi.marginal.language.rows import perplexity

DATA = ("polarity", "toy")
WORDS, LONGEST = 150, 12         # of the vocabulary, and of a sentence that is kept
H, EPOCHS, MORE = 16, 8, 6       # hidden units; epochs without a sentence variable, and from there with and without
ORDER = 12                       # nodes of the space


def choose(rng, name):
    """(sentences to train, sentences held out, what they are, the truth's log probability or None)."""
    if name == "polarity" or name is None and polarity.at_hand():
        data = polarity.load()
        words, truth = [sentence for sentence in data.words if len(sentence) <= LONGEST], None
        called = f"{data.name} of at most {LONGEST} words"
    else:
        data = topics.toy_sentences(rng, 1000)
        words, called, truth = data.words, data.name, topics.log_probability
    train, test = ([words[n] for n in part] for part in texts.split(rng, len(words), 5))
    return train, test, called, truth


def score(log_p, sentences):
    """How a line tells perplexity and nats, with standard errors."""
    error = ratio(log_p, np.array([len(sentence) + 1 for sentence in sentences]))[1]
    found = perplexity(log_p, sentences)
    return f"perplexity {found:.2f} +- {found * error:.2f}, {mean_and_error(log_p, 2)} nats per sentence"


def by_frequency(train, test, V):
    """log p (N,) of sentences whose words and ends are drawn one by one with their frequencies, one half added."""
    counts = np.bincount([word for sentence in train for word in [*sentence, V]], minlength=V + 1) + 0.5
    log_p = np.log(counts / np.sum(counts))
    return np.array([np.sum(log_p[[*sentence, V]]) for sentence in test])


def climb(rng, name, train, sizes, epochs, start=None):
    """The Ascent, its progress shown."""
    total = epochs * (len(train) // min(32, len(train)))
    with Progress(name, total) as bar:
        return language.fit(rng, train, sizes, epochs, ORDER, start=start, watch=lambda step, _: bar(step))


def run(rng, name=None):
    """The lines of the report."""
    train, test, called, truth = choose(rng, name)
    if truth and name is None:
        yield polarity.stands_in()
    columns = language.vocabulary(train, WORDS)
    true = truth(test) if truth else None
    train, test = language.encoded(train, columns), language.encoded(test, columns)
    V, unknown, held = len(columns), columns[language.UNKNOWN], [word for sentence in test for word in sentence]
    yield (f"{called}: {len(train):,} to train, {len(test):,} held out; {V} words, one of them for the unknown, which "
           f"stands for {100 * held.count(unknown) / len(held):.0f} % of those held out")
    yield f"held out, word by word with their frequencies: {score(by_frequency(train, test, V), test)}"
    plain, space = Sizes(V, H), Sizes(V, H, 1)
    first = climb(rng, "recurrent", train, plain, EPOCHS)
    reached = language.log_marginal(first.lam, test, plain)
    yield ended(f"recurrent, {plain.P:,} weights, {EPOCHS} epochs: {score(reached, test)}", first.stopped)
    if first.stopped:
        return
    found = {}
    for told, sizes, start in (("without", plain, first.lam), ("with", space, language.opened(rng, first.lam, space))):
        fit = climb(rng, told, train, sizes, MORE, start)
        found[told] = language.log_marginal(fit.lam, test, sizes)
        yield ended(f"{MORE} epochs more {told} a sentence variable: {score(found[told], test)}", fit.stopped)
        if fit.stopped:
            return
    gain = found["with"] - found["without"]
    finer = language.log_marginal(fit.lam, test, space, 80) - found["with"]
    yield (f"it gains {mean_and_error(gain, 2, '+')} nats per sentence; twice the "
           f"nodes change {np.mean(np.abs(finer)):.0e}")
    if truth:
        yield f"the truth: {score(true, test)}"
    said = partial(language.likeliest, fit.lam, sizes=space, longest=LONGEST, without=[unknown])
    words = list(columns)
    for z in (-2., -1., 0., 1., 2.):
        yield f"z = {z:+.0f}: " + " ".join(words[word] for word in said([z]))
    yield f"{called}: {score(found['with'], test)}"
