"""Merge an adapter into its composed model, tensor by tensor, and write a LLaVA checkpoint: `axolotl merge-lora`."""
