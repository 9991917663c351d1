"""Pairs of sentences, French and English, one set: 500 of the debates of Canada's 36th parliament; or toy pairs drawn
from an rng, whose dictionary is known.
"""
from typing import NamedTuple

from refvi.base.checks import require_count
from refvi.data import texts

FILES = ("hansards.f", "hansards.e")


class Pairs(NamedTuple):
    """N pairs of sentences, each a list of words: y explains x."""
    name: str
    x: list                     # French
    y: list                     # English


def at_hand():
    """Whether the set lies in REFVI_DATA/hansards or the cache; its content is checked when it is read."""
    return texts.at_hand("hansards", FILES)


def stands_in():
    """What a report says where toy pairs stand in for the set."""
    return texts.stands_in("hansards", "toy pairs")


def load(root=None):
    """The set, from root or else REFVI_DATA/hansards or the cache. FileNotFoundError says where the files belong,
    ValueError which line has no words, or no partner.
    """
    (path, x), (other, y) = texts.read("hansards", FILES, root)
    if len(x) != len(y):
        raise ValueError(f"{path} has {len(x)} lines, {other.name} {len(y)}: line n of one belongs to line n of the "
                         "other, copy both again")
    for number, pair in enumerate(zip(x, y), 1):
        if not all(line.strip() for line in pair):
            raise ValueError(f"{(path, other)[bool(pair[0].strip())]}:{number}: a sentence without words: take the "
                             "line out of both files")
    return Pairs("Hansard pairs", [line.split() for line in x], [line.split() for line in y])


ARTICLES = {"the": "les", "some": "des", "my": "mes"}
NOUNS = {"cats": "chats", "dogs": "chiens", "birds": "oiseaux", "lions": "lions", "friends": "amis", "bears": "ours"}
COLOURS = {"black": "noirs", "white": "blancs", "grey": "gris", "green": "verts"}
VERBS = {"see": "voient", "hear": "entendent", "follow": "suivent", "like": "aiment"}
DICTIONARY = {**ARTICLES, **NOUNS, **COLOURS, **VERBS, "not": "pas"}


def drawn(rng, words):
    """One of some words, the first ones more often."""
    return list(words)[int(len(words) * rng.beta(1, 1.6))]


def toy_pairs(rng, N=400):
    """Who does what to whom: in French the colour follows its noun, and *do not* is *ne ... pas*."""
    x, y = [], []
    for _ in range(require_count("N", N)):
        french, english = [], []
        for place in range(3):
            if place == 1:
                verb, never = drawn(rng, VERBS), rng.random() < 0.3
                english += ["do", "not", verb] if never else [verb]
                french += ["ne", VERBS[verb], "pas"] if never else [VERBS[verb]]
                continue
            article, noun = drawn(rng, ARTICLES), drawn(rng, NOUNS)
            colour = [drawn(rng, COLOURS)] if rng.random() < 0.5 else []
            english += [article, *colour, noun]
            french += [ARTICLES[article], NOUNS[noun], *(COLOURS[word] for word in colour)]
        x.append(french)
        y.append(english)
    return Pairs("toy pairs", x, y)
