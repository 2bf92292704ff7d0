"""Serves a checkpoint with vLLM, and compares the server with transformers before it is used."""
