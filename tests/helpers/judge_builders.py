"""A judge to test against: a real HTTP server that speaks OpenAI's chat protocol, and results for it to judge."""

import json
import threading
from collections import deque
from dataclasses import replace

from pytest_httpserver import HTTPServer
from werkzeug import Response

from eval.judge.client import JudgeSettings
from eval.judge.verdicts import sha256
from eval.predictions import read_predictions
from eval.registry import load
from tests.helpers import eval_builders
from tests.helpers.layouts import bimed_mbench, uphill

KEY = "sk-a-secret-of-the-tests"
VARIABLE = "JUDGE_TEST_KEY"
JUDGE = {"model": "j", "temperature": 0.0, "max_tokens": None, "instructions": "instructions: published"}
SYSTEM, INSTRUCTIONS = "Be just.", "Grade both.\n  Two numbers first."
SCRIPT = f'''import llm

INSTRUCT_PROMPT = """{INSTRUCTIONS}"""
ROLE = 'Assistant'

def messages(text):
  found = [{{"role": "system", "content": """{SYSTEM}"""}}]
  found.append({{"role": "user", "content": text}})
  return found
'''
PROMPTS = """entailment_prediction:
  system: |-
    Compare. Answer like {"agreement": ...}
  user: |-
    text: {claim} {as it stands}
    evidence: {evidence}
query_generation:
  user: "{claim}"
"""


class JudgeServer:
    """`says` makes the usual reply from the user's text; `next_replies` are used first, one per request."""

    def __init__(self):
        self.says = lambda text: "8 6\nbecause"
        self.next_replies = deque()
        self.requests, self.keys = [], set()
        self.active = self.most_active = 0
        self.closing = threading.Event()
        self._lock = threading.Lock()
        self._server = HTTPServer(threaded=True)
        self._server.expect_request("/v1/chat/completions", method="POST").respond_with_handler(self._answer)
        self._server.start()
        self.url = self._server.url_for("/v1")

    def stop(self):
        self.closing.set()
        if self._server.is_running():
            self._server.stop()

    def texts(self):
        return [request["messages"][-1]["content"] for request in self.requests]

    def hang(self, _text=""):
        """Never answer, as long as the test lasts."""
        self.closing.wait(30)
        return Response(status=500)

    def _answer(self, request):
        with self._lock:
            self.requests.append(request.get_json())
            self.keys.add(request.headers["Authorization"])
            self.active += 1
            self.most_active = max(self.active, self.most_active)
            reply = self.next_replies.popleft() if self.next_replies else self.says
        text = self.requests[-1]["messages"][-1]["content"]
        made = reply if isinstance(reply, Response) else reply(text)
        with self._lock:
            self.active -= 1
        return completion(made) if isinstance(made, str) else made


def completion(text, tokens=(100, 20), cut=None, reason="stop"):
    """A chat completion; `cut` keeps only that many bytes of its body. Without `tokens`, the server does not count."""
    message = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": reason}
    usage = None
    if tokens:
        usage = {"prompt_tokens": tokens[0], "completion_tokens": tokens[1], "total_tokens": sum(tokens)}
        usage["prompt_tokens_details"] = {"cached_tokens": tokens[0] // 3}
    body = {"id": "1", "object": "chat.completion", "created": 1, "model": "j", "choices": [message], "usage": usage}
    return Response(json.dumps(body)[:cut], content_type="application/json")


def half_a_reply(_text):
    """A body of which the end is missing."""
    return completion("9 9", cut=60)


def a_body_that_breaks_off(_text):
    """A body shorter than announced."""
    response = completion("9 9")
    response.headers["Content-Length"] = str(len(response.get_data()) + 50)
    response.automatically_set_content_length = False
    return response


def settings(server, **more):
    """Settings for the server."""
    return JudgeSettings("judge-1", server.url, VARIABLE, **{"concurrency": 2, **more})


def bimed_root(folder, published=True):
    """BiMed-MBench and UPHILL in their layouts, four and ten items; the published instructions are made up."""
    bimed_mbench.make(folder)
    uphill_folder = folder / "uphill"
    uphill_folder.mkdir()
    uphill.make(uphill_folder)
    if published:
        scripts = folder / "BiMed-MBench" / "eval"
        scripts.mkdir()
        for name in ("eval_multimodal_chat_gpt_score.py", "eval_multimodal_chat_gpt_score_ara.py"):
            (scripts / name).write_text(SCRIPT)
        (uphill_folder / "src").mkdir()
        (uphill_folder / "src" / "prompts.yaml").write_text(PROMPTS)
    return folder


def answer_all(results, root, name, output=lambda item: f"answer to {item.id}", stem=None):
    """A predictions file of a benchmark; `output` makes an answer, or a dict of the line's fields."""
    lines = []
    for item in load(name, root).items():
        made = output(item)
        fields = made if isinstance(made, dict) else {"output": made}
        line = eval_builders.prediction(item.id, item.gold, "", item.language, item.task)
        lines.append(replace(line, modality=item.modality, facts=dict(item.facts), **fields))
    path = results / "predictions" / f"{stem or name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    header = {"format": 1, "model": "m", "images": "shown", "permuted": None, "benchmark": {"name": name}}
    records = [{"header": header}, *(line.record() for line in lines)]
    path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records), encoding="utf-8")
    return path


def questions(root, name, results):
    """What the judge is asked about each line of a predictions file."""
    benchmark = load(name, root)
    lines = read_predictions(results / "predictions" / f"{name}.jsonl").lines
    return [benchmark.question(benchmark.instructions(), line, swapped=False) for line in lines]


def verdict(key, line, reply, repeat=0, kind="plain"):
    """A verdict on a prediction's answer."""
    answer = {"answer_sha256": sha256(line.output), "kind": kind, "repeat": repeat, "reply": reply}
    return {"key": key, "item": line.item, **answer}


def verdict_lines(results, name):
    """The lines of a verdicts file, judges left out."""
    path = results / "verdicts" / f"{name}.jsonl"
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n")[:-1]]
    return [line for line in lines if "key" in line]
