"""The image store: each distinct image once, in uncompressed Arrow IPC files that can be memory-mapped."""

import pyarrow as pa

SCHEMA = pa.schema(
    [
        ("key", pa.string()),
        ("bytes", pa.large_binary()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("phash", pa.string()),
    ]
)
"""`key` is the sha256 of `bytes` in hex, `bytes` a PNG or JPEG file, `phash` 16 hex digits, null where
nothing looked at the image; the size is in pixels."""
