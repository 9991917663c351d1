"""Companion of language.md: its rows, its stages and its referees."""
import itertools

import numpy as np
from referees import complex_step
from scipy import stats

from refvi import Estimate, diagonal_normal, noise
from refvi.base.core import expectation
from refvi.marginal.language.model import Sizes, forward, padded, strings
from refvi.marginal.language.rows import (average_of_gradients, average_over_space, backward_through_time,  # noqa: F401
                                          bound_of_an_encoder, gradient_by_autograd, gradient_of_log_integral,
                                          integral_over_space, inverse_root, log_of_integral, mass_of_the_ended,
                                          nats_of_the_next_word, nats_with_z_known, norm_of_jacobians,
                                          posterior_and_tables, posterior_average, sum_of_conditionals, sum_over_paths)

SENTENCES = [(2, 0, 1, 1), (1,), (), (0, 2)]
REACH, ORDERS = 8.5, {1: (201, 161), 2: (81, 65)}       # of evenly spaced nodes in one and in two dimensions


# ---- stages

def model(rng, V, H, D):
    sizes = Sizes(V, H, D)
    theta = np.where(rng.random(sizes.P) < 0.5, -1, 1) * rng.uniform(0.3, 1.1, sizes.P)
    theta[(V + 1) * H + H * H:][:D * H] *= 0.35 if D == 1 else 0.2     # what z says: gently, for the nodes' sake
    return dict(sizes=sizes, theta=theta, z=rng.uniform(0.4, 1.2, (1, D)))


def stage_plain(rng):
    """A recurrent model without a sentence variable: three words, three hidden units."""
    return model(rng, 3, 3, 0) | dict(sentences=SENTENCES, beginning=(2, 0, 1))


