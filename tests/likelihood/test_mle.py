"""Maximum likelihood: closed forms, planted faults, schedules that break a condition, and the two models in use."""
import numpy as np
import pytest
from autograd import grad
from scipy import stats
from scipy.optimize import minimize

import refvi
from refvi import categorical, normal
from refvi.base.optimize import adam, gradient_ascent, robbins_monro
from refvi.likelihood.mle import classifier, heteroscedastic, rows as mle
from refvi.likelihood.networks import count, forward, initial, rectified, tanh
from refvi.verify.trial import FAIL, PASS
from tests.verify.proof import prove

X = np.array([0.3, -1.1, 2.4, 0.9, 1.7])


# ---- closed forms

def test_the_normal_s_maximum_has_the_variance_over_n():
    found = minimize(lambda theta: -mle.sum_of_logs(normal.log_prob, X, theta), np.zeros(2), tol=1e-12).x
    np.testing.assert_allclose([found[0], np.exp(2 * found[1])], [np.mean(X), np.var(X)], rtol=1e-5)
    assert abs(np.var(X, ddof=1) / np.var(X) - 1) > 0.2     # the fault: variance over N - 1


def test_the_categorical_s_maximum_is_the_relative_frequencies():
    x = np.array([0, 1, 1, 2, 2, 2])
    ascent = adam(lambda theta: mle.sum_of_gradients(categorical.log_prob, x, theta), np.zeros(3), 3000,
                  lambda t: 0.1 / (1 + t / 50))
    np.testing.assert_allclose(np.exp(ascent.lam) / np.exp(ascent.lam).sum(), [1 / 6, 2 / 6, 3 / 6], atol=1e-6)


def test_a_product_underflows_where_the_sum_does_not(rng):
    x = rng.normal(size=2000)
    with np.errstate(divide="ignore"):
        assert mle.log_of_product(normal.log_prob, x, np.zeros(2)) == -np.inf
    np.testing.assert_allclose(mle.sum_of_logs(normal.log_prob, x, np.zeros(2)), stats.norm.logpdf(x).sum(), rtol=1e-12)


# ---- planted faults (1 variance over N - 1 stands above; tables of translation models come with their chapter)

def half_squares(x, theta):
    return 0.5 * ((x - theta[0]) / np.exp(theta[1]))**2


@pytest.mark.parametrize("fault", [
    lambda x, theta: np.sum(-half_squares(x, theta) - theta[1]),                                    # 2: no log 2 pi
    lambda x, theta: np.sum(-half_squares(x, theta) - 2 * theta[1] - 0.5 * np.log(2 * np.pi)),      # 3: log sigma^2
    lambda x, theta: -mle.sum_of_logs(normal.log_prob, x, theta),                                   # 4: descent
    lambda x, theta: np.average(normal.log_prob(x, theta)),                                         # 5: mean
])
def test_faults_in_a_likelihood_are_refused(entropy, fault):
    values = dict(x=X, theta=np.array([0.4, 0.3]), row=fault,
                  truth=lambda: stats.norm.logpdf(X, 0.4, np.exp(0.3)).sum())
    assert prove(entropy, "truth; = row", values)["row"].verdict == FAIL


def test_logits_of_a_thousand_are_exact():
    """6 and 8: a softmax without its shift, a log of one minus a sigmoid."""
    np.testing.assert_array_equal(classifier.log_softmax(np.array([[1000., 0., -1000.]])), [[0., -1000., -2000.]])
    np.testing.assert_allclose(categorical.log_prob(np.array([0, 1]), np.array([800., 0.])), [0., -800.])
    with np.errstate(all="ignore"):
        assert not np.all(np.isfinite(np.log(np.exp([1000., 0.]) / np.sum(np.exp([1000., 0.])))))


def test_a_wrong_scale_of_the_minibatch_is_refused(entropy):
    def truth(theta):
        precision = np.exp(-2 * theta[1])
        return np.array([np.sum(X - theta[0]) * precision, np.sum((X - theta[0])**2) * precision - 5])

    def right(eps, x, theta):
        return mle.minibatch_gradient(eps, normal.log_prob, x, theta)

    def stage(row):
        return dict(x=X, theta=np.array([0.4, 0.3]), S=2, noise=mle.without_replacement(5), row=row,
                    truth=truth)
    assert prove(entropy, r"truth; \approx row", stage(right))["row"].verdict == PASS
    for wrong in (lambda eps, x, theta: 2 / 5 * right(eps, x, theta),
                  lambda eps, x, theta: 4 / 5 * right(eps, x, theta)):
        for use_rule in (True, False):
            assert prove(entropy, r"truth; \approx row", stage(wrong), use_rule=use_rule)["row"].verdict == FAIL


# ---- ascent and its schedules

def test_the_step_limit_of_a_quadratic():
    """A normal mean with N = 20 data of unit variance: curvature 20, so the limit is 0.1."""
    for rate, converges in ((0.025, True), (0.05, True), (0.095, True), (0.1025, False)):
        end = gradient_ascent(lambda mu: np.array([np.sum(1.3 - mu) * 20]), np.zeros(1), 500, rate).lam
        assert (abs(end[0] - 1.3) < 1e-6) == converges


