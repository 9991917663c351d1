"""Deep latent Gaussian models.

Planted faults are refused, three ways to infer reach the exact optimum, chains leave the posterior where it is, bad
input is named.
"""
import numpy as np
import pytest
from autograd import grad
from scipy import stats

from refvi.app.figures import load_press
from refvi.base import files
from refvi.base.optimize import adam
from refvi.generative.amortization.model import (bound_and_gradients, bounds, log_likelihood, sample, slopes,
                                                 standard_noise)
from refvi.generative.deep_latent import amortized, balance, exact, linear, local, mcmc, model
from refvi.likelihood.heads import Network, bernoulli, output
from refvi.verify.trial import FAIL, PASS, escalate, moments
from tests.verify.proof import prove

D = model.decoder((1, 3, 2))
# a line bent into most of a ring
THETA = np.array([0.65, 0.7, 0.6, 1.0, 0.1, -1.0, 1.3, -1.1, 0.1, 2.2, -1.3, -1.1, -0.9, 0.1, np.log(0.3)])
X = np.array([[1.2, -0.9], [0.4, 1.3]])
LAM = np.array([[-0.4, -0.9], [0.9, -0.6]])
PIXELS = model.decoder((1, 3, 4), bernoulli)


def differences(f, at, h=1e-5):
    return np.array([(f(at + h * e) - f(at - h * e)) / (2 * h)
                     for e in np.eye(at.size).reshape(-1, *at.shape)]).reshape(at.shape)


# ---- values and slopes

