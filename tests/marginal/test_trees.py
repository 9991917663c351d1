"""Latent structure: the page's numbers, grammars and texts that are learnt, roots told apart, bad inputs, pictures."""
import itertools

import numpy as np
import pytest

from refvi.app.figures import load_press
from refvi.marginal.trees import boxes, grammar, segments, spanning
from refvi.marginal.trees.grammar import Grammar

SAW = (0, 3, 1, 4, 2)       # she saw stars with telescopes


@pytest.fixture(scope="module")
def parses():
    return load_press().load("two_parses")


# ---- the page's numbers

def test_the_sentence_of_the_page(parses):
    rules = parses.attachment(0.2, 0.4)
    trees = grammar.listed(SAW, rules)
    np.testing.assert_allclose([p for p, _ in trees], [0.00432, 0.00216])
    assert trees[0][1][2][0] == 2 and len(trees[0][1][2][1]) == 3       # the more probable one: VP -> (VP -> V NP) PP
    np.testing.assert_allclose(grammar.inside_recursion([SAW], rules), -5.039, atol=5e-4)
    after = grammar.counted_again([SAW], rules)
    np.testing.assert_allclose([*after.emit[1, :3], after.binary[1, 1, 3]], [0.3, 0.3, 0.3, 0.1])
    np.testing.assert_allclose(grammar.inside_recursion([SAW], after), -4.816, atol=5e-4)


def test_numbers_of_structures():
    one = Grammar(np.ones((1, 1, 1)), np.ones((1, 1)))
    assert [len(grammar.listed([0] * n, one)) for n in range(1, 6)] == [1, 1, 2, 5, 14]
    assert [round(np.exp(spanning.log_total(np.zeros((n + 1, n + 1)), False))) for n in (1, 2, 3, 4)] == [1, 3, 16, 125]
    assert [round(np.exp(spanning.log_total(np.zeros((n + 1, n + 1)), True))) for n in (1, 2, 3, 4)] == [1, 2, 9, 64]
    assert len(boxes.all_boxes(8, 8)) == 1296


def test_a_grammar_that_grows_loses_mass():
    """A sentence of words alone: with 0.75 one in three ends; of those with at most 60 words, 0.333331."""
    p = grammar.inside(np.zeros((1, 60), int), np.full((1, 1, 1), 0.75), np.full((1, 1), 0.25))
    assert abs(np.sum(p) - 1 / 3) < 1e-5


# ---- what is learnt

def test_em_climbs_and_forgets_no_symbol(rng, parses):
    """Without a preposition PP and P never occur, and keep their rules."""
    sentences = [x for x in (grammar.draw(rng, parses.attachment(0.1, 0.1)) for _ in range(40)) if 4 not in x]
    found = grammar.fit(sentences, parses.attachment(0.4, 0.3), 4)
    assert np.all(np.diff(found.trace) > -1e-9) and found.trace[1] > found.trace[0]
    rules = grammar.require_grammar(*found.found)
    assert rules.binary[3, 5, 1] == rules.emit[5, 4] == 1 and rules.binary[1, 1, 3] == 0


def test_every_draw_is_a_sentence_of_the_grammar(rng, parses):
    """The share of sentences without a phrase: 0.6 for the verb's, and 0.8 for each of two nouns'."""
    sentences = [grammar.draw(rng, parses.attachment(0.2, 0.4)) for _ in range(1000)]
    assert all(x[0] < 3 and x.count(3) == 1 for x in sentences)
    exact = 0.6 * 0.8**2
    assert abs(np.mean([len(x) == 3 for x in sentences]) - exact) < 5 * np.sqrt(exact * (1 - exact) / 1000)


def test_the_left_one_of_two_symbols_is_said_first(rng):
    binary = np.zeros((3, 3, 3))
    binary[0, 1, 2] = 1.
    assert grammar.draw(rng, Grammar(binary, np.array([[0., 0.], [1., 0.], [0., 1.]]))) == [0, 1]


