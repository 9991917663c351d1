"""Posteriors by simulation: the page's numbers, faults refused by exact moments, chains that start on their target and
stay there, what draws are worth, and the fit.
"""
import inspect
import json
import warnings

import numpy as np
import pytest

from refvi.__main__ import main
from refvi.app.fits import bnn as report
from refvi.base import files
from refvi.bayes.bayesian_nn import model
from refvi.bayes.mcmc import diagnostics, fast, hmc, network, rows, stochastic
from refvi.likelihood.heads import bernoulli
from refvi.verify.companion import load

COMPANION = load(files.page("mcmc")).names
PRECISION = np.array([[2., 0.9, -0.5], [0.9, 1.1, 0.3], [-0.5, 0.3, 0.8]])
MEAN = np.array([0.4, -1.2, 0.7])


def normal(z):
    """Log joint and slope of N(MEAN, PRECISION^-1)."""
    slope = (MEAN - z) @ PRECISION
    return 0.5 * np.sum(slope * (z - MEAN), axis=-1), slope


# ---- the page's numbers

def test_two_thirds_where_one_half_is_right():
    """z -> z - eta/2 kappa z is half of z, and the noise's variance one half."""
    kept = stochastic.langevin(1., -2., 0., 0.5)
    added = (stochastic.langevin(0., 0., 1., 0.5))**2
    variance, told = 0., []
    for _ in range(3):
        variance = kept**2 * variance + added
        told.append(round(variance, 3))
    assert kept == 0.5 and told == [0.5, 0.625, 0.656]
    assert added / (1 - kept**2) == pytest.approx(2 / 3) == hmc.variance_never_rejected(2., np.sqrt(0.5))
    assert 3000 * diagnostics.variance_of_average(0.5, 10**9) * 10**9 == pytest.approx(9000)


def test_the_error_of_the_energy_is_of_second_order():
    """Half the step leaves a quarter of the error at the end of the same path, up to (size^2 curvature) / 4 = 4e-4."""
    z, v = MEAN + [0.5, -0.8, 1.1], np.array([0.9, 0.4, -0.6])
    coarse, fine = (hmc.energy_error(z, v, MEAN, PRECISION, 0.03 / part, 30 * part) for part in (1, 2))
    assert abs(coarse / fine / 4 - 1) < 0.01


def test_the_way_back_is_exact_to_ten_digits(rng):
    stage = COMPANION["stage_network"](rng)
    z, v = stage["z"][0], stage["v"][0]
    back = hmc.there_and_back(z, v, stage["log_joint"], 0.1, 50)
    np.testing.assert_allclose(back, np.concatenate([z, v]), atol=1e-10)


def test_friction_gives_way_to_the_posterior_as_steps_get_small():
    sizes = np.array([1e-2, 1e-3, 1e-4])
    off = [stochastic.covariance_with_friction(PRECISION, size, 0.7, 1.3, 0.) @ PRECISION - np.eye(3) for size in sizes]
    largest = [np.max(np.abs(part)) for part in off]
    np.testing.assert_allclose(largest / sizes / 0.5 / 1.3**2 * 0.7, 1, rtol=0.02)


# ---- faults, refused by the moments of the rule

def by_rule(stage, row):
    """The mean of a random row over the nodes of its noise, and of its deterministic neighbour."""
    names = inspect.signature(row).parameters
    eps, weights = stage["noise"].rule(stage["S"], 64)
    return np.tensordot(weights, row(eps, **{name: stage[name] for name in names if name != "eps"}), 1)


def truth(stage, name):
    row = COMPANION[name] if name in COMPANION else stage[name]
    return np.asarray(getattr(found := row(**{key: stage[key] for key in inspect.signature(row).parameters}), "value",
                              found))


def noise_of_scale_rate(z, slope, e, rate):
    return z + 0.5 * rate * slope + rate * e


def noise_times_n(z, slope, e, rate):
    return z + 0.5 * rate * slope + 5 * np.sqrt(rate) * e


def whole_slope(z, slope, e, rate):
    return z + rate * slope + np.sqrt(rate) * e


def without_the_factor(z, batch, x, theta):
    y = theta.y[batch]
    residual = x[batch] - np.einsum("...md,...d->...m", y, z)
    return np.einsum("...m,...md->...d", residual, y) / theta.noise_sd**2 - z / theta.prior_sd**2


def prior_too(z, batch, x, theta):
    return len(x) / batch.shape[-1] * (without_the_factor(z, batch, x, theta))


def other_triangle(e, mean, precision):
    return mean + np.linalg.solve(np.linalg.cholesky(precision), e[..., None])[..., 0]


