"""The model that is trained: a language model and a vision tower, composed into one LLaVA model."""
