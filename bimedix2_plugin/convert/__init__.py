"""Convert a checkpoint of LLaVA-pp's own class into a LLaVA of transformers: `axolotl bimedix2-convert`."""
