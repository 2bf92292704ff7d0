"""An image file as a data URL, for pages and for requests to servers."""

import base64


def data_url(data: bytes) -> str:
    """The data URL of a PNG or JPEG file, told apart by their first bytes."""
    kind = "png" if data.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"
