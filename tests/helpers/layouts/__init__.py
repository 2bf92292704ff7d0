"""Small downloads in the layouts of the real ones."""