def no_last_half(z, v, slope, log_joint, size, steps):
    v = v + 0.5 * size * slope
    for step in range(steps):
        z = z + size * v
        value, slope = log_joint(z)
        v = v + size * slope * (step < steps - 1)
    return z, v, value, slope


def no_first_half(z, v, slope, log_joint, size, steps):
    for _ in range(steps):
        z = z + size * v
        value, slope = log_joint(z)
        v = v + size * slope
    return z, v, value, slope


def potential_alone(value, v):
    return -value


def never_stays(rise):
    return np.ones(np.shape(rise))


def old_values(z, e, mean, precision):
    own = np.diag(precision)
    return z - (z - mean) @ precision / own + e / np.sqrt(own)


def variance_for_deviation(z, e, mean, precision):
    z = np.array(z)
    for d, own in enumerate(np.diag(precision)):
        z[..., d] = z[..., d] - (z - mean) @ precision[:, d] / own + e[..., d] / own
    return z


def no_friction_in_the_noise(z, v, slope, e, size, friction, known_sd=0.):
    v = (1 - size * friction) * v + size * slope + np.sqrt(size * friction) * e
    return z + size * v, v


def old_velocity(z, v, slope, e, size, friction, known_sd=0.):
    noise = np.sqrt(2 * size * friction - size**2 * known_sd**2)
    return z + size * v, (1 - size * friction) * v + size * slope + noise * e


FAULTS = [
    ("posterior", stochastic.draws_after_langevin, "moments_by_lyapunov", stochastic, "langevin", noise_of_scale_rate),
    ("posterior", stochastic.draws_after_langevin, "moments_by_lyapunov", stochastic, "langevin", noise_times_n),
    ("posterior", stochastic.draws_after_langevin, "moments_by_lyapunov", stochastic, "langevin", whole_slope),
    ("posterior", stochastic.draws_after_langevin, "moments_by_lyapunov", stochastic, "exact_draw", other_triangle),
    ("posterior", rows.exact_draws, "posterior_moments", rows, "exact_draw", other_triangle),
    ("posterior", rows.draws_after_a_sweep, "posterior_moments", rows, "sweep", old_values),
    ("posterior", rows.draws_after_a_sweep, "posterior_moments", rows, "sweep", variance_for_deviation),
    ("minibatches", stochastic.draws_with_minibatches, "stationary", stochastic, "minibatch_slope", without_the_factor),
    ("minibatches", stochastic.draws_with_minibatches, "stationary", stochastic, "minibatch_slope", prior_too),
    ("minibatches", stochastic.draws_with_minibatches, "stationary", stochastic, "langevin", noise_of_scale_rate),
    ("trajectory", hmc.draws_after_a_trajectory, "trajectory_by_quadrature", hmc, "leapfrog", no_last_half),
    ("trajectory", hmc.draws_after_a_trajectory, "trajectory_by_quadrature", hmc, "leapfrog", no_first_half),
    ("trajectory", hmc.draws_after_a_trajectory, "trajectory_by_quadrature", hmc, "energy", potential_alone),
    ("trajectory", hmc.draws_after_a_trajectory, "trajectory_by_quadrature", hmc, "accept", never_stays),
    ("walk", rows.draws_after_walk, "walk_by_quadrature", rows, "accept", never_stays),
    ("friction", stochastic.draws_with_friction, "covariance_by_lyapunov", stochastic, "pushed",
     no_friction_in_the_noise),
    ("friction", stochastic.draws_with_friction, "covariance_by_lyapunov", stochastic, "pushed", old_velocity),
]


@pytest.mark.parametrize("stage, row, told, module, name, fault", FAULTS,
                         ids=[f"{row.__name__}-{fault.__name__}" for _, row, *_, fault in FAULTS])
def test_faults_are_refused_without_chance(stage, row, told, module, name, fault, monkeypatch, rng):
    """By one in a thousand of the largest moment at least, where the right row is off by one in 1e7."""
    stage = COMPANION[f"stage_{stage}"](rng)
    right = np.asarray(stage[told]) if told == "stationary" else truth(stage, told)
    size = np.max(np.abs(right))
    assert np.max(np.abs(by_rule(stage, row) - right)) < 1e-7 * size
    monkeypatch.setattr(module, name, fault)
    assert np.max(np.abs(by_rule(stage, row) - right)) > 1e-3 * size


# ---- chains that begin on their target stay there: independent chains, exactly normal

def whitened(z):
    return (z - MEAN) @ np.linalg.cholesky(PRECISION)


def sweeps(rng, z):
    for _ in range(3):
        z = rows.sweep(z, rng.standard_normal(z.shape), MEAN, PRECISION)
    return z


def walks(rng, z):
    return rows.random_walk(rng, z, lambda z: normal(z)[0], 5, 0.8)[0][-1]


