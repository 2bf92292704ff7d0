"""Files of rows, cut into slices that are read apart from each other."""