def test_the_stationary_variance_of_a_constant_step(rng):
    for a in (0.1, 0.5):
        end = gradient_ascent(lambda theta: rng.standard_normal(40_000) - theta, np.zeros(40_000), 200, a).lam
        measured, exact = np.var(end), a / (2 - a)
        assert abs(measured - exact) < 6 * exact * np.sqrt(2 / 40_000)


@pytest.mark.parametrize("power, message", [
    (2., "power must be at most 1, got 2.0: the steps add up to a finite distance"),
    (0.5, "power must be above 1/2, got 0.5: the squared steps have no finite sum"), (0., "above 1/2")])
def test_a_schedule_that_breaks_a_condition_is_refused(power, message):
    with pytest.raises(ValueError, match=message):
        robbins_monro(0.1, power=power)


def test_a_schedule_that_keeps_both():
    rate = robbins_monro(0.5, delay=10, power=0.7)
    assert rate(1) == 0.5 and rate(11) == pytest.approx(0.5 / 2**0.7)


# ---- bad inputs

@pytest.mark.parametrize("M, message", [(6, "a minibatch of M=6 different data out of N=5: M must be at most N"),
                                        (0, "M must be an integer >= 1, got 0")])
def test_minibatches_that_are_none(M, message, rng):
    for noise in (lambda: mle.without_replacement(5).draw(rng, 3, M), lambda: mle.without_replacement(5).rule(M, 64)):
        with pytest.raises(ValueError, match=message):
            noise()


def test_every_subset_is_drawn_alike(rng):
    draws = np.sort(mle.without_replacement(5).draw(rng, 20_000, 2), axis=1)
    counts = np.bincount(draws[:, 0] * 5 + draws[:, 1], minlength=25)
    assert np.count_nonzero(counts) == 10
    assert stats.chisquare(counts[counts > 0]).pvalue > 1e-7


@pytest.mark.parametrize("probs, message", [([0.5, 0.3, 0.1], r"probs sum to 0.9, must be 1 \+- 1e-9"),
                                            ([1.2, -0.2], r"probs\[1\] is -0.2, must not be negative"),
                                            ([0.5, np.nan], r"probs\[1\] is nan")])
def test_probabilities_that_are_none(probs, message):
    with pytest.raises(ValueError, match=message):
        refvi.categorical_lam(probs)


def test_probabilities_and_standard_deviations_become_lam():
    lam = refvi.categorical_lam([0.5, 0.3, 0.2])
    np.testing.assert_allclose(np.exp(categorical.log_prob(np.arange(3), lam)), [0.5, 0.3, 0.2])
    with np.errstate(divide="ignore"):
        lam = refvi.categorical_lam([1., 0.])
        np.testing.assert_array_equal(np.exp(categorical.log_prob(np.arange(2), lam)), [1., 0.])
    np.testing.assert_allclose(refvi.normal_lam(0.3, sd=2.), [0.3, np.log(2.)])
    with pytest.raises(ValueError, match=r"sd must be > 0, got -1.0 \(parameterize by log_sigma\)"):
        refvi.normal_lam(0., sd=-1.0)
    with pytest.raises(TypeError):
        refvi.normal_lam(0., 2.)         # a bare scale: sd or variance?


# ---- the two models in use

def test_the_classifier_s_gradient_is_autograd_s(rng):
    sizes = (6, 5, 4, 3)
    theta, y, x = rng.normal(size=count(sizes)), rng.random((9, 6)), rng.integers(0, 3, 9)

    def summed(theta):
        logits = forward(theta, y, sizes, rectified)[-1]
        return sum(categorical.log_prob(x[n], logits[n]) for n in range(9))

    np.testing.assert_allclose(classifier.gradient(theta, x, y, sizes), grad(summed)(theta), atol=1e-10)
    np.testing.assert_allclose(np.sum(classifier.log_likelihood(theta, x, y, sizes)), summed(theta), rtol=1e-12)
    np.testing.assert_allclose(np.exp(classifier.log_probabilities(theta, y, sizes)).sum(axis=1), 1, rtol=1e-12)


def test_the_classifier_stays_in_float32(rng):
    sizes = (784, 8, 10)
    images, labels = rng.integers(0, 256, (40, 784), dtype=np.uint8), rng.integers(0, 10, 40)
    seen = []
    ascent = classifier.fit(rng, labels, images, epochs=2, M=20, sizes=sizes,
                            watch=lambda step, theta: seen.append(theta.dtype))
    assert set(seen) | {ascent.lam.dtype} == {np.dtype(np.float32)} and ascent.steps == 4
    assert classifier.gradient(ascent.lam, labels, images * np.float32(1 / 255), sizes).dtype == np.float32


