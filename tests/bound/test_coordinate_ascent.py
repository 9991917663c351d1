"""Coordinate ascent: the notebooks' numbers, faults planted and refused, both models in use."""
import itertools

import numpy as np
import pytest
from autograd import elementwise_grad
from scipy import integrate, special, stats

from refvi import categorical
from refvi.app.figures import load_press
from refvi.app.fits import gaussian as gaussian_fit, sweeps
from refvi.base import models
from refvi.base.checks import require_bound
from refvi.base.special import gammaln
from refvi.bound.coordinate_ascent import black_box, fit, gaussian, messages, regression, rows
from refvi.bound.coordinate_ascent.posterior import exact_moments, posterior
from refvi.verify.trial import FAIL, PASS
from tests.verify.proof import prove

NOTEBOOK = gaussian.data_of_sums(100, 502.710907349036, 2654.4752195993433)
PYRO = gaussian.prior(mean=0., precision=1e-8, shape=1., rate=1.)
CAVI = gaussian.prior(mean=0., precision=1e-6, shape=0.01, rate=0.01)


# ---- the numbers of the course's notebooks

@pytest.mark.parametrize("prior, expected, elbo, evidence", [
    (PYRO, (5.0271, 78.117, 51, 65.286), -167.4235, -167.4186),
    (CAVI, (5.0271, 77.777, 50.01, 64.299), -168.7383, -168.7333)])
def test_the_fixed_points_of_the_notebooks(prior, expected, elbo, evidence):
    fitted = gaussian.fit(NOTEBOOK, prior, start=prior)
    np.testing.assert_allclose(fitted.found, expected, rtol=1e-5)
    reached, exact = fitted.trace[-1], posterior(NOTEBOOK, prior).log_evidence
    np.testing.assert_allclose([reached, exact], [elbo, evidence], atol=6e-5)
    assert fitted.stopped == "" and len(fitted.trace) == 6 and reached < exact


def test_moments_of_the_first_fixed_point():
    q = gaussian.fit(NOTEBOOK, PYRO).found
    np.testing.assert_allclose([q.tau**-0.5, q.a / q.b], [0.11314, 0.78117], atol=6e-6)


def test_the_printed_bound_lacks_the_normalizer_and_exceeds_the_evidence():
    q = gaussian.fit(NOTEBOOK, CAVI).found
    printed = gaussian.five_terms(NOTEBOOK, CAVI, q) + special.gammaln(CAVI.a)
    assert printed == pytest.approx(-164.1388, abs=6e-5) and special.gammaln(0.01) == pytest.approx(4.5995, abs=6e-5)
    with pytest.raises(ArithmeticError, match=r"ELBO -164.13.* exceeds the log evidence -168.73"):
        require_bound(printed, posterior(NOTEBOOK, CAVI).log_evidence)


@pytest.mark.parametrize("a, b, at_most, quoted", [(3.43, 4.07, -173.4689, -173.95), (2.18, 1.86, -182.6278, -182.65)])
def test_the_printed_pyro_solutions_are_unconverged_whatever_their_mean(a, b, at_most, quoted):
    """Their q(mu) is not known; the best one bounds what any can reach, and the quoted bounds lie below that."""
    best = gaussian.five_terms(NOTEBOOK, PYRO, gaussian.Factors(*gaussian.update_of_mean(NOTEBOOK, PYRO, a, b), a, b))
    assert best == pytest.approx(at_most, abs=2e-4) and quoted < best < gaussian.fit(NOTEBOOK, PYRO).trace[-1] - 6


