"""Companion of trees.md: its rows, its stages and its referees."""
import itertools

import numpy as np
from scipy import stats

from refvi import categorical, noise
from refvi.marginal.trees import boxes, grammar, segments, spanning
from refvi.marginal.trees.grammar import Grammar


# ---- five models; listing(x, params) says of each structure of a datum how probable it is with it, and what it counts

def latent(data, params, listing, log_evidence, expected, step, step_by_hand):
    """A stage; of the first datum two structures at least are drawn from the posterior."""
    masses, each = zip(*listing(data[0], params))
    masses = np.array(masses)
    return dict(data=data, params=params, listing=listing, log_evidence=log_evidence, expected=expected, step=step,
                step_by_hand=step_by_hand, each=np.array(each), S=2,
                noise=noise(categorical, np.log(masses / np.sum(masses))))


def derivations(words, rules):
    """(probability, counts of all rules) of each leftmost derivation of a sentence: one for each of its trees."""
    binary, emit = rules
    K, V = emit.shape
    stack = [((0,), 0, 1., np.zeros(K**3 + K * V))]
    while stack:
        pending, at, p, counts = stack.pop()
        if not pending:
            yield p, counts
            continue
        a, rest = pending[0], pending[1:]
        moves = [(rest, at + 1, emit[a, words[at]], K**3 + a * V + words[at])] * (len(rest) < len(words) - at)
        if len(pending) < len(words) - at:
            moves += [((b, c, *rest), at, binary[a, b, c], (a * K + b) * K + c)
                      for b, c in itertools.product(range(K), repeat=2)]
        for pending, at_next, chance, rule in moves:
            ended = not pending and at_next < len(words)
            if chance > 0 and not ended:
                more = counts.copy()
                more[rule] += 1
                stack.append((pending, at_next, p * chance, more))


def of_a_grammar(sentences, rules):
    """A stage of sentences and a Grammar."""
    K, V = rules.emit.shape

    def by_hand(sentences, rules):
        """Counts of all derivations, divided by those of their symbol."""
        flat = sum(averaged(derivations(words, rules)) for words in sentences)
        table = np.concatenate([flat[:K**3].reshape(K, K * K), flat[K**3:].reshape(K, V)], axis=1)
        table = np.array([row / sum(row) for row in table])
        return Grammar(table[:, :K * K].reshape(K, K, K), table[:, K * K:])

    return latent(sentences, rules, derivations, grammar.inside_recursion,
                  lambda data, rules: np.concatenate([t.ravel() for t in grammar.counts_by_gradient(data, rules)]),
                  grammar.counted_again, by_hand) | dict(lengths=(1, 2, 3, 4), V=V)


def stage_grammar(rng):
    """Three symbols, each of which may become any two, or one of three words."""
    rules = np.array([rng.dirichlet([2] * 9 + [7, 8, 9]) for _ in range(3)])
    sentences = [rng.integers(0, 3, n).tolist() for n in (3, 2, 4)]
    return of_a_grammar(sentences, Grammar(rules[:, :9].reshape(3, 3, 3), rules[:, 9:]))


def attachment(vp=0.4, np_=0.2, words=(0.3, 0.3, 0.2)):
    """S -> NP VP, VP -> V NP or VP PP, NP -> she, stars, telescopes or NP PP, PP -> P NP; the verb saw, the preposition
    with. Symbols S NP VP PP V P, words she stars telescopes saw with.
    """
    binary, emit = np.zeros((6, 6, 6)), np.zeros((6, 5))
    binary[0, 1, 2] = binary[3, 5, 1] = emit[4, 3] = emit[5, 4] = 1.
    binary[2, 4, 1], binary[2, 2, 3], binary[1, 1, 3] = 1 - vp, vp, np_
    emit[1, :3] = words
    return Grammar(binary, emit)


def stage_english(rng):
    """She saw stars with telescopes, and sentences with one phrase less or more."""
    chances = rng.dirichlet([6, 8, 7, 5])
    sentences = [[0, 3, 1, 4, 2], [0, 3, 2], [1, 3, 0, 4, 2, 4, 1], [2, 4, 1, 3, 0]]
    rules = attachment(rng.uniform(0.3, 0.5), chances[3], chances[:3])
    return of_a_grammar(sentences, rules) | dict(lengths=(1, 2, 3, 4, 5))


