"""refvi: every equals sign of the lectures, checked by a computer.

Read a chapter's page in derivations/ beside its module here; `refvi verify` holds the one against the other.
"""
__version__ = "0.1.0"

# in lecture order: derivations/<name>.md, its companion, refvi/<name>.py
CHAPTERS = ("networks", "mle", "marginal_gradient", "approximations", "elbo", "mean_field", "coordinate_ascent",
            "coordinate_regression", "score_function", "variance_reduction", "bbvi", "reparameterization", "distributions",
            "laboratory", "automatic", "linear_latent", "amortization", "gaps", "deep_latent", "vae")
FINISHED = ()                               # chapters whose items in derivations/slides.tsv are all accounted for