def test_centred_inputs_close_the_gap_of_the_page_s_thirty_data():
    """The posterior of intercept and slope is a product then, and the first sweep finds it."""
    y = np.linspace(0, 6, 30)
    theta = models.regression(np.column_stack([np.ones(30), y - 3]), prior_sd=1., noise_sd=1.)
    x = 9 - y / 5 + np.sin(2 * np.arange(1, 31))
    fitted = regression.fit(x, theta)
    evidence = models.log_evidence(x, theta)
    assert fitted.trace[1] == pytest.approx(evidence, rel=1e-12) and evidence == pytest.approx(-73.4161, abs=6e-5)
    as_it_was = models.regression(np.column_stack([np.ones(30), y]), prior_sd=1., noise_sd=1.)
    covariance = np.linalg.inv(regression.normal_equations(x, as_it_was)[0])
    assert covariance[0, 1]**2 / covariance[0, 0] / covariance[1, 1] == pytest.approx(0.71156, abs=6e-6)


def test_the_table_of_the_forgotten_spread():
    """E[gamma], sd of gamma, sd of mu, bound: of the posterior, the best factors, and sweeps that forget N / tau."""
    data, prior = gaussian.data_of([0.4, 1.1, 1.9, 3.2]), gaussian.prior(mean=0.5, precision=0.4, shape=2.8, rate=0.7)
    exact, best, wrong = posterior(data, prior), gaussian.fit(data, prior).found, prior
    for _ in range(200):
        nu, tau = gaussian.update_of_mean(data, prior, wrong.a, wrong.b)
        wrong = gaussian.Factors(nu, tau, prior.a + 2, prior.b + 0.5 * (data.scatter + data.N * (data.mean - nu)**2))
    _, mu_sd, gamma, gamma_sd = exact_moments(data, prior)
    np.testing.assert_allclose([gamma, gamma_sd, mu_sd, exact.log_evidence],
                               [1.508, 0.724, 0.442, -8.972], atol=5.1e-4)
    for q, told in ((best, [1.506, 0.688, 0.395, -9.025]), (wrong, [1.670, 0.762, 0.376, -9.049])):
        moments = [q.a / q.b, q.a**0.5 / q.b, q.tau**-0.5]
        np.testing.assert_allclose([*moments, gaussian.five_terms(data, prior, q)], told, atol=5.1e-4)


def test_the_thirty_data_of_the_page():
    """Evidence by SciPy's normal; the bound by its divergence written out; the published formula by hand."""
    y = np.column_stack([np.ones(30), np.linspace(0, 6, 30)])
    x, theta = 9 - y[:, 1] / 5 + np.sin(2 * np.arange(1, 31)), models.regression(y, prior_sd=1., noise_sd=1.)
    fitted = regression.fit(x, theta)
    evidence = stats.multivariate_normal.logpdf(x, np.zeros(30), y @ y.T + np.eye(30))
    entropy = np.sum(fitted.found[2:] + 0.5 * np.log(np.pi * np.e))
    printed = regression.expected_log_joint(x, theta, fitted.found) - entropy
    np.testing.assert_allclose([fitted.trace[-1], evidence, printed], [-76.0040, -75.3824, -71.6467], atol=6e-5)
    assert len(fitted.trace) - 1 == 31
    precision = np.eye(2) + y.T @ y
    gap = 0.5 * (np.log(np.diag(precision)).sum() - np.linalg.slogdet(precision)[1])
    assert evidence - fitted.trace[-1] == pytest.approx(gap, rel=1e-8)


# ---- planted faults; X = 4 data, and factors off their optimum

X, PRIOR = np.array([0.4, 1.2, 1.9, 3.3]), gaussian.prior(mean=0.4, precision=0.4, shape=1.5, rate=0.7)
DATA, Q = gaussian.data_of(X), gaussian.Factors(1.2, 1.9, 2.5, 3.5)
Y = np.column_stack([np.ones(6), np.linspace(-0.4, 1.3, 6), np.linspace(0.2, 1.1, 6)**2])
THETA = models.regression(Y, prior_sd=1.3, noise_sd=0.6)
TARGETS, MEAN = np.array([0.9, 0.3, 1.4, 0.8, 2.1, 1.7]), np.array([0.4, 0.9, -0.2])
TABLE = np.array([[-1.2, -0.4, -2.3], [-0.7, -2.9, -0.2]])     # log p(x_n, k | others), two data, three components


