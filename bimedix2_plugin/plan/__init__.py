"""What a recipe will take before anything runs: parameters, tokens, steps, operations, memory, hours, disk."""