def trajectories(rng, z):
    value, slope = normal(z)
    for _ in range(3):
        z, value, slope, _ = hmc.trajectory(z, value, slope, rng.standard_normal(z.shape), rng.random(len(z)), normal,
                                            0.9, 4)
    return z


@pytest.mark.parametrize("chain", [sweeps, walks, trajectories])
def test_exact_chains_keep_a_posterior(chain, rng):
    """Means and second moments of 20,000 independent chains: six and six z of at most 7.5, each 1e-13 by chance."""
    C = 20_000
    start = rows.exact_draw(rng.standard_normal((C, 3)), MEAN, PRECISION)
    white = whitened(chain(rng, start))
    assert np.max(np.abs(white.mean(axis=0))) * np.sqrt(C) < 7.5
    off = white.T @ white / C - np.eye(3)
    assert np.max(np.abs(off) / np.sqrt(1 + np.eye(3))) * np.sqrt(C) < 7.5
    assert not np.any(np.all(start == white, axis=1))


def test_a_run_finds_a_posterior_from_afar(rng):
    """400 chains, each of whose averages of 60 draws is one number: means of these within 8 of their standard errors,
    and a share accepted near 0.8; variances within a fifth, which is 15 deviations of 24,000 draws, were they four
    times correlated.
    """
    found = hmc.run(rng, rng.standard_normal((400, 3)) * 5, normal, 60, warm=150, steps=6)
    averages = np.mean(found.z, axis=0)
    z = (np.mean(averages, axis=0) - MEAN) / (np.std(averages, axis=0, ddof=1) / 20)
    assert np.max(np.abs(z)) < 8 and found.divergent == 0 and 0.6 < found.accepted < 0.95
    variances = np.mean((found.z - MEAN)**2, axis=(0, 1))
    np.testing.assert_allclose(variances, np.diag(np.linalg.inv(PRECISION)), rtol=0.2)
    assert np.max(diagnostics.r_hat(found.z)) < 1.1


def test_a_random_walk_counts_where_it_stays(rng):
    """All that the first of two chains proposes is taken, nothing of what the second does."""
    def only_the_first(z):
        return np.where((np.arange(2) == 1) & np.any(z != 1, axis=1), -np.inf, 0.)

    draws, share = rows.random_walk(rng, np.ones((2, 3)), only_the_first, 5, 0.8)
    assert draws.shape == (5, 2, 3) and share == pytest.approx(0.5)
    assert np.all(draws[:, 1] == 1) and len(np.unique(draws[:, 0])) == 15
    seven, _ = rows.random_walk(rng, np.ones((2, 3)), lambda z: np.where(np.any(z != 1, axis=1), -np.inf, 0.), 7, 0.8)
    assert np.array_equal(seven, np.ones((7, 2, 3)))


def test_what_a_trajectory_hands_on_belongs_to_where_it_ended(rng):
    """Value and slope, whether the end was taken (u = 0) or not (u = 1)."""
    z, v = rng.standard_normal((2, 40, 3))
    u = np.repeat([0., 1.], 20)
    to, value, slope, _ = hmc.trajectory(z, *normal(z), v, u, normal, 0.9, 4)
    moved = np.any(to != z, axis=1)
    np.testing.assert_array_equal(moved, u == 0)
    for mine, exact in zip((value, slope), normal(to)):
        np.testing.assert_allclose(mine, exact, rtol=0, atol=1e-9)


def test_what_stands_between_trajectories_may_change_the_target(rng):
    """The log joint is asked again after each change."""
    calls = []
    hmc.run(rng, np.zeros((2, 3)), normal, 4, warm=3, steps=2, between=lambda z: calls.append(z.copy()))
    assert len(calls) == 7
    asked = []

    def moving(z):
        asked.append(len(calls))
        return normal(z)

    calls.clear()
    hmc.run(rng, np.zeros((2, 3)), moving, 1, warm=1, steps=1, between=lambda z: calls.append(z))
    assert asked == [0, 1, 1, 2, 2]


def test_the_watch_sees_draws_as_they_come_and_as_they_stay(rng):
    seen = []
    found = hmc.run(rng, np.zeros((2, 3)), normal, 3, warm=2, steps=2,
                    watch=lambda done, z: seen.append((done, z.copy())))
    assert [(done, len(z)) for done, z in seen] == [(1, 0), (2, 0), (3, 1), (4, 2), (5, 3)]
    assert all(np.array_equal(z, found.z[:len(z)]) for _, z in seen)