def update_by_integration():
    """(a, b) from mean and variance of exp of the expected log joint, by scipy.integrate."""
    squares = stats.norm.expect(lambda mu: np.sum((X - mu)**2), loc=Q.nu, scale=Q.tau**-0.5)
    rate = PRIOR.b + 0.5 * squares
    moments = [integrate.quad(lambda g: g**(PRIOR.a + 1 + k) * np.exp(-g * rate), 0, np.inf)[0] for k in range(3)]
    mass, first, second = moments
    mean, variance = first / mass, second / mass - (first / mass)**2
    return np.array([mean**2 / variance, mean / variance])


def update_from(squares):
    return np.array([PRIOR.a + 2, PRIOR.b + 0.5 * squares])


def log_factors(mu, gamma, factors):
    """Log density of N(nu, 1/tau) Gamma(a, rate b), by SciPy."""
    nu, tau, a, b = factors
    return stats.norm.logpdf(mu, nu, tau**-0.5) + stats.gamma.logpdf(gamma, a, scale=1 / b)


def bound_by_integration():
    """E_q of the log ratio, mu by Gauss-Hermite, gamma by scipy.integrate."""
    t, w = np.polynomial.hermite_e.hermegauss(5)

    def at(gamma):
        mu = Q.nu + t * Q.tau**-0.5
        likelihood = stats.norm.logpdf(X[:, None], mu, gamma**-0.5).sum(axis=0)
        ratio = likelihood + log_factors(mu, gamma, PRIOR) - log_factors(mu, gamma, Q)
        return stats.gamma.pdf(gamma, Q.a, scale=1 / Q.b) * (w @ ratio) / np.sqrt(2 * np.pi)
    return integrate.quad(at, 0, np.inf, epsabs=1e-12, epsrel=1e-11)[0]


def two_by_enumeration():
    """q(z_n) of two data by enumerating both: the posterior of each under a product is its own."""
    q = np.zeros((2, 3))
    for pair in itertools.product(range(3), repeat=2):
        weight = np.exp(sum(TABLE[n, k] for n, k in enumerate(pair)))
        for n, k in enumerate(pair):
            q[n, k] += weight
    return q / q[0].sum()


def responsibilities(axis):
    return np.exp(TABLE - special.logsumexp(TABLE, axis=axis, keepdims=True))


def by_best_factor():
    return np.array([rows.best_factor(row[:, None], np.ones(3), np.ones(1), np.ones(1)) for row in TABLE])


def conditional():
    """Means and variances of each weight given the others at MEAN, from the joint covariance."""
    cov = np.linalg.inv(np.eye(3) / 1.69 + Y.T @ Y / 0.36)
    mean = cov @ Y.T @ TARGETS / 0.36
    found = []
    for d in range(3):
        rest = np.arange(3) != d
        gain = np.linalg.solve(cov[np.ix_(rest, rest)], cov[rest, d])
        found.append([mean[d] + gain @ (MEAN - mean)[rest], cov[d, d] - gain @ cov[rest, d]])
    return np.array(found)


def weights(change=lambda d, precision_mean, precision: (precision_mean / precision, 1 / precision)):
    return np.array([change(d, *regression.update_of_weight(TARGETS, THETA, MEAN, d)) for d in range(3)])


COVARIANCE = np.linalg.inv(np.eye(3) / 1.69 + Y.T @ Y / 0.36)
MARGINAL = np.diag(COVARIANCE)


def swept_by_conditionals():
    """One sweep: each weight takes its conditional mean given the newest others."""
    mean, precision, h = MEAN.copy(), np.linalg.inv(COVARIANCE), Y.T @ TARGETS / 0.36
    for d in range(3):
        mean[d] = (h - precision @ mean + precision[:, d] * mean[d])[d] / precision[d, d]
    return mean


