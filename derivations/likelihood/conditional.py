"""Companion of conditional.md: its rows, its stages and its referees."""
import itertools

import numpy as np
from referees import by_differences
from scipy import integrate, optimize, special, stats

from refvi import Estimate, categorical, noise, normal
from refvi.base.core import carried
from refvi.likelihood.conditional import problems
from refvi.likelihood.conditional.decisions import beam_search, decide, next_word, risks, tag_marginals
from refvi.likelihood.conditional.rows import (average_over_outcomes, log_probability,      # noqa: F401
                                               observed_less_drawn, observed_less_expected)
from refvi.likelihood.heads import Network, normal_heads, output
from refvi.likelihood.networks import count


# ---- six problems: which outcomes there are, and what each weighs, by hand

def listed(x, y, theta, p, scores, weigh, outcomes):
    """A stage whose outcomes can be listed: weigh(x, theta) is the logarithm of a mass, up to a constant."""
    def by_hand(x, theta):
        return weigh(x, theta) - special.logsumexp([weigh(other, theta) for other in outcomes])

    log_p = np.array([by_hand(other, theta) for other in outcomes])
    return dict(x=x, y=y, theta=theta, p=p, scores=scores, by_hand=by_hand, outcomes=outcomes, log_p=log_p, S=2,
                noise=noise(categorical, log_p))


def one_of_three(rng, y):
    """Three classes of unequal probability, features y (D,), and theta: weights, then offsets."""
    D = len(y)
    theta = np.concatenate([rng.uniform(0.2, 0.9, 3 * D) * np.resize([1, -1, 1, 1, -1], 3 * D),
                            [-0.3, 0.4, 0.2] + rng.uniform(-0.1, 0.1, 3)])

    def weigh(k, theta):
        return sum(theta[k * D + d] * y[d] for d in range(D)) + theta[3 * D + k]

    return listed(int(rng.integers(0, 3)), y, theta, problems.classes,
                  lambda y, theta: problems.class_scores(y, theta, 3), weigh, [0, 1, 2])


def stage_sentiment(rng):
    """How often each of four words stands in a review; three verdicts, and what each has to say of the words."""
    return one_of_three(rng, np.array([2., 0., 3., 1.])) | dict(
        prior=rng.dirichlet([6, 9, 12]), words=np.array([rng.dirichlet([4, 7, 5, 9]) for _ in range(3)]))


def stage_entailment(rng):
    """The share of a hypothesis's words that are not in the text, and the share whose opposite is."""
    return one_of_three(rng, np.array([rng.uniform(0.2, 0.5), rng.uniform(0.3, 0.7)]))


def stage_quality(rng):
    """A score between zero and one, from three features of a pair of sentences."""
    y = np.array([0.7, -0.4, 1.2]) + rng.uniform(-0.1, 0.1, 3)
    theta = np.array([0.5, -0.3, 0.4, -0.2, 0.6, 0.3, 0.2, 0.4]) + rng.uniform(-0.1, 0.1, 8)

    def by_hand(x, theta):
        a, b = (np.exp(sum(theta[3 * k + d] * y[d] for d in range(3)) + theta[6 + k]) for k in range(2))
        return stats.beta.logpdf(x, a, b)

    return dict(x=rng.uniform(0.2, 0.8), y=y, theta=theta, p=problems.quality, scores=problems.beta_scores,
                by_hand=by_hand, ends=(0, 1))


def stage_roles(rng):
    """Three tags for each of three words out of four."""
    y, theta = np.array([2, 0, 3]), rng.uniform(-1.1, 1.1, 4 * 3 + 3 * 3)

    def weigh(x, theta):
        path = [0, *x]
        return sum(theta[y[t] * 3 + x[t]] + theta[12 + path[t] * 3 + path[t + 1]] for t in range(3))

    outcomes = list(itertools.product(range(3), repeat=3))
    return listed(outcomes[rng.integers(0, 27)], y, theta, problems.tags,
                  lambda y, theta: problems.tag_scores(y, theta, 4, 3), weigh, outcomes)


