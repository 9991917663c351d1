"""Every public function that takes data, with every kind that people bring: an answer, or a reason in our words.

Functions of targets x (N,) and of tables x (N, n) stand in one list each. Where only some array is wrong, NumPy's own
messages (broadcasting, matmul, einsum) count as none.
"""
import re
import warnings

import numpy as np
import pytest

from refvi.base import models
from refvi.bound.coordinate_ascent import gaussian, regression as sweeps
from refvi.data.store import standardize
from refvi.generative.amortization import fit as amortized, model as latent
from refvi.generative.deep_latent import amortized as deep_amortized, exact, local, mcmc, model as deep
from refvi.generative.gaps import codes, encoder as sights, rows as gaps
from refvi.generative.linear_latent import (autoencoder, em, encoder as linear_encoder, fit as factors, maximum,
                                            model as linear)
from refvi.generative.vae import evaluate, model as vae, training
from refvi.gradients.bbvi import regression as bbvi
from refvi.gradients.reparameterization import regression as paths
from refvi.likelihood.benefits import predictive, rows as benefits
from refvi.likelihood.conditional import problems, sentiment
from refvi.likelihood.heads import Network, normal, normal_heads
from refvi.likelihood.likelihoods import logistic
from refvi.likelihood.mle import classifier, heteroscedastic
from refvi.likelihood.networks import initial, tanh
from refvi.marginal import approximations
from refvi.marginal.decoders import model as decoders, topic_plane
from refvi.marginal.marginal_gradient import mixture
from refvi.programs.automatic import examples
from refvi.programs.automatic.fit import fit as automatic

ENTROPY = np.random.SeedSequence().entropy


def rng():
    """One stream of draws for every call of a run."""
    return np.random.default_rng(ENTROPY)


N, n = 6, 3
TARGETS = np.array([0, 1, 1, 0, 1, 1])
TABLE = np.array([[0, 1, 1], [1, 0, 0], [1, 1, 0], [0, 0, 1], [1, 0, 1], [0, 1, 0]])
THETA = models.regression(np.column_stack([np.ones(N), np.arange(N)]), prior_sd=1., noise_sd=1.)
LAM = np.zeros(4)
LINEAR = linear.linear(np.array([[0.4], [-0.7], [1.1]]), np.zeros(n), sd=0.7)
PHI = linear_encoder.best(LINEAR)
ALL = np.arange(n)
SIGHT = sights.best_encoder(sights.moments_of(TABLE), ALL, LINEAR)
DECODER, ENCODER = deep.decoder((1, 4, n)), Network((n, 4, 2), None, tanh)
WEIGHTS, CODE = 0.1 * np.cos(np.arange(DECODER.size)), 0.1 * np.cos(np.arange(ENCODER.size))
SHAPE = vae.architecture(n=n, D=1, encoder=(4,), likelihood="gaussian")
VAE = 0.1 * np.cos(np.arange(sum(SHAPE.counts)), dtype=np.float32)
TWO = np.zeros(2), np.array([0., 1.]), np.zeros(2)
MIXED = decoders.latent(Network((0, 4), normal_heads), Network((2, n), normal))
NOTHING, MIXED_THETA = np.zeros((N, 0)), 0.1 * np.cos(np.arange(4. + 2 * n + n + 1))
PLANE = np.cos(np.arange(3. * n)), (2, n)

