"""Where the nats went: derivations/generative/gaps.md."""