def test_em_finds_the_pixels_probabilities(rng):
    """In 40 runs p had deviations of 0.008 and 0.022."""
    masks = boxes.all_boxes(6, 6)
    true = masks[rng.integers(0, len(masks), 150)]
    x, p = 1. * (rng.random(true.shape) < np.where(true == 1, 0.75, 0.25)), np.array([0.4, 0.6])
    values = [np.sum(boxes.evidence_over_boxes(x, masks, p))]
    for _ in range(40):
        p = boxes.shared_again(x, masks, p)
        values.append(np.sum(boxes.evidence_over_boxes(x, masks, p)))
    assert np.all(np.diff(values) > -1e-9)
    np.testing.assert_allclose(p, [0.25, 0.75], atol=0.13)


@pytest.mark.parametrize("texts, lexicon, exact", [
    (("abcd", "abef", "cdef", "efab"), ("ab", "cd", "ef", "abcd", "abef", "cdef", "efab"),
     [0, 0, 0, 1 / 8, 1 / 8, 1 / 8, 1 / 8, 1 / 2]),
    (("a", "aa"), ("a", "aa"), [3 / 5, 0, 2 / 5]),
])
def test_the_likeliest_lexicon_may_take_texts_whole(texts, lexicon, exact):
    """Four texts of two words each: EM among their words and themselves ends with themselves, and not so with two."""
    p, values = np.full(len(exact), 1 / len(exact)), []
    for _ in range(60):
        values.append(sum(segments.forward_over_ends(text, lexicon, p) for text in texts))
        p = segments.counted_again(texts, lexicon, p)
    assert np.all(np.diff(values) > -1e-9)
    np.testing.assert_allclose(p, exact, atol=1e-6)


def test_what_is_long_is_not_what_cannot_be(rng):
    """Probabilities far below 1e-308: 400 letters, each a word; 120 of 2000 words that are all alike to the grammar."""
    assert segments.forward_over_ends("ab" * 200, ("a", "b"), np.ones(3) / 3) == pytest.approx(-401 * np.log(3))
    binary = np.array([[[0.2, 0.1], [0.1, 0.2]], [[0.1, 0.1], [0.3, 0.]]])
    alone, alike = (grammar.require_grammar(binary, np.array([[0.4], [0.5]]) * np.ones(V) / V) for V in (1, 2000))
    one, = grammar.inside_recursion([np.zeros(120, int)], alone)
    assert grammar.inside_recursion([rng.integers(0, 2000, 120)], alike) == pytest.approx(one - 120 * np.log(2000))


def test_em_finds_heads(rng):
    """Three words in any order, 0 at the root: 1 and 2 below it, or one below the other, all in one table. The three
    trees of nine weigh 1/4, 1/2 and 1/2.
    """
    sentences = [rng.permutation(3).tolist() for _ in range(6)]
    log_t = np.array([[0., 2, 0], [0, 0, 2], [0, 0, 0], [2, 0, 0]])
    log_t -= np.log(np.sum(np.exp(log_t), axis=1, keepdims=True))
    values = []
    for _ in range(60):
        values.append(sum(spanning.evidence_by_determinant(x, log_t, True) for x in sentences))
        log_t = spanning.heads_again(sentences, log_t, True)
    assert np.all(np.diff(values) > -1e-9)
    np.testing.assert_allclose(np.exp(log_t), [[0, 0.5, 0.5], [0, 0, 1], [0, 1, 0], [1, 0, 0]], atol=1e-6)
    np.testing.assert_allclose(values[-1], 6 * np.log(1.25 / 9), atol=1e-6)


def test_a_word_that_is_never_a_head_keeps_its_row(rng):
    log_t = np.log(rng.dirichlet([4, 5, 6], 4))
    after = spanning.heads_again([[0, 1]], log_t, False)
    np.testing.assert_array_equal(after[2], log_t[2])
    np.testing.assert_allclose(np.sum(np.exp(after), axis=1), 1)


@pytest.mark.parametrize("one_root", [False, True])
def test_what_a_word_would_be_below_itself_is_not_read(rng, one_root):
    """Not even where it is the largest score: it has no share, and the others keep theirs."""
    scores = rng.normal(size=(5, 5))
    exact = spanning.log_total(scores, one_root), spanning.arcs_by_gradient(scores, one_root)
    for own in (3., 2000.):
        other = scores + own * np.eye(5)
        np.testing.assert_allclose(spanning.log_total(other, one_root), exact[0])
        shares = spanning.arcs_by_gradient(other, one_root)
        np.testing.assert_allclose(shares, exact[1], atol=1e-12)
        assert np.all(np.diag(shares) == 0) and np.all(shares[:, 0] == 0)