OF_TARGETS = {
    "posterior": lambda x: models.posterior(x, THETA)[0],
    "covariance": lambda x: models.covariance(x, THETA),
    "evidence": lambda x: models.log_evidence(x, THETA),
    "mean field": lambda x: models.mean_field(x, THETA),
    "exact elbo": lambda x: models.elbo(LAM, x, THETA),
    "mean and precision": lambda x: gaussian.data_of(x)[1:],
    "coordinate ascent": lambda x: sweeps.fit(x, THETA).found,
    "bbvi": lambda x: bbvi.fit(x, THETA, LAM, rng(), 3, 2, 0.1).lam,
    "paths": lambda x: paths.fit(x, THETA, LAM, rng(), 3, 2, 0.1).lam,
    "mixture": lambda x: mixture.gradient(x, *TWO).mu,
    "em of a mixture": lambda x: mixture.expectation_maximization(x, *TWO)[1],
    "heteroscedastic fit": lambda x: heteroscedastic.fit(rng(), x, np.ones((N, 1)), 1, 2).lam,
    "heteroscedastic": lambda x: heteroscedastic.log_likelihood(initial(rng(), (1, 50, 2)), x, np.ones((N, 1))),
    "unknown noise": lambda x: examples.unknown_noise_exact(x, THETA.y).mean,
    "logistic labels": lambda x: examples.logistic_exact(x, THETA.y).mean,
    "gibbs": lambda x: predictive.gibbs(rng(), x, 2, 3, 1).mu,
    "one component": lambda x: predictive.log_evidence(x, predictive.Prior()),
    "predictive": lambda x: predictive.predictive(x, predictive.gibbs(rng(), np.arange(6.), 2, 3, 1))[0],
    "kurtosis": predictive.excess_kurtosis,
    "centre": lambda x: benefits.location_by_weights(x, 3.),
    "features": lambda x: problems.class_scores(x, 0.1 * np.arange(2. * N + 2), 2),
    "pixels": lambda x: problems.caption_scores(x, 0.1 * np.arange(4. + 2 * N), 3, 2),
    "verdicts counted": lambda x: sentiment.naive_bayes(x, TABLE),
    "verdicts": lambda x: sentiment.fit(x, TABLE, 1.).theta,
    "logistic regression": lambda x: logistic.fit(x, THETA.y).found,
    "labels": lambda x: classifier.log_likelihood(initial(rng(), (2, 3)), x, THETA.y, (2, 3)),
}
OF_TABLES = {"regression": lambda x: models.log_evidence(np.arange(6.), models.regression(x, prior_sd=1., noise_sd=1.)),
             "linear likelihood": lambda x: linear.log_likelihood(x, LINEAR),
             "linear evidence": lambda x: linear.log_evidence(x, LINEAR),
             "linear posterior": lambda x: linear.posterior(x, LINEAR)[0],
             "best lam": lambda x: linear.best_lam(x, LINEAR),
             "linear bounds": lambda x: linear_encoder.bounds(x, np.zeros((N, 2)), LINEAR),
             "linear encoder": lambda x: linear_encoder.encode(x, PHI, LINEAR),
             "linear elbo": lambda x: linear_encoder.elbo(x, PHI, LINEAR),
             "climbed encoder": lambda x: linear_encoder.climbed(x, PHI, LINEAR),
             "eigenvalues": lambda x: maximum.eigen(x)[0], "ppca": lambda x: maximum.closed_form(x, 1).sd,
             "em step": lambda x: em.em_step(x, LINEAR, False).sd, "em": lambda x: factors.fit(x, 1, steps=5).trace,
             "autoencoder's error": lambda x: autoencoder.error(LINEAR.W, LINEAR.W.T, x),
             "autoencoder": lambda x: autoencoder.trained(x, LINEAR.W.T, 3)[0],
             "deep evidence": lambda x: deep.log_evidence(x, WEIGHTS, DECODER),
             "deep posterior": lambda x: deep.posterior_nodes(x, WEIGHTS, DECODER)[2],
             "deep gradient": lambda x: exact.gradient(x, WEIGHTS, DECODER)[1],
             "deep exact": lambda x: exact.fit(x, WEIGHTS, DECODER, 2, 0.1),
             "deep amortized": lambda x: deep_amortized.fit(x, WEIGHTS, CODE, DECODER, ENCODER, 2, 0.1)[0],
             "deep local": lambda x: local.ascend(x, WEIGHTS, DECODER, local.start(N, 1), 2)[1],
             "deep local fit": lambda x: local.fit(x, WEIGHTS, DECODER, 2, 2, 0.1)[0],
             "chains": lambda x: mcmc.run(rng(), np.zeros((2, N, 1)), x, WEIGHTS, DECODER, 2, 0.1)[0],
             "chains' fit": lambda x: mcmc.fit(rng(), x, WEIGHTS, DECODER, 2, 2, 0.1),
             "amortized fit": lambda x: amortized.fit(rng(), x, ENCODER, DECODER, CODE, WEIGHTS, 1, 2, 0.1)[0],
             "estimated elbo": lambda x: amortized.estimated_elbo(rng(), x, ENCODER, DECODER, CODE, WEIGHTS, 2),
             "encode": lambda x: latent.encode(x, CODE, ENCODER), "moments": lambda x: sights.moments_of(x)[1],
             "sight": lambda x: sights.encode(x, SIGHT, ALL, LINEAR),
             "best of each": lambda x: gaps.best_of_each(x, LINEAR),
             "codes": lambda x: codes.put_out(x, TABLE, ALL, LINEAR),
             "vae encoded": lambda x: evaluate.encoded(SHAPE, VAE, x),
             "vae bound": lambda x: evaluate.bound(SHAPE, VAE, x, rng()),
             "vae importance": lambda x: evaluate.importance_bound(SHAPE, VAE, x, rng(), 3),
             "vae evidence": lambda x: evaluate.log_evidence(SHAPE, VAE, x, 20),
             "vae refined": lambda x: evaluate.refined(SHAPE, VAE, x, rng(), 2),
             "vae": lambda x: next(training.epochs(training.begin(rng(), SHAPE, training.Settings(M=2)), x)).weights,
             "inputs of a fit": lambda x: heteroscedastic.fit(rng(), np.arange(6.), x, 1, 2).lam,
             "inputs": lambda x: heteroscedastic.predict(initial(rng(), (n, 50, 2)), x)[0],
             "inputs of a classifier": lambda x: classifier.log_likelihood(initial(rng(), (n, 2)), TARGETS, x, (n, 2)),
             "inputs and noise": lambda x: examples.unknown_noise_exact(np.arange(6.), x).mean,
             "automatic": lambda x: automatic(*examples.unknown_noise(n), rng(), steps=3, data=(np.arange(6.), x)).lam,
             "inputs of a regression": lambda x: logistic.fit(np.array([0., 1., 1., 0., 0., 1.]), x).found,
             "responsibilities": lambda x: approximations.truncated_responsibilities(x, 2), "standardized": standardize,
             "latent evidence": lambda x: decoders.log_evidence(x, NOTHING, MIXED_THETA, MIXED),
             "latent gradient": lambda x: decoders.gradient(x, NOTHING, MIXED_THETA, MIXED)[1],
             "bags of topics": lambda x: topic_plane.bag_log_probability(x, *PLANE),
             "slope of topics": lambda x: topic_plane.bag_gradient(x, *PLANE),
             "places": lambda x: topic_plane.places(x, *PLANE),
             "frequencies of words": topic_plane.unigram, "topics": lambda x: topic_plane.fit(rng(), x, 2).lam,
             "bags counted": lambda x: sentiment.naive_bayes(TARGETS, x),
             "bags": lambda x: sentiment.fit(TARGETS, x, 1.).theta,
             "bags of a model": lambda x: sentiment.logits(np.arange(n + 1.), x)}
