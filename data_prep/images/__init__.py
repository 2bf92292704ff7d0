"""From any image file to the store: decoded once, stripped of what is not pixels, kept under its hash."""
