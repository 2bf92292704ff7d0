"""Report metrics that need a trained model, each computed by its own package from weights that the user provides."""
