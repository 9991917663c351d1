"""refvi: every equals sign of the lectures, checked by a computer.

Read a chapter's page in derivations/ beside its module here; `refvi verify` holds the one against the other. What a
page's companion needs comes from here: `from refvi import Estimate, Family, Model, Noise, noise, normal, normal_lam`.
From Python and in notebooks (derivations/from_python.md has examples to run):

    refvi.verify(path)              the verdicts on a page of yours, or on a chapter by its name
    refvi.figure(name)              one of refvi's pictures as a matplotlib Figure, with its numbers
    refvi.check_family(q, lam)      whether density, draws, nodes and transport of a family are of one law

Families are bernoulli, beta, categorical, cauchy, diagonal_normal, exponential, full_normal, gamma, inverse_gamma,
laplace, log_normal, normal and student_t: help(refvi.gamma.log_prob) says what its z and lam are, and gamma_lam(shape=,
rate=) writes lam. Fits and studies, each with a help() of its own:

    refvi.programs.automatic.fit.fit                            a model and the constraints of its variables
    refvi.gradients.bbvi.algorithm.bbvi                         any log joint, any family that can be drawn from
    refvi.gradients.reparameterization.algorithm.reparameterized    along paths, for a log joint with a slope
    refvi.bound.coordinate_ascent.gaussian.fit, .regression.fit     one factor at a time, in closed form
    refvi.likelihood.mle.classifier.fit, .heteroscedastic.fit   networks by maximum likelihood
    refvi.likelihood.conditional.sentiment.fit                  verdicts from bags of words, with a prior on weights
    refvi.marginal.alignment.fit.fit                            which word stands for which, from pairs of sentences
    refvi.marginal.rationale.fit.fit                            verdicts from few words, and which they are
    refvi.marginal.language.fit.fit                             recurrent language models, also with a sentence variable
    refvi.likelihood.benefits.predictive.gibbs                  mixtures of normals, and data replicated from them
    refvi.marginal.topics.lda.fit                               topics of documents, and a prior of how mixed they are
    refvi.marginal.decoders.fit.fit, .topics.fit                networks with a latent variable in their input
    refvi.generative.semi_supervised.model.fit                  classes of normals, with labels of some data
    refvi.bayes.dropout.model.fit, .sparse.fit                  networks with dropout, weights that switch off
    refvi.generative.linear_latent.fit.fit                      probabilistic PCA and factor analysis
    refvi.bayes.gaussian_process.fit                            length, signal and noise of a curve, and how sure
    refvi.gradients.laboratory.study.variance_study             estimators' variances beside one another
"""
from importlib import import_module

__version__ = "0.1.0"

# in lecture order: derivations/<part>/<chapter>.md, its companion, refvi/<part>/<chapter>.py or a folder of that name
PARTS = {
    "likelihood": ("networks", "mle", "likelihoods", "conditional", "benefits", "constraints"),
    "marginal": ("marginal_gradient", "approximations", "decoders", "alignment", "rationale", "language", "trees",
                 "topics"),
    "bound": ("elbo", "mean_field", "coordinate_ascent"),
    "gradients": ("score_function", "variance_reduction", "bbvi", "reparameterization", "distributions", "laboratory"),
    "programs": ("automatic",),
    "generative": ("linear_latent", "amortization", "gaps", "deep_latent", "vae", "semi_supervised"),
    "bayes": ("trust", "gaussian_process", "bayesian_nn", "bnn_inference", "mcmc", "dropout"),
}
CHAPTERS = {chapter: part for part, chapters in PARTS.items() for chapter in chapters}

# imported when they are asked for, so that `import refvi` stays quick
WORDS = {"app.figures": ("figure",), "base.core": ("Estimate", "Family", "Model", "Noise", "noise", "tied"),
         "verify.companion": ("stages",), "verify.family": ("check_family",),
         "base.families.discrete": ("bernoulli", "categorical", "categorical_lam"),
         "base.families.gammas": ("beta", "beta_lam", "exponential", "gamma", "gamma_lam", "inverse_gamma",
                                  "student_t", "student_t_lam"),
         "base.families.gaussian": ("diagonal_normal", "full_normal", "full_normal_lam", "normal", "normal_lam"),
         "base.families.shifted": ("cauchy", "laplace", "log_normal")}
HOMES = {word: home for home, words in WORDS.items() for word in words}
__all__ = sorted(HOMES)


def __getattr__(name):
    if name == "verify":        # a package that can be called: refvi.verify("my_lecture.md")
        return import_module("refvi.verify")
    if name not in HOMES:
        raise AttributeError(f"module 'refvi' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"refvi.{HOMES[name]}"), name)
    return value


def __dir__():
    return sorted([*globals(), *HOMES])