def jacobi():
    """Every weight from the old means of the others."""
    Lambda, h = regression.normal_equations(TARGETS, THETA)
    return MEAN + (h - Lambda @ MEAN) / np.diag(Lambda)


def log_of_the_mean():
    """The five terms with log E[gamma] for E[log gamma] in the expected log joint."""
    gap = np.log(Q.a / Q.b) - gaussian.mean_log_precision(Q)
    return gaussian.five_terms(DATA, PRIOR, Q) + (0.5 * DATA.N + PRIOR.a - 1) * gap


def dropped(name):
    """The five terms with one left out: its updates are right and its curve rises, so only the value tells."""
    terms = {"likelihood": gaussian.log_likelihood_term(DATA, Q), "priors": gaussian.log_prior_terms(PRIOR, Q),
             "entropies": gaussian.entropy_terms(Q)}
    return sum(value for key, value in terms.items() if key != name)


def right_bound():
    return gaussian.five_terms(DATA, PRIOR, Q)


def right_update(data=DATA, prior=PRIOR):
    return gaussian.update_of_precision(data, prior, Q.nu, Q.tau)


def update_by_messages():
    return np.array(messages.precision_of_natural(messages.messages_to_precision(X, PRIOR, Q.nu, Q.tau).sum(axis=0)))


FAULTS = {
    "1 square of the mean": (update_by_integration, lambda: update_from(np.sum((X - Q.nu)**2))),
    "2 simultaneous updates": (swept_by_conditionals, jacobi),
    "3 log of the mean for digamma": (bound_by_integration, log_of_the_mean),
    "4 responsibilities over the wrong axis": (two_by_enumeration, lambda: responsibilities(axis=0)),
    "5 marginal for conditional variance": (conditional, lambda: weights(lambda d, h, tau: (h / tau, MARGINAL[d]))),
    "6 precision and variance swapped": (conditional, lambda: weights(lambda d, h, tau: (h / tau, tau))),
    "7 likelihood dropped": (bound_by_integration, lambda: dropped("likelihood")),
    "7 priors dropped": (bound_by_integration, lambda: dropped("priors")),
    "7 entropies dropped": (bound_by_integration, lambda: dropped("entropies")),
    "7 normalizer dropped": (bound_by_integration, lambda: right_bound() - PRIOR.a * np.log(PRIOR.b)),
    "8 stale statistics": (update_by_integration, lambda: right_update(gaussian.data_of(X[:-1]))),
    "9 scale for rate": (update_by_integration, lambda: right_update()**[1, -1]),
    "9 scale of the prior": (update_by_integration, lambda: right_update(prior=PRIOR._replace(b=1 / PRIOR.b))),
}
RIGHT = {"1": (update_by_integration, right_update), "1 by the messages": (update_by_integration, update_by_messages),
         "1 with the data in another order": (update_by_integration, lambda: right_update(gaussian.data_of(X[::-1]))),
         "2": (swept_by_conditionals, lambda: regression.sweep(MEAN, TARGETS, THETA)),
         "3 and 7": (bound_by_integration, right_bound), "4": (two_by_enumeration, by_best_factor),
         "4 by hand": (two_by_enumeration, lambda: responsibilities(axis=1)), "5 and 6": (conditional, weights)}


def verdict(entropy, truth, row):
    return prove(entropy, "truth; = row", dict(truth=lambda: truth(), row=lambda: np.asarray(row())))["row"].verdict


@pytest.mark.parametrize("name", FAULTS)
def test_planted_faults_are_refused(entropy, name):
    assert verdict(entropy, *FAULTS[name]) == FAIL


@pytest.mark.parametrize("name", RIGHT)
def test_right_variants_pass(entropy, name):
    assert verdict(entropy, *RIGHT[name]) == PASS


