"""Path gradients: quoted numbers, planted faults and right variants, both loops, ends of an ascent, bad input."""
import autograd.numpy as anp
import numpy as np
import pytest

from refvi import bernoulli, categorical, diagonal_normal, noise, normal
from refvi.app.figures import load_press
from refvi.base import files, models
from refvi.base.optimize import Ascent, adam, gradient_ascent, robbins_monro
from refvi.gradients.reparameterization import regression, rows
from refvi.gradients.reparameterization.algorithm import log_weight, reparameterized
from refvi.gradients.reparameterization.rows import path_gradient
from refvi.verify.companion import load
from refvi.verify.trial import FAIL, PASS
from tests.verify.proof import prove, rule

PAGE = files.page("reparameterization")
COMPANION = load(PAGE)
START = np.array([0.5, 0.5, -2., -2.])


def generator(entropy):
    return np.random.Generator(np.random.SFC64(entropy))


def random_problem(rng, N=20, D=2):
    y = np.column_stack([np.ones(N), rng.normal(size=(N, D - 1))])
    theta = models.regression(y, prior_sd=rng.uniform(1.3, 1.7), noise_sd=rng.uniform(0.4, 0.6))
    return y @ rng.uniform(0.4, 0.9, D) + theta.noise_sd * rng.normal(size=N), theta


def joint(x, theta):
    return lambda z: models.linear_gaussian.log_joint(z, x, theta)


def readable(x, theta, lam, rng, steps, S, rate, **options):
    return reparameterized(joint(x, theta), diagonal_normal, lam, rng, steps, S, rate, **options)


# ---- the numbers that the page quotes

def test_plus_and_minus_at_the_quoted_draw():
    """PML.054: twice the score, whatever the model; in sigma, not log sigma, its second entry is divided by sigma."""
    stage = COMPANION.stages["quoted"]()
    values = stage["points"], stage["log_joint"], stage["q"], stage["lam"]
    path, total = rows.path_of_each(*values)[0], rows.minus_explicit_part(*values)[0]
    twice = COMPANION.names["plus_explicit_part"](*values)[0] - total
    np.testing.assert_allclose(twice, [2 * 1.3 / 0.7, 2 * (1.3**2 - 1)], rtol=1e-12)
    assert [round(v, 2) for v in (*twice, twice[1] / 0.7)] == [3.71, 1.38, 1.97]
    page = PAGE.read_text(encoding="utf-8")
    for name, (mu, log_sigma) in {"g": path, "u": twice / 2, "g - u": total}.items():
        assert f"{name} = ({mu:.3f}, {log_sigma:.3f})" in page


def test_a_variance_by_quadrature_carries_its_error():
    """exp(-10 z^2) is narrow beside N(1, 1): nodes are added until they miss none of it; a jump never settles."""
    at, truth = np.array([1., 0.]), [0.9416294409671, 0.8920460195790]        # SciPy's adaptive quadrature

    def variance(f):
        return rows.variance_over_noise(lambda eps: rows.along_path(eps, f, normal, at), normal, at, 1)

    value, error = variance(lambda z: anp.exp(-10 * z**2))
    np.testing.assert_allclose(value, truth, rtol=1e-9)
    assert np.all(error < 1e-9)
    with pytest.raises(ArithmeticError, match="has not settled: f jumps"):
        variance(lambda z: z * anp.where(z > 1.1, 1., 0.))


def test_the_path_points_to_the_posterior():
    """PML.076: a term of the path points from its draw to the posterior's mean far better than one of the score."""
    data = load_press().stored("score_or_path")
    error = np.hypot(data["random_cosine_error_path"], data["random_cosine_error_score"])
    assert data["random_cosine_path"] - data["random_cosine_score"] > 0.5 > 20 * error
    centre = np.array([1.5, 0.6])
    lines = data["random_theta"] - centre
    assert np.allclose(lines[:, 0] * data["random_score"][:, 1], lines[:, 1] * data["random_score"][:, 0], atol=1e-9)


