"""Tiny stand-ins of real models, and two ranks of one run on a CPU."""
