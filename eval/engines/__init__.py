"""Engines turn prompts into answers, behind one protocol: transformers, vLLM, any OpenAI-compatible server."""