def stage_parse(rng):
    """Four words of three kinds below a root, whose kind is 0."""
    y, theta = np.array([0, 2, 1, 2, 1]), rng.uniform(-1.2, 1.2, 9)

    def weigh(x, theta):
        return sum(theta[y[head] * 3 + y[word]] for word, head in enumerate(x, 1))

    outcomes = [x for x in itertools.product(range(5), repeat=4) if is_projective_tree(x)]
    return listed(outcomes[rng.integers(0, len(outcomes))], y, theta, problems.trees,
                  lambda y, theta: problems.arc_scores(y, theta, 3), weigh, outcomes)


def is_projective_tree(x):
    """Whether arcs from heads x (n,) to words 1..n lead from the root to all, and none ends between another's ends
    but starts outside of them.
    """
    reached, arcs = {0}, [(min(head, word), max(head, word)) for word, head in enumerate(x, 1)]
    for _ in x:
        reached |= {word for word, head in enumerate(x, 1) if head in reached}
    crossing = any(a < c < b < d for (a, b), (c, d) in itertools.permutations(arcs, 2))
    return len(reached) == len(x) + 1 and not crossing


def stage_caption(rng):
    """Three words out of three for an image of four by four pixels, which shows a bright bar."""
    image = rng.uniform(0.1, 0.2, (4, 4))
    image[rng.integers(0, 4)] += rng.uniform(0.5, 0.7)
    y, theta = image.ravel(), rng.uniform(-0.9, 0.9, 9 + 16 * 3)

    def by_hand(x, theta):
        path, told = [0, *x], y @ theta[9:].reshape(16, 3)
        return sum(special.log_softmax(theta[3 * path[t]:3 * path[t] + 3] + told)[x[t]] for t in range(3))

    outcomes = list(itertools.product(range(3), repeat=3))
    return dict(x=outcomes[rng.integers(0, 27)], y=y, theta=theta, p=problems.captions, outcomes=outcomes,
                scores=lambda y, theta: problems.caption_scores(y, theta, 3, 3), by_hand=by_hand)


def translation(rng, neighbours, lexicon, x):
    """Three words and an end symbol, for a source of three words out of two."""
    y, theta = np.array([1, 0, 1]), np.concatenate([neighbours.ravel(), lexicon.ravel()])

    def choices(theta):
        """Probabilities (4, 4) of the next word after each word; word 3 ends, and stands before the first."""
        told = sum(theta[16 + 4 * word:20 + 4 * word] for word in y) / 3
        return special.softmax([theta[4 * a:4 * a + 4] + told for a in range(4)], axis=1)

    def by_hand(x, theta):
        path, table = [3, *x, 3], choices(theta)
        return sum(np.log(table[a, b]) for a, b in zip(path, path[1:]))

    return dict(x=x, y=y, theta=theta, p=problems.translations, by_hand=by_hand, choices=choices(theta), longest=3,
                scores=lambda y, theta: problems.word_scores(y, theta, 2, 3))


def stage_translation(rng):
    return translation(rng, rng.uniform(-1, 1, (4, 4)), rng.uniform(-1, 1, (2, 4)), (1, 0, 0, 2))


def stage_garden(rng):
    """The likeliest first word, 0, has no good next one; after the second likeliest, 1, the sentence may end."""
    table = np.array([[0.24, 0.22, 0.22, 0.32], [0.1, 0.1, 0.05, 0.75], [0.2, 0.2, 0.2, 0.4], [0.45, 0.32, 0.13, 0.1]])
    neighbours, lexicon = np.log(table) + rng.uniform(-0.03, 0.03, (4, 4)), rng.uniform(-0.04, 0.04, (2, 4))
    supplied = translation(rng, neighbours, lexicon, (1,))
    del supplied["longest"]
    return supplied | dict(words=range(3), lengths=range(4), most=4, width=64)


# ---- probabilities, masses, gradients

def log_probability_by_hand(x, theta, by_hand):
    return by_hand(x, theta)


def one():
    return 1.


def total_mass(outcomes, y, theta, p, scores):
    """The mass of all outcomes on a list."""
    return np.sum([np.exp(log_probability(x, y, theta, p, scores)) for x in outcomes])