def rooted(n, one_root):
    """Heads (n,) of words 1..n of every tree below the root 0, with one word below it or any number."""
    words = range(1, n + 1)
    for heads in itertools.product((0, *words), repeat=len(words)):
        reached = {0}
        for _ in words:
            reached |= {word for word, head in zip(words, heads) if head in reached}
        if reached == {0, *words} and not (one_root and heads.count(0) > 1):
            yield heads


def of_heads(rng, one_root):
    """Two sentences out of three words, and how probable each is below each, and below the root."""
    log_t = np.log(np.array([rng.dirichlet([4, 5, 6]) for _ in range(4)]))

    def listing(words, log_t):
        """Each tree is as probable as any other, each word as its head says."""
        n, trees = len(words), list(rooted(len(words), one_root))
        for heads in trees:
            arcs = np.zeros((n + 1, n + 1))
            arcs[heads, range(1, n + 1)] = 1
            told = [log_t[words[head - 1] if head else 3, words[m]] for m, head in enumerate(heads)]
            yield np.exp(sum(told)) / len(trees), arcs.ravel()

    def by_hand(sentences, log_t):
        table = np.zeros((4, 3))
        for words in sentences:
            arcs = averaged(listing(words, log_t)).reshape(len(words) + 1, -1)
            for head, m in itertools.product(range(len(words) + 1), range(len(words))):
                table[words[head - 1] if head else 3, words[m]] += arcs[head, m + 1]
        with np.errstate(divide="ignore"):
            return np.log(table / table.sum(axis=1, keepdims=True))

    sentences = [rng.permutation(3).tolist(), [*rng.permutation(3).tolist(), int(rng.integers(0, 3))]]
    return latent(
        sentences, log_t, listing,
        lambda data, log_t: np.array([spanning.evidence_by_determinant(x, log_t, one_root) for x in data]),
        lambda data, log_t: spanning.arcs_by_gradient(spanning.head_scores(data[0], log_t), one_root).ravel(),
        lambda data, log_t: spanning.heads_again(data, log_t, one_root), by_hand) | dict(lengths=(2, 3), V=3)


def stage_heads(rng):
    return of_heads(rng, False)


def stage_one_root(rng):
    return of_heads(rng, True)


def stage_segments(rng):
    """Texts of two letters, and a lexicon of five words."""
    lexicon, p = ("a", "b", "ab", "ba", "aba"), rng.dirichlet([5, 6, 4, 5, 4, 7])

    def listing(text, p):
        """One way to cut for each set of places."""
        places = range(1, len(text))
        for cuts in itertools.chain(*(itertools.combinations(places, r) for r in range(len(text)))):
            words = [text[i:j] for i, j in zip((0, *cuts), (*cuts, len(text)))]
            if set(words) <= set(lexicon):
                counts = [*(words.count(word) for word in lexicon), 1]
                yield np.prod(p**np.array(counts)), np.array(counts, float)

    def by_hand(texts, p):
        counts = sum(averaged(listing(text, p)) for text in texts)
        return counts / sum(counts)

    texts = ["".join(rng.choice(["a", "b"], n)) + ending for n, ending in ((3, "ab"), (2, "b"), (4, "aba"))]
    return latent(texts, p, listing,
                  lambda data, p: np.array([segments.forward_over_ends(text, lexicon, p) for text in data]),
                  lambda data, p: segments.words_by_gradient(data, lexicon, p),
                  lambda data, p: segments.counted_again(data, lexicon, p), by_hand)


