"""Where the sentences lie that hold one word only: what is said together lies together. UA.069, UA.071, SA.36, SA.39.

A plane of topics, learnt from nine tenths of the movie-review sentences where they are at hand, else of toy ones.
Arrows to the means of z given single words, the 26 that lie farthest out of those with room around them; the circle has
half of the prior's standard deviation for its radius. Right: gain over each word's own frequency, in nats per held-out
sentence with two standard errors, of sentences with few of the chosen words and with many.
"""
import numpy as np

from refvi.app.fits import decoder
from refvi.data import texts
from refvi.marginal.decoders import topic_plane

EXPENSIVE = True
SIZE = (7.8, 4.2)
QUICK = dict(steps=20)
SHOWN, LETTER, LINE = 26, 0.075, 0.16      # words, and the room that a letter and a line take
LENGTHS = (2, 3, 4, 5, 6, 7, 8, 10, 30)


def apart(words, places):
    """Which words to show: from the farthest inwards, those that overlap none that is shown."""
    def overlap(v, w):
        across, up = np.abs(places[v] - places[w])
        return up < LINE and across < LETTER * (1 + (len(words[v]) + len(words[w])) / 2)

    shown = []
    for v in np.argsort(-np.linalg.norm(places, axis=1)):
        if not any(overlap(v, w) for w in shown):
            shown.append(v)
        if len(shown) == SHOWN:
            break
    return shown


def data(rng, steps=decoder.STEPS[0]):
    chosen, how = decoder.choose(rng, None)
    train, held = texts.split(rng, len(chosen.words), 10)
    columns = topic_plane.columns_of([chosen.words[n] for n in train], **how)
    bags, sizes = topic_plane.counted(chosen.words, columns), (2, len(columns))
    theta = topic_plane.fit(rng, bags[train], steps).lam
    places, words = topic_plane.places(np.eye(len(columns)), theta, sizes), list(columns)
    shown = apart(words, places)
    gain = topic_plane.bag_log_probability(bags[held], theta, sizes) - bags[held] @ topic_plane.unigram(bags[train])
    length = np.asarray(bags[held].sum(axis=1)).ravel()
    groups = [gain[(length >= low) & (length < high)] for low, high in zip(LENGTHS, LENGTHS[1:])]
    groups = [(n, group) for n, group in zip(LENGTHS, groups) if len(group) > 4]
    return dict(name=chosen.name, words=[words[v] for v in shown], random_places=places[shown],
                random_lengths=[n for n, _ in groups], random_gain=[np.mean(group) for _, group in groups],
                random_error=[np.std(group) / np.sqrt(len(group)) for _, group in groups])


def draw(figure, name, words, random_places, random_lengths, random_gain, random_error):
    left, right = figure.subplots(1, 2, width_ratios=(1.5, 1))
    turn = np.linspace(0, 2 * np.pi, 100)
    left.plot(0.5 * np.cos(turn), 0.5 * np.sin(turn), color="0.6", linestyle=":", linewidth=1)
    for word, (a, b) in zip(words, random_places):
        left.plot([0, a], [0, b], color="0.85", linewidth=0.6, zorder=0)
        left.text(a, b, str(word), ha="center", va="center", fontsize=8)
    reach = 1.12 * np.max(np.abs(random_places))
    left.set(xlabel="z₁", ylabel="z₂", title=str(name), xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    right.axhline(0, color="C0", linewidth=0.8)
    right.errorbar(random_lengths, random_gain, 2 * random_error, fmt="o", color="C1")
    right.set(xlabel="at least so many words", ylabel="gain, nats per held-out sentence")
