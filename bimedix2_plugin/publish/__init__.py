"""Publish a merged checkpoint on the Hub, with a model card."""