EVERY = [(name, taker, TARGETS) for name, taker in OF_TARGETS.items()]
EVERY += [(name, taker, TABLE) for name, taker in OF_TABLES.items()]
every = pytest.mark.parametrize("name, taker, data", EVERY, ids=[name for name, *_ in EVERY])
OF_ANY_WIDTH = {"regression", "eigenvalues", "ppca", "em", "moments", "inputs of a fit", "inputs and noise",
                "inputs of a regression", "responsibilities", "standardized", "bags counted", "bags",
                "frequencies of words", "topics"}
OF_ANY_LENGTH = {"mean and precision", "mixture", "em of a mixture", "gibbs", "one component", "predictive", "kurtosis",
                 "centre"}
RIGHT = {("one axis more", "standardized"), ("one axis more", "kurtosis"), ("one axis more", "automatic"),
         ("squares that overflow", "responsibilities")}
NUMPYS = "broadcast|matmul|einsum|einstein|aligned|mismatch|inhomogeneous|could not convert|dimension"


def spoilt(x, value):
    """x with another value in its second place."""
    return np.where(np.arange(x.size).reshape(x.shape) == 1, value, x)


GOOD = {"uint8": lambda x: x.astype(np.uint8), "int32": lambda x: x.astype(np.int32), "bool": lambda x: x.astype(bool),
        "list": lambda x: x.astype(float).tolist(), "float32": lambda x: x.astype(np.float32),
        "nothing masked": lambda x: np.ma.array(x.astype(float))}