def area_under_the_density(ends, y, theta, p, scores):
    """The mass of all x between the ends, by quadrature."""
    def density(x):
        return np.exp(log_probability(x, y, theta, p, scores))

    return Estimate(*integrate.quad(density, *ends, epsabs=1e-12))


def gradient_by_differences(x, theta, by_hand):
    return by_differences(lambda t: by_hand(x, t), theta)


def mass_of_the_finished(longest, y, theta, p, scores):
    """The mass of all translations of at most so many words, listed."""
    finished = (x for n in range(longest + 1) for x in itertools.product(range(3), repeat=n))
    return sum(np.exp(log_probability(x, y, theta, p, scores)) for x in finished)


def one_less_what_goes_on(longest, choices):
    """One less the mass of all beginnings with one word more, by powers of the table of choices."""
    return 1 - np.sum(choices[3, :3] @ np.linalg.matrix_power(choices[:3, :3], longest))


def bound_by_the_end_symbol(longest, choices):
    """Each of so many steps, and one, goes on with at most one less the least probability of the end symbol."""
    return 1 - (1 - min(choices[:, 3]))**(longest + 1)


def geometric_masses(longest, choices):
    """The mass of all lengths, were that least probability every word's."""
    stop = np.min(choices[:, -1])
    return sum(stop * (1 - stop)**n for n in range(longest + 1))


def stage_fading(rng):
    """An end symbol whose probability falls as one over the square of its place."""
    return dict(places=int(rng.integers(6, 12)))


def mass_with_a_fading_end(places):
    """Added up over places t: ended there, and not before; the end symbol's probability is 1 / (t + 1)^2."""
    going, ended = 1., 0.
    for t in range(1, places + 1):
        ended, going = ended + going / (t + 1)**2, going * (1 - 1 / (t + 1)**2)
    return ended


def telescoped(places):
    """The product of (1 - 1/(t + 1)^2) = t (t + 2)/(t + 1)^2 telescopes."""
    return places / (2 * (places + 1))


# ---- naive Bayes

def bayes_rule_over_words(y, prior, words):
    """P(class | counts y): prior times multinomial, divided by their sum."""
    joint = prior * np.array([stats.multinomial.pmf(y.astype(int), int(y.sum()), row) for row in words])
    return joint / np.sum(joint)


def log_linear_in_counts(y, prior, words, p, scores):
    """The class model with the log probabilities of words as weights, of classes as offsets."""
    theta = np.concatenate([np.log(words).ravel(), np.log(prior)])
    return np.array([np.exp(log_probability(k, y, theta, p, scores)) for k in range(3)])


# ---- what a network is for: a density's parameters, from few numbers, through a narrow place

def stage_head(rng):
    """A network of three inputs, four hidden units and two heads; S draws of what it predicts."""
    network = Network((3, 4, 2), normal_heads)
    return dict(network=network, inputs=rng.uniform(-0.9, 0.9, 3), weights=rng.uniform(-0.8, 0.8, network.size), S=2,
                noise=noise(normal, np.zeros(2)))


def variance_by_hand(inputs, weights):
    """The second output, log sd, of tanh units written out; twice it is the log variance."""
    hidden = np.tanh(inputs @ weights[:12].reshape(3, 4) + weights[12:16])
    return np.exp(2 * (hidden @ weights[17:25:2] + weights[25]))


def predicted_variance(inputs, weights, network):
    return np.exp(2 * output(weights, inputs[None], network)[0, 1])


def squared_deviation_of_draws(eps, inputs, weights, network):
    """Mean squared distance (R,) of S draws from their predicted mean; nothing but eps is random."""
    lam = output(weights, inputs[None], network)[0]
    return np.mean((carried(normal, eps, lam) - lam[0])**2, axis=1)


def stage_narrow(rng):
    """Six inputs, of which three classes depend on two combinations alone."""
    return dict(inputs=rng.uniform(-1, 1, 6), encoder=rng.uniform(-1, 1, (6, 2)), readout=rng.uniform(-1, 1, (2, 3)))


def softmax_of_all_inputs(inputs, encoder, readout):
    """From one weight for every input and class."""
    return special.softmax([sum(inputs[d] * (encoder[d] @ readout[:, k]) for d in range(6)) for k in range(3)])


