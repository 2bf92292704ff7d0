"""An adapter and its composed model into one LLaVA checkpoint, tensor by tensor: `axolotl merge-lora`."""