def medians(data, m):
    """(score, path): the median distance at every step size, infinite where the runs ran away."""
    return (np.median(np.where(data[f"random_{name}_{m}"] < 0, np.inf, data[f"random_{name}_{m}"]), axis=1)
            for name in ("score", "path"))


def test_small_steps_climb_alike_and_larger_ones_do_not():
    """PML.077, in the committed picture: what the page says of it."""
    data = load_press().stored("two_estimators")
    small, beyond = data["rate"] < 1e-4, data["rate"] > data["longest"]
    ends = {}
    for m in (1, 5, 25):
        score, path = medians(data, m)
        np.testing.assert_allclose(score[small], path[small], rtol=0.6)
        assert np.all(np.isfinite(path) != beyond) and np.all(score[~small & ~beyond] > path[~small & ~beyond])
        ends[m] = np.min(score), np.min(path)
    assert ends[1][1] < ends[25][0]


def test_a_single_draw_climbs_by_the_path_and_runs_away_by_the_score(rng):
    """Fresh draws at a step of 1e-3: one try in 300 shows something else, and of four one will do."""
    script = load_press().load("two_estimators")

    def once():
        data = script.data(rng, rates=np.array([1e-3]), runs=1, draws=(1,))
        return data["random_score_1"][0][0] == -1 and 0 <= data["random_path_1"][0][0] < 1
    assert any(once() for _ in range(4))


# ---- planted faults, and variants that are right: the rule of the noise tells them apart

def estimator(stage, sd=lambda sigma: sigma, unit=1, reuse=False, explicit=False, entropy=1., slope_of_q=1.,
              noise_sd=lambda sd: sd**2, prior=1., factor=1.):
    """The code task's estimator with a place for every fault."""
    x, theta = stage["x"], stage["theta"]

    def row(eps, lam):
        mu, sigma = lam[:2], sd(np.exp(lam[2:]))
        eps = eps[..., :1] + 0 * eps if reuse else eps
        z = mu + sigma * eps
        slope = (x - z @ theta.y.T) @ theta.y / noise_sd(theta.noise_sd) - prior * z / theta.prior_sd**2
        slope = slope + (0 if explicit else slope_of_q * eps / sigma)
        scaled = slope * sigma**unit * eps + (entropy if explicit else 0.)
        return factor * np.mean(np.concatenate([slope, scaled], axis=-1), axis=-2)
    return row


def plus(stage):
    def row(eps, log_joint, q, lam):
        return np.mean(rows.path_of_each(eps, log_joint, q, lam) + rows.partial_of_density(eps, q, lam), axis=-2)
    return row


def total_subtracted(stage):
    def row(eps, log_joint, q, lam):
        return np.mean(rows.path_of_each(eps, log_joint, q, lam) - rows.total_of_density(eps, q, lam), axis=-2)
    return row


def path_by_autograd(stage):
    def row(eps, log_joint, q, lam):
        return path_gradient(eps, log_weight(log_joint, q, explicit=False), q, lam)
    return row


def zero_mean_added(stage):
    def row(eps, lam):
        return estimator(stage)(eps, lam) + 0.7 * np.mean(np.concatenate([eps, eps**2 - 1], axis=-1), axis=-2)
    return row


def by(**fault):
    return lambda stage: estimator(stage, **fault)


FAULTS = {"1 variance for sd": by(sd=np.square), "1 variance for sd, full": by(sd=np.square, explicit=True),
          "2 no sigma in dz/dlog sigma": by(unit=0),
          "8 log variance for log sd": by(sd=lambda sigma: sigma**0.5), "10 one eps for two latents": by(reuse=True),
          "10 one eps for two latents, full": by(reuse=True, explicit=True),
          "11 entropy dropped": by(explicit=True, entropy=0.), "entropy with a minus": by(explicit=True, entropy=-1.),
          "plus in the path": by(slope_of_q=-1.),
          "sign": by(factor=-1.), "factor 2": by(factor=2.), "likelihood variance for sd": by(noise_sd=lambda sd: sd),
          "no path through the prior": by(prior=0.), "total derivative subtracted": total_subtracted}