def softmax_of_the_code(inputs, encoder, readout):
    """A network whose narrow layer has two units and nothing added."""
    theta = np.concatenate([readout.T.ravel(), np.zeros(3)])
    code = inputs @ encoder
    return np.array([np.exp(log_probability(k, code, theta, problems.classes,
                                            lambda y, theta: problems.class_scores(y, theta, 3))) for k in range(3)])


def stage_sizes(rng):
    """D inputs that are zero or one, H hidden units, K classes."""
    return dict(D=int(rng.integers(7, 10)), H=int(rng.integers(11, 17)), K=int(rng.integers(4, 7)))


def weights_by_hand(D, H, K):
    return (D + 1) * H + (H + 1) * K


def weights_counted(D, H, K):
    return count((D, H, K))


def entries_of_a_table(D, K):
    """K - 1 free probabilities for every row of inputs, all of them listed."""
    return sum(K - 1 for _ in itertools.product(range(2), repeat=D))


def powers_of_two(D, K):
    return (K - 1) * 2**D


# ---- a mapping is what is left without noise

def stage_mapping(rng):
    """A value of the mapping, the noise around it and a distance from it."""
    return dict(value=rng.uniform(0.4, 0.9), noise_sd=rng.uniform(0.5, 0.8), reach=rng.uniform(0.3, 0.5))


def mass_near_the_mapping(value, noise_sd, reach):
    return stats.norm.cdf(value + reach, value, noise_sd) - stats.norm.cdf(value - reach, value, noise_sd)


def mass_by_quadrature(value, noise_sd, reach):
    lam = np.array([value, np.log(noise_sd)])
    found, error = integrate.quad(lambda x: np.exp(normal.log_prob(x, lam)), value - reach, value + reach)
    return Estimate(found, error)


def mass_with_half_the_noise(noise_sd, reach):
    return special.erf(reach / (noise_sd / 2 * np.sqrt(2)))


def mass_twice_as_far(noise_sd, reach):
    """Half the noise is twice the distance: both sides of the standard normal, by quadrature."""
    found, error = integrate.quad(lambda t: np.sqrt(2 / np.pi) * np.exp(-0.5 * t**2), 0, 2 * reach / noise_sd)
    return Estimate(found, error)


# ---- one density, three answers

def stage_waiting(rng):
    """A Gamma of this shape and unit rate; the slides' example has the shape two. near: how far off is near enough."""
    return dict(shape=rng.uniform(1.8, 2.4), near=rng.uniform(0.2, 0.35), bracket=(0.4, 4.))


def mode_window_median_mean(shape, near):
    return np.array([shape - 1, near / np.tanh(near / (shape - 1)), stats.gamma.median(shape), shape])


def least_risks(shape, near, bracket):
    """Where the density is highest, and where three expected losses are least: each at the root of a slope, the
    density known up to its constant.
    """
    def density(x):
        return x**(shape - 1) * np.exp(-x)

    def moment(power, low, high, a):
        return integrate.quad(lambda x: (x - a)**power * density(x), low, high, epsabs=1e-13, epsrel=1e-12)[0]

    slopes = (lambda a: np.imag(density(a + 1e-30j)), lambda a: density(a + near) - density(a - near),
              lambda a: moment(0, 0, a, a) - moment(0, a, np.inf, a), lambda a: moment(1, 0, np.inf, a))
    return np.array([optimize.brentq(slope, *bracket) for slope in slopes])


def risks_in_closed_form(shape):
    """Expected |x - a| and (x - a)^2, (2, 3), at mode, median and mean."""
    a = np.array([shape - 1, stats.gamma.median(shape), shape])
    below, weighted = stats.gamma.cdf(a, shape), shape * stats.gamma.cdf(a, shape + 1)
    return np.array([a * (2 * below - 1) + shape - 2 * weighted, shape + (a - shape)**2])


