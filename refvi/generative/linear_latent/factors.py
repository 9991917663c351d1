"""Factor analysis, a noise for each coordinate, where EM has fitted it, beside probabilistic PCA.

Shapes as in model.py.
"""
import numpy as np

from refvi.generative.linear_latent.fit import fit, with_noise_of_each
from refvi.generative.linear_latent.maximum import closed_form, gradient
from refvi.generative.linear_latent.model import covariance


def fitted_variances(x, D):
    """The diagonal of C at the fit of factor analysis. (n,)"""
    return np.diag(covariance(fit(x, D).found))


def variances_of_ppca(x, D):
    """The diagonal of C at the fit of probabilistic PCA, which has one number for all noises. (n,)"""
    return np.diag(covariance(closed_form(x, D)))


def ends_of_em(x, D):
    """The log likelihoods that EM reaches with one noise for all coordinates and with one for each. (2,)"""
    return np.array([fit(x, D, each=each).trace[-1] for each in (False, True)])


def gradient_at_fit(x, D):
    """The slope of factor analysis' likelihood in W, b and each log sd, where its EM ends. (n D + 2 n,)"""
    return gradient(x, fit(x, D).found)


def gradient_at_ppca(x, D):
    """The slope of factor analysis' likelihood at the fit of probabilistic PCA, where all noises are one."""
    return gradient(x, with_noise_of_each(closed_form(x, D)))


def covariance_of_fit(x, D):
    """The covariance of x under factor analysis at its maximum. (n, n)"""
    return covariance(fit(x, D).found)