RIGHT = {"sticking the landing": by(), "full": by(explicit=True), "the slide's plus": plus,
         "rows": lambda stage: rows.path_estimate, "autograd": lambda stage: path_gradient,
         "autograd without the explicit part": path_by_autograd, "moments": lambda stage: regression.moments_of_noise,
         "a zero-mean term": zero_mean_added}


def stage_of(rng, variant):
    """At half the variance of the best q, where no entry of the gradient is small."""
    stage = COMPANION.names["line"](*COMPANION.names["problem"](rng, rng.uniform(0.3, 0.5, 2)))
    return stage | dict(f=log_weight(stage["log_joint"], diagonal_normal), truth=stage["gradient_of_a_regression"],
                        row=variant(stage))


@pytest.mark.parametrize("name", FAULTS)
def test_the_rule_refuses_every_fault(rng, name):
    result = rule(r"truth; \approx row", stage_of(rng, FAULTS[name]))["row"]
    assert result.verdict == FAIL and result.how.startswith("rule") and result.gap > 1000 * result.resolution, result


@pytest.mark.parametrize("name", RIGHT)
def test_right_variants_pass(entropy, rng, name):
    result = prove(entropy, r"truth; \approx row", stage_of(rng, RIGHT[name]))["row"]
    assert result.verdict == PASS and "rule" in result.how, result


# ---- the loop by hand takes the steps of the readable one