@pytest.mark.parametrize("d", [D, PIXELS, model.decoder((2, 4, 3)), model.decoder((2, 3), bernoulli)])
def test_slopes_by_hand_are_those_of_autograd(d, rng):
    theta, z, w = rng.normal(size=d.size) * 0.7, rng.normal(size=(4, 3, d.sizes[0])), rng.uniform(0.2, 1., (4, 3))
    x = rng.integers(0, 2, (3, d.n)).astype(float)
    value, in_theta, in_z = slopes(z, x, theta, d, w)
    np.testing.assert_allclose(value, log_likelihood(z, x, theta, d), rtol=1e-12)
    np.testing.assert_allclose(in_theta, grad(lambda theta: np.sum(w * log_likelihood(z, x, theta, d)))(theta),
                               rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(in_z, grad(lambda z: np.sum(w * log_likelihood(z, x, theta, d)))(z), rtol=1e-9,
                               atol=1e-11)


@pytest.mark.parametrize("d", [D, PIXELS])
def test_the_exact_gradient_is_that_of_the_evidence(d, rng):
    theta, x = rng.normal(size=d.size) * 0.7, rng.integers(0, 2, (3, d.n)).astype(float)
    value, gradient = exact.gradient(x, theta, d)
    np.testing.assert_allclose(value, np.mean(model.log_evidence(x, theta, d)), rtol=1e-12)
    np.testing.assert_allclose(gradient, differences(lambda theta: np.mean(model.log_evidence(x, theta, d)), theta),
                               rtol=1e-5, atol=1e-7)


def test_the_rule_of_the_bound_has_nodes_enough():
    few, many = (bounds(LAM, X, THETA, D, *model.hermite(1, order)) for order in (None, 60))
    for a, b in zip(few, many):
        np.testing.assert_allclose(a, b, atol=2e-3)


def test_the_grid_in_two_dimensions_reproduces_a_normal(rng):
    d, theta = model.decoder((2, 3)), rng.normal(size=10) * 0.5
    x = rng.normal(size=(5, 3))
    W, b, sd = linear.parts(theta, d)
    expected = stats.multivariate_normal.logpdf(x, b, W @ W.T + sd**2 * np.eye(3))
    np.testing.assert_allclose(model.log_evidence(x, theta, d), expected, rtol=1e-8)
    np.testing.assert_allclose(linear.normal_marginal(x, theta, d), expected, rtol=1e-10)


def test_a_linear_decoder_from_moments_is_the_best(rng):
    x = rng.normal(size=(50, 3)) @ rng.normal(size=(3, 3))
    d = model.decoder((1, 3))
    theta = linear.from_moments(np.mean(x, axis=0), np.cov(x.T, bias=True), 1)
    gradient = exact.gradient(x, theta, d, 2000)[1]
    assert np.max(np.abs(gradient)) < 1e-6


# ---- planted faults: the E step

def slope_of_bounds(lam):
    return differences(lambda lam: np.sum(bounds(lam, X, THETA, D, *model.hermite(1, 40))[0]), lam)


def under(lam, theta=THETA):
    """The expected gradient in theta, on the nodes of q(lam)."""
    return bounds(lam, X, theta, D, *model.hermite(1, 40))[2]


def draw_by_draw(eps, entropy_term=1., shared=False, root=False):
    """A path gradient in lam from eps (R, S, N, 1), with the places where a slip can be planted."""
    R, S, N, _ = eps.shape
    mu, sd = LAM[:, :1], np.exp(LAM[:, 1:] * (0.5 if root else 1.))
    eps = np.broadcast_to(eps[:, :, :1], eps.shape) if shared else eps
    in_z = slopes((mu + sd * eps).reshape(R * S, N, 1), X, THETA, D, np.ones((1, 1)))[2].reshape(eps.shape)
    return np.concatenate([np.mean(in_z, axis=1) - mu, np.mean(sd * eps * in_z, axis=1) - sd**2 + entropy_term],
                          axis=-1)


@pytest.mark.parametrize("options, verdict",
                         [({}, PASS), (dict(shared=True), PASS), (dict(entropy_term=0.), FAIL),
                          (dict(root=True), FAIL)],
                         ids=["right", "one noise for all data has the same mean", "no entropy",
                              "log sd for log variance"])
def test_the_rule_tells_a_gradient_of_the_bounds(entropy, options, verdict):
    truth = bounds(LAM, X, THETA, D, *model.hermite(1, 60))[1]
    np.testing.assert_allclose(truth, slope_of_bounds(LAM), rtol=1e-3, atol=1e-4)
    values = dict(truth=lambda: truth, estimate=lambda eps: draw_by_draw(eps, **options), S=1,
                  noise=standard_noise(2, 1))
    result = prove(entropy, r"truth; \approx estimate", values)["estimate"]
    assert result.verdict == verdict and "rule" in result.how, result


def test_one_noise_for_all_data_keeps_the_mean_and_spoils_the_average(rng):
    """Shared noise correlates the data: the variance of the average over the data is another."""
    eps = rng.standard_normal((4000, 1, 2, 1))
    own, shared = (np.mean(draw_by_draw(eps, shared=s)[..., 0], axis=1).var() for s in (False, True))
    each_datum = draw_by_draw(eps)[..., 0].var(axis=0)
    assert abs(own / (np.sum(each_datum) / 4) - 1) < 0.2 and abs(shared / own - 1) > 0.2


FAULTS = {"E step under the prior": lambda: under(np.tile([0., 0.], (2, 1))),
          "stale lam of another datum": lambda: under(LAM[::-1]), "mean for sum": lambda: under(LAM) / len(X),
          "log variance for log sd": lambda: under(LAM * [1., 0.5])}


@pytest.mark.parametrize("name", FAULTS)
def test_the_m_step_refuses_faults(name):
    truth = differences(lambda theta: np.sum(bounds(LAM, X, theta, D, *model.hermite(1, 40))[0]), THETA)
    np.testing.assert_allclose(under(LAM), truth, rtol=1e-5, atol=1e-6)
    assert np.max(np.abs(FAULTS[name]() - truth)) > 0.1 * np.max(np.abs(truth))


def test_an_ascent_never_falls_and_ends_at_a_top():
    seen = []
    lam, value = local.ascend(X, THETA, D, LAM, 60, watch=lambda step, lam, value: seen.append(value))
    assert np.all(np.diff(seen, axis=0) >= 0) and np.all(seen[0] >= bounds(LAM, X, THETA, D, *model.hermite(1))[0])
    assert np.max(np.abs(bounds(lam, X, THETA, D, *model.hermite(1))[1])) < 1e-4
    assert np.all(value < model.log_evidence(X, THETA, D))


def test_data_do_not_see_each_other():
    """One datum's ascent is the same alone and in company."""
    together, _ = local.ascend(X, THETA, D, LAM, 20)
    alone = np.concatenate([local.ascend(X[[n]], THETA, D, LAM[[n]], 20)[0] for n in range(2)])
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_a_linear_decoder_s_tops_are_its_posteriors_after_a_few_steps(rng):
    d, theta = model.decoder((1, 3)), np.array([0.9, -1.2, 0.5, 0.2, 0.1, -0.3, np.log(0.4)])
    x = rng.normal(size=(20, 3))
    lam, value = local.ascend(x, theta, d, local.start(20, 1), 8)
    np.testing.assert_allclose(lam, linear.posterior_of_linear_decoder(x, theta, d), atol=1e-6)
    np.testing.assert_allclose(value, linear.normal_marginal(x, theta, d), rtol=1e-8)


# ---- planted faults: one step of a chain

def f(z):
    return np.concatenate([z, z**2], axis=-1)


POSTERIOR = model.posterior_nodes(X[:1], THETA, D)


def after(accepted, drift, size=0.35):
    """What a step adds to E[f] on the grid, for any rule of acceptance made of (rise of log p, log k back - log k
    there)."""
    z, masses, _ = POSTERIOR
    value, slope = mcmc.log_joint_and_slope(z[:, None, :], X[:1], THETA, D)
    there = mcmc.log_proposal(z[None], z[:, None, :], drift * slope, size)
    k = np.exp(there) / (size * np.sqrt(2 * np.pi)) * (z[1, 0] - z[0, 0])
    flow = masses * k * np.minimum(1., np.exp(np.minimum(accepted(value.T - value, there.T - there), 0.)))
    return np.sum(flow, axis=0) @ f(z) - np.sum(flow, axis=1) @ f(z)


def test_the_right_acceptances_leave_everything_unchanged():
    assert np.max(np.abs(after(lambda rise, back: rise + back, 1))) < 1e-12
    assert np.max(np.abs(after(lambda rise, back: rise, 0))) < 1e-12        # Metropolis: back is zero
    # Barker's rule
    assert np.max(np.abs(after(lambda rise, back: rise + back - np.log1p(np.exp(rise + back)), 1))) < 1e-12


@pytest.mark.parametrize("accepted, drift",
                         [(lambda rise, back: -rise - back, 1), (lambda rise, back: -rise, 0),
                          (lambda rise, back: rise, 1), (lambda rise, back: rise - back, 1),
                                             (lambda rise, back: 0 * rise, 0), (lambda rise, back: rise / 2, 0)],
                         ids=["ratio inverted", "ratio inverted, no drift", "proposal term missing",
                              "proposal term inverted", "always", "half the rise"])
def test_wrong_acceptances_move_the_posterior(accepted, drift):
    assert np.max(np.abs(after(accepted, drift))) > 0.01 * POSTERIOR[1][:, 0] @ POSTERIOR[0][:, 0]**2


def test_chains_sample_the_posterior_that_quadrature_knows(entropy):
    """Starts drawn from the posterior itself, so that every step is a draw of it.

    Mean and second moment in three strikes.
    """
    z, masses, _ = model.posterior_nodes(X, THETA, D, 4001)
    target = np.concatenate([masses.T @ z[:, 0], masses.T @ z[:, 0]**2])
    cdf = np.cumsum(masses, axis=0) - masses / 2

    def draw(n, strike, slip=0.):
        rng = np.random.Generator(np.random.SFC64([strike,
                                                   *(entropy >> shift & 0xffffffff for shift in (0, 32, 64, 96))]))
        start = np.stack([np.interp(rng.random(n), c / c[-1], z[:, 0]) for c in cdf.T], axis=1)[..., None]
        end, _, taken, _ = mcmc.run(rng, start, X, THETA, D, 5, 0.35)
        assert np.all(taken > 0.2)
        return moments([np.concatenate([end[..., 0] + slip, end[..., 0]**2], axis=1)])

    assert escalate(draw, target, 5000, tolerance=1e-6).verdict == PASS
    assert escalate(lambda n, strike: draw(n, strike, 0.1), target, 5000, tolerance=1e-6).verdict == FAIL


def test_a_step_agrees_with_the_table_of_moves(rng):
    """The share of accepted proposals from one state, counted and integrated."""
    z, _, _ = POSTERIOR
    at, n = np.array([[z[np.argmax(POSTERIOR[1][:, 0]), 0] + 0.1]]), 40_000
    fine = np.linspace(at[0, 0] - 4, at[0, 0] + 4, 801)[:, None]
    moves = balance.moves(np.concatenate([at, fine]), X[:1], THETA, D, 0.5)
    share = np.sum(moves[0, 1:]) * (fine[1, 0] - fine[0, 0])
    e, u = rng.standard_normal((n, 1, 1)), rng.random((n, 1))
    moved = mcmc.langevin_step(np.broadcast_to(at, (n, 1, 1)), e, u, X[:1], THETA, D, 0.5) != at
    assert abs(np.mean(moved) - share) < 5.5 * np.sqrt(share * (1 - share) / n)


RING = np.concatenate([np.ones(4), [1.5, 0., -1.5, 0.], [1., -0.8, 0., 1.6, -1., -0.8, 0., 0.], [-0.9, 0.], [-1.7]])
SEAM = model.decoder((1, 4, 2))


def test_at_a_seam_ascents_and_chains_stay_on_their_own_side(rng):
    """Two modes of equal mass at the ends of the line: the posterior mean is zero, and neither E step finds it."""
    ends = output(RING, np.array([[-2.1], [2.1]]), SEAM)[:, :2]
    x = np.mean(ends, axis=0)[None]
    z, masses, log_p = model.posterior_nodes(x, RING, SEAM)
    assert abs(masses[:, 0] @ z[:, 0]) < 0.05 and masses[:, 0] @ np.abs(z[:, 0]) > 1.5
    tops = [local.ascend(x, RING, SEAM, np.array([[side, np.log(0.3)]]), 60) for side in (-1.8, 1.8)]
    for sign, (lam, value) in zip((-1, 1), tops):
        assert sign * lam[0, 0] > 1.5 and log_p[0] - value[0] > 0.5 * np.log(2)
        _, _, _, draws = mcmc.run(rng, np.full((20, 1, 1), 1.8 * sign), x, RING, SEAM, 200, 0.3, keep=True)
        assert sign * np.mean(draws) > 1.5


# ---- fits

# a line with one bend
BEND = np.array([1.1, 0.7, -1.2, -0.8, 0.2, -0.7, 1.1, -0.7, 0.4, 1.1, 0.9, 0.8, 0.3, -0.2, np.log(0.2)])


def test_all_three_fits_come_close_to_the_exact_optimum(rng):
    """Average log evidence by quadrature, nats below the ascent on the marginal itself.

    Near for all three, far where the E step is forgotten and q stays the prior.
    """
    x, start, encoder = sample(rng, BEND, D, 150)[0], BEND + rng.uniform(-0.15, 0.15, BEND.size), Network((2, 16, 2))
    best = np.mean(model.log_evidence(x, exact.fit(x, start, D, 200, 0.03, order=120), D))
    prior, rule = np.zeros((150, 2)), model.hermite(1, 8)

    def below(theta):
        return best - np.mean(model.log_evidence(x, theta, D))

    forgotten = below(adam(lambda theta: bounds(prior, x, theta, D, *rule)[2] / 150, start, 200, 0.03).lam)
    for theta in (local.fit(x, start, D, 150, 2, 0.03, order=8)[0],
                  mcmc.fit(rng, x, start, D, 150, 5, lambda step: 0.03 / (1 + step / 30)),
                  amortized.fit(x, start, amortized.initial(rng, encoder), D, encoder, 500, 0.02, order=8)[0]):
        assert below(theta) < 0.6 * forgotten


def test_pixels_are_fitted_too(rng):
    x = (rng.random((80, 1)) < 0.5) * np.ones((80, 4))
    theta = 0.3 * rng.standard_normal(PIXELS.size)
    before = np.mean(model.log_evidence(x, theta, PIXELS))
    fitted, lam = local.fit(x, theta, PIXELS, 60, 3, 0.1)
    after = np.mean(model.log_evidence(x, fitted, PIXELS))
    assert after > before + 0.5 and lam.shape == (80, 2)


def test_an_encoder_that_learns_alone_leaves_theta(rng):
    encoder = Network((2, 5, 2))
    phi = amortized.initial(rng, encoder)
    theta, trained = amortized.fit(X, THETA, phi, D, encoder, 50, 0.02, only_encoder=True)
    assert np.array_equal(theta, THETA)

    def bound(phi):
        return bound_and_gradients(phi, THETA, X, encoder, D, *model.hermite(1))

    assert bound(trained)[0] > bound(phi)[0]
    np.testing.assert_allclose(bound(phi)[1], differences(lambda phi: bound(phi)[0], phi), rtol=1e-4, atol=1e-6)


def test_the_sizes_of_proposals_find_their_share(rng):
    _, size, _, _ = mcmc.run(rng, np.zeros((50, 2, 1)), X, THETA, D, 150, 3., gain=lambda step: step**-0.6)
    _, kept, taken, draws = mcmc.run(rng, np.zeros((50, 2, 1)), X, THETA, D, 40, size, keep=True)
    assert np.all(np.abs(taken - mcmc.WANTED) < 0.15) and np.array_equal(kept, size) and draws.shape == (40, 50, 2, 1)


def test_ancestral_draws_have_the_model_s_mean(entropy):
    z, log_w = model.prior_nodes(1)
    mean = np.exp(log_w) @ output(THETA, z, D)[:, :2]

    def draw(n, strike):
        rng = np.random.Generator(np.random.SFC64([strike,
                                                   *(entropy >> shift & 0xffffffff for shift in (0, 32, 64, 96))]))
        return moments([sample(rng, THETA, D, n)[0]])
    assert escalate(draw, mean, 10_000, tolerance=1e-9).verdict == PASS


# ---- the picture

def test_the_picture_s_claims_hold_for_its_draws_and_its_page_tells_its_numbers():
    data = load_press().stored("amortized_or_local")
    page = " ".join(files.page("deep_latent").read_text(encoding="utf-8").split())
    cold, warm, encoders = (data[f"random_{way}"] for way in ("cold", "warm", "encoders"))
    assert len(cold) == 8 and np.all(encoders[:, 1] < encoders[:, 0])
    few, many = encoders.mean(axis=0)
    assert f"lose {many:.2f} nats on average" in page and f"those of 60 lose {few:.2f}" in page
    assert f"from {encoders[:, 1].min():.2f} to {encoders[:, 1].max():.2f}" in page
    lower, higher = (np.sum(side) for side in (warm[:, -1] < cold[:, -1], warm[:, -1] > cold[:, -1]))
    assert (lower, higher) == (5, 2) and "ended lower in five, higher in two" in page
    means = cold.mean(axis=0), warm.mean(axis=0)
    assert means[0][5] > means[1][5] and means[0][6] < means[1][6] and "from about six steps on" in page
    assert means[0][4] > means[1][1] > means[0][5] and "one step from there is worth four" in page
    assert np.all(np.abs(cold[:, 10:].T - cold[:, -1]) < 0.01)          # some ten steps


def test_a_fresh_encoder_is_a_head_start(rng):
    """One draw: of 25, the largest share of what the cold start missed was 0.09 at once, and 0.20 a step later."""
    found = load_press().load("amortized_or_local").one(rng, new=100, epochs=300)
    assert 0 < found["random_encoders"][1] < found["random_cold"][0] / 2
    assert found["random_warm"][1] < found["random_cold"][1]


# ---- bad input

def test_bad_input_is_named(rng):
    for call, words in (
            (lambda: model.observations(X[:, :1], D), r"x has shape \(2, 1\), expected \(any, 2\): \(N=number of "
                                                      r"data, n=2 numbers"),
            (lambda: model.observations(np.array([[np.nan, 0.]]), D), r"x\[0, 0\] is nan; 1 of 2 values non-finite"),
            (lambda: model.observations(np.zeros((0, 2)), D), "no data: x has no rows"),
            (lambda: model.observations(np.full((1, 4), 0.5), PIXELS), "got gray values such as 0.5: binarize them"),
            (lambda: output(THETA[:-1], X[:, :1], D), r"theta has shape \(14,\), expected \(15,\): weights and "
                                                      r"biases of layers 1-3-2, then 1"),
            (lambda: model.decoder((2,)), "expected at least"),
            (lambda: model.decoder((1, 0, 2)), "every size must be an integer >= 1, got 0"),
            (lambda: model.prior_nodes(3), "D=3 latent dimensions are too many for a grid of nodes, expected 1 or 2"),
            (lambda: sample(rng, THETA, D, 0), "N must be an integer >= 1, got 0"),
            (lambda: local.ascend(X, THETA, D, LAM[:1], 5), r"lam has shape \(1, 2\), expected \(2, 2\): \[mu, "
                                                            r"log_sd\] of D=1"),
            (lambda: local.ascend(X, THETA, D, LAM, 0), "steps must be an integer >= 1, got 0"),
            (lambda: linear.normal_marginal(X, THETA, D), "the decoder has layers 1-3-2 and normal data, expected "
                                                          "D-n and normal ones"),
            (lambda: linear.from_moments(np.zeros(2), np.eye(2), 2),
             "D=2 latent numbers for data of n=2: expected 1 <= D < n"),
            (lambda: mcmc.run(rng, np.zeros((3, 1, 1)), X, THETA, D, 5, 0.3),
             r"z has shape \(3, 1, 1\), expected \(any, 2, 1\): \(C=number of chains, N=2 data"),
            (lambda: mcmc.run(rng, np.zeros((3, 2, 1)), X, THETA, D, 5, 0.), "size must be > 0, got 0.0"),
            (lambda: amortized.fit(X, THETA, np.zeros(3), D, Network((2, 3)), 5, 0.1),
             "the encoder 2-3 ends in 3 numbers, the decoder 1-3-2 starts from D=1")):
        with pytest.raises(ValueError, match=words):
            call()


def test_chains_are_counted(rng):
    d = model.decoder((2, 4))
    with pytest.raises(ValueError, match="chains must be an integer >= 1, got 0"):
        mcmc.fit(rng, np.zeros((3, 4)), np.zeros(d.size), d, 2, 2, 0.1, chains=0)
