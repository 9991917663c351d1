"""Posteriors of regressions whose columns are nearly combinations of one another, against rational arithmetic and NIST.

Filip is a set of NIST's Statistical Reference Datasets (linear regression, higher difficulty): a polynomial of degree
ten,
of which float64 powers leave about eight digits. Wampler's polynomials have whole coefficients.
"""
from fractions import Fraction

import numpy as np
import pytest

from refvi.base import models

FILIP_X = np.array([
    -6.860120914, -4.324130045, -4.358625055, -4.358426747, -6.955852379, -6.661145254, -6.355462942, -6.118102026,
    -7.115148017, -6.815308569, -6.519993057, -6.204119983, -5.853871964, -6.109523091, -5.79832982, -5.482672118,
    -5.171791386, -4.851705903, -4.517126416, -4.143573228, -3.709075441, -3.499489089, -6.300769497, -5.953504836,
    -5.642065153, -5.031376979, -4.680685696, -4.329846955, -3.928486195, -8.56735134, -8.363211311, -8.107682739,
    -7.823908741, -7.522878745, -7.218819279, -6.920818754, -6.628932138, -6.323946875, -5.991399828, -8.781464495,
    -8.663140179, -8.473531488, -8.247337057, -7.971428747, -7.676129393, -7.352812702, -7.072065318, -6.774174009,
    -6.478861916, -6.159517513, -6.835647144, -6.53165267, -6.224098421, -5.910094889, -5.598599459, -5.290645224,
    -4.974284616, -4.64454848, -4.290560426, -3.885055584, -3.408378962, -3.13200249, -8.726767166, -8.66695597,
    -8.511026475, -8.165388579, -7.886056648, -7.588043762, -7.283412422, -6.995678626, -6.691862621, -6.392544977,
    -6.067374056, -6.684029655, -6.378719832, -6.065855188, -5.752272167, -5.132414673, -4.811352704, -4.098269308,
    -3.66174277, -3.2644011])
FILIP_Y = np.array([
    0.8116, 0.9072, 0.9052, 0.9039, 0.8053, 0.8377, 0.8667, 0.8809, 0.7975, 0.8162, 0.8515, 0.8766, 0.8885, 0.8859,
    0.8959, 0.8913, 0.8959, 0.8971, 0.9021, 0.909, 0.9139, 0.9199, 0.8692, 0.8872, 0.89, 0.891, 0.8977, 0.9035,
    0.9078, 0.7675, 0.7705, 0.7713, 0.7736, 0.7775, 0.7841, 0.7971, 0.8329, 0.8641, 0.8804, 0.7668, 0.7633, 0.7678,
    0.7697, 0.77, 0.7749, 0.7796, 0.7897, 0.8131, 0.8498, 0.8741, 0.8061, 0.846, 0.8751, 0.8856, 0.8919, 0.8934,
    0.894, 0.8957, 0.9047, 0.9129, 0.9209, 0.9219, 0.7739, 0.7681, 0.7665, 0.7703, 0.7702, 0.7761, 0.7809, 0.7961,
    0.8253, 0.8602, 0.8809, 0.8301, 0.8664, 0.8834, 0.8898, 0.8964, 0.8963, 0.9074, 0.9119, 0.9228])
FILIP = np.array([
    -1467.48961422980, -2772.17959193342, -2316.37108160893, -1127.97394098372, -354.478233703349,
    -75.1242017393757, -10.8753180355343, -1.06221498588947, -0.670191154593408e-1, -0.246781078275479e-2,
    -0.402962525080404e-4])


def rational(x, theta):
    """(mean, log det of the precision over the unit of its last bit, half the sum of squares) by fractions, exact
    until the end.
    """
    y = [[Fraction(float(value)) for value in row] for row in theta.y]
    noise, prior = Fraction(theta.noise_sd)**2, Fraction(theta.prior_sd)**2
    D, x = len(y[0]), [Fraction(float(value)) for value in x]
    gram = [[sum(row[i] * row[j] for row in y) / noise + (i == j) / prior for j in range(D)] for i in range(D)]
    side = [sum(row[i] * value for row, value in zip(y, x)) / noise for i in range(D)]
    rows = [left + [right] for left, right in zip(gram, side)]
    pivots = []
    for i in range(D):
        pivots.append(rows[i][i])
        for k in range(D):
            if k != i:
                factor = rows[k][i] / rows[i][i]
                rows[k] = [a - factor * b for a, b in zip(rows[k], rows[i])]
    mean = [rows[i][D] / rows[i][i] for i in range(D)]
    squares = sum((value - sum(a * b for a, b in zip(row, mean)))**2 for row, value in zip(y, x)) / noise
    squares += sum(value**2 for value in mean) / prior
    log_det = sum(np.log(float(pivot)) for pivot in pivots)
    return np.array(list(map(float, mean))), log_det, float(squares / 2)