@pytest.mark.parametrize("explicit", [False, True])
@pytest.mark.parametrize("D, N, S", [(2, 100, 10), (3, 7, 4), (1, 5, 1), (4, 2, 3)])
def test_the_same_noise_gives_the_same_steps(rng, entropy, D, N, S, explicit):
    x, theta = random_problem(rng, N, D)
    lam, rate, traces = np.concatenate([rng.normal(size=D), np.full(D, -1.5)]), robbins_monro(0.03, delay=100), ([], [])
    ends = [fit(x, theta, lam, generator(entropy), 100, S, rate, watch=lambda step, lam: trace.append(lam.copy()),
                explicit=explicit)
            for fit, trace in zip((readable, regression.fit), traces)]
    np.testing.assert_allclose(*traces, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(ends[0].lam, ends[1].lam, rtol=1e-9, atol=1e-10)
    assert ends[0].steps == ends[1].steps == len(traces[0]) == 100


def test_the_page_s_estimator_under_adam_takes_them_as_well(rng, entropy):
    x, theta = random_problem(rng)
    plain = generator(entropy)

    def gradient(lam):
        return regression.draws_by_hand(plain.standard_normal((1, 5, 2)), x, theta, lam)[0]

    slow = adam(gradient, START, 200, 0.02)
    fast = generator(entropy)
    np.testing.assert_allclose(slow.lam, regression.fit(x, theta, START, fast, 200, 5, 0.02).lam, rtol=1e-9, atol=1e-10)
    assert plain.random() == fast.random()


def test_noise_comes_in_blocks_without_a_seam(rng, entropy, monkeypatch):
    x, theta = random_problem(rng)
    whole = regression.fit(x, theta, START, generator(entropy), 50, 5, 0.01)
    monkeypatch.setattr(regression, "BLOCK", 70)        # seven steps of ten numbers at once
    pieces = regression.fit(x, theta, START, generator(entropy), 50, 5, 0.01)
    np.testing.assert_allclose(pieces.lam, whole.lam, rtol=1e-12)


# ---- where they end

def test_the_fit_ends_at_the_best_bound(rng):
    """Within 0.02 nats. Of 60 runs the furthest ended at 0.004: one in a hundred may miss, of three one will do."""
    x, theta = random_problem(rng, N=100)
    best = models.elbo(models.mean_field(x, theta), x, theta)

    def distance():
        end = regression.fit(x, theta, START, rng, 3000, 10, robbins_monro(0.05, delay=300))
        return best - models.elbo(end.lam, x, theta)
    assert any(0 <= distance() < 0.02 for _ in range(3))


def test_it_sticks_the_landing_where_the_full_gradient_does_not(entropy, rng):
    """A posterior that factorizes, a constant step size: without the explicit part the noise dies out by itself."""
    theta = models.regression(np.array([[1., 1., 1., 1.], [1., -1., 1., -1.]]).T, prior_sd=1.5, noise_sd=0.7)
    x = theta.y @ [0.9, 0.6] + rng.uniform(-0.5, 0.5, 4)
    best = models.mean_field(x, theta)

    def away(explicit):
        plain = generator(entropy)
        end = readable(x, theta, best + 0.1, plain, 200, 4, 0.05, explicit=explicit, ascend=gradient_ascent)
        return np.max(np.abs(end.lam - best))
    assert away(False) < 1e-6 and away(True) > 1e-3


def test_a_model_that_is_no_normal(rng):
    """Logistic regression: the expected gradient is small where it ends."""
    y = rng.normal(size=(30, 2))
    x = np.where(rng.random(30) < 1 / (1 + np.exp(-y @ [1.2, -0.7])), 1., -1.)

    def log_joint(z):
        return -0.5 * anp.sum(z**2, axis=-1) - anp.sum(anp.logaddexp(0., -x * (z @ y.T)), axis=-1)
    start = np.array([0., 0., -0.5, -0.5])
    end = reparameterized(log_joint, diagonal_normal, start, rng, 500, 10, robbins_monro(0.1, delay=100))
    before, after = (np.max(np.abs(rows.path_part(log_joint, diagonal_normal, lam))) for lam in (start, end.lam))
    assert end.stopped == "" and after < 0.15 * before + 0.3


# ---- ends that are not wanted

def broken_at(call, value):
    """A log joint whose slope turns into value for the third draw from its call-th step on."""
    calls = []

    def log_joint(z):
        calls.append(1)
        penalty = anp.where(anp.arange(z.shape[1]) == 2, value, 1.) if len(calls) > 2 * (call - 1) else 1.
        return -penalty * anp.sum(z**2, axis=-1)
    return log_joint


@pytest.mark.parametrize("value, told", [(np.nan, "log_joint is nan"), (np.inf, "log_joint is -inf")])
def test_a_log_joint_that_is_not_finite_is_named(rng, value, told):
    steps = []
    words = rf"^{told} for draw 3, z = \[[^\]]+\], at step 8; the last finite parameters are returned$"
    with np.errstate(invalid="ignore"), pytest.warns(RuntimeWarning, match=words):
        ascent = reparameterized(broken_at(8, value), diagonal_normal, START, rng, 50, 5, 0.01,
                                 watch=lambda step, lam: steps.append(lam.copy()))
    assert ascent.steps == 7 == len(steps) and np.array_equal(ascent.lam, steps[-1])


def test_a_slope_that_is_not_finite_is_named(rng):
    """sqrt of |z| has no slope at zero; the values are fine."""
    still = normal._replace(transport=lambda eps, lam: 0. * eps * lam[..., 0])
    words = "^the slope of log_joint is nan for draw 1, z = .* at step 1;"
    with np.errstate(divide="ignore", invalid="ignore"), pytest.warns(RuntimeWarning, match=words):
        assert reparameterized(lambda z: -anp.abs(z)**0.5, still, np.array([0.5, 0.]), rng, 5, 3, 0.1).steps == 0


@pytest.mark.parametrize("lam, told", [
    ([0., 0., 0., 800.], "sigma leaves the range of floats, its logarithm is 800,"),
    ([0., 0., -800., 0.], "sigma leaves the range of floats, its logarithm is -800,"),
    ([1e200, 0., 0., 0.], "the gradient, of length .*, or its square is not finite"),
])
def test_the_loop_by_hand_stops_as_well(rng, lam, told):
    x, theta = random_problem(rng)
    with pytest.warns(RuntimeWarning, match=f"^{told} at step 1; the last finite parameters are returned"):
        ascent = regression.fit(x, theta, np.array(lam), rng, 10, 5, 0.01)
    assert ascent.steps == 0 and np.array_equal(ascent.lam, lam)


@pytest.mark.parametrize("fit", [readable, regression.fit])
def test_ctrl_c_returns_what_has_been_reached(rng, fit):
    kept = []

    def watch(step, lam):
        kept.append(lam.copy())
        if step == 7:
            raise KeyboardInterrupt
    ascent = fit(*random_problem(rng), START, rng, 100, 5, 0.01, watch=watch)
    assert ascent == Ascent(ascent.lam, 7, "interrupted after step 7 of 100") and np.array_equal(ascent.lam, kept[-1])


# ---- bad input

@pytest.mark.parametrize("q, lam, name",
                         [(bernoulli, np.zeros(2), "bernoulli"), (categorical, np.zeros(3), "categorical")])
def test_a_family_without_a_transport_is_sent_to_the_score_function(rng, q, lam, name):
    message = rf"^q \({name}\) has no transport: .* take the score function \(refvi.gradients.score_function\), which"
    with pytest.raises(ValueError, match=message):
        path_gradient(np.zeros((2, 3)), lambda z, lam: z, q, lam)
    with pytest.raises(ValueError, match=message):
        reparameterized(lambda z: z, q, lam, rng, 5, 3, 0.1)


@pytest.mark.parametrize("f, shape",
                         [(lambda z, lam: z, r"\(2, 5, 2\)"), (lambda z, lam: np.zeros(2), r"\(2,\)"),
                          (lambda z, lam: 0., r"\(\)")])
def test_an_f_of_the_wrong_shape_is_refused(rng, f, shape):
    words = rf"f returned shape {shape} for z of 2 repetitions of 5 draws, expected \(2, 5\): one number for each draw"
    with pytest.raises(ValueError, match=words):
        path_gradient(noise(diagonal_normal, np.zeros(4)).draw(rng, 2, 5), f, diagonal_normal, START)


@pytest.mark.parametrize("log_joint, shape", [(lambda z: -z**2, r"\(1, 5, 2\)"), (lambda z: 0., r"\(\)")])
def test_a_log_joint_of_the_wrong_shape_is_refused(rng, log_joint, shape):
    """Even where it would broadcast."""
    words = rf"^log_joint returned shape {shape} for z of 1 repetition of 5 draws, expected \(1, 5\): one number"
    with pytest.raises(ValueError, match=words):
        reparameterized(log_joint, diagonal_normal, START, rng, 5, 5, 0.1)


@pytest.mark.parametrize("change, message", [
    (dict(x=np.zeros((20, 1))), r"x has shape \(20, 1\), expected \(20,\): one target for each of the N=20 rows"),
    (dict(x=np.where(np.arange(20) == 3, np.nan, 1.)), r"x\[3\] is nan; 1 of 20"),
    (dict(lam=np.zeros(3)), r"lam has shape \(3,\), expected \(4,\): D=2 means, then D=2 log standard deviations"),
    (dict(lam=np.array([0., np.inf, 0., 0.])), r"lam\[1\] is inf"),
    (dict(S=0), "S must be an integer >= 1, got 0"),
    (dict(steps=2.5), "steps must be an integer >= 1, got 2.5"),
    (dict(rate=-0.1), "rate must be > 0, got -0.1"),
])
def test_bad_calls_of_the_loop_by_hand_are_refused(rng, change, message):
    x, theta = random_problem(rng)
    with pytest.raises(ValueError, match=message):
        regression.fit(**(dict(x=x, theta=theta, lam=START, rng=rng, steps=5, S=4, rate=0.1) | change))


def test_a_log_joint_that_is_not_finite_stops_the_ascent_even_where_its_slope_is(rng):
    words = "log_joint is nan for draw 1, z = -.* at step 1; the last finite parameters are returned"
    with pytest.warns(RuntimeWarning, match=words), np.errstate(invalid="ignore"):
        ascent = reparameterized(anp.log, normal, np.array([-9., -1.]), rng, 5, 3, 0.1)
    assert ascent.steps == 0 and np.array_equal(ascent.lam, [-9., -1.])