def test_every_chain_has_a_chance_of_its_own(rng, monkeypatch):
    shapes, whole = [], hmc.trajectory

    def spied(z, value, slope, v, u, *more):
        shapes.append((v.shape, u.shape, len(np.unique(v)), len(np.unique(u))))
        return whole(z, value, slope, v, u, *more)

    monkeypatch.setattr(hmc, "trajectory", spied)
    hmc.run(rng, np.zeros((4, 3)), normal, 2, warm=1, steps=2)
    assert shapes == [((4, 3), (4,), 12, 4)] * 3


def test_warm_up_sets_the_size_and_averages_what_it_came_to(rng, monkeypatch):
    """Trajectories whose energy always rises by one nat in one chain and by 2,000 in the other: the log of the size
    falls by (0.8 - share) / t^0.6, and then stands at its average over the second half.
    """
    sizes, taken = [], []

    def known(z, value, slope, v, u, log_joint, size, steps):
        sizes.append(float(size))
        taken.append(int(steps))
        return z, value, slope, np.array([1., 2000.])

    monkeypatch.setattr(hmc, "trajectory", known)
    with pytest.warns(RuntimeWarning, match="200 of 400 trajectories diverged"):
        found = hmc.run(rng, np.zeros((2, 3)), normal, 200, warm=5, size=0.7, steps=3)
    share = 0.5 * np.exp(-1)
    logs = np.log(0.7) + np.cumsum([(share - 0.8) / t**0.6 for t in range(1, 6)])
    np.testing.assert_allclose(np.log(sizes[:5]), [np.log(0.7), *logs[:4]])
    assert float(found.size) == pytest.approx(np.exp(np.mean(logs[2:]))) and set(sizes[5:]) == {float(found.size)}
    assert found.accepted == pytest.approx(share) and found.divergent == 200 and set(taken) == {1, 2, 3}


# ---- trajectories that diverge

def test_a_divergent_trajectory_is_named_with_its_size(rng):
    def cliff(z):
        """The second chain finds no value anywhere but at its start."""
        value, slope = normal(z)
        return np.where((np.arange(len(z)) == 1) & np.any(z != 0, axis=1), -np.inf, value), slope

    with pytest.warns(RuntimeWarning, match=r"10 of 20 trajectories diverged: .* with steps of size .*smaller size"):
        found = hmc.run(rng, np.zeros((2, 3)), cliff, 10, warm=5, steps=3)
    assert found.divergent == 10 and np.all(found.z[:, 1] == 0) and np.all(found.z[:, 0] != 0)


def test_a_step_beyond_stability_diverges_and_nothing_moves(rng):
    """At size 50 each step multiplies the distance by 2,000; warm-up is too short to leave it."""
    with pytest.raises(ArithmeticError, match=r"8 of 8 trajectories diverged: the energy rose by more than 1000 nats"):
        hmc.run(rng, np.ones((2, 3)), normal, 4, warm=1, size=50., steps=1)


# ---- what is no chain

@pytest.mark.parametrize("change, told", [
    (dict(z=np.zeros(3)), r"z has shape \(3,\), expected \(any, any\): \(C=number of chains, D=dimensions\)"),
    (dict(z=np.full((2, 3), np.nan)), "z\\[0, 0\\] is nan"), (dict(draws=0), "draws must be an integer >= 1"),
    (dict(warm=0), "warm must be"), (dict(steps=0), "steps must be"), (dict(size=0.), "size must be > 0, got 0.0"),
    (dict(log_joint=lambda z: (np.full(len(z), -np.inf), z)), r"log_joint\(z\)\[0\] is -inf"),
    (dict(log_joint=lambda z: (np.zeros(len(z)), z * np.inf + 1)), "its slope"),
])
def test_what_is_no_chain(change, told, rng):
    call = dict(z=np.zeros((2, 3)), log_joint=normal, draws=2, warm=2, size=0.1, steps=2) | change
    with np.errstate(invalid="ignore"), pytest.raises(ValueError, match=told):
        hmc.run(rng, **call)


@pytest.mark.parametrize("draws, told", [
    (np.zeros((3, 2)), "3 draws of 2 chains say nothing, take at least 4"), (np.zeros((9, 0)), "of 0 chains"),
    (np.ones((9, 2)), "a chain stands where it began"), (np.full((9, 2), np.nan), "draws"), (np.zeros(9), "draws"),
    (np.column_stack([np.arange(9.), np.ones(9)]), "a chain stands"),
])
@pytest.mark.parametrize("measure", [diagnostics.r_hat, diagnostics.effective_sample_size])
def test_what_says_nothing(measure, draws, told):
    with pytest.raises(ValueError, match=told):
        measure(draws)


# ---- what draws are worth

def autoregressive(rng, rho, T, C):
    z = np.empty((T, C))
    z[0] = rng.standard_normal(C)
    for t in range(1, T):
        z[t] = rho * z[t - 1] + np.sqrt(1 - rho**2) * rng.standard_normal(C)
    return z


