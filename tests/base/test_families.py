"""Each family says the same thing in all its words: densities as SciPy has them, nodes that integrate, draws from that
density.
"""
import numpy as np
import pytest
from autograd import elementwise_grad
from scipy import stats

import refvi
from refvi import noise
from refvi.base.core import score
from refvi.verify.compare import ORDERS
from refvi.verify.trial import PASS, escalate, moments


def factor(lam):
    """The triangle R of a full normal of two dimensions."""
    return np.array([[np.exp(lam[2]), 0.], [lam[4], np.exp(lam[3])]])


SCIPY = {"normal": lambda z, lam: stats.norm.logpdf(z, lam[0], np.exp(lam[1])),
         "diagonal_normal": lambda z, lam: stats.multivariate_normal.logpdf(z, lam[:2], np.diag(np.exp(2 * lam[2:]))),
         "full_normal": lambda z, lam: stats.multivariate_normal.logpdf(z, lam[:2], factor(lam) @ factor(lam).T),
         "categorical": lambda z, lam: np.log(np.exp(lam) / np.exp(lam).sum())[z],
         "bernoulli": lambda z, lam: stats.bernoulli.logpmf(z, 1 / (1 + np.exp(-lam))).sum(axis=-1),
         "beta": lambda z, lam: stats.beta.logpdf(z, *np.exp(lam)),
         "exponential": lambda z, lam: stats.expon.logpdf(z, scale=np.exp(-lam[0])),
         "gamma": lambda z, lam: stats.gamma.logpdf(z, np.exp(lam[0]), scale=np.exp(-lam[1])),
         "inverse_gamma": lambda z, lam: stats.invgamma.logpdf(z, np.exp(lam[0]), scale=np.exp(lam[1])),
         "student_t": lambda z, lam: stats.t.logpdf(z, np.exp(lam[2]), lam[0], np.exp(lam[1])),
         "cauchy": lambda z, lam: stats.cauchy.logpdf(z, lam[0], np.exp(lam[1])),
         "laplace": lambda z, lam: stats.laplace.logpdf(z, lam[0], np.exp(lam[1])),
         "log_normal": lambda z, lam: stats.lognorm.logpdf(z, np.exp(lam[1]), scale=np.exp(lam[0]))}
NAMES = sorted(SCIPY)
# what has few moments of its own
TAME = {"cauchy": np.arctan, "student_t": lambda z: np.arctan(z / 8), "inverse_gamma": np.log, "log_normal": np.log}


def setting(name, rng):
    """A family and parameters in a region away from its edges."""
    low, high, P = {"normal": (-0.8, 0.8, 2), "diagonal_normal": (-0.8, 0.8, 4), "full_normal": (-0.8, 0.8, 5),
                    "categorical": (-1, 1, 4), "bernoulli": (-1, 1, 3), "beta": (0.6, 1.5, 2),
                    "exponential": (-0.8, 0.8, 1), "gamma": (-0.6, 1.5, 2), "inverse_gamma": (-0.6, 1.5, 2),
                    "student_t": (-0.6, 1.5, 3), "cauchy": (-0.8, 0.8, 2), "laplace": (-0.8, 0.8, 2),
                    "log_normal": (-0.8, 0.8, 2)}[name]
    return getattr(refvi, name), rng.uniform(low, high, P)


def test_every_family_is_here():
    assert NAMES == sorted(name for name in refvi.HOMES if isinstance(getattr(refvi, name), refvi.Family))


@pytest.mark.parametrize("name", NAMES)
def test_log_prob_is_scipy_s(name, rng):
    q, lam = setting(name, rng)
    z = q.sample(rng, lam, (50,))
    np.testing.assert_allclose(q.log_prob(z, lam), SCIPY[name](z, lam), rtol=1e-11, atol=1e-11)


def rate_of(name, order, lam):
    """Minus the log of the error that a rule of this order claims."""
    if name in ("categorical", "bernoulli"):
        return np.inf
    return {"beta": np.sqrt(2 * np.pi * order * np.exp(min(lam))), "gamma": order, "exponential": order,
            "inverse_gamma": order, "laplace": order / 2, "student_t": 0.6 * order,
            "cauchy": 0.6 * order}.get(name, np.pi / 2 * order)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("order", ORDERS)