def test_a_constant_left_out_rises_all_the_same():
    """7: the normalizer is a constant, so its curve is as monotone as the right one: hence values are compared."""
    q, trace = Q, []
    for _ in range(8):
        q = gaussian.sweep(q, DATA, PRIOR)
        trace.append(gaussian.five_terms(DATA, PRIOR, q) + special.gammaln(PRIOR.a))
    assert np.all(np.diff(trace) > -1e-12)
    assert abs(trace[-1] - gaussian.five_terms(DATA, PRIOR, q)) > 0.1


def test_a_wrong_update_makes_the_bound_fall_and_the_fit_says_where():
    def shifted(q):
        found = gaussian.sweep(q, DATA, PRIOR)
        return found._replace(b=1.3 * q.b)

    with pytest.raises(ArithmeticError, match=r"sweep \d+ took the ELBO from -\d.* to -\d"):
        fit.ascend(shifted, lambda q: gaussian.five_terms(DATA, PRIOR, q), Q)


def test_a_fit_whose_bound_is_no_bound_is_stopped(monkeypatch):
    right = gaussian.five_terms
    monkeypatch.setattr(gaussian, "five_terms", lambda data, prior, q: right(data, prior, q) + 4.6)
    with pytest.raises(ArithmeticError, match="exceeds the log evidence"):
        gaussian.fit(DATA, PRIOR)


# ---- labels

def test_two_summits_are_one_answer_once_the_labels_are_sorted():
    """10: started on either side, coordinate ascent ends in mirrored factors with one bound."""
    table, ends = np.array([[0., -3.], [-3., 0.]]) - 1.1, []
    for start in (np.array([0.6, 0.4]), np.array([0.3, 0.7])):
        q2 = start
        for _ in range(200):
            q1 = rows.best_factor(table, np.ones(2), np.ones(2), q2)
            q2 = rows.best_factor(table.T, np.ones(2), np.ones(2), q1)
        ends.append((q1, q2, rows.bound(table, np.ones(2), np.ones(2), q1, q2)))
    (q, r, value), (mirrored, other, same) = ends
    assert value == pytest.approx(same, rel=1e-12) and np.max(np.abs(q - mirrored)) > 0.5
    np.testing.assert_allclose(np.sort(q), np.sort(mirrored), rtol=1e-10)
    np.testing.assert_allclose(q[::-1], mirrored, rtol=1e-10)
    np.testing.assert_allclose(r[::-1], other, rtol=1e-10)
    joint = rows.bound(table, np.ones(2), np.ones(2), q, other)       # labels switched in one factor only
    assert joint < value - 0.5


# ---- the rows in other hands

def test_messages_equal_the_updates_to_twelve_digits(rng):
    x, q = rng.normal(2., 1.5, 40), gaussian.Factors(1.7, 11., 3.1, 5.2)
    summary = gaussian.data_of(x)
    mean = messages.natural_of_mean(*gaussian.update_of_mean(summary, PRIOR, q.a, q.b))
    precision = messages.natural_of_precision(*gaussian.update_of_precision(summary, PRIOR, q.nu, q.tau))
    pairs = [(messages.messages_to_mean(x, PRIOR, q.a, q.b), mean),
             (messages.messages_to_precision(x, PRIOR, q.nu, q.tau), precision)]
    for d in range(3):
        update = regression.update_of_weight(TARGETS, THETA, MEAN, d) * [1, -0.5]
        pairs.append((regression.messages_to_weight(TARGETS, THETA, MEAN, d), update))
    for parts, update in pairs:
        np.testing.assert_allclose(parts.sum(axis=0), update, rtol=1e-12)


@pytest.mark.parametrize("N, prior", [(1, gaussian.prior(mean=0., precision=1e-4, shape=0.3, rate=0.2)),
                                      (3, gaussian.prior(mean=30., precision=2., shape=2., rate=1.)),
                                      (20_000, gaussian.prior(mean=1., precision=1., shape=1., rate=1.))])
