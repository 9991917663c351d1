"""Language models, line by line: derivations/marginal/language.md. The model stands beside this file.

Shapes: sentences are B lists of words, a beginning is one list whose next word is asked for; z (1, D) is one point of
the sentence space, q and lam are its standard normal. Rows of sentences return (B,), rows of the next word (V + 1,),
gradients (P,), of the sum over sentences; estimators have R in front.
UA, "Examples: Language modelling".
"""
import autograd.numpy as np
from autograd import grad

from refvi.base.core import Estimate, expectation
from refvi.base.families.gaussian import closed_divergence
from refvi.base.special import logsumexp
from refvi.likelihood.conditional.problems import cut
from refvi.marginal.language.model import backward, forward, log_probability, padded, strings


# ---- word after word

def sum_of_conditionals(theta, z, sentences, sizes):
    """log p(x_b | z) (B,), the end symbol's among them."""
    return log_probability(theta, z, sentences, sizes)[0]


def inverse_root(theta, z, sentences, sizes):
    """Perplexity of the sentences together: one over the geometric mean of all conditionals."""
    return perplexity(log_probability(theta, z, sentences, sizes)[0], sentences)


def perplexity(log_p, sentences):
    """exp of minus the nats of one choice, log_p (B,) being those of sentences with their ends. UA.102.

    ValueError for a log probability above zero: of a string it is at most zero.
    """
    if np.shape(log_p) != (len(sentences),):
        raise ValueError(f"log_p has shape {np.shape(log_p)}, expected ({len(sentences)},): one for each sentence")
    if not np.all(log_p <= 0):
        raise ValueError(f"a log probability of {np.max(log_p):g} nats: that of a sentence is at most zero, is this "
                         "a loss whose sign was turned?")
    return np.exp(-np.sum(log_p) / sum(len(sentence) + 1 for sentence in sentences))


# ---- backward through time

def gradient_by_autograd(theta, z, sentences, sizes):
    """Gradient (P,) of the summed log probability."""
    return grad(lambda theta: np.sum(log_probability(theta, z, sentences, sizes)))(theta)


def sum_over_paths(theta, z, sentences, sizes):
    """Gradient (P,) as the slide on backpropagation has it: from every place i to every earlier place j a product of
    Jacobians, one matrix for each step between them.
    """
    _, across, _, out, _ = cut(theta, *sizes.shapes)
    total = np.zeros(sizes.P)
    into, between, from_z, outwards, base = cut(total, *sizes.shapes)
    for x in sentences:
        path, (states, tables, _) = [sizes.V, *x, sizes.V], forward(theta, z, padded([x], sizes.V), sizes)
        hs = [np.zeros(sizes.H)] + [h[0, 0] for h in states]
        for i, table in enumerate(tables):
            delta = np.eye(sizes.V + 1)[path[i + 1]] - np.exp(table[0, 0])
            base += delta
            outwards += np.outer(hs[i + 1], delta)
            J = np.dot(out, delta)
            for j in range(i, -1, -1):
                J = np.dot(np.diag(1 - hs[j + 1]**2), J)
                into[path[j]] += J
                between += np.outer(hs[j], J)
                from_z += np.outer(z[0], J)
                J = np.dot(across, J)
    return total


def backward_through_time(theta, z, sentences, sizes):
    """Gradient (P,) in one pass from the last place to the first."""
    batch = padded(sentences, sizes.V)
    states, tables, log_p = forward(theta, z, batch, sizes)
    return backward(theta, z, batch, sizes, states, tables, np.ones(log_p.shape))


def norm_of_jacobians(theta, z, beginning, sizes):
    """Largest factor by which the first state's small changes reach the last state."""
    _, across, *_ = cut(theta, *sizes.shapes)
    states, J = forward(theta, z, padded([beginning], sizes.V), sizes)[0], np.eye(sizes.H)
    for h in states[1:]:
        J = np.dot(np.dot(J, across), np.diag(1 - h[0, 0]**2))
    return np.linalg.norm(J, 2)