# ---- planted mistakes

def test_one_root_for_several_is_refused(rng):
    """Masses of all sentences of three words add up to one with the right determinant and the right number of trees
    only.
    """
    log_t = np.log(rng.dirichlet([4, 5, 6], 4))

    def mass(one_root, counted):
        totals = [spanning.log_total(spanning.head_scores(x, log_t), one_root) - 2 * np.log(counted)
                  for x in itertools.product(range(3), repeat=3)]
        return np.sum(np.exp(totals))

    np.testing.assert_allclose([mass(False, 4), mass(True, 3)], 1)
    assert mass(True, 4) < 0.9 and mass(False, 3) > 1.1


# ---- bad inputs

RULES = Grammar(np.array([[[0.5, 0.], [0., 0.]], [[0., 0.], [0., 0.]]]), np.array([[0.5, 0.], [0., 1.]]))


@pytest.mark.parametrize("call, told", [
    (lambda: grammar.inside_recursion([[0, 0], [0, 1, 0]], RULES), r"no derivation of sentence 1, \[0 1 0\]"),
    (lambda: grammar.inside_recursion([], RULES), "no sentences"),
    (lambda: grammar.inside_recursion([[0], []], RULES), "at least one"),
    (lambda: segments.forward_over_ends("a", (), np.ones(1)), "no words of the lexicon make 'a'"),
    (lambda: grammar.inside_recursion([[0], []], RULES), "sentence 1: words must be integers in 0..1, at least one"),
    (lambda: grammar.inside_recursion([[0, 2]], RULES), r"sentence 0: words must be integers in 0..1"),
    (lambda: grammar.listed([0] * 15, RULES), "15 words with 2.67e.06 trees: too many to list, inside_recursion adds"),
    (lambda: grammar.require_grammar(RULES.binary, 2 * RULES.emit), "the rules of symbol 0 sum to 1.5"),
    (lambda: grammar.require_grammar(RULES.binary, np.array([[0.7, -0.2], [0., 1.]])), "negative probability"),
    (lambda: grammar.require_grammar(np.ones((2, 2)), RULES.emit), r"binary has shape \(2, 2\), expected \(2, 2, 2\)"),
    (lambda: grammar.require_grammar(RULES.binary, np.array([[np.nan, 0.], [0., 1.]])), r"emit\[0, 0\] is nan"),
    (lambda: grammar.fit([[0]], RULES, 0), "steps must be an integer >= 1"),
    (lambda: spanning.log_total(np.array([[0., -np.inf], [0., 0.]]) + 0., False), "no tree"),
    (lambda: spanning.head_scores([0, 1], np.zeros((2, 2))), r"log_t has shape \(2, 2\), expected \(V \+ 1, V\)"),
    (lambda: spanning.head_scores([0, 5], np.zeros((3, 2))), r"words must be integers in 0..1"),
    (lambda: segments.forward_over_ends("abc", ("a", "b"), np.ones(3) / 3), "no words of the lexicon make 'abc'"),
    (lambda: segments.forward_over_ends("ab", ("a", "b"), np.ones(2) / 2), r"p has shape \(2,\), expected \(3,\)"),
    (lambda: boxes.all_boxes(0, 3), "height must be an integer >= 1, got 0"),
    (lambda: boxes.all_boxes(64, 64), "4,326,400 boxes in an image of 64 by 64 pixels are too many to list"),
])
def test_what_is_not_what_it_seems_is_named(call, told):
    with pytest.raises(ValueError, match=told):
        call()


# ---- pictures

def test_the_pictures_say_what_the_page_says():
    data = load_press().stored("two_parses")
    np.testing.assert_allclose([*data["shares"], data["log_p"]], [2 / 3, 1 / 3, -5.039], atol=5e-4)
    np.testing.assert_allclose(data["random_chances"][-1], [0.2, 0.4], atol=0.1)
    data = load_press().stored("latent_box")
    np.testing.assert_allclose(data["random_p"], [0.25, 0.75], atol=0.05)
    large = data["random_boxes"][0] == 1
    assert np.mean((data["random_shares"][0] > 0.5) == large) > 0.9
