"""Two constraints, differentiable and tractable: derivations/likelihood/constraints.md."""
