"""Estimate a run before it starts: parameters, tokens, steps, operations, memory, hours, disk."""
