"""What a probabilistic model buys: derivations/likelihood/benefits.md."""
