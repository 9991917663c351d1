"""refvi: every equals sign of the lectures, checked by a computer.

Read a chapter's page in derivations/ beside its module here; `refvi verify` holds the one against the other. What a
page's companion needs comes from here: `from refvi import Estimate, Family, Model, Noise, noise, normal, normal_lam`.
"""
from importlib import import_module

__version__ = "0.1.0"

# in lecture order: derivations/<part>/<chapter>.md, its companion, refvi/<part>/<chapter>.py or a folder of that name
PARTS = {
    "likelihood": ("networks", "mle", "likelihoods", "constraints"),
    "marginal": ("marginal_gradient", "approximations"),
    "bound": ("elbo", "mean_field", "coordinate_ascent"),
    "gradients": ("score_function", "variance_reduction", "bbvi", "reparameterization", "distributions", "laboratory"),
    "programs": ("automatic",),
    "generative": ("linear_latent", "amortization", "gaps", "deep_latent", "vae"),
}
CHAPTERS = {chapter: part for part, chapters in PARTS.items() for chapter in chapters}

# imported when they are asked for, so that `import refvi` stays quick
WORDS = {
    "app.figures": ("figure",),
    "base.core": ("Estimate", "Family", "Model", "Noise", "noise", "tied"),
    "verify.companion": ("stages",),
    "verify.family": ("check_family",),
    "base.families.discrete": ("bernoulli", "categorical", "categorical_lam"),
    "base.families.gammas": ("beta", "beta_lam", "exponential", "gamma", "gamma_lam", "inverse_gamma",
                             "student_t", "student_t_lam"),
    "base.families.gaussian": ("diagonal_normal", "full_normal", "full_normal_lam", "normal", "normal_lam"),
    "base.families.shifted": ("cauchy", "laplace", "log_normal"),
}
HOMES = {word: home for home, words in WORDS.items() for word in words}


def __getattr__(name):
    if name == "verify":        # a package that can be called: refvi.verify("my_lecture.md")
        return import_module("refvi.verify")
    if name not in HOMES:
        raise AttributeError(f"module 'refvi' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"refvi.{HOMES[name]}"), name)
    return value


def __dir__():
    return sorted([*globals(), *HOMES])
