"""What stands in for vLLM's environment: a `python` whose server answers what a JSON file beside it says.

The file has `tokens` (of /tokenize) and `answers` (token ids), both by whether a request has an image. What the process
was started with is left beside it in `started.json`, with the process id of a child of its own.
"""

import json
import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SCRIPT = """#!/bin/bash
if [ "$1" = -c ]; then exit 0; fi
exec {python} {file} {replies} "$@"
"""


def install(folder, tokens=None, answers=None):
    """Write `.venv-vllm/bin/python`, and return the folder of its replies."""
    place = folder / ".venv-vllm/bin"
    place.mkdir(parents=True)
    replies = place / "replies.json"
    replies.write_text(json.dumps({"tokens": tokens or {}, "answers": answers or {}}))
    (place / "python").write_text(SCRIPT.format(python=sys.executable, file=__file__, replies=replies))
    (place / "python").chmod(0o755)
    return place


def has_image(body):
    return str(any(isinstance(message["content"], list) for message in body["messages"]))


def _handler(replies):
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_GET(self):
            self._send({"data": []})

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            if self.path == "/tokenize":
                self._send({"tokens": replies["tokens"][has_image(body)]})
                return
            choice = {"index": 0, "finish_reason": "length", "message": {"role": "assistant", "content": "x"}}
            choice["token_ids"] = replies["answers"][has_image(body)]
            self._send({"id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]})

        def _send(self, content):
            data = json.dumps(content).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    return Handler


def main(replies, *arguments):
    """Serve on the port that vLLM is given."""
    child = subprocess.Popen(["sleep", "600"])
    started = {"arguments": arguments, "child": child.pid, "environment": dict(os.environ)}
    Path(replies).with_name("started.json").write_text(json.dumps(started))
    port = int(arguments[arguments.index("--port") + 1])
    handler = _handler(json.loads(Path(replies).read_text()))
    ThreadingHTTPServer(("127.0.0.1", port), handler).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