def test_an_odd_evidence_by_scipy(N, prior, rng):
    """Wide and narrow, few and many, prior and data at odds."""
    data = gaussian.data_of(5 + rng.standard_normal(N))

    def log_density(t):
        along = N / prior.tau + np.exp(-t)
        log_det = np.log(along) - (N - 1) * t
        squares = data.scatter * np.exp(t) + N * (data.mean - prior.nu)**2 / along
        likelihood = -0.5 * (N * np.log(2 * np.pi) + log_det + squares)
        return likelihood + stats.gamma.logpdf(np.exp(t), prior.a, scale=1 / prior.b) + t

    grid = np.linspace(-60, 8, 200_001)
    by_grid = special.logsumexp(log_density(grid)) + np.log(grid[1] - grid[0])
    assert posterior(data, prior).log_evidence == pytest.approx(by_grid, rel=1e-9, abs=1e-8)


def test_the_factors_as_a_family(rng):
    """Density by SciPy, moments by draws and by nodes, the log joint by SciPy."""
    lam = black_box.lam_of(Q)
    np.testing.assert_allclose(black_box.factors_of(lam), Q, rtol=1e-12)
    z = black_box.factors.sample(rng, lam, (40_000,))
    np.testing.assert_allclose(black_box.factors.log_prob(z[:9], lam), log_factors(z[:9, 0], z[:9, 1], Q), rtol=1e-10)
    assert np.all(np.abs(z.mean(axis=0) - [Q.nu, Q.a / Q.b]) < 6 * z.std(axis=0) / 200)
    nodes, w = black_box.factors.nodes(lam, 80)
    mass = w * np.exp(black_box.factors.log_prob(nodes, lam))
    found = [mass.sum(), mass @ nodes[:, 0], mass @ nodes[:, 1], mass @ nodes[:, 1]**2]
    np.testing.assert_allclose(found, [1, Q.nu, Q.a / Q.b, Q.a * (Q.a + 1) / Q.b**2], rtol=1e-6)
    by_scipy = [stats.norm.logpdf(X, mu, g**-0.5).sum() + log_factors(mu, g, PRIOR) for mu, g in z[:9]]
    np.testing.assert_allclose(black_box.log_joint(z[:9], DATA, PRIOR), by_scipy, rtol=1e-10)


def test_a_regression_s_sweeps_end_at_the_best_factors(rng):
    fitted = regression.fit(TARGETS, THETA, tolerance=1e-14)
    np.testing.assert_allclose(fitted.found, models.mean_field(TARGETS, THETA), atol=1e-5)
    assert np.all(np.diff(fitted.trace) > -1e-12) and fitted.trace[-1] < models.log_evidence(TARGETS, THETA)


@pytest.mark.parametrize("apart, sd", [(3, 1), (20, 10), (50, 10), (1000, 10), (1000, 1)])
def test_of_two_optima_it_finds_the_higher(apart, sd, rng):
    """A prior many standard deviations off the data: rests of the sweep are roots of a cubic, all tried here."""
    data = gaussian.data_of(rng.normal(3., 0.5, 50))
    prior = gaussian.prior(mean=data.mean + apart * sd, precision=sd**-2, shape=2., rate=1.)
    tau = np.poly1d([data.N, prior.tau])        # of E[gamma]
    square = (prior.tau * (data.mean - prior.nu))**2
    a, narrow, gamma = prior.a + data.N / 2, prior.b + data.scatter / 2, np.poly1d([1, 0])
    roots = (narrow * gamma * tau**2 + data.N / 2 * gamma * (square + tau) - a * tau**2).roots
    bounds = []
    for root in roots.real[(np.abs(roots.imag) < 1e-9 * np.abs(roots)) & (roots.real > 0)]:
        nu, precision = gaussian.update_of_mean(data, prior, a, a / root)
        bounds.append(gaussian.five_terms(data, prior, gaussian.Factors(nu, precision, a, a / root)))
    fitted = gaussian.fit(data, prior)
    assert fitted.stopped == "" and fitted.trace[-1] == pytest.approx(max(bounds), abs=1e-6)
    if (apart, sd) == (50, 10):
        near_data = gaussian.Factors(data.mean, data.N**2 / data.scatter, a, narrow)
        assert gaussian.fit(data, prior, near_data).trace[-1] < fitted.trace[-1] - 500


