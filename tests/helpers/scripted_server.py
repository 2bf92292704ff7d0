"""An OpenAI-compatible server that replies as a script says: good, bad, cut, empty, slow, 429, 500, ten megabytes."""

import asyncio
import json
import re
import threading
from dataclasses import dataclass, field

PIECE = re.compile(r"\[\[(\d+)\]\]\n(.*?)(?=\n\[\[|\Z)", re.DOTALL)


@dataclass
class Answer:
    """What the server sends: a status, a text as a chat completion, or an error; after so many seconds."""

    text: str | None = None
    reason: str = "stop"
    status: int = 200
    headers: dict = field(default_factory=dict)
    seconds: float = 0.0
    error: str = "an error"

    def body(self):
        if self.status != 200:
            return {"error": {"message": self.error, "code": self.status}}
        choice = {"index": 0, "message": {"role": "assistant", "content": self.text}, "finish_reason": self.reason}
        return {"choices": [choice], "usage": {"prompt_tokens": 20, "completion_tokens": 10}}


def last_text(messages):
    """The text of the last turn of a user."""
    content = messages[-1]["content"]
    return content if isinstance(content, str) else content[-1]["text"]


class ScriptedServer:
    """A context manager; `script(messages, number)` gives the Answer to each request, `requests` holds their bodies."""

    def __init__(self, script, key=None):
        self.script, self.key = script, key
        self.requests = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._ready = threading.Event()

    def __enter__(self):
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_):
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/v1"

    def _run(self):
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0, limit=1 << 26))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()

    async def _end(self):
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader, writer):
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lower = head.lower()
                length = re.search(rb"content-length: *(\d+)", lower)
                data = await reader.readexactly(int(length.group(1)) if length else 0)
                answer = self._answer(head, data)
                if answer.seconds:
                    await asyncio.sleep(answer.seconds)
                body = json.dumps(answer.body()).encode()
                lines = [f"HTTP/1.1 {answer.status} X", "Content-Type: application/json"]
                lines += [f"Content-Length: {len(body)}", *(f"{name}: {v}" for name, v in answer.headers.items())]
                writer.write("\r\n".join([*lines, "", ""]).encode() + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _answer(self, head, data):
        if self.key and f"Bearer {self.key}".encode() not in head:
            return Answer(status=401, error="wrong key")
        if not data:
            return Answer("")
        body = json.loads(data)
        self.requests.append(body)
        return self.script(body["messages"], len(self.requests))
