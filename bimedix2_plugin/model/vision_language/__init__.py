"""Descriptors of vision-language models: the only files that know one model type from another."""
