"""Companion of topics.md: its rows, its stages and its referees."""
import itertools

import numpy as np
from autograd import grad
from referees import few_nodes
from scipy import optimize, special, stats
from scipy.sparse import csr_matrix

from refvi import beta, beta_lam, noise
from refvi.base.core import axes_of, expectation, settled
from refvi.marginal.topics import lda, sparse
from refvi.marginal.topics.assignments import Topics, evidence_over_assignments, redrawn        # noqa: F401
from refvi.marginal.topics.lda import prior_again, swept
from refvi.marginal.topics.sparse import (evidence_over_subsets, inclusion, mean_of_spike_and_slab,      # noqa: F401
                                          soft_threshold)


# ---- dependent, until z is known

def stage_children(rng):
    """Two variables that hang on one z: their weights of it, its deviation, and noise of their own."""
    return dict(w=rng.uniform(0.7, 1.4, 2) * [1, -1], prior_sd=rng.uniform(0.6, 1.3), own=rng.uniform(0.4, 0.8, 2), S=2,
                noise=few_nodes(3))


def covariances_of_the_joint(w, prior_sd, own):
    """Of x_1 and x_2, of x_1, and of x_1 and x_2 once z is known, from the covariance of z, x_1 and x_2."""
    root = np.array([[prior_sd, 0, 0], [w[0] * prior_sd, own[0], 0], [w[1] * prior_sd, 0, own[1]]])
    joint = root @ root.T
    return np.array([joint[1, 2], joint[1, 1], joint[1, 2] - joint[1, 0] * joint[2, 0] / joint[0, 0]])


def product_of_loadings(w, prior_sd, own):
    return np.array([w[0] * w[1] * prior_sd**2, (w[0] * prior_sd)**2 + own[0]**2, 0.])


def covariances_of_draws(eps, w, prior_sd, own):
    """(R, 3) from S draws, and from what is left of them without z."""
    left = own * eps[..., 1:]
    x = w * prior_sd * eps[..., :1] + left
    x, left = (each - np.mean(each, axis=1, keepdims=True) for each in (x, left))
    products = [x[..., 0] * x[..., 1], x[..., 0]**2, left[..., 0] * left[..., 1]]
    return np.stack([np.sum(each, axis=1) / (eps.shape[1] - 1) for each in products], axis=-1)


# ---- a document whose topics are known

def stage_document(rng):
    """Five words out of four, two topics."""
    alpha = rng.uniform(1.1, 2.4, 2)      # below one the density is infinite where the nodes end
    lam = beta_lam(a=alpha[0], b=alpha[1])
    return dict(words=rng.integers(0, 4, 5), alpha=alpha, topics=rng.dirichlet([2, 3, 4, 3], 2), lam=lam, S=2,
                noise=noise(beta, lam))


def urn(z, alpha):
    """The probability of topics z in turn: each as often as it has been drawn, and alpha more."""
    seen, p = np.array(alpha, float), 1.
    for k in z:
        p, seen = p * seen[k] / np.sum(seen), seen + np.eye(len(seen))[k]
    return p


def sum_over_topics_of_words(words, alpha, topics):
    return sum(urn(z, alpha) * np.prod([topics[k, v] for k, v in zip(z, words)])
               for z in itertools.product(range(2), repeat=len(words)))


def given_shares(words, share, topics):
    """p(words | share of the first topic) (...,)."""
    return np.prod(share[..., None] * topics[0, words] + (1 - share[..., None]) * topics[1, words], axis=-1)


def integral_over_shares(words, lam, topics):
    return settled(lambda order: expectation(lambda share: given_shares(words, share, topics), beta, lam,
                                             beta.nodes(lam, order)), axes_of(beta, lam))


def average_over_shares(eps, words, topics):
    """Mean (R,) over S draws of the shares from their prior."""
    return np.mean(given_shares(words, eps, topics), axis=1)


# ---- topics that are learnt

