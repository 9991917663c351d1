"""Families of distributions: each a density, a sampler, nodes for integrals, and a transport where there is one."""
