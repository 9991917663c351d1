"""Maximum likelihood: derivations/likelihood/mle.md."""