def counts(documents):
    """x (N, 4)."""
    return csr_matrix(np.array([np.bincount(words, minlength=4) for words in documents], float))


def stage_corpus(rng):
    """Two documents of three and two words out of four, three topics, and some q."""
    documents = [rng.integers(0, 4, 3).tolist(), rng.integers(0, 4, 2).tolist()]
    q = Topics(rng.uniform(0.6, 2.5, (2, 3)), rng.uniform(0.6, 2.5, (3, 4)), rng.uniform(0.4, 1.6, 3))
    return dict(documents=documents, x=counts(documents), q=q, alpha=q.alpha, eta=rng.uniform(0.3, 0.8))


def joint(z, documents, alpha, eta):
    """p(words, their topics z): an urn of topics for each document, and of words for each topic."""
    words, ends = [v for document in documents for v in document], np.cumsum([0, *map(len, documents)])
    drawn = [[v for v, topic in zip(words, z) if topic == k] for k in range(len(alpha))]
    return (np.prod([urn(z[a:b], alpha) for a, b in zip(ends, ends[1:])])
            * np.prod([urn(each, [eta] * 4) for each in drawn]))


def urns_over_assignments(documents, alpha, eta):
    n = sum(map(len, documents))
    return np.log(sum(joint(z, documents, alpha, eta) for z in itertools.product(range(len(alpha)), repeat=n)))


def logs_of(a):
    """E log of each entry of a Dirichlet: the slope of its constant, by complex steps."""
    return np.imag(special.loggamma(a + 1e-30j) - special.loggamma(np.sum(a) + 1e-30j)) / 1e-30


def parts(documents, q, eta):
    """(E log p + H of shares and topics, what each word has with the best q of its topic), by SciPy's densities."""
    shares, topics = ([logs_of(a) for a in table] for table in (q.gamma, q.lam))

    def about(a, logs, prior):
        constant = special.loggamma(np.sum(prior)) - np.sum(special.loggamma(prior))
        return constant + (np.array(prior) - 1) @ logs + stats.dirichlet.entropy(a)

    value = sum(about(a, logs, q.alpha) for a, logs in zip(q.gamma, shares))
    value += sum(about(a, logs, [eta] * 4) for a, logs in zip(q.lam, topics))
    return value + sum(special.logsumexp([shares[n][k] + topics[k][v] for k in range(3)])
                       for n, words in enumerate(documents) for v in words)


def bound_by_hand(documents, q, eta):
    return parts(documents, q, eta)


def bound_of_these(x, q, eta):
    return lda.bound(x, q, eta)


def bound_after_a_sweep(x, q, eta):
    return lda.bound(x, swept(x, q, eta), eta)


def responsibilities(q, gamma, n, v):
    """Of the topics for a word v of document n."""
    return special.softmax([logs_of(gamma[n])[k] + logs_of(q.lam[k])[v] for k in range(3)])


def shares_again(documents, q, gamma):
    """Word by word: what its topic's probabilities are is counted for its document."""
    return np.array([q.alpha + sum(responsibilities(q, gamma, n, v) for v in words)
                     for n, words in enumerate(documents)])


def sweep_by_hand(documents, q, eta):
    """Shares, and then, word by word with the probabilities made anew, topics."""
    gamma, lam = shares_again(documents, q, q.gamma), np.full((3, 4), eta)
    for n, words in enumerate(documents):
        for v in words:
            lam[:, v] += responsibilities(q, gamma, n, v)
    return parts(documents, Topics(gamma, lam, q.alpha), eta)


def next_word_by_hand(documents, q):
    """Average shares times average topics (2, 4), the shares after three rounds from equal ones."""
    gamma = np.array([q.alpha + len(words) / 3 for words in documents])
    for _ in range(3):
        gamma = shares_again(documents, q, gamma)
    return [[sum(stats.dirichlet.mean(a)[k] * stats.dirichlet.mean(q.lam[k])[v] for k in range(3)) for v in range(4)]
            for a in gamma]