def risks_by_quadrature(shape):
    def risk(loss, a):
        parts = [integrate.quad(lambda x: loss(x - a) * x**(shape - 1) * np.exp(-x), low, high, epsabs=1e-12)
                 for low, high in ((0, a), (a, np.inf))]
        return np.array(parts).sum(axis=0) / special.gamma(shape)

    answers = shape - 1, special.gammaincinv(shape, 0.5), shape
    found = np.array([[risk(loss, a) for a in answers] for loss in (abs, np.square)])
    return Estimate(found[..., 0], found[..., 1])


# ---- decisions on outcomes that can be listed

def best_by_enumeration(outcomes, theta, by_hand):
    return max(np.exp(by_hand(x, theta)) for x in outcomes)


def least_error(outcomes, y, theta, p, scores):
    """One less the least expected loss, where every wrong answer costs one."""
    log_p = np.array([log_probability(x, y, theta, p, scores) for x in outcomes])
    loss = 1 - np.eye(len(outcomes))
    return 1 - risks(loss, log_p)[decide(loss, log_p)]


def agreement_of_two(outcomes, theta, by_hand):
    """The probability that two draws are one outcome."""
    return sum(np.exp(2 * by_hand(x, theta)) for x in outcomes)


def agreement_over_pairs(outcomes, y, theta, p, scores):
    """All pairs of outcomes, where they agree."""
    mass = [np.exp(log_probability(x, y, theta, p, scores)) for x in outcomes]
    return sum(a * b for (i, a), (j, b) in itertools.product(enumerate(mass), repeat=2) if i == j)


def probability_of_draws(eps, outcomes, y, theta, p, scores):
    """The mean probability (R,) of S outcomes drawn from the model."""
    mass = np.array([np.exp(log_probability(x, y, theta, p, scores)) for x in outcomes])
    return np.mean(mass[eps], axis=1)


def stage_disputed(rng):
    """Semantic roles whose likeliest row of tags is not made of the likeliest tags."""
    while True:
        supplied = stage_roles(rng)
        mass, x = np.exp(supplied["log_p"]), np.array(supplied["outcomes"])
        marginals = np.array([[mass[x[:, t] == k].sum() for k in range(3)] for t in range(3)])
        if marginals.max(axis=1).sum() - marginals[range(3), x[np.argmax(mass)]].sum() > 0.1:
            return supplied | dict(marginals=marginals)


def fewest_wrong_of_all_answers(outcomes, theta, by_hand):
    """The expected number of wrong tags of the best among all answers, each held against all outcomes."""
    masses = [np.exp(by_hand(x, theta)) for x in outcomes]
    return min(sum(mass * sum(a != b for a, b in zip(answer, x)) for mass, x in zip(masses, outcomes))
               for answer in outcomes)


def likeliest_tag_at_each_word(y, theta, p, scores):
    return np.sum(1 - np.max(tag_marginals(y, theta, p, scores), axis=1))


def wrong_in_the_likeliest_row(outcomes, y, theta, p, scores):
    """The expected number of wrong tags of the answer that is best where only a row without fault counts."""
    log_p = np.array([log_probability(x, y, theta, p, scores) for x in outcomes])
    wrong = np.sum(np.array(outcomes)[:, None] != np.array(outcomes), axis=-1)
    return risks(wrong, log_p)[np.argmax(log_p)]


def wrong_word_by_word(outcomes, log_p, marginals):
    """Each of its tags is wrong with one less its own probability."""
    row = outcomes[int(np.argmax(log_p))]
    return sum(1 - marginals[t][tag] for t, tag in enumerate(row))


def best_of_all_translations(lengths, words, theta, by_hand):
    """Among all of these lengths."""
    return max(np.exp(by_hand(x, theta)) for n in lengths for x in itertools.product(words, repeat=n))


def beam_of_all(most, width, y, theta, scores):
    """As wide as there are beginnings."""
    return np.exp(beam_search(next_word(scores(y, theta)), most, width, end=3)[1])


def beam_of_one(most, y, theta, scores):
    return np.exp(beam_search(next_word(scores(y, theta)), most, 1, end=3)[1])


def likeliest_word_after_word(most, choices):
    """The greedy answer, by hand: until the end symbol, within so many choices."""
    last, mass = 3, 1.
    for _ in range(most):
        last, mass = np.argmax(choices[last]), mass * max(choices[last])
        if last == 3:
            break
    return mass
