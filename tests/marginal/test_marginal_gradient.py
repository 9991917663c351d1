"""The marginal gradient's two models in use, and the faults that its checks must refuse."""
import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad
from scipy import stats

from refvi import Model, categorical, noise, normal
from refvi.base.special import logsumexp
from refvi.likelihood.networks import count
from refvi.marginal.approximations import truncated_responsibilities
from refvi.marginal.marginal_gradient import mixture, rows as marginal_gradient
from refvi.verify.trial import FAIL, PASS
from tests.verify.proof import prove, rule


@pytest.fixture
def components(rng):
    return rng.normal(size=4), rng.normal(0, 2, 4), rng.uniform(-0.8, 0.3, 4)


def by_scipy(x, logits, mu, log_sigma):
    pi = np.exp(logits) / np.exp(logits).sum()
    return np.sum(np.log(stats.norm.pdf(x[:, None], mu, np.exp(log_sigma)) @ pi))


# ---- the mixture

@pytest.mark.parametrize("N", [1, 7, mixture.BLOCK // 4 + 3])
def test_blocks_agree_with_scipy_and_with_autograd(N, components, rng):
    x = rng.normal(0.5, 2, N)
    g = mixture.gradient(x, *components)
    np.testing.assert_allclose(g.value, by_scipy(x, *components), rtol=1e-10)
    for i, mine in enumerate((g.logits, g.mu, g.log_sigma)):
        def value(v):
            return sum(logsumexp(readable(x, *components[:i], v, *components[i + 1:]), 1))

        if N < 10:
            np.testing.assert_allclose(mine, grad(value)(components[i]), rtol=1e-8, atol=1e-9)


def readable(x, logits, mu, log_sigma):
    half_squares = 0.5 * ((x[:, None] - mu) * anp.exp(-log_sigma))**2
    return logits - logsumexp(logits) - log_sigma - 0.5 * anp.log(2 * anp.pi) - half_squares


def test_the_readable_table_is_what_the_blocks_sum(components, rng):
    x = rng.normal(size=50)
    table = mixture.log_joint_of_each(x, *components)
    r = np.exp(table - logsumexp(table, axis=1)[:, None])
    g = mixture.gradient(x, *components)
    logits, mu, log_sigma = components
    np.testing.assert_allclose(g.logits, r.sum(axis=0) - 50 * np.exp(logits - logsumexp(logits)), atol=1e-10)
    np.testing.assert_allclose(g.mu, np.sum(r * (x[:, None] - mu) * np.exp(-2 * log_sigma), axis=0), atol=1e-9)


def test_a_datum_far_below_the_others_does_not_underflow(components):
    x = np.array([0.1, 0.4, 900.])
    g = mixture.gradient(x, *components)
    table = mixture.log_joint_of_each(x, *components)
    np.testing.assert_allclose(g.value, np.sum(logsumexp(table, axis=1)), rtol=1e-10)
    assert g.value < -1e4 and all(np.all(np.isfinite(v)) for v in g)


def test_memory_does_not_grow_with_the_data(components, rng):
    import tracemalloc
    peaks = []
    for N in (200_000, 800_000):
        x = rng.normal(size=N)
        tracemalloc.start()
        mixture.gradient(x, *components)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    table = 8 * 800_000 * 4
    assert peaks[1] < peaks[0] + 8 * 800_000 * 1.5 and peaks[1] < table / 2


def test_network_means_and_scales(rng):
    y, sizes, x, logits = rng.normal(size=(4, 2)), (2, 5, 2), rng.normal(size=30), rng.normal(size=4)
    theta, h = rng.normal(size=count(sizes)) * 0.5, 1e-5
    value, g = mixture.network_gradient(theta, x, logits, y, sizes)

    def at(theta):
        return mixture.network_gradient(theta, x, logits, y, sizes)[0]

    central = [(at(theta + h * e) - at(theta - h * e)) / (2 * h) for e in np.eye(len(theta))]
    np.testing.assert_allclose(g, central, rtol=0, atol=1e-5 * np.max(np.abs(g)))


def test_em_finds_clusters_that_nobody_labelled(rng):
    """Three clusters four deviations apart, of which the best rule tells 97 in 100. UA.015, SA.45."""
    cluster = rng.integers(0, 3, 600)
    x = 4 * cluster + rng.standard_normal(600)
    theta = np.zeros(3), np.quantile(x, [0.1, 0.5, 0.9]), np.zeros(3)
    for _ in range(50):
        theta = mixture.expectation_maximization(x, *theta)
    assert np.mean(np.argmax(mixture.log_joint_of_each(x, *theta), axis=1) == cluster) > 0.9


def test_em_never_falls_and_stands_still_where_the_gradient_vanishes(components, rng):
    x = np.concatenate([rng.normal(-2, 0.6, 60), rng.normal(1.5, 0.8, 90)])
    theta, last = (components[0][:2], np.array([-1., 1.]), np.zeros(2)), -np.inf
    for _ in range(300):
        value = mixture.gradient(x, *theta).value
        assert value >= last - 1e-9
        theta, last = mixture.expectation_maximization(x, *theta), value
    g = mixture.gradient(x, *theta)
    assert np.max(np.abs(np.concatenate(g[1:]))) < 1e-5


@pytest.mark.parametrize("change, message", [
    (dict(x=np.zeros((5, 1))), r"x has shape \(5, 1\), expected \(any,\)"), (dict(x=np.zeros(0)), "empty data"),
    (dict(x=np.array([0., np.nan])), r"x\[1\] is nan; 1 of 2"),
    (dict(mu=np.zeros(3)), r"mu has shape \(3,\), expected \(4,\): one for each of the K=4"),
])
def test_bad_input_to_the_mixture(change, message, components):
    given = dict(x=np.zeros(5), logits=components[0], mu=components[1], log_sigma=components[2]) | change
    with pytest.raises(ValueError, match=message):
        mixture.gradient(**given)


# ---- planted faults: two components, theta = (mu_1, mu_2, logits), one datum

THETA, X = np.array([-0.8, 1.1, 0.3, -0.4]), 0.9


def log_prior(z, theta):
    return categorical.log_prob(z, theta[..., 2:])


def log_likelihood(x, z, theta):
    import autograd.numpy as anp
    mu = anp.where(np.asarray(z) == 0, theta[..., 0] + 0 * z, theta[..., 1] + 0 * z)
    return -0.5 * ((x - mu) / 0.7)**2 - np.log(0.7) - 0.5 * np.log(2 * np.pi)


P = Model(log_prior, log_likelihood)
POSTERIOR = P.log_joint(np.arange(2), X, THETA) - logsumexp(P.log_joint(np.arange(2), X, THETA))


def each(density=P.log_joint):
    from refvi.base.core import gradient_of_each
    return gradient_of_each(lambda z, theta: density(z, X, theta), np.arange(2), THETA)


def truth():
    pi, r = np.exp(THETA[2:]) / np.exp(THETA[2:]).sum(), np.exp(POSTERIOR)
    return np.concatenate([r * (X - THETA[:2]) / 0.49, r - pi])


def twice(theta):
    """6: the weights differentiated as well, which counts the posterior's own gradient twice."""
    def total(t):
        import autograd.numpy as anp
        joint = P.log_joint(np.arange(2), X, t)
        return anp.sum(anp.exp(joint - logsumexp(joint)) * joint)
    return grad(total)(theta)


FAULTS = {
    "1 expectation under the prior": lambda: np.exp(log_prior(np.arange(2), THETA)) @ each(),
    "2 weights not normalized": lambda: np.exp(P.log_joint(np.arange(2), X, THETA)) @ each(),
    "3 gradient of p for gradient of log p": lambda: np.exp(POSTERIOR + P.log_joint(np.arange(2), X, THETA)) @ each(),
    "4 prior's gradient dropped": lambda: np.exp(POSTERIOR) @ each(lambda z, x, theta: log_likelihood(x, z, theta)),
    "5 stale responsibilities": lambda: np.exp(POSTERIOR[::-1]) @ each(),
    "6 weights differentiated as well": lambda: twice(THETA),
}


@pytest.mark.parametrize("name", FAULTS)
def test_planted_faults_are_refused(name):
    fault = FAULTS[name]
    assert rule("truth; = row", dict(truth=truth, row=lambda: fault()))["row"].verdict == FAIL
    right = dict(truth=truth, row=lambda: np.exp(POSTERIOR) @ each())
    assert rule("truth; = row", right)["row"].verdict == PASS


def test_a_log_likelihood_of_minus_five_thousand_does_not_underflow():
    """7: a log-sum-exp without its shift."""
    table = np.array([[-5053.2, -5055.1]])
    np.testing.assert_allclose(logsumexp(table, axis=1), -5053.2 + np.log1p(np.exp(-1.9)), rtol=1e-12)
    np.testing.assert_allclose(truncated_responsibilities(table, 2).sum(), 1)
    with np.errstate(divide="ignore"):
        assert np.log(np.sum(np.exp(table))) == -np.inf


def test_draws_under_the_prior_are_refused_by_rule_and_by_draws(entropy):
    for use_rule in (True, False):
        values = dict(truth=truth, x=X, theta=THETA, p=P, S=1, posterior_average=marginal_gradient.posterior_average)
        for lam, verdict in ((POSTERIOR, PASS), (THETA[2:], FAIL)):
            results = prove(entropy, r"truth; \approx posterior average", values | dict(noise=noise(categorical, lam)),
                            use_rule=use_rule)
            assert results["posterior average"].verdict == verdict


# ---- where zero meets infinity

def test_zero_times_infinity_counts_as_zero_on_the_nodes():
    """A joint density of zero on part of the nodes: all rows take the identity where it is positive, and agree."""
    half = Model(lambda z, theta: normal.log_prob(z, np.zeros(2)),
                 lambda x, z, theta: np.where(np.asarray(z) > 1., -np.inf, 0.) - 0.5 * (x - theta[..., 0] * z)**2)
    stage = half, 0.8, np.array([0.6]), normal, np.array([0.2, 0.])
    z, _ = normal.nodes(stage[-1])
    assert np.any(np.isneginf(half.log_joint(z, 0.8, np.array([0.6]))))
    rows = [row(*stage) for row in (marginal_gradient.gradient_of_log_integral, marginal_gradient.ratio_of_integrals,
                                    marginal_gradient.log_derivative)]
    np.testing.assert_allclose(rows, np.tile(rows[0], (3, 1)), rtol=1e-12)
    assert np.all(np.isfinite(rows))


def test_the_logarithm_of_a_zero_has_no_slope():
    """Of an indicator times a density, outside: zero times infinity, as the page says."""
    wrong = Model(lambda z, theta: normal.log_prob(z, np.zeros(2)),
                  lambda x, z, theta: anp.log((z < 1.) * anp.exp(-0.5 * (x - theta[..., 0] * z)**2)))
    with np.errstate(divide="ignore", invalid="ignore"):
        assert np.isnan(marginal_gradient.log_derivative(wrong, 0.8, np.array([0.6]), normal, np.array([0.2, 0.])))