def next_word_predicted(x, q):
    return lda.predicted(x, q, 3)


# ---- topics of words, drawn in turn

def stage_few_words(rng):
    """Three words, the first again in the second document, and three topics; what the topics can be, and for each
    way from there the least uniform numbers that lead along it.
    """
    a, b = np.sort(rng.permutation(4)[:2]).tolist()
    documents, alpha, eta = [[a, b], [a]], rng.uniform(0.4, 1.6, 3), rng.uniform(0.3, 0.8)
    every = list(itertools.product(range(3), repeat=3))

    def ways(z, i=0):
        """(u_i, ..., u_n, topics z at last, the probability of getting there) of a sweep from its word i on."""
        if i == 3:
            yield [], z, 1.
            return
        choices = [(*z[:i], k, *z[i + 1:]) for k in range(3)]
        p = np.array([joint(choice, documents, alpha, eta) for choice in choices])
        p /= np.sum(p)
        for choice, least, own in zip(choices, np.cumsum(p) - p, p):
            for rest, last, share in ways(choice, i + 1):
                yield [least + 1e-9, *rest], last, own * share

    paths = [(z, joint(z, documents, alpha, eta) * share, u) for z in every for u, _, share in ways(z)]
    return dict(documents=documents, x=counts(documents), alpha=alpha, eta=eta, paths=paths, every=every)


def posterior_of_assignments(documents, alpha, eta, every):
    """p(z | words) of all z."""
    masses = np.array([joint(z, documents, alpha, eta) for z in every])
    return masses / np.sum(masses)


def posterior_after_a_sweep(x, alpha, eta, paths, every):
    """How probable each z is after a sweep that begins with a draw from the posterior."""
    masses = dict.fromkeys(every, 0.)
    for z, share, u in paths:
        masses[tuple(redrawn(u, z, x, alpha, eta).tolist())] += share
    return np.array(list(masses.values())) / sum(masses.values())


# ---- the prior of shares

def bound_of_a_better_prior(x, q, eta):
    return lda.bound(x, q._replace(alpha=prior_again(q, 1)), eta)


def better_prior_by_hand(documents, q, eta):
    """Each entry where the digamma has what is asked of it, by bisection."""
    means = np.mean([logs_of(a) for a in q.gamma], axis=0) + special.psi(sum(q.alpha))
    alpha = np.array([optimize.brentq(lambda a: special.psi(a) - mean, 1e-3, 1e3, xtol=1e-13) for mean in means])
    return parts(documents, q._replace(alpha=alpha), eta)


def bound_of_the_learnt_prior(x, q, eta):
    return lda.bound(x, q._replace(alpha=prior_again(q, 400)), eta)


def best_prior(q):
    """alpha, by SciPy: where the slope is zero, for its logarithm; the bound is concave in alpha."""
    means = np.mean([logs_of(a) for a in q.gamma], axis=0)
    found = optimize.root(lambda u: special.psi(np.sum(np.exp(u))) - special.psi(np.exp(u)) + means, np.zeros(3),
                          tol=1e-12)
    return np.exp(found.x)


def best_of_all_priors(documents, q, eta):
    return parts(documents, q._replace(alpha=best_prior(q)), eta)


def derivatives(q):
    """Of the bound in alpha: gradient g, and h and c of its curvature, a diagonal -h and c everywhere."""
    N, logs = len(q.gamma), np.sum(special.psi(q.gamma).T - special.psi(np.sum(q.gamma, axis=1)), axis=1)
    g = N * (special.psi(np.sum(q.alpha)) - special.psi(q.alpha)) + logs
    return g, N * special.polygamma(1, q.alpha), N * special.polygamma(1, np.sum(q.alpha))