def test_a_fit_cut_short_says_so():
    fitted = regression.fit(TARGETS, THETA, most=2)
    assert fitted.stopped == "still gaining after 2 sweeps" and len(fitted.trace) == 3


def test_far_away_data_lose_no_digits():
    """The scatter is taken around the mean: a shift of a million moves the mean and nothing else."""
    near, far = gaussian.data_of(X), gaussian.data_of(X + 1e6)
    assert far.scatter == pytest.approx(near.scatter, rel=1e-8)


def test_the_best_factor_of_an_impossible_row_is_zero():
    table = np.log(np.array([[0.3, 0.2], [0.1, 0.4]]))
    table = np.vstack([table, [-np.inf, -np.inf]])
    np.testing.assert_allclose(rows.best_factor(table, np.ones(3), np.ones(2), np.array([0.4, 0.6]))[2], 0.)
    assert categorical.nodes(np.zeros(3))[1].tolist() == [1., 1., 1.]


def test_the_gamma_function_s_logarithm_has_two_derivatives(rng):
    a = rng.uniform(0.3, 60, 5)
    first, second = elementwise_grad(gammaln), elementwise_grad(elementwise_grad(gammaln))
    np.testing.assert_allclose(first(a), special.digamma(a), rtol=1e-12)
    np.testing.assert_allclose(second(a), (special.digamma(a + 1e-5) - special.digamma(a - 1e-5)) / 2e-5, rtol=1e-5)


# ---- wrong inputs

@pytest.mark.parametrize("call, message", [
    (lambda: gaussian.prior(mean=0., precision=0., shape=1., rate=1.), "precision must be > 0, got 0.0"),
    (lambda: gaussian.prior(mean=0., precision=1., shape=-1., rate=1.), "shape must be > 0, got -1.0"),
    (lambda: gaussian.prior(mean=0., precision=1., shape=1., rate=0.), "rate must be > 0, got 0.0 .*SciPy calls scale"),
    (lambda: gaussian.prior(mean=np.nan, precision=1., shape=1., rate=1.), r"the prior\[0\] is nan"),
    (lambda: gaussian.data_of([1., np.nan]), r"x\[1\] is nan; 1 of 2 values non-finite"),
    (lambda: gaussian.data_of([]), "empty data: x has no entries"),
    (lambda: gaussian.data_of(np.ones((3, 1))), r"x has shape \(3, 1\), expected \(any,\)"),
    (lambda: gaussian.data_of_sums(0, 0., 0.), "N must be an integer >= 1, got 0"),
    (lambda: gaussian.data_of_sums(3, 6., 1.), "have a sum of squares of at least 12, got 1.0"),
    (lambda: regression.fit(TARGETS, THETA, start=np.zeros(2)), r"start has shape \(2,\), expected \(3,\)"),
    (lambda: regression.fit(TARGETS[:-1], THETA), r"x has shape \(5,\), expected \(6,\)"),
    (lambda: gaussian.fit(DATA, PRIOR, most=0), "most must be an integer >= 1, got 0"),
    (lambda: gaussian.fit(DATA, PRIOR, tolerance=0.), "tolerance must be > 0"),
])
def test_wrong_inputs_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_bound_that_is_not_a_number_is_refused():
    assert require_bound(-3.2, -3.2) == -3.2 and require_bound(-1e6 * (1 - 1e-15), -1e6) < 0
    for elbo in (np.nan, -3.2 + 1e-9):
        with pytest.raises(ArithmeticError):
            require_bound(elbo, -3.2)


