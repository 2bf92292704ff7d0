"""LangChain's client in front of a server; run by the Python of vLLM's own environment, where it is installed.

python ask_langchain.py ADDRESS IMAGE.png          prints {"image": answer, "text": answer}
"""

from __future__ import annotations

import base64
import json
import os
import sys
from pathlib import Path

from langchain_core.messages import HumanMessage
from langchain_openai import ChatOpenAI


def main(address: str, image: str) -> None:
    """Ask about the image, then without one."""
    model = ChatOpenAI(base_url=address, api_key=os.environ["SERVED_KEY"], model="tiny", temperature=0, max_tokens=12)
    url = f"data:image/png;base64,{base64.b64encode(Path(image).read_bytes()).decode()}"
    seen = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": "What is shown?"}]
    answers = {"image": model.invoke([HumanMessage(seen)]).content, "text": model.invoke("ما معنى كسر؟").content}
    print(json.dumps(answers))


if __name__ == "__main__":
    main(*sys.argv[1:])
