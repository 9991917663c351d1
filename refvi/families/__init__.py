"""Distributions: one row of facts each.

lam is flat and unconstrained: standard deviations and shapes enter by their logarithm, probabilities by logits, so every vector of
real numbers is a distribution. Parameters may carry sample axes of their own (the last axis is P), which is how scores are taken.
"""
from refvi.core import Family      # noqa: F401
from refvi.families.discrete import bernoulli, categorical, categorical_lam      # noqa: F401
from refvi.families.gammas import beta, beta_lam, exponential, gamma, gamma_lam, inverse_gamma, student_t, student_t_lam      # noqa: F401
from refvi.families.gaussian import diagonal_normal, full_normal, full_normal_lam, normal, normal_lam      # noqa: F401
from refvi.families.lam import halves, pair, trapezoid      # noqa: F401
from refvi.families.shifted import cauchy, laplace, log_normal      # noqa: F401
