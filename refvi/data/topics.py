"""Toy sentences about one city on three topics, and the probabilities that they are drawn from."""
import numpy as np

from refvi.base.checks import require_count
from refvi.base.special import logsumexp
from refvi.data.polarity import Sentences

BEGINNING = ["rio", "de", "janeiro"]
TOPICS = {          # verbs, what stands before a noun, nouns
    "history": (("was", "became"), ("a", "the"), ("colony", "port", "empire")),
    "tourism": (("has", "offers"), ("sunny", "quiet"), ("beaches", "hotels", "parks")),
    "news": (("expects", "fears"), ("another", "no"), ("strike", "storm", "election")),
}
SHARES = np.array([0.3, 0.45, 0.25])        # of the topics
OWN = ((0.6, 0.4), (0.7, 0.3), (0.5, 0.3, 0.2))
FAITHFUL, ON = 0.9, 0.5                     # a word is the topic's own; after a noun comes "and" and three words more


def given_topic(place):
    """(the words that may stand in a place of three, p(word | topic) (3, number of words))."""
    words = [word for topic in TOPICS.values() for word in topic[place]]
    n = len(OWN[place])
    table = np.full((3, 3 * n), (1 - FAITHFUL) / (2 * n))
    for k in range(3):
        table[k, k * n:k * n + n] = FAITHFUL * np.array(OWN[place])
    return words, table


def toy_sentences(rng, N=1000):
    """Sentences with their topics as labels; all begin alike."""
    labels, places = rng.choice(3, require_count("N", N), p=SHARES), [given_topic(place) for place in range(3)]
    sentences = []
    for k in labels:
        sentence = [*BEGINNING]
        while len(sentence) == len(BEGINNING) or rng.random() < ON:
            sentence += ["and"] * (len(sentence) > len(BEGINNING)) + [rng.choice(words, p=p[k]) for words, p in places]
        sentences.append([str(word) for word in sentence])
    return Sentences("toy sentences on three topics", sentences, labels)


def log_probability(sentences):
    """log p(x_n) (N,) in nats of toy sentences under the truth, the topic summed out."""
    places, found = [given_topic(place) for place in range(3)], []
    for sentence in sentences:
        parts = [word for word in sentence[len(BEGINNING):] if word != "and"]
        given = sum(np.log(p[:, words.index(word)]) for (words, p), word in zip(places * len(parts), parts))
        found.append(logsumexp(np.log(SHARES) + given) + (len(parts) // 3 - 1) * np.log(ON) + np.log(1 - ON))
    return np.array(found)
