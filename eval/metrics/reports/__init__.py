"""Metrics of reports that need a trained model, each computed by its own package from weights that the user gives."""
