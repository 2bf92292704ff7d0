"""Files of rows in every released format, cut into slices that are read independently."""
