"""The push, to a local server in place of the Hub."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import huggingface_hub
import pytest
from click.testing import CliRunner
from werkzeug import Request, Response

from bimedix2_plugin.cli import push
from bimedix2_plugin.publish import hub
from bimedix2_plugin.publish.facts import read_facts
from tests.helpers import published

REPO, TOKEN = "me/Llama-BiMediX", "hf_notarealtokenbutasecretone"
PUSH = "from bimedix2_plugin.cli import push; push()"


def _push(server, *arguments):
    """Run the command with the Hub's address set to the server's; return the finished process."""
    settings = {"HF_ENDPOINT": server.url_for("").rstrip("/"), "HF_TOKEN": TOKEN, "HF_HUB_OFFLINE": "0"}
    settings |= {"HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_DEBUG": ""}
    command = [sys.executable, "-c", PUSH, *map(str, arguments)]
    environment = {**os.environ, **settings}
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, env=environment)


class Hub:
    """The Hub's side of a push: repositories made, files received, by name."""

    def __init__(self, server) -> None:
        self.url = server.url_for("")
        self.made: list[dict] = []
        self.files: dict[str, bytes] = {}
        self.objects: dict[str, bytes] = {}
        self.tokens: set[str | None] = set()
        on = server.expect_request
        on("/api/repos/create", method="POST").respond_with_handler(self._create)
        on("/api/validate-yaml", method="POST").respond_with_json({"errors": [], "warnings": []})
        on(f"/api/models/{REPO}/preupload/main", method="POST").respond_with_handler(self._modes)
        on(f"/{REPO}.git/info/lfs/objects/batch", method="POST").respond_with_handler(self._batch)
        on("/lfs", method="PUT").respond_with_handler(self._object)
        on(f"/api/models/{REPO}/commit/main", method="POST").respond_with_handler(self._commit)

    def _create(self, request: Request) -> Response:
        self.made.append(request.get_json())
        self.tokens.add(request.headers.get("authorization"))
        return _reply({"url": f"{self.url}{REPO}", "name": REPO})

    def _modes(self, request: Request) -> Response:
        entries = [
            {"path": file["path"], "uploadMode": "lfs" if file["path"].endswith("safetensors") else "regular"}
            for file in request.get_json()["files"]
        ]
        return _reply({"files": [entry | {"shouldIgnore": False} for entry in entries]})

    def _batch(self, request: Request) -> Response:
        objects = [
            entry | {"actions": {"upload": {"href": f"{self.url}lfs?oid={entry['oid']}"}}}
            for entry in request.get_json()["objects"]
        ]
        content_type = "application/vnd.git-lfs+json"
        return Response(json.dumps({"transfer": "basic", "objects": objects}), content_type=content_type)

    def _object(self, request: Request) -> Response:
        self.objects[request.args["oid"]] = request.get_data()
        return Response()

    def _commit(self, request: Request) -> Response:
        for line in map(json.loads, request.get_data(as_text=True).splitlines()):
            value = line["value"]
            if line["key"] == "file":
                self.files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                self.files[value["path"]] = self.objects[value["oid"]]
        return _reply({"success": True, "commitOid": "0" * 40, "commitUrl": f"{self.url}{REPO}/commit/{'0' * 40}"})


def _reply(content: dict) -> Response:
    return Response(json.dumps(content), content_type="application/json")


def _in_this_process(*arguments):
    """Run the command in this offline process: a request would be an error."""
    return CliRunner().invoke(push, [str(argument) for argument in arguments])


def test_a_dry_run_writes_the_card_and_sends_nothing(tmp_path):
    done = _in_this_process(published.recipe(tmp_path), "--repo", "me/bimedix", "--dry-run")
    assert done.exit_code == 0, done.output
    card = tmp_path / "out" / "merged" / "README.md"
    assert f"{card} written" in done.output and "nothing was pushed" in done.output
    assert "model.safetensors" in done.output and "in 8 files to me/bimedix" in done.output
    assert "note: meta-llama/Llama-3.1-8B-Instruct: its licence requires a model name that begins with" in done.output
    card.write_text("mine", encoding="utf-8")
    again = _in_this_process(tmp_path / "recipe.yml", "--repo", "me/bimedix", "--dry-run")
    assert "exists and is kept" in again.output and card.read_text() == "mine"


def test_every_file_arrives_and_the_token_is_nowhere(httpserver, tmp_path):
    ours = Hub(httpserver)
    done = _push(httpserver, published.recipe(tmp_path), "--repo", REPO, "--private")
    assert done.returncode == 0, done.stdout + done.stderr
    folder = tmp_path / "out" / "merged"
    assert len(ours.made) == 1 and ours.made[0]["visibility"] == "private"
    sent = {file.name: file.read_bytes() for file in folder.iterdir() if file.name != "debug.log"}
    assert sent.keys() == {name for name in ours.files if name != ".gitattributes"}
    assert all(ours.files[name] == content for name, content in sent.items())
    assert hashlib.sha256(sent["model.safetensors"]).hexdigest() in ours.objects
    assert ours.tokens == {f"Bearer {TOKEN}"}
    said = done.stdout + done.stderr
    assert done.stdout.rstrip().endswith(REPO) and TOKEN not in said + (folder / "README.md").read_text()


@pytest.mark.parametrize(
    ("flags", "visibility"), [((), "private"), (("--private",), "private"), (("--public",), "public")]
)
def test_a_new_repository_is_private_unless_public_is_asked_for(tmp_path, monkeypatch, flags, visibility):
    made = []

    class Api:
        def create_repo(self, repo, *, private, exist_ok):
            made.append("private" if private else "public")
            return "address"

        def upload_folder(self, **_):
            pass

    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    done = _in_this_process(published.checkpoint(tmp_path / "merged"), "--repo", REPO, *flags)
    assert done.exit_code == 0 and made == [visibility], done.output


def test_a_refusal_is_one_message_without_the_token(httpserver, tmp_path):
    httpserver.expect_request("/api/repos/create", method="POST").respond_with_json({"error": "no"}, status=403)
    done = _push(httpserver, published.checkpoint(tmp_path / "merged"), "--repo", REPO)
    assert done.returncode == 1
    assert f"Error: {REPO}: the push failed" in done.stderr and "hf auth login" in done.stderr
    assert TOKEN not in done.stdout + done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("repo", "message"), [("bimedix", "write owner/name"), ("me/a b", "--repo: "), ("a/b/c", "--repo: ")]
)
def test_a_name_that_is_none_is_refused_before_anything_is_written(tmp_path, repo, message):
    folder = published.checkpoint(tmp_path / "merged")
    done = _in_this_process(folder, "--repo", repo, "--dry-run")
    assert done.exit_code == 1 and message in done.output
    assert not (folder / "README.md").exists()


def test_a_large_checkpoint_goes_in_resumable_pieces(tmp_path, monkeypatch):
    calls = []

    class Api:
        def create_repo(self, repo, **options):
            calls.append(("create", repo, options))
            return "address"

        def upload_large_folder(self, repo, folder, **options):
            calls.append(("large", Path(folder).name, sorted(options["allow_patterns"])))

    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    monkeypatch.setattr(hub, "LARGE_BYTES", 10)
    facts = read_facts(published.checkpoint(tmp_path / "merged"))
    assert hub.push(facts, REPO, private=False) == "address"
    assert [call[0] for call in calls] == ["create", "large"]
    assert "model.safetensors" in calls[1][2] and "debug.log" not in calls[1][2]
