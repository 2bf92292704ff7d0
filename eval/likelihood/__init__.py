"""Benchmarks scored by likelihood: lm-eval writes the prompts and computes the options' log-likelihoods."""