def test_the_nodes_integrate_the_density_to_one(name, order, rng):
    q, lam = setting(name, rng)
    z, w = q.nodes(lam, order)
    np.testing.assert_allclose(
        np.sum(w * np.exp(q.log_prob(z, lam))), 1, rtol=1e-12 + 100 * np.exp(-rate_of(name, order, lam))
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_draws_have_the_moments_of_the_nodes(name, rng):
    q, lam = setting(name, rng)
    z, w = q.nodes(lam)

    def features(z):
        z = TAME.get(name, np.asarray)(np.asarray(z, float).reshape(len(z), -1))
        return np.concatenate([z, z**2, np.sin(2 * z), np.cos(z)], axis=1)

    target = (w * np.exp(q.log_prob(z, lam))) @ features(z)
    trial = escalate(lambda n, strike: moments([features(q.sample(rng, lam, (n,)))]), target, 10_000)
    assert trial.verdict == PASS, (lam, trial)


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"categorical", "bernoulli"}))
def test_transport_carries_the_standard_member_to_the_one_of_lam(name, rng):
    q, lam = setting(name, rng)
    eps, weights = noise(q, np.zeros(len(lam))).rule(1, 200)
    z = q.transport(eps[:, 0], lam)
    own, own_weights = noise(q, lam).rule(1, 200)
    tame = TAME.get(name, np.asarray)
    for g in (np.sin, np.square):
        np.testing.assert_allclose(weights @ g(tame(z)), own_weights @ g(tame(own[:, 0])), rtol=1e-8)


@pytest.mark.parametrize("name", NAMES)
def test_parameters_may_carry_sample_axes(name, rng):
    q, lam = setting(name, rng)
    z = q.sample(rng, lam, (3, 2))
    copies = np.broadcast_to(lam, (3, 2, len(lam)))
    np.testing.assert_allclose(q.log_prob(z, copies), q.log_prob(z, lam), rtol=1e-14)


def test_impossible_outcomes_have_probability_zero_and_far_ones_stay_finite():
    assert refvi.normal.log_prob(1e6, np.array([0., 0.])) == -0.5e12 - 0.5 * np.log(2 * np.pi)
    np.testing.assert_allclose(refvi.categorical.log_prob(np.array([0, 1]), np.array([800., -800.])), [0., -1600.])


@pytest.mark.parametrize("q, lam",
                         [(refvi.normal, np.zeros(3)), (refvi.beta, np.zeros(1)), (refvi.diagonal_normal, np.zeros(3)),
                          (refvi.full_normal, np.zeros(4))])
def test_lam_of_a_wrong_length_is_named(q, lam):
    with pytest.raises(
        ValueError, match=rf"lam has shape \({len(lam)},\), expected \(..., (2|D \(D \+ 3\) / 2\): 2, 5, 9)"
    ):
        q.log_prob(np.zeros(4), lam)


# ---- the full normal

def covariance(rng, D):
    A = rng.normal(size=(D, D + 2))
    return A @ A.T / D