@pytest.mark.parametrize("rho", [0.5, 0., -0.4])
def test_effective_draws_of_a_chain_whose_correlations_are_known(rho, rng):
    """C T (1 - rho) / (1 + rho), known to 7 percent where some twenty correlations are added up; a factor 1.8 is 8 of
    that. R-hat, squared, is 1 + 0.002 chi^2 / 7 on 7 degrees of freedom here.
    """
    z = autoregressive(rng, rho, 4000, 4)
    exact = 16_000 * (1 - rho) / (1 + rho)
    assert exact / 1.8 < diagnostics.effective_sample_size(z) < exact * 1.8
    assert diagnostics.r_hat(z) < 1.02


def test_chains_that_have_not_met_are_seen(rng):
    """Apart by three of their deviations: between halves the averages' variance is 3, within 1."""
    z = autoregressive(rng, 0.5, 1000, 4) + [0, 0, 3, 3]
    assert diagnostics.r_hat(z) > 1.5 and diagnostics.effective_sample_size(z) < 40


def test_no_pair_of_correlations_counts_more_than_the_one_before():
    """A chain of twelve whose pairs are 0.99, 0.08 and 0.13, and then not positive."""
    z = np.array([0., 1., 0., 2., 0., 1., 2., 2., 2., 1., 2., 3.])
    off, W = z - z.mean(), np.var(z, ddof=1)
    rho = [1., *(1 - (W - off[:-k] @ off[k:] / 12) / np.var(z) for k in range(1, 8))]
    pairs = [rho[k] + rho[k + 1] for k in (0, 2, 4, 6)]
    assert np.round(pairs[:3], 2).tolist() == [0.99, 0.08, 0.13] and pairs[3] < 0
    assert diagnostics.effective_sample_size(z[:, None]) == pytest.approx(12 / (2 * (pairs[0] + 2 * pairs[1]) - 1))


def test_measures_of_many_quantities_are_those_of_each(rng):
    z = autoregressive(rng, 0.3, 50, 6).reshape(50, 3, 2)
    for measure in (diagnostics.r_hat, diagnostics.effective_sample_size):
        np.testing.assert_allclose(measure(z), [measure(z[..., 0]), measure(z[..., 1])])


# ---- networks

@pytest.mark.parametrize("hidden, K", [((5,), 1), ((4, 3), 2), ((), 1)])
def test_the_fast_log_joint_is_the_model_s(hidden, K, rng):
    net = model.bayesian_network(2, hidden, K, prior_sd=1.3, beta=3.7)
    net = net._replace(prior_sd=rng.uniform(0.5, 2., net.P))
    y, x = rng.standard_normal((9, 2)), rng.standard_normal((9, K))
    joint = fast.log_joint(x, y, net)
    for C in (3, 2, 3):         # arrays that are made once are no memory of the call before
        w = rng.standard_normal((C, net.P))
        for mine, theirs in zip(joint(w), model.joint_and_slope(w, x, y, net)):
            np.testing.assert_allclose(mine, theirs, rtol=1e-11, atol=1e-10)


@pytest.mark.parametrize("change", [dict(observed=bernoulli), dict(biases=False)])
def test_the_fast_log_joint_says_what_it_is_for(change):
    net = model.bayesian_network(2, (3,), prior_sd=1.)._replace(**change)
    with pytest.raises(ValueError, match="take model.joint_and_slope"):
        fast.log_joint(np.zeros(4), np.zeros((4, 2)), net)


@pytest.mark.parametrize("x, told", [([], "no data"), ([1.5], "x holds one datum: there is nothing to explain"),
                                     ([2., 2., 2.], "x holds 3 data that are all alike")])
def test_targets_that_nothing_can_be_learnt_from(x, told, rng):
    x, y = np.array(x), np.zeros((len(x), 2))
    net = model.bayesian_network(2, (3,), prior_sd=1.)
    for call in (lambda: network.scales(rng, x, y),
                 lambda: network.posterior(rng, x, y, net, np.zeros((2, net.P)), 0.1)):
        with pytest.raises(ValueError, match=told):
            call()


def test_the_noise_s_scale_is_found(rng):
    """0.2 around a straight line, of 150 data: its estimate has a deviation of 6 percent, a factor two is beyond 11 of
    these.
    """
    y = rng.standard_normal((150, 1))
    x = 0.7 * y[:, 0] + 0.2 * rng.standard_normal(150)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        net, w, size = network.scales(rng, x, y, (4,), 3, 40, 15)
        found = network.posterior(rng, x, y, net, w, size, 40, 20, 15)
    assert 0.1 < net.beta**-0.5 < 0.4 and found.z.shape == (40, 3, net.P) == (40, 3, 13)
    sds = np.split(net.prior_sd, [8])
    assert all(np.ptp(part) == 0 for part in sds) and sds[0][0] != sds[1][0]


