"""A sentence with two trees, how probable each is, and a grammar that learns without any tree. WI.09, UA.007, UA.089.

Left and middle: both trees, listed by the code, with their posterior shares. Right: 400 sentences are drawn from the
grammar, EM starts from other probabilities of a noun phrase and of a verb phrase with a prepositional phrase; dots are
what it has after each step, lines are the truth.
"""
import numpy as np

from refvi.marginal.trees import grammar

EXPENSIVE = True
SIZE = (8.2, 2.7)
SYMBOLS, WORDS = ("S", "NP", "VP", "PP", "V", "P"), ("she", "stars", "telescopes", "saw", "with")
SENTENCE = (0, 3, 1, 4, 2)
TRUTH, START = (0.2, 0.4), (0.4, 0.15)
QUICK = dict(N=5, steps=2)


def attachment(noun, verb):
    """The grammar, in which a noun phrase and a verb phrase take a prepositional phrase with these probabilities."""
    binary, emit = np.zeros((6, 6, 6)), np.zeros((6, 5))
    binary[0, 1, 2] = binary[3, 5, 1] = emit[4, 3] = emit[5, 4] = 1.
    binary[2, 4, 1], binary[2, 2, 3], binary[1, 1, 3] = 1 - verb, verb, noun
    emit[1, :3] = (1 - noun) * np.array([3, 3, 2]) / 8
    return grammar.require_grammar(binary, emit)


def data(rng, N=400, steps=15):
    trees = grammar.listed(SENTENCE, attachment(*TRUTH))
    sentences, found = [grammar.draw(rng, attachment(*TRUTH)) for _ in range(N)], attachment(*START)
    chances = [START]
    for _ in range(steps):
        found = grammar.counted_again(sentences, found)
        chances.append((found.binary[1, 1, 3], found.binary[2, 2, 3]))
    placed = [lines(tree) for _, tree in trees]
    return dict(shares=[p / sum(p for p, _ in trees) for p, _ in trees], log_p=np.log(sum(p for p, _ in trees)),
                labels=[[label for *_, label in nodes] for nodes in placed],
                places=[[node[:4] for node in nodes] for nodes in placed], random_chances=chances,
                random_lengths=[len(x) for x in sentences])


def lines(tree):
    """[(x, y, x of the parent, y of the parent, label), ...], the root first, words at y = 0."""
    nodes, leaves = [], iter(range(len(SENTENCE)))

    def place(node):
        """(x, y) of a node, whose children are placed before it."""
        if len(node) == 2:
            x, y, children = next(leaves), 1, [(len(nodes), None)]
            nodes.append([x, 0, x, y, WORDS[node[1]]])
        else:
            children = [place(child) for child in node[1:]]
            x, y = np.mean([nodes[i][0] for i, _ in children]), 1 + max(nodes[i][1] for i, _ in children)
            for i, _ in children:
                nodes[i][2:4] = x, y
        nodes.append([x, y, x, y, SYMBOLS[node[0]]])
        return len(nodes) - 1, node

    place(tree)
    return nodes[::-1]


def draw(figure, shares, log_p, labels, places, random_chances, random_lengths):
    *panels, right = figure.subplots(1, 3, width_ratios=(1.6, 1.6, 1))
    for axes, share, names, nodes in zip(panels, shares, labels, places):
        for name, (x, y, above_x, above_y) in zip(names, nodes):
            y = y or -0.5 * (x % 2)     # every other word stands lower
            axes.plot([x, above_x], [y, above_y], color="0.6", zorder=1)
            axes.text(x, y, name, ha="center", va="center", fontsize=9 if y > 0 else 8, zorder=2,
                      style="normal" if y > 0 else "italic", bbox=dict(facecolor="white", edgecolor="none", pad=1.2))
        axes.set(xlim=(-0.6, 4.7), ylim=(-0.9, 5.5), title=f"p(tree | sentence) = {share:.3f}")
        axes.axis("off")
    steps = np.arange(len(random_chances))
    for k, (name, mark) in enumerate((("noun phrase", "o"), ("verb phrase", "s"))):
        right.axhline(TRUTH[k], color=f"C{k + 1}")
        right.plot(steps, random_chances[:, k], mark, color=f"C{k + 1}", label=name)
    right.set(xlabel="steps of EM", ylabel="p(takes a PP)", ylim=(0, 0.6))
    right.legend()
