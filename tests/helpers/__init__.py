"""What several tests build on: tiny runs, layouts of real downloads, servers."""