def test_scales_follow_the_squares_of_weights_and_residuals(rng, monkeypatch):
    """The newest draws count a tenth; each layer has one scale, beta is one over the residuals' mean square."""
    y, x, visits = rng.standard_normal((7, 2)), rng.standard_normal(7), rng.standard_normal((2, 2, 13))
    sizes = []

    def visited(rng, w, joint, draws, warm, size, steps, between, watch):
        if between:
            for w in visits:
                between(w)
        sizes.append(size)
        return hmc.Draws(visits[-1:], 0.3, 1., 0)

    monkeypatch.setattr(hmc, "run", visited)
    net, w, size = network.scales(rng, x, y, (3,), chains=2)
    plain = model.bayesian_network(2, (3,), prior_sd=1.)
    squares = [[np.mean(w[:, :9]**2), np.mean(w[:, 9:]**2), np.mean((x - model.forward(w, y, plain)[-1][..., 0])**2)]
               for w in visits]
    average = np.array(squares[0])
    for now in (squares[1], *squares):
        average = 0.9 * average + 0.1 * np.array(now)
    np.testing.assert_allclose(net.prior_sd, np.sqrt(np.repeat(average[:2], [9, 4])))
    assert net.beta == pytest.approx(1 / average[2]) and np.array_equal(w, visits[-1]) and sizes[:2] == [0.01, 0.3]
    np.testing.assert_allclose(size, network.unit_sizes(w, y, net))


def test_sizes_are_a_tenth_of_what_the_data_and_the_prior_leave(rng):
    """Without a hidden layer, whose curvature is the same everywhere."""
    y, net = rng.standard_normal((7, 2)), model.bayesian_network(2, prior_sd=np.array([0.5, 1.2, 0.8]), beta=3.)
    precision = 3 * np.array([*np.sum(y**2, axis=0), 7]) + np.array([0.5, 1.2, 0.8])**-2.
    np.testing.assert_allclose(network.unit_sizes(rng.standard_normal((4, 3)), y, net), 0.1 / np.sqrt(precision))


# ---- the fit

def test_held_out_data_are_standardized_by_those_to_learn_from():
    y, x = np.array([[1., 5.], [3., 5.], [8., 5.]]), np.array([2., 9., 4.])
    data = report.standardized(y, x, np.array([[10., 6.]]), np.array([3.]))
    np.testing.assert_allclose(data.y, (y - [4, 5]) / [np.std(y[:, 0]), 1])
    np.testing.assert_allclose(data.new_y, [[6 / np.std(y[:, 0]), 1]])
    np.testing.assert_allclose([data.new_x[0], data.unit], [-2 / np.std(x), np.std(x)])
    np.testing.assert_allclose(data.x, (x - 5) / np.std(x))


LINE = model.bayesian_network(1, prior_sd=1., beta=4.)
TWO_LINES = np.array([[0.5, 0.1], [1.5, -0.3]])


def outputs_of_two(y):
    return model.forward(TWO_LINES, y, LINE)[-1]


def test_a_split_is_scored_by_the_average_of_densities(monkeypatch):
    """Two draws of a line; beside it a network with one deviation, and one that predicts it."""
    data = report.Split(None, None, np.array([[1.], [2.]]), np.array([1., 2.]), 10.)
    monkeypatch.setattr(report, "many", lambda *arguments: (LINE, outputs_of_two, [1.1, 50., 0]))
    monkeypatch.setattr(report, "one_set_of_weights", lambda rng, data, constant, epochs: [epochs, constant])
    found, *_ = report.scores(None, data, "hmc", report.Settings(epochs=7), None)
    outputs = np.array([[0.6, 1.1], [1.2, 2.7]])
    density = np.mean(np.exp(-2 * (data.new_x - outputs)**2) * np.sqrt(2 / np.pi), axis=0)
    rmse = 10 * np.sqrt(np.mean((data.new_x - [0.9, 1.9])**2))
    assert found["bnn"] == pytest.approx([rmse, np.mean(np.log(density)) - np.log(10)])
    assert found["constant"] == [7, True] and found["sigma"] == [7, False]
    assert found["agreement"] == [1.1, 50., 0]