def stage_box(rng):
    """Three images of three by two pixels; shares of bright pixels outside and in."""
    masks = boxes.all_boxes(3, 2)
    p = np.array([rng.uniform(0.15, 0.3), rng.uniform(0.6, 0.85)])
    images = [*(1. * (rng.random((2, 6)) < 0.5)), np.array([0., 1, 0, 1, 1, 0])]

    def listing(image, p):
        """Every box between two corners."""
        for top, left in itertools.product(range(3), range(2)):
            for bottom, right in itertools.product(range(top, 3), range(left, 2)):
                lies = [top <= d // 2 <= bottom and left <= d % 2 <= right for d in range(6)]
                chances = stats.bernoulli.pmf(image, np.where(lies, p[1], p[0]))
                yield np.prod(chances) / 18, np.array(lies, float)

    def by_hand(images, p):
        lies = [averaged(listing(image, p)) for image in images]
        bright = sum(a @ b for a, b in zip(lies, images))
        return np.array([(np.sum(images) - bright) / (18 - np.sum(lies)), bright / np.sum(lies)])

    return latent(images, p, listing, lambda data, p: boxes.evidence_over_boxes(np.array(data), masks, p),
                  lambda data, p: boxes.pixels_in_box(np.array(data), masks, p)[0],
                  lambda data, p: boxes.shared_again(np.array(data), masks, p), by_hand)


# ---- sums, expected counts, EM

def averaged(listing):
    """Expected counts under the posterior, each structure with its share."""
    masses, counts = zip(*listing)
    return np.array(masses) / sum(masses) @ np.array(counts)


def sum_over_structures(data, params, listing):
    return np.array([np.log(sum(p for p, _ in listing(x, params))) for x in data])


def sum_by_recursion(data, params, log_evidence):
    """By the model's own algorithm: inside recursion, determinant, forward recursion, or one product for all boxes."""
    return log_evidence(data, params)


def counts_over_structures(data, params, listing):
    return averaged(listing(data[0], params))


def counts_by_recursion(data, params, expected):
    return expected(data[:1], params)


def counts_of_drawn_structures(eps, each):
    """Averages (R, P) of the counts of S structures drawn from the posterior."""
    return np.mean(each[eps], axis=1)


def likelihood_over_structures(data, params, listing):
    return sum(sum_over_structures(data, params, listing))


def likelihood_by_recursion(data, params, log_evidence):
    return np.sum(log_evidence(data, params))


def likelihood_after_a_step(data, params, log_evidence, step):
    return np.sum(log_evidence(data, step(data, params)))


def step_over_structures(data, params, listing, step_by_hand):
    return sum(sum_over_structures(data, step_by_hand(data, params), listing))


# ---- masses

def mass_of_each_length(lengths, params):
    """One for every length where sentences are given their number of words; of a grammar the mass of all of these
    lengths, counted by lengths alone: words are summed out before anything is parsed.
    """
    if not isinstance(params, Grammar):
        return np.ones(len(lengths))
    of = {1: params.emit.sum(axis=1)}
    for n in lengths[1:]:
        of[n] = sum(np.einsum("abc,b,c->a", params.binary, of[k], of[n - k]) for k in range(1, n))
    return np.array([of[n][0] for n in lengths])


def mass_of_all_sentences(lengths, params, V, log_evidence, listing):
    """Every sentence of each length, one by one; of those that have no tree the mass is zero."""
    def mass(n):        # derivations are only asked whether there is one
        sentences = [x for x in itertools.product(range(V), repeat=n) if next(iter(listing(x, params)), None)]
        return np.sum(np.exp(log_evidence(sentences, params))) if sentences else 0.

    return np.array([mass(n) for n in lengths])


# ---- one root, or several

def stage_arcs(rng):
    """Scores of all arcs between the root and four words."""
    return dict(scores=rng.uniform(-1.2, 1.2, (5, 5)))


def weights_of(scores, one_root):
    return [np.exp(sum(scores[head, word] for word, head in enumerate(heads, 1))) for heads in rooted(4, one_root)]


def one_root_over_trees(scores):
    return np.log(sum(weights_of(scores, True)))


def one_root_by_determinant(scores):
    return spanning.log_total(scores, True)


def all_by_determinant(scores):
    return spanning.log_total(scores, False)


def all_over_trees(scores):
    return np.log(sum(weights_of(scores, False)))


# ---- a grammar that loses mass

def stage_growing(rng):
    """S -> S S with this probability, else a word."""
    return dict(grow=rng.uniform(0.6, 0.8))


def mass_of_finite_trees(grow):
    """Trees of depth one, two, and so on: at most 400."""
    mass = 0.
    for _ in range(400):
        mass = 1 - grow + grow * mass**2
    return mass


def smaller_root(grow):
    return (1 - grow) / grow
