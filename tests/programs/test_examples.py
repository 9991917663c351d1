"""What is called exact holds where the data are few, the weights far beyond the prior, the posterior narrow or cut."""
import numpy as np
import pytest

from refvi.base.special import logsumexp
from refvi.programs.automatic import examples


def brute(x, y):
    """(log evidence, mean of the noise) on a fine grid in log sd, from the covariance of x given the noise."""
    t = np.linspace(-30, 12, 8_001)
    values, axes = np.linalg.eigh(examples.PRIOR_SD**2 * y @ y.T)
    total = np.exp(2 * t)[:, None] + np.maximum(values, 0)
    log_w = -0.5 * np.sum((axes.T @ x)**2 / total + np.log(2 * np.pi * total), axis=1) - np.exp(t) + t
    return logsumexp(log_w) + np.log(t[1] - t[0]), np.exp(log_w - logsumexp(log_w)) @ np.exp(t)


@pytest.mark.parametrize("N, D, size", [(30, 3, 1.), (3, 3, 1.), (2, 3, 1.), (1, 1, 1.), (1, 4, 1.), (30, 3, 1000.),
                                        (30, 3, 1e-3), (400, 2, 30.)])
def test_the_quadrature_over_the_noise_is_brute_force_s(N, D, size, rng):
    y = np.column_stack([np.ones(N), rng.standard_normal((N, D - 1))])
    x = size * y @ rng.uniform(0.3, 1., D) + 0.4 * rng.standard_normal(N)
    exact, (evidence, noise) = examples.unknown_noise_exact(x, y), brute(x, y)
    assert exact.log_evidence == pytest.approx(evidence, abs=1e-4) and exact.error < 1e-6
    assert exact.mean[-1] == pytest.approx(noise, rel=1e-4)


@pytest.mark.parametrize("size", [1e3, 1e6, 1e9])
def test_the_quadrature_finds_a_peak_that_a_wide_grid_steps_over(size, rng):
    """Targets far beyond the noise's prior leave a posterior as narrow as one over the root of the noise."""
    y = rng.standard_normal((6, 2))
    x = size * rng.standard_normal(6)
    exact = examples.unknown_noise_exact(x, y)
    values, axes = np.linalg.eigh(examples.PRIOR_SD**2 * y @ y.T)
    t = np.log(exact.mean[-1]) + np.linspace(-40, 40, 200_001) / np.sqrt(exact.mean[-1])
    total = np.exp(2 * t)[:, None] + np.maximum(values, 0)
    log_w = -0.5 * np.sum((axes.T @ x)**2 / total + np.log(2 * np.pi * total), axis=1) - np.exp(t) + t
    evidence = logsumexp(log_w) + np.log(t[1] - t[0])
    assert exact.log_evidence == pytest.approx(evidence, rel=1e-12, abs=1e-6) and exact.error < 1e-6


def test_rows_that_are_alike_tell_of_the_noise_with_fewer_data_than_weights(rng):
    row, x = rng.standard_normal(3), rng.standard_normal(2)
    exact, (evidence, noise) = examples.unknown_noise_exact(x, np.array([row, row])), brute(x, np.array([row, row]))
    assert exact.log_evidence == pytest.approx(evidence, abs=1e-4) and exact.mean[-1] == pytest.approx(noise, rel=1e-4)
    with pytest.raises(ValueError, match="explain x to within rounding .2 data, 3 weights"):
        examples.unknown_noise_exact(np.full(2, x[0]), np.array([row, row]))


def test_a_weight_that_no_datum_tells_of_keeps_its_prior(rng):
    exact = examples.unknown_noise_exact(rng.standard_normal(4), np.column_stack([rng.standard_normal(4), np.zeros(4)]))
    assert exact.mean[1] == pytest.approx(0, abs=1e-12)
    assert exact.covariance[1, 1] == pytest.approx(examples.PRIOR_SD**2, rel=1e-6)


@pytest.mark.parametrize("N, size", [(1, 1.), (16, 1.), (40, 30.), (100, 1.)])
def test_the_logistic_grid_finds_its_peak(N, size, rng):
    """Beside a grid over the prior that knows nothing of peaks."""
    x, y = examples.toy_classes(rng, N)
    y = y * [1., size]
    exact = examples.logistic_exact(x, y)
    first, second = np.linspace(-9, 9, 301), np.linspace(-27, 27, 901) / (size if N > 1 else 3.)
    log_joint = np.array([examples.logistic_at(np.column_stack([w + 0 * second, second]), x, y) for w in first])
    evidence = logsumexp(log_joint.ravel()) + np.log((first[1] - first[0]) * (second[1] - second[0]))
    assert exact.log_evidence == pytest.approx(evidence, abs=1e-3) and exact.error < 1e-6


@pytest.mark.parametrize("dtype", [int, bool, np.uint8])
def test_labels_of_any_type_are_the_labels(dtype, rng):
    x, y = examples.toy_classes(rng, 20)
    assert examples.logistic_exact(x.astype(dtype), y).log_evidence == examples.logistic_exact(x, y).log_evidence


@pytest.mark.parametrize("call, message", [
    (lambda: examples.unknown_noise_exact(np.full(5, 3.), np.ones((5, 1))), "explain x to within rounding .5 data, 1"),
    (lambda: examples.unknown_noise_exact(np.ma.masked_values([1., -9.], -9.), np.ones((2, 1))), "x is a masked array"),
    (lambda: examples.unknown_noise_exact([1., 2.], np.ones((3, 1))), "one target for each of the N=3 rows of y"),
    (lambda: examples.unknown_noise_exact([1e-120, 2e-120], np.ones((2, 1))), "x is of size 2e-120: rescale it"),
    (lambda: examples.logistic_exact([1, 2], np.ones((2, 2))), "x must hold labels 0 and 1, got 2"),
    (lambda: examples.logistic_exact([1, 0], np.ones((2, 3))), r"y has shape \(2, 3\), expected \(any, 2\)"),
])
def test_what_has_no_answer_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_two_resolutions_that_differ_say_so():
    fine, coarse = (examples.Exact(np.zeros(1), np.eye(1), value) for value in (-3., -3.5))
    with pytest.warns(RuntimeWarning, match="a grid twice as coarse differs by 0.5 nats"):
        assert examples.at_two_resolutions(fine, coarse).error == 0.5