BAD = {"masked": (lambda x: np.ma.masked_array(x.astype(float), spoilt(0 * x, 1)), "masked array with 1 of"),
       "text": (lambda x: x.astype(float).astype(str), "text|<U"),
       "objects": (lambda x: spoilt(x.astype(object), None), "objects|object"),
       "complex": (lambda x: x + 0j, "complex"), "nan": (lambda x: spoilt(x, np.nan), "nan"),
       "infinite": (lambda x: spoilt(x, np.inf), "inf"),
       "squares that overflow": (lambda x: spoilt(x.astype(float), 1e160), "1e[+]160|pixels|labels"),
       "no rows": (lambda x: x[:0].astype(float), "."), "a number": (lambda x: np.float64(1.), "."),
       "one axis more": (lambda x: x[..., None].astype(float), r"expected|data have shapes")}


def answered(taker, x):
    """What taker says of x, once its remedy has been followed if it has one: networks ask for floats, labels for whole
    numbers."""
    try:
        return taker(x)
    except ValueError as refusal:
        kind = re.search(r"convert them(?:,| with) [xy].astype\((float|int)\)", str(refusal)).group(1)
        return taker(np.asarray(x).astype(kind))


@every
@pytest.mark.parametrize("kind", GOOD)
def test_whatever_holds_the_numbers_gives_their_answer(name, taker, data, kind):
    found, wanted = answered(taker, GOOD[kind](data)), answered(taker, data.astype(float))
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


@every
@pytest.mark.parametrize("kind", BAD)
def test_what_is_wrong_is_named(name, taker, data, kind):
    if (kind, name) in RIGHT:
        pytest.skip("this is right here")
    spoil, told = BAD[kind]
    with pytest.raises(ValueError, match=told) as refusal:
        taker(spoil(data))
    assert not re.search(NUMPYS, str(refusal.value))


@every
def test_another_length_or_width_is_named(name, taker, data):
    shapes = [data[:-1]] if data.ndim == 1 else [data[:, :-1], np.column_stack([data, data[:, 0]]), data[0]]
    if name in OF_ANY_WIDTH | OF_ANY_LENGTH:
        shapes = shapes[2:]
    for x in shapes if name != "standardized" else []:
        with pytest.raises(ValueError) as refusal:
            taker(x.astype(float))
        told = str(refusal.value)
        assert name == "automatic" or not re.search(NUMPYS, told), told


@every
def test_one_row_and_constants_have_an_answer_or_a_reason(name, taker, data):
    constant = np.full(N, 0.1) if data.ndim == 1 else np.column_stack([data[:, :-1], np.full(N, 0.1)])
    for x in (data[:1].astype(float), constant):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                assert np.all(np.isfinite(np.concatenate([np.ravel(part) for part in np.atleast_1d(taker(x))])))
            except ValueError as refusal:
                assert not re.search(NUMPYS, str(refusal)), refusal
