"""An OpenAI-compatible server that streams: a whole reply, one that it cuts by dying, one that never ends."""

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def chunk(text=None, reason=None):
    """`text` may be a whole delta."""
    delta = text if isinstance(text, dict) else {} if text is None else {"content": text}
    return {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}


class StreamingServer:
    """A context manager; `words` are streamed, then `end` happens: "dies", "hangs", or a finish reason.

    With `end` "reads" it says nothing, as one that still reads the request. `closed` is set when the client has gone.
    """

    def __init__(self, words=("A", " lung", "."), end="stop", refuses=None, models=("served",)):
        self.words, self.end, self.refuses, self.models = words, end, refuses, models
        self.requests, self.closed = [], threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                self._whole(200, {"object": "list", "data": [{"id": name, "object": "model"} for name in outer.models]})

            def do_POST(self):
                outer.requests.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                message = outer.refuses(outer.requests[-1]) if outer.refuses else None
                if message:
                    self._whole(400, {"error": {"message": message, "code": 400}})
                    return
                if outer.end == "reads":
                    self.close_connection = True
                    while self.connection.recv(1, socket.MSG_PEEK):
                        outer.closed.wait(0.05)
                    outer.closed.set()
                    return
                self.send_response(200)
                self.send_header("content-type", "text/event-stream")
                self.end_headers()
                self.close_connection = True
                self._stream()

            def _stream(self):
                for word in outer.words:
                    self._event(json.dumps(chunk(word)))
                if outer.end == "dies":
                    self.connection.shutdown(socket.SHUT_RDWR)
                elif outer.end != "hangs":
                    self._event(json.dumps(chunk(reason=outer.end)))
                    self._event("[DONE]")
                else:
                    try:
                        while True:
                            self._event(json.dumps(chunk(".")))
                            outer.closed.wait(0.05)
                    except OSError:
                        outer.closed.set()

            def _event(self, data):
                self.wfile.write(f"data: {data}\n\n".encode())
                self.wfile.flush()

            def _whole(self, status, body):
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.closed.set()
        self._server.shutdown()
        self._server.server_close()
