"""Benchmarks scored by likelihood: lm-eval words the prompts and reads the options' likelihoods off a checkpoint."""