@pytest.mark.parametrize("D", [1, 2, 3, 6])
def test_a_covariance_becomes_lam_and_comes_back(D, rng):
    mu, Sigma = rng.normal(size=D), covariance(rng, D)
    lam = refvi.full_normal_lam(mu, Sigma=Sigma)
    R = refvi.full_normal.transport(np.eye(D), lam).T - mu[:, None]
    assert len(lam) == D * (D + 3) / 2 and np.all(np.triu(R, 1) == 0)
    np.testing.assert_allclose(R @ R.T, Sigma, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(lam[2 * D:], R[np.tril_indices(D, -1)])
    z = rng.normal(size=(4, 3, D))
    np.testing.assert_allclose(
        refvi.full_normal.log_prob(z, lam), stats.multivariate_normal.logpdf(z, mu, Sigma), rtol=1e-8, atol=1e-10
    )


def test_the_full_normal_transports_copies_of_lam_and_has_a_score(rng):
    lam, eps = rng.uniform(-0.8, 0.8, 9), rng.normal(size=(4, 3, 3))
    copies = np.broadcast_to(lam, (4, 3, 9))
    z = refvi.full_normal.transport(eps, lam)
    np.testing.assert_allclose(refvi.full_normal.transport(eps, copies), z, rtol=1e-14)
    slope = [(refvi.full_normal.log_prob(z, lam + h) - refvi.full_normal.log_prob(z, lam - h)) / 2e-6
             for h in 1e-6 * np.eye(9)]
    np.testing.assert_allclose(score(refvi.full_normal, z, lam), np.moveaxis(slope, 0, -1), rtol=1e-5, atol=1e-7)
    # R_31
    np.testing.assert_allclose(
        elementwise_grad(lambda lam: refvi.full_normal.transport(eps[0, 0], lam))(lam)[2 * 3 + 1], eps[0, 0, 0]
    )


@pytest.mark.parametrize("Sigma, words",
                         [([[1., 2.], [2., 1.]], r"Sigma is not positive definite \(smallest eigenvalue -1\)"),
                          (np.ones((2, 2)), "Sigma is not positive definite"),
                          ([[1., 0.5], [0.2, 1.]], "Sigma is not symmetric"),
                          (np.eye(3), r"Sigma has shape \(3, 3\), expected \(2, 2\)"),
                          ([[1., np.nan], [np.nan, 1.]], r"Sigma\[0, 1\] is nan")])
def test_what_is_no_covariance_is_named(Sigma, words):
    with pytest.raises(ValueError, match=words):
        refvi.full_normal_lam(np.zeros(2), Sigma=Sigma)


# ---- beyond the support, and at its edge

EDGES = [-np.inf, -1.0, 0.0, 0.5, 1.0, 2.0, np.inf]


@pytest.mark.parametrize("name, lam, scipy_s", [
    *[(f"gamma {a}", refvi.gamma_lam(shape=a, rate=2.0), stats.gamma(a, scale=0.5)) for a in (0.5, 1.0, 2.0)],
    *[(f"inverse_gamma {a}", refvi.gamma_lam(shape=a, rate=2.0), stats.invgamma(a, scale=2.0))
      for a in (0.5, 1.0, 2.0)],
    ("exponential", np.log([3.0]), stats.expon(scale=1 / 3)),
    *[(f"beta {a} {b}", refvi.beta_lam(a=a, b=b), stats.beta(a, b))
      for a, b in ((1.0, 8.0), (8.0, 1.0), (0.5, 2.0), (1.0, 1.0))],
    ("log_normal", np.array([0.3, -0.2]), stats.lognorm(np.exp(-0.2), scale=np.exp(0.3))),
    ("normal", np.array([0.3, -0.2]), stats.norm(0.3, np.exp(-0.2))),
    ("laplace", np.array([0.3, -0.2]), stats.laplace(0.3, np.exp(-0.2))),
    ("cauchy", np.array([0.3, -0.2]), stats.cauchy(0.3, np.exp(-0.2))),
])
def test_densities_end_where_scipy_s_end(name, lam, scipy_s):
    log_prob = getattr(refvi, name.split()[0]).log_prob
    with np.errstate(all="ignore"):
        right = scipy_s.logpdf(EDGES)
        right[-1] = -np.inf     # nan for some in SciPy
        np.testing.assert_allclose(log_prob(np.array(EDGES), lam), right, rtol=1e-12)
    assert np.isnan(log_prob(np.array([np.nan]), lam))


def test_what_is_no_outcome_has_no_probability():
    lam = refvi.categorical_lam([0.25, 0.75])
    assert list(np.isfinite(refvi.categorical.log_prob(np.array([0, 1, 2, 0.5, -1]), lam))) == [1, 1, 0, 0, 0]
    z = np.array([[0], [1], [0.5], [2]])
    assert list(np.isfinite(refvi.bernoulli.log_prob(z, np.zeros(1)))) == [1, 1, 0, 0]
    sure = refvi.bernoulli.log_prob(np.array([[1, 0], [0, 0], [1, 1]], np.uint8), np.array([np.inf, -np.inf]))
    assert list(sure) == [0, -np.inf, -np.inf]
