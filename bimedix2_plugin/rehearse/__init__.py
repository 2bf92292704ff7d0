"""Tiny random models in place of real ones, and two-rank runs on a CPU."""