# ---- a sentence variable

def integral_over_space(theta, sentences, sizes, q, lam):
    """p(x_b) (B,): the prior's average, and what a quarter of the nodes changes of it."""
    fine, coarse = (expectation(lambda z: np.exp(log_probability(theta, z, sentences, sizes)), q, lam, nodes)
                    for nodes in (q.nodes(lam, 64), q.nodes(lam, 48)))
    return Estimate(fine, np.abs(fine - coarse))


def average_over_space(eps, theta, sentences, sizes):
    """Average (R, B) over S points z_s = eps_s of the prior."""
    R, S, D = np.shape(eps)
    p = np.exp(log_probability(theta, np.reshape(eps, (R * S, D)), sentences, sizes))
    return np.mean(np.reshape(p, (R, S, len(sentences))), axis=1)


def mass_of_the_ended(longest, theta, sizes, q, lam):
    """The mass of all sentences of at most so many words."""
    return Estimate(*map(np.sum, integral_over_space(theta, strings(sizes.V, longest), sizes, q, lam)))


def posterior_and_tables(beginning, theta, sizes, q, lam):
    """(p(z_i | beginning) (n,) on the nodes of q, p(. | z_i, beginning) (n, V + 1))."""
    z, w = q.nodes(lam)
    tables = np.array(forward(theta, z, padded([beginning], sizes.V), sizes)[1])[:, :, 0]
    joint = np.log(w) + q.log_prob(z, lam) + sum(table[:, word] for table, word in zip(tables, beginning))
    return np.exp(joint - logsumexp(joint)), np.exp(tables[-1])


def posterior_average(beginning, theta, sizes, q, lam):
    """p(. | beginning) (V + 1,) of the next word."""
    posterior, tables = posterior_and_tables(beginning, theta, sizes, q, lam)
    return np.dot(posterior, tables)


def nats_of_the_next_word(beginning, theta, sizes, q, lam):
    """Expected log probability of the next word, z not being known."""
    p = posterior_average(beginning, theta, sizes, q, lam)
    return np.dot(p, np.log(p))


def nats_with_z_known(beginning, theta, sizes, q, lam):
    """Expected log probability of the next word for those who are told z."""
    posterior, tables = posterior_and_tables(beginning, theta, sizes, q, lam)
    return np.dot(posterior, np.sum(tables * np.log(tables), axis=1))


# ---- learning it

def gradient_of_log_integral(theta, sentences, sizes, nodes):
    """Gradient (P,) of the summed log marginal, by autograd."""
    z, w = nodes

    def log_marginal(theta):
        return np.sum(logsumexp(np.log(w)[:, None] + log_probability(theta, z, sentences, sizes), axis=0))

    return grad(log_marginal)(theta)


def average_of_gradients(theta, sentences, sizes, nodes):
    """Gradient (P,) by Fisher's identity: one pass backward, its places weighted by p(z | x)."""
    return marginal_and_gradient(theta, padded(sentences, sizes.V), sizes, nodes)[1]


def marginal_and_gradient(theta, batch, sizes, nodes):
    """(log p(x_b) (B,), gradient (P,) of their sum)."""
    z, w = nodes
    states, tables, log_p = forward(theta, z, batch, sizes)
    joint = np.log(w)[:, None] + log_p
    marginal = logsumexp(joint, axis=0)
    return marginal, backward(theta, z, batch, sizes, states, tables, np.exp(joint - marginal))


def log_of_integral(theta, sentence, sizes, nodes):
    """log p(x) of one sentence."""
    z, w = nodes
    return logsumexp(np.log(w) + log_probability(theta, z, [sentence], sizes)[:, 0])


def bound_of_an_encoder(theta, sentence, sizes, r, encoded):
    """What the normal r(encoded) leaves of log p(x): expected log probability less its divergence from the prior."""
    told = expectation(lambda z: log_probability(theta, z, [sentence], sizes)[:, 0], r, encoded)
    return told - closed_divergence(encoded)