def stage_far_prior(rng):
    """A prior above its best, so far that Newton's step falls by a nat, and still stays positive."""
    while True:
        supplied = stage_corpus(rng)
        documents, q, eta = supplied["documents"], supplied["q"], supplied["eta"]
        best = best_prior(q)
        for factor in np.arange(1.3, 3, 0.1):
            far = q._replace(alpha=factor * best)
            g, h, c = derivatives(far)
            after = far.alpha - np.linalg.solve(c - np.diag(h), g)
            fall = parts(documents, far, eta) - parts(documents, far._replace(alpha=after), eta)
            if np.min(after) > 0.01 and fall > 1:
                return supplied | dict(q=far, alpha=far.alpha, g=g, h=h, c=c)


def bound_after_newton(x, q, eta, g, h, c):
    """A step of Newton's with the whole curvature."""
    return lda.bound(x, q._replace(alpha=q.alpha - np.linalg.solve(c - np.diag(h), g)), eta)


def newton_by_hand(documents, q, eta, g, h, c):
    """The inverse of the curvature written out."""
    shared = sum(g / h) / (sum(1 / h) - 1 / c)
    return parts(documents, q._replace(alpha=q.alpha + (g - shared) / h), eta)


# ---- a spike in a slab

def stage_inputs(rng):
    """Seven targets and three inputs, of which the second does nothing."""
    y = rng.normal(size=(7, 3)) + 0.4
    return dict(targets=y @ [0.9, 0., -0.6] + 0.5 * rng.normal(size=7), y=y, log_odds=rng.uniform(-1.2, 0.8, 3),
                slab_sd=rng.uniform(0.8, 1.4), noise_sd=rng.uniform(0.4, 0.7))


def each_subset(log_odds, targets, y, slab_sd, noise_sd):
    """(subset, its probability with the data), all by SciPy."""
    for subset in itertools.product((0, 1), repeat=3):
        used = y[:, [d for d in range(3) if subset[d]]]
        covariance = noise_sd**2 * np.eye(7) + slab_sd**2 * used @ used.T
        prior = np.prod(stats.bernoulli.pmf(subset, special.expit(log_odds)))
        yield np.array(subset), prior * stats.multivariate_normal.pdf(targets, np.zeros(7), covariance)


def evidence_by_scipy(log_odds, targets, y, slab_sd, noise_sd):
    return np.log(sum(p for _, p in each_subset(log_odds, targets, y, slab_sd, noise_sd)))


def evidence_with_a_spike(log_odds, targets, y, slab_sd, noise_sd):
    return evidence_over_subsets(log_odds, targets, y, slab_sd, noise_sd)


def shares_by_scipy(log_odds, targets, y, slab_sd, noise_sd):
    subsets, masses = zip(*each_subset(log_odds, targets, y, slab_sd, noise_sd))
    return np.array(masses) @ np.array(subsets) / sum(masses)


def shares_of_subsets(log_odds, targets, y, slab_sd, noise_sd):
    return inclusion(log_odds, targets, y, slab_sd, noise_sd)


def prior_and_slope(log_odds, targets, y, slab_sd, noise_sd):
    """The slope of the log evidence in the log odds is posterior less prior."""
    return special.expit(log_odds) + grad(evidence_over_subsets)(log_odds, targets, y, slab_sd, noise_sd)


# ---- shrinkage, and thresholds

def stage_seen(rng):
    """Weights, each seen with noise; how far a Laplace prior draws them."""
    return dict(a=np.array([-2.3, -0.6, 0.25, 0.9, 1.9]) + rng.uniform(-0.2, 0.2, 5), t=rng.uniform(0.4, 0.6),
                odds=rng.uniform(-1.5, -0.5), slab_sd=rng.uniform(1.2, 1.8), noise_sd=rng.uniform(0.4, 0.7))


def best_of_three(a, t):
    """Where -(a - w)^2 / 2 - t |w| is highest: at zero, or at the top of either parabola."""
    return np.array([max((0., each - t, each + t), key=lambda w: -(each - w)**2 - 2 * t * abs(w)) for each in a])


def thresholded_by_rows(a, t):
    return soft_threshold(a, t)