def test_of_chains_the_worst_prediction_is_told(monkeypatch, rng):
    z, data = rng.standard_normal((40, 3, 2)), report.Split(None, None, np.array([[0.5], [2.], [-1.]]), None, 1.)
    z[:, 2, 0] += 2.        # one chain lies elsewhere, and is seen best where the input is large
    monkeypatch.setattr(network, "scales", lambda *arguments, **more: (LINE, "w", "size"))
    monkeypatch.setattr(network, "posterior", lambda *arguments: hmc.Draws(z, 0.1, 0.8, 3))
    net, drawn, told = report.many(rng, data, "hmc", report.Settings(), lambda note: None)
    outputs = np.stack([z[..., 0] * at + z[..., 1] for at in (0.5, 2., -1.)], axis=-1)
    ratios, worth = diagnostics.r_hat(outputs), diagnostics.effective_sample_size(outputs)
    assert told == pytest.approx([max(ratios), min(worth), 3])
    np.testing.assert_allclose(drawn(data.new_y)[..., 0], outputs.reshape(-1, 3), rtol=0, atol=1e-12)


def test_the_band_is_told_in_the_target_s_unit():
    """Two draws of a line: their mean, and the noise's variance plus theirs, times the unit; inputs by their own."""
    regression = report.Regression("toy sine", np.array([[-1.], [3.]]), np.array([2., 12.]))
    _, *lines = report.band(regression, LINE, outputs_of_two)
    at = (report.PLACES - 1) / 2
    outputs = TWO_LINES[:, :1] * at + TWO_LINES[:, 1:]
    told = np.array([[float(word) for word in line.replace("+-", "").split()] for line in lines])
    np.testing.assert_allclose(told[:, 2], 7 + 5 * outputs.mean(axis=0), atol=5.1e-4)
    np.testing.assert_allclose(told[:, 3], 5 * np.sqrt(0.25 + np.var(outputs, axis=0, ddof=1)), atol=5.1e-4)
    np.testing.assert_allclose(told[:, 1], np.sin(2 * report.PLACES), atol=5.1e-4)


def quick(rng, data, method, settings, watch):
    """In place of a split's scores: numbers that say which split it is."""
    watch("scales 1")
    quick.done.append(float(data.unit))
    one = [1. + 0.1 * len(quick.done), -0.5]
    return (dict(bnn=one, constant=[2., -1.], sigma=[2., -0.9], agreement=[1.01, 90., 0.]), "net", "w")


@pytest.fixture
def small(monkeypatch, tmp_path, rng):
    """A UCI set of eight data at hand, five splits of it, and scores that cost nothing."""
    table = report.Regression("UCI yacht", rng.standard_normal((8, 2)), rng.standard_normal(8))
    monkeypatch.setattr(report.uci, "at_hand", lambda name: True)
    monkeypatch.setattr(report.uci, "load", lambda name: table)
    monkeypatch.setattr(report.uci, "SPLITS", 5)
    monkeypatch.setattr(report.uci, "split", lambda name, number: (np.arange(8) != number, np.arange(8) == number))
    monkeypatch.setattr(report, "scores", quick)
    quick.done = []
    return tmp_path / "splits.json"


def test_a_finished_split_is_not_run_again(small, monkeypatch, capsys):
    def cut(*arguments):
        if len(quick.done) == 2:
            raise KeyboardInterrupt
        return quick(*arguments)

    monkeypatch.setattr(report, "scores", cut)
    call = ["fit", "bnn", "--data", "yacht", "--out", str(small)]
    assert main(call) == 130
    told = capsys.readouterr().out
    assert f"interrupted in split 2; 2 of 5 are done, and kept in {small}" in told and "1.150 +- 0.050" in told
    assert set(json.loads(small.read_text())["splits"]) == {"0", "1"}
    monkeypatch.setattr(report, "scores", quick)
    assert main(call) == 0
    told = capsys.readouterr().out
    assert len(quick.done) == 5 and f"2 are done, in {small}" in told and "R-hat at most 1.01" in told
    assert "hmc gains +0.500 +- 0.000 nats per datum over one set of weights, in 5 splits" in told
    assert main(call) == 0 and len(quick.done) == 5
    assert main([*call, "--fresh"]) == 0 and len(quick.done) == 10
    assert [path.name for path in small.parent.iterdir()] == ["splits.json"]


def test_a_split_that_diverges_ends_the_fit_with_what_is_done(small, monkeypatch, capsys):
    def diverging(*arguments):
        if quick.done:
            raise ArithmeticError("8 of 8 trajectories diverged")
        return quick(*arguments)

    monkeypatch.setattr(report, "scores", diverging)
    assert main(["fit", "bnn", "--data", "yacht", "--out", str(small)]) == 1
    told = capsys.readouterr().out
    assert "split 1: 8 of 8 trajectories diverged" in told and "in 1 split\n" in told


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"stamp": {}, "splits": {"one": 1}}', "\0"])
def test_a_file_that_holds_no_splits_is_refused(small, content, capsys):
    small.write_text(content)
    assert main(["fit", "bnn", "--data", "yacht", "--out", str(small)]) == 2
    assert "begin anew with --fresh" in capsys.readouterr().err and small.read_text() == content and not quick.done


