"""From any image file to the store: decode it once, strip its metadata, store it under its hash."""
