"""The stages of a build, on datatrove's executors. A stage is a list of tasks; each task writes its files atomically.

In order: slices, read_rows, load_images, fingerprints (with benchmark_overlap and minhash), decisions (with
select_rows), write_shards, write_store.
"""
