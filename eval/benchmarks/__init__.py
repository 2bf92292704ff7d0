"""Benchmarks: data, prompt and scorer of each in one file."""