def test_the_classifier_learns_what_can_be_learnt(rng):
    """Two pixels decide: from a guess at log 2 to nearly nothing lost, -0.0006; the worst of 250 fits lost 0.0010.

    With few hidden units a start has now and then none that sees one of the pixels.
    """
    images = np.zeros((400, 784), np.uint8)
    labels = rng.integers(0, 2, 400)
    images[np.arange(400), labels] = 255
    ascent = classifier.fit(rng, labels, images, epochs=30, M=50, sizes=(784, 64, 2), rate=1e-2)
    assert np.mean(classifier.log_likelihood(ascent.lam, labels, images / 255, (784, 64, 2))) > -0.05


@pytest.mark.parametrize("change, message", [
    (dict(images=np.zeros((5, 784))), "images are kept as uint8 and scaled batch by batch, got float64"),
    (dict(labels=np.zeros((5, 1), int)), r"x has shape \(5, 1\), expected \(5,\): one label for each of the N=5"),
    (dict(labels=np.array([0, 1, 2, 3, 10])), r"labels must be integers in 0..9, got int64 from 0 to 10"),
    (dict(labels=np.zeros(5)), "labels must be integers in 0..9, got float64"),
    (dict(M=6), "M=6 out of N=5 data: M must be at most N"),
    (dict(epochs=0), "epochs must be an integer >= 1"),
])
def test_bad_input_to_the_classifier(change, message, rng):
    given = dict(labels=np.arange(5), images=np.zeros((5, 784), np.uint8), epochs=1, M=2) | change
    with pytest.raises(ValueError, match=message):
        classifier.fit(rng, given["labels"], given["images"], given["epochs"], given["M"])


def test_the_heteroscedastic_gradient_is_autograd_s(rng):
    y, x = rng.normal(size=(9, 3)), rng.normal(size=9)
    theta = rng.normal(size=count((3, heteroscedastic.HIDDEN, 2))) * 0.4

    def summed(theta):
        from autograd import numpy as anp
        out = forward(theta, y, (3, heteroscedastic.HIDDEN, 2), tanh)[-1]
        variance = heteroscedastic.FLOOR**2 + anp.exp(2 * out[:, 1])
        return anp.sum(-0.5 * (x - out[:, 0])**2 / variance - 0.5 * anp.log(2 * np.pi * variance))

    np.testing.assert_allclose(heteroscedastic.gradient(theta, x, y), grad(summed)(theta), atol=1e-9)
    np.testing.assert_allclose(np.sum(heteroscedastic.log_likelihood(theta, x, y)), summed(theta), rtol=1e-12)


def test_a_constant_sigma_stays_constant_and_a_predicted_one_follows_the_noise(rng):
    y = rng.uniform(-2, 2, (1500, 1))
    noise = np.exp(0.8 * y[:, 0] - 1)
    x = np.sin(y[:, 0]) + noise * rng.standard_normal(1500)
    free, tied = (heteroscedastic.fit(rng, x, y, epochs=40, constant=constant).lam for constant in (False, True))
    grid = np.linspace(-1.8, 1.8, 20)[:, None]
    assert np.ptp(heteroscedastic.predict(tied, grid)[1]) == 0.
    off = np.log(heteroscedastic.predict(free, grid)[1]) - (0.8 * grid[:, 0] - 1)
    gain = heteroscedastic.log_likelihood(free, x, y) - heteroscedastic.log_likelihood(tied, x, y)
    assert np.max(np.abs(off)) < 0.7            # 0.12 +- 0.04 in twelve runs
    assert np.mean(gain) > 0.2                  # 0.66 +- 0.02


def test_sigma_never_falls_below_its_floor():
    theta = np.zeros(count((1, heteroscedastic.HIDDEN, 2)))
    theta[-1] = -50.        # the bias of rho
    assert np.all(heteroscedastic.predict(theta, np.ones((3, 1)))[1] >= heteroscedastic.FLOOR)


@pytest.mark.parametrize("x, y, message", [
    (np.zeros((5, 1)), np.zeros((5, 2)), r"x has shape \(5, 1\), expected \(5,\): one target for each of the N=5 rows"),
    (np.zeros(5), np.full((5, 2), 7), "got int64 max 7; divide by 255"),
    (np.zeros(5), np.zeros((5, 2), int), r"got int64 max 0; convert them with y.astype\(float\)"),
    (np.zeros(5), np.zeros(5), r"y has shape \(5,\), expected .* a single input is a column, y\[:, None\]"),
    (np.zeros(0), np.zeros((0, 2)), "empty batch"),
])
def test_bad_input_to_the_heteroscedastic_normal(x, y, message, rng):
    with pytest.raises(ValueError, match=message):
        heteroscedastic.fit(rng, x, y, M=2)


def test_integers_too_large_for_a_float_are_refused():
    from refvi.base.checks import require_shape
    with pytest.raises(ValueError, match=r"y holds 9007199254740993, beyond 2\^53"):
        require_shape("y", np.array([1, 2**53 + 1]), (2,), "counts")
    assert initial(np.random.default_rng(), (2, 2)).dtype == float