def with_space(rng, V, H, D, sentences, nodes):
    standard = np.zeros(2 * D)
    q = diagonal_normal._replace(nodes=lambda lam, order=64: diagonal_normal.nodes(lam, nodes * order // 64))
    return model(rng, V, H, D) | dict(
        sentences=sentences, beginning=(0, 1), longest=2, q=q, lam=standard, nodes=even(D, nodes // 5 + 80),
        S=2, noise=noise(diagonal_normal, standard), r=q, sentence=(1, 0, 0),
        encoded=np.concatenate([rng.uniform(0.2, 0.6, D), rng.uniform(-0.7, -0.3, D)]))


def stage_line(rng):
    """A sentence space of one dimension."""
    return with_space(rng, 3, 3, 1, SENTENCES, 768)


def stage_plane(rng):
    """A sentence space of two dimensions, two words."""
    return with_space(rng, 2, 2, 2, [(1, 0, 1), (), (0,)], 88)


def stage_first_order(rng):
    """Given z, the next word depends on the last one alone: no state is passed on. Word 0 is said at one end of the
    space, word 2 at the other.
    """
    supplied = with_space(rng, 3, 3, 1, SENTENCES, 768)
    V, H, _ = supplied["sizes"]
    theta = 0.3 * supplied["theta"]
    theta[(V + 1) * H:(V + 1) * H + H * H] = 0.
    from_z = (V + 1) * H + H * H
    theta[from_z:from_z + H] = [0.9, 0.1, -0.1] + rng.uniform(-0.1, 0.1, H)
    theta[from_z + H:from_z + H + 4] = [1.9, 0.2, -1.9, 0.1] + rng.uniform(-0.1, 0.1, 4)
    for name in ("z", "nodes", "sentence"):
        del supplied[name]
    return supplied | dict(theta=theta, other=(2, 1))


def stage_topic(rng):
    """A beginning alone, for what a topic is worth."""
    supplied = stage_first_order(rng)
    return {name: supplied[name] for name in ("theta", "sizes", "beginning", "q", "lam")}


# ---- by hand: one place and one unit at a time; z (n, D) may be many points, theta may be complex

def places(x, z, theta, sizes):
    """[p(. | z, words before) (V + 1, n), ...] at every place of a sentence, its end the last."""
    V, H, D = sizes
    across = (V + 1) * H
    from_z = across + H * H
    out = from_z + D * H
    base = out + H * (V + 1)
    h, found = [np.zeros(len(z))] * H, []
    for before in [V, *x]:
        h = [np.tanh(theta[before * H + j] + sum(h[i] * theta[across + i * H + j] for i in range(H))
                     + sum(z[:, d] * theta[from_z + d * H + j] for d in range(D))) for j in range(H)]
        odds = np.array([np.exp(sum(h[j] * theta[out + j * (V + 1) + v] for j in range(H)) + theta[base + v])
                         for v in range(V + 1)])
        found.append(odds / sum(odds))
    return found


def chance(x, z, theta, sizes, ended=True):
    """p(x | z) (n,) of a sentence, or of a beginning."""
    outcomes = [*x, sizes.V] if ended else x
    p = np.ones(len(z))
    for v, table in zip(outcomes, places(x, z, theta, sizes)):
        p = p * table[v]
    return p


def even(D, order):
    """(z (n, D), w (n,)): evenly spaced nodes of the standard normal, and their masses."""
    t = np.linspace(-REACH, REACH, order)
    z, p = (np.stack(np.meshgrid(*[axis] * D, indexing="ij"), axis=-1).reshape(order**D, D)
            for axis in (t, stats.norm.pdf(t) * (t[1] - t[0])))
    return z, np.prod(p, axis=1)


def by_two_orders(f, D):
    """f(z, w) at nodes and masses; its error is what fewer of them change."""
    fine, coarse = (f(*even(D, order)) for order in ORDERS[D])
    return Estimate(fine, np.abs(fine - coarse))


# ---- word after word

def log_probability_by_hand(theta, z, sentences, sizes):
    return np.array([np.log(chance(x, z, theta, sizes)[0]) for x in sentences])


def gradient_by_complex_steps(theta, z, sentences, sizes):
    return complex_step(lambda t: sum(np.log(chance(x, z, t, sizes)[0]) for x in sentences), theta)


def root_of_inverse_product(theta, z, sentences, sizes):
    """One over the product of all conditionals, its root taken as often as there are of them."""
    product, taken = 1., 0
    for x in sentences:
        product, taken = product * chance(x, z, theta, sizes)[0], taken + len(x) + 1
    return (1 / product)**(1 / taken)


def sign_forgotten(theta, z, sentences, sizes):
    """The slip: the exponent without its minus."""
    return np.exp(np.sum(sum_of_conditionals(theta, z, sentences, sizes)) / sum(len(x) + 1 for x in sentences))


def geometric_mean(theta, z, sentences, sizes):
    """Of all conditionals, by SciPy."""
    return stats.gmean([table[v, 0] for x in sentences for v, table in zip([*x, sizes.V], places(x, z, theta, sizes))])


# ---- what reaches back

def norm_by_complex_steps(theta, beginning, sizes, z):
    """Largest stretch of the last state's derivative in the first one, state by state by hand."""
    V, H, D = sizes
    into, across = theta[:(V + 1) * H].reshape(V + 1, H), theta[(V + 1) * H:(V + 1) * H + H * H].reshape(H, H)
    told = z[0] @ theta[(V + 1) * H + H * H:(V + 1) * H + H * H + D * H].reshape(D, H)

    def last(h):
        for word in beginning:
            h = np.tanh(into[word] + h @ across + told)
        return h

    return np.sqrt(np.max(np.linalg.eigvalsh((lambda J: J.T @ J)(complex_step(last, np.tanh(into[V] + told))))))


def power_of_the_norm(theta, beginning, sizes):
    H, start = sizes.H, (sizes.V + 1) * sizes.H
    return np.linalg.svd(theta[start:start + H * H].reshape(H, H))[1][0]**len(beginning)


def power_of_the_longest(theta, beginning, sizes):
    """Of the largest eigenvalue of W W', half as often."""
    H, start = sizes.H, (sizes.V + 1) * sizes.H
    W = theta[start:start + H * H].reshape(H, H)
    return np.linalg.eigvals(W @ W.T).real.max()**(len(beginning) / 2)


# ---- a sentence variable

def marginal_by_hand(theta, sentences, sizes):
    return by_two_orders(lambda z, w: np.array([w @ chance(x, z, theta, sizes) for x in sentences]), sizes.D)


def one_less_what_goes_on(longest, theta, sizes):
    """One less the mass of all beginnings of one word more."""
    beginnings = list(itertools.product(range(sizes.V), repeat=longest + 1))
    return by_two_orders(lambda z, w: 1 - sum(w @ chance(x, z, theta, sizes, False) for x in beginnings), sizes.D)


def mass_without_an_end(longest, theta, sizes, q, lam):
    """The slip: the slide's product, in which every choice is between words, and no sentence ends."""
    def mass(z, x):
        tables = np.array(forward(theta, z, padded([x], sizes.V), sizes)[1])[:-1, :, 0, :sizes.V]
        chosen = np.exp(tables)[np.arange(len(x)), :, list(x)] / np.sum(np.exp(tables), axis=2)
        return np.prod(chosen, axis=0)

    return sum(expectation(lambda z: mass(z, x), q, lam) for x in strings(sizes.V, longest))


def number_of_lengths(longest):
    return longest + 1


def following(beginning, theta, sizes, z, w):
    """p(beginning, next word) over p(beginning), for every next word."""
    before = w * chance(beginning, z, theta, sizes, False)
    return places(beginning, z, theta, sizes)[-1] @ before / sum(before)


def ratio_of_beginnings(beginning, theta, sizes):
    return by_two_orders(lambda z, w: following(beginning, theta, sizes, z, w), sizes.D)


def average_after_another(other, theta, sizes, q, lam):
    """The slip: as if the last word, which both beginnings share, were all that counts."""
    posterior, tables = posterior_and_tables(other, theta, sizes, q, lam)
    return posterior @ tables


def ratio_of_other_beginnings(other, theta, sizes):
    return by_two_orders(lambda z, w: following(other, theta, sizes, z, w), sizes.D)


def minus_entropy(beginning, theta, sizes):
    """Of the next word, by SciPy."""
    return by_two_orders(lambda z, w: -stats.entropy(following(beginning, theta, sizes, z, w)), sizes.D)


def minus_expected_entropy(beginning, theta, sizes):
    """Of the next word given z, averaged over the posterior."""
    def average(z, w):
        before = w * chance(beginning, z, theta, sizes, False)
        return -stats.entropy(places(beginning, z, theta, sizes)[-1]) @ before / before.sum()

    return by_two_orders(average, sizes.D)


# ---- learning it

def slope_of_the_marginal(theta, sentences, sizes):
    def slope(z, w):
        return complex_step(lambda t: sum(np.log(w @ chance(x, z, t, sizes)) for x in sentences), theta)

    return by_two_orders(slope, sizes.D)


def log_marginal_by_hand(theta, sentence, sizes):
    return by_two_orders(lambda z, w: np.log(w @ chance(sentence, z, theta, sizes)), sizes.D)


def bound_by_hand(theta, sentence, sizes, encoded):
    """log p(x|z) + log prior - log r, averaged over r."""
    mean, sd = encoded[:sizes.D], np.exp(encoded[sizes.D:])

    def average(t, w):
        z = mean + sd * t
        return w @ (np.log(chance(sentence, z, theta, sizes)) + np.sum(
            stats.norm.logpdf(z) - stats.norm.logpdf(z, mean, sd), axis=1))

    return by_two_orders(average, sizes.D)