# ---- the fit of the command

def test_the_report_sets_three_answers_beside_each_other(rng):
    lines = list(gaussian_fit.run(rng, "toy", steps=300))
    labels = "exact posterior", "coordinate ascent", "stochastic gradients"
    found = {line[:20].strip(): line[20:].split() for line in lines}
    exact, swept, climbed = (np.array(found[label], float) for label in labels)
    np.testing.assert_allclose(exact[:4], swept[:4], rtol=0.02)
    assert 0 < swept[5] < 0.02 < climbed[5] and swept[1] < exact[1] and swept[3] < exact[3]


# ---- the figure

def test_the_figure_s_dots_lie_on_their_lines_and_end_at_the_divergence():
    data = load_press().stored("coordinate_ascent")
    np.testing.assert_allclose(data["log_evidence"] - data["elbo"], data["gap_line"][::4], rtol=1e-9)
    np.testing.assert_allclose(data["gap_six"], data["divergence_six"], rtol=1e-9)
    floor, floor_six = data["gap_line"][-1], data["gap_six"][-1]
    np.testing.assert_allclose([floor, floor_six], [0.623, 0.069], atol=5e-4)
    assert np.all(np.diff(data["elbo"]) > -1e-12)
    assert np.all(data["random_elbo"] < data["log_evidence"] - floor + 1e-6)
    assert np.all(data["random_gap_six"] > floor_six - 1e-9)


def test_the_plate_reads_as_the_model(rng):
    """p(mu) p(gamma) prod_i p(X_i|mu, gamma), off the edges, has the density that stochastic gradients climb."""
    numbers = {key: value.tolist() for key, value in load_press().stored("gaussian_plate").items()}
    edges, nodes = numbers["edges"], numbers["random"]
    parents = {node: sorted(parent for parent, child in edges if child == node) for node in nodes}
    assert parents == {"$μ$": [], "$γ$": [], "$X_i$": ["$γ$", "$μ$"]}
    assert numbers["plate"] == numbers["observed"] == ["$X_i$"]
    x, mu, gamma = rng.normal(size=5), rng.normal(), rng.uniform(0.5, 2)
    density = {"$μ$": stats.norm.logpdf(mu, PRIOR.nu, PRIOR.tau**-0.5),
               "$X_i$": stats.norm.logpdf(x, mu, gamma**-0.5).sum(),
               "$γ$": stats.gamma.logpdf(gamma, PRIOR.a, scale=1 / PRIOR.b)}
    found = black_box.log_joint(np.array([mu, gamma]), gaussian.data_of(x), PRIOR)
    np.testing.assert_allclose(found, sum(density[node] for node in numbers["random"]), rtol=1e-10)


def test_the_exercise_s_report(rng):
    """Slopes agree in every line, q is never wider than the posterior, and the moved datum moves both."""
    told = [line.split() for line in sweeps.run(rng)]
    numbers = np.array([[float(word) for word in line[-9:] if word != "+-"] for line in told if "+-" in line])
    assert len(numbers) == 2 * (len(sweeps.FRACTIONS) + 1)
    _, exact, exact_sd, found, sd, lost, _ = numbers[:, -7:].T
    np.testing.assert_allclose(found, exact, atol=2e-3)
    assert np.all(sd < exact_sd) and np.all(lost > 0)


def test_a_datum_moved_far_off_moves_the_slope(rng):
    """By a multiple of (1 + N) times the largest input less the sum of all, which is positive whatever was drawn."""
    x, y = sweeps.nations(rng, 50, 0.3)
    theta = models.regression(y, prior_sd=1., noise_sd=1.)
    far = x + sweeps.FAR * (np.arange(50) == np.argmax(y[:, 1]))
    assert regression.fit(far, theta).found[1] > regression.fit(x, theta).found[1]