def require_exact(x, theta, digits):
    """Mean to this many digits of its largest entry, evidence to a millionth of a nat."""
    mean, log_det, squares = rational(x, theta)
    N, D = theta.y.shape
    evidence = (
        -squares - 0.5 * log_det - N * np.log(theta.noise_sd) - D * np.log(theta.prior_sd) - 0.5 * N * np.log(2 * np.pi)
    )
    assert np.max(np.abs(models.posterior(x, theta)[0] - mean)) < 10.**-digits * np.max(np.abs(mean))
    assert models.log_evidence(x, theta) == pytest.approx(evidence, abs=1e-6 * max(1, squares))


def test_filip_to_the_digits_that_its_powers_hold():
    theta = models.regression(np.vander(FILIP_X, 11, increasing=True), prior_sd=1e8, noise_sd=0.334801051324544e-2)
    np.testing.assert_allclose(models.posterior(FILIP_Y, theta)[0], FILIP, rtol=1e-7)
    assert models.log_evidence(FILIP_Y, theta) == pytest.approx(45.921147, abs=2e-6)


@pytest.mark.parametrize("coefficients", [np.ones(6), 0.1**np.arange(6)])
def test_wampler_s_polynomials(coefficients):
    y = np.vander(np.arange(21.), 6, increasing=True)
    theta = models.regression(y, prior_sd=1e8, noise_sd=1e-3)
    np.testing.assert_allclose(models.posterior(y @ coefficients, theta)[0], coefficients, rtol=1e-9)


@pytest.mark.parametrize("prior_sd, digits", [(10., 12), (1e4, 8), (1e6, 4)])
def test_a_full_set_of_dummies_beside_an_intercept(prior_sd, digits, rng):
    """Rank deficient: the prior decides, by its symmetry the intercept is the sum of the dummies' weights.

    Long precision's rounding is magnified by the square of prior over noise: of 1,500 draws the worst lost 2e-6 at 1e6.
    """
    y = np.column_stack([np.ones(30), np.eye(3)[np.repeat(np.arange(3), 10)]])
    x = y[:, 1:] @ [1., 2., 4.] + 0.3 * rng.standard_normal(30)
    theta = models.regression(y, prior_sd=prior_sd, noise_sd=0.3)
    weights = models.posterior(x, theta)[0]
    assert abs(weights[0] - weights[1:].sum()) < 100 * 10.**-digits
    require_exact(x, theta, digits)


@pytest.mark.parametrize("apart", [1e-3, 1e-6, 1e-8])
def test_columns_that_are_nearly_alike(apart, rng):
    first = rng.standard_normal(12)
    y = np.column_stack([np.ones(12), first, first + apart * rng.standard_normal(12)])
    require_exact(rng.standard_normal(12), models.regression(y, prior_sd=1e4, noise_sd=0.5), 5)


def test_units_of_a_column_do_not_matter(rng):
    y, x = rng.standard_normal((20, 3)), rng.standard_normal(20)
    require_exact(x, models.regression(y * [1e6, 1., 1e-5], prior_sd=30., noise_sd=0.4), 9)


def test_fewer_data_than_weights(rng):
    require_exact(
        rng.standard_normal(2), models.regression(rng.standard_normal((2, 4)), prior_sd=1.3, noise_sd=0.6), 11
    )


def test_where_no_digits_are_left_it_says_so(rng):
    first = rng.standard_normal(30)
    theta = models.regression(np.column_stack([first, 3 * first]), prior_sd=1e17, noise_sd=1.)
    for call in (models.posterior, models.covariance, models.log_evidence, models.mean_field):
        with pytest.raises(
            ValueError, match="combinations of one another to within rounding .condition .*: leave one out"
        ):
            call(rng.standard_normal(30), theta)


def test_the_covariance_is_the_inverse_of_the_precision(rng):
    x, theta = rng.standard_normal(9), models.regression(rng.standard_normal((9, 3)), prior_sd=1.4, noise_sd=0.5)
    np.testing.assert_allclose(models.covariance(x, theta) @ models.posterior(x, theta)[1], np.eye(3), atol=1e-12)
