"""Language models, without and with a sentence variable: derivations/marginal/language.md."""