def test_splits_of_another_method_are_not_mixed(small, capsys):
    assert main(["fit", "bnn", "--data", "yacht", "--out", str(small), "--method", "vi"]) == 0
    assert main(["fit", "bnn", "--data", "yacht", "--out", str(small)]) == 2
    assert "holds splits of" in capsys.readouterr().err
    assert main(["fit", "bnn", "--data", "yacht", "--method", "gibbs"]) == 2
    assert "no method 'gibbs', expected one of hmc, vi, laplace, swag" in capsys.readouterr().err


def test_without_a_name_nothing_is_stored(small, rng, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(small.parent))
    told = list(report.run(rng))
    assert len(quick.done) == report.SHORT and "hmc, 1 split" in told[0] and not list(small.parent.iterdir())


def test_scores_stand_in_the_target_s_unit():
    """In tenths of the unit the errors are ten times as large, and each density a tenth."""
    data = report.standardized(np.arange(6.)[:, None], np.array([1., 4., 2., 8., 5., 7.]), np.ones((2, 1)), np.ones(2))
    tenths = report.standardized(np.arange(6.)[:, None], np.array([1., 4., 2., 8., 5., 7.]) * 10, np.ones((2, 1)),
                                 np.ones(2) * 10)
    (rmse, nats), (more, less) = (report.told(one, np.array([0.3, -0.2]), np.array([-0.7, -1.1]))
                                  for one in (data, tenths))
    assert more == pytest.approx(10 * rmse) and less == pytest.approx(nats - np.log(10))
    assert nats == pytest.approx(-0.9 - np.log(np.std([1., 4., 2., 8., 5., 7.])))


@pytest.mark.parametrize("target, told", [(np.ones(8), "8 data that are all alike"), (np.ones(1), "one datum")])
def test_a_constant_target_is_told(small, target, told, monkeypatch, capsys):
    table = report.Regression("UCI yacht", np.zeros((len(target), 2)), target)
    monkeypatch.setattr(report.uci, "load", lambda name: table)
    assert main(["fit", "bnn", "--data", "yacht", "--out", str(small)]) == 2
    assert told in capsys.readouterr().err


def test_the_band_on_a_sine_is_told_at_seven_places(monkeypatch, capsys):
    monkeypatch.setattr(report, "TOYS", 1)
    monkeypatch.setattr(report, "BRIEF", report.Settings(12, 30, 40, 30, 30, 40))
    assert main(["fit", "bnn", "--data", "toy"]) == 0
    told = capsys.readouterr().out
    assert "toy sine, N = 60, 1-12-1 network, hmc, 1 split" in told and "Bayesian network, hmc" in told
    rows = [line.split() for line in told.splitlines() if " +- " in line][-7:]
    assert [float(row[0]) for row in rows] == report.PLACES.tolist()
    assert all(float(row[-1]) > 0 for row in rows)


def test_draws_of_laplace_are_put_through_the_tangent(monkeypatch, rng):
    """Two draws on opposite sides of the mode average to the mode's outputs, which a network that bends would not do;
    of numbers below 10 roundings leave 1e-12.
    """
    net = model.bayesian_network(1, (3,), prior_sd=1., beta=4.)
    mode, step = rng.uniform(0.5, 1., (2, net.P))
    monkeypatch.setattr(network, "scales", lambda *arguments, **more: (net, None, None))
    monkeypatch.setattr(report.methods, "mode", lambda *arguments: mode)
    monkeypatch.setattr(report.methods, "laplace", lambda *arguments, w, **more: np.stack([w + step, w - step]))
    data = report.standardized(*(rng.standard_normal(size) for size in ((8, 1), 8, (5, 1), 5)))
    _, outputs, agreement = report.many(rng, data, "laplace", report.BRIEF, None)
    drawn = outputs(data.new_y)
    wanted = model.forward(mode, data.new_y, net)[-1]
    np.testing.assert_allclose(np.mean(drawn, axis=0), wanted, rtol=0, atol=1e-12)
    assert drawn.shape == (2, 5, 1) and agreement == []
    bent = np.mean(model.forward(np.stack([mode + step, mode - step]), data.new_y, net)[-1], axis=0)
    assert np.max(np.abs(bent - wanted)) > 1e-3


def test_splits_that_are_kept_are_found_by_other_fits(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    path = report.place("yacht", "hmc")
    path.parent.mkdir(parents=True)
    report.files.write(path, json.dumps(dict(stamp=report.stamped("yacht", "hmc", report.Settings()),
                                             splits={3: dict(bnn=[0.3, -0.1])})))
    assert report.kept("yacht") == {3: dict(bnn=[0.3, -0.1])} and report.kept("energy") == {}
