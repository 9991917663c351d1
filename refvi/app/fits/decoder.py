"""Decoders with a latent variable: a plane of topics from the words of the movie-review sentences, or of toy ones,
beside each word's own frequency; then x given y with several modes, drawn anew on every run, beside a normal head.
"""
import numpy as np

from refvi.app.fits.outcome import CutShort, ended, mean_and_error
from refvi.base.progress import Progress
from refvi.data import polarity, texts
from refvi.marginal.decoders import fit, topic_plane
from refvi.marginal.decoders.model import log_evidence

DATA = ("polarity", "toy")
STEPS = 400, 1500           # for the topics, for each model of x given y
SIZES = 400, 2000           # of x given y: to learn from, held out
SHOWN, REACH = 8, 2.        # words in each direction, and how far out in the plane they are read off


def choose(rng, name):
    """(the sentences asked for, else the real ones, else toy ones; how to choose their words)."""
    if name == "polarity" or name is None and polarity.at_hand():
        return polarity.load(), {}
    return polarity.toy_sentences(rng), dict(most=0.9)


def directions(theta, sizes):
    """[columns] of the words whose probability grows most, in nats times itself, on four ways from the middle."""
    ways = REACH * np.array([[0., 0.], [1, 0], [0, 1], [-1, 0], [0, -1]])
    log_p = topic_plane.log_words(ways, theta, sizes)
    return np.argsort(-np.exp(log_p[1:]) * (log_p[1:] - log_p[0]), axis=1)[:, :SHOWN]


def climbed(name, climb, steps):
    """What climb(watch) returns, with a bar that says how far it is."""
    with Progress(f"fit decoder, {name}", steps) as bar:
        return climb(lambda step, theta: bar(step))


def plane(rng, name):
    """The lines about topics."""
    data, chosen = choose(rng, name)
    if data.name.startswith("toy") and name is None:
        yield polarity.stands_in()
    train, held = texts.split(rng, len(data.words), 10)
    columns = topic_plane.columns_of([data.words[n] for n in train], **chosen)
    bags, sizes = topic_plane.counted(data.words, columns), (2, len(columns))
    yield (f"{data.name}: {len(train):,} to learn from, {len(held):,} held out, {len(columns):,} words, "
           f"{bags[held].sum() / len(held):.1f} of them in a sentence")
    found = climbed("topics", lambda watch: topic_plane.fit(rng, bags[train], STEPS[0], watch=watch), STEPS[0])
    alone = bags[held] @ topic_plane.unigram(bags[train])
    beside = topic_plane.bag_log_probability(bags[held], found.lam, sizes)
    yield f"each word by its own frequency: {mean_and_error(alone)} nats per held-out sentence"
    gain = f"gain {mean_and_error(beside - alone, sign='+')}"
    yield ended(f"a point of the plane for each sentence: {mean_and_error(beside)}, {gain}", found.stopped)
    words = list(columns)
    for way, shown in zip(("right", "up", "left", "down"), directions(found.lam, sizes)):
        yield f"{way + ':':6} {', '.join(words[v] for v in shown)}"


def modes(rng):
    """The lines about x given y."""
    (x, y), (new_x, new_y) = (fit.bent(rng, N) for N in SIZES)
    yield f"x given y with up to three modes, drawn anew: {SIZES[0]} to learn from, {SIZES[1]:,} held out"
    models, scores = {"a normal head": fit.head(), "z normal": fit.line(), "z one of three": fit.classes(3)}, {}
    for name, model in models.items():
        found = climbed(name, lambda watch: fit.fit(rng, x, y, model, STEPS[1], watch=watch), STEPS[1])
        scores[name] = log_evidence(new_x, new_y, found.lam, model, order=300)
        gain = f", gain {mean_and_error(scores[name] - scores['a normal head'], sign='+')}" if len(scores) > 1 else ""
        line = f"{name}, {len(found.lam)} numbers: {mean_and_error(scores[name])} nats per held-out x{gain}"
        yield ended(line, found.stopped)


def run(rng, name=None):
    """The lines of the report: held-out nats of topics beside word frequencies, and of latent models beside a head."""
    for part in (plane(rng, name), modes(rng)):
        for line in part:
            yield line
            if isinstance(line, CutShort):
                return
