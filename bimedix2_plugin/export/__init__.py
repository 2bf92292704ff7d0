"""Export of a merged checkpoint to GGUF, with its vision part, checked on the llama.cpp at hand."""