def mean_by_bayes_rule(a, odds, slab_sd, noise_sd):
    """Posterior mean of zero and of a normal weight, each with its share."""
    slab = special.expit(odds) * stats.norm.pdf(a, 0, np.hypot(slab_sd, noise_sd))
    spike = special.expit(-odds) * stats.norm.pdf(a, 0, noise_sd)
    return slab / (slab + spike) * a / (1 + (noise_sd / slab_sd)**2)


def mean_of_the_shrunk(a, odds, slab_sd, noise_sd):
    return mean_of_spike_and_slab(a, odds, slab_sd, noise_sd)


def stage_codes(rng):
    """Three words in four contexts, two codes each."""
    return dict(contexts=rng.normal(size=(3, 4)), W=rng.normal(size=(2, 4)), noise_sd=rng.uniform(0.5, 0.8),
                scale=rng.uniform(0.4, 0.7), codes=rng.normal(size=(3, 2)))


def highest_by_bounds(contexts, W, noise_sd, scale):
    """Codes as differences of two numbers that are not negative, by SciPy."""
    def less(u):
        z = (u[:6] - u[6:]).reshape(3, 2)
        off = contexts - z @ W
        slope = (-off @ W.T / noise_sd**2).ravel()
        return 0.5 * np.sum(off**2) / noise_sd**2 + np.sum(u) / scale, np.append(slope, -slope) + 1 / scale

    found = optimize.minimize(less, np.ones(12), jac=True, method="L-BFGS-B", bounds=[(0, None)] * 12,
                              options=dict(ftol=1e-15, gtol=1e-10))
    return -found.fun


def highest_by_thresholds(contexts, W, noise_sd, scale):
    return sparse.log_posterior(sparse.thresholded(contexts, W, noise_sd, scale, 2000), contexts, W, noise_sd, scale)


def densities(contexts, codes, W, noise_sd, scale):
    """log p(x, z, W) by SciPy, without the constants."""
    def free(log_p, top):
        return np.sum(log_p) - np.size(log_p) * top

    return (free(stats.norm.logpdf(contexts, codes @ W, noise_sd), stats.norm.logpdf(0, 0, noise_sd))
            + free(stats.laplace.logpdf(codes, scale=scale), stats.laplace.logpdf(0, scale=scale))
            + free(stats.norm.logpdf(W), stats.norm.logpdf(0)))


def joint_by_scipy(contexts, codes, W, noise_sd, scale):
    return densities(contexts, codes, W, noise_sd, scale)


def joint_of_codes(contexts, codes, W, noise_sd, scale):
    return sparse.log_posterior(codes, contexts, W, noise_sd, scale) - 0.5 * np.sum(W**2)


def joint_after_a_round(contexts, codes, W, noise_sd, scale):
    """Three thresholds from these codes, then the dictionary."""
    z = sparse.thresholded(contexts, W, noise_sd, scale, 3, codes)
    W = sparse.dictionary(contexts, z, noise_sd)
    return sparse.log_posterior(z, contexts, W, noise_sd, scale) - 0.5 * np.sum(W**2)


def round_by_hand(contexts, codes, W, noise_sd, scale):
    """Entry by entry; the dictionary from its least squares, with the prior as further data."""
    rate = noise_sd**2 / max(np.linalg.eigvalsh(W @ W.T))
    for _ in range(3):
        moved = np.array([[sum((contexts[v, c] - codes[v] @ W[:, c]) * W[d, c] for c in range(4)) for d in range(2)]
                          for v in range(3)]) * rate / noise_sd**2 + codes
        codes = best_of_three(moved.ravel(), rate / scale).reshape(3, 2)
    rows = np.concatenate([codes, noise_sd * np.eye(2)])
    found = np.linalg.lstsq(rows, np.concatenate([contexts, np.zeros((2, 4))]), rcond=None)[0]
    return densities(contexts, codes, found, noise_sd, scale)
