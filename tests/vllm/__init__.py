"""Tests that run in vLLM's environment."""
