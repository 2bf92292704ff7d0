"""Models on the Hub: preparing data asks for no weights, training does and finds the prepared set."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest
from huggingface_hub import constants
from transformers import AutoTokenizer
from werkzeug import Request, Response

from bimedix2_plugin import conversation
from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.model.compose import COMPOSITION, load
from bimedix2_plugin.model.model_folder import resolve
from bimedix2_plugin.rehearse import tiny
from tests.helpers import runs

MODELS = {"base_model": "org/llama", "vision_tower": "org/clip"}
WEIGHTS = (".safetensors", ".bin")


class Hub:
    """The Hub's side of a download: folders as repositories of one commit, and what was asked of them."""

    def __init__(self, server, folders: dict[str, Path]) -> None:
        self.folders, self.commit, self.asked = folders, "a" * 40, set()
        server.expect_request(re.compile(r"/api/models/[^/]+/[^/]+/revision/main")).respond_with_handler(self._info)
        server.expect_request(re.compile(r"/api/models/[^/]+/[^/]+/tree/\w+")).respond_with_handler(self._tree)
        server.expect_request(re.compile(r"/[^/]+/[^/]+/resolve/\w+/.+")).respond_with_handler(self._file)

    def weights(self) -> set[str]:
        """Names of the weight files that were asked for."""
        return {name for name in self.asked if name.endswith(WEIGHTS)}

    def _entries(self, request: Request) -> list[dict]:
        folder = self.folders["/".join(request.path.split("/")[3:5])]
        return [
            {"type": "file", "path": file.name, "size": file.stat().st_size, "oid": _digest(file)}
            for file in sorted(folder.iterdir())
        ]

    def _info(self, request: Request) -> Response:
        files = [{"rfilename": entry["path"]} for entry in self._entries(request)]
        return _reply({"id": "/".join(request.path.split("/")[3:5]), "sha": self.commit, "siblings": files})

    def _tree(self, request: Request) -> Response:
        return _reply(self._entries(request))

    def _file(self, request: Request) -> Response:
        organisation, name, _, commit, file = request.path.strip("/").split("/")
        self.asked.add(f"{organisation}/{name}/{file}")
        path = self.folders[f"{organisation}/{name}"] / file
        return Response(path.read_bytes(), headers={"ETag": f'"{_digest(path)}"', "X-Repo-Commit": commit})


def _reply(content) -> Response:
    return Response(json.dumps(content), content_type="application/json")


def _digest(file: Path) -> str:
    return hashlib.sha1(file.read_bytes()).hexdigest()


@pytest.fixture
def hub(httpserver, work, monkeypatch):
    """The tiny parts on a Hub of our own, with an empty cache; the tower's weights are a .bin, as OpenAI's are."""
    folders = {"org/llama": work / "llama", "org/clip": tiny.clip_whole(work / "bin", as_bin=True)}
    url = httpserver.url_for("").rstrip("/")
    monkeypatch.setattr(constants, "ENDPOINT", url)
    template = url + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(work / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    return Hub(httpserver, folders)


def test_preparing_asks_for_no_weights_and_training_finds_the_prepared_set(hub, monkeypatch):
    cfg = runs.configuration(**MODELS, is_preprocess=True)
    rows = runs.datasets(cfg).train_dataset
    assert {"org/llama/config.json", "org/llama/tokenizer.json", "org/clip/preprocessor_config.json"} <= hub.asked
    assert hub.weights() == set()
    assert not (Path(cfg.base_model) / COMPOSITION).exists()

    def rendered(*_):
        raise AssertionError("the rows were rendered again")

    monkeypatch.setattr(conversation.ConversationStrategy, "wrap_dataset", rendered)
    train = runs.configuration(**MODELS)
    assert hub.weights() == {"org/llama/model.safetensors", "org/clip/pytorch_model.bin"}
    for later in (train, runs.configuration(**MODELS)):  # the second one finds the weights in the cache
        assert later.dataset_prepared_path == cfg.dataset_prepared_path
        assert later.tokenizer_config == cfg.tokenizer_config
    assert runs.datasets(train).train_dataset["input_ids"][:] == rows["input_ids"][:]
    _, report = load(train.base_model, output_loading_info=True)
    assert not report["missing_keys"] and not report["unexpected_keys"]


def test_after_preparing_the_cache_is_no_complete_model_offline(hub, monkeypatch):
    resolve("base_model", "org/llama", weights=False)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert resolve("base_model", "org/llama", weights=False).revision == hub.commit
    with pytest.raises(RecipeError, match="base_model: org/llama is neither a local folder nor a model that can be"):
        resolve("base_model", "org/llama")


def test_local_folder_without_weights_can_be_prepared_but_not_trained(work):
    (work / "llama" / "model.safetensors").unlink()
    assert "<image>" in AutoTokenizer.from_pretrained(runs.configuration(is_preprocess=True).base_model).get_vocab()
    with pytest.raises(RecipeError, match=r"base_model: .*holds no model\.safetensors"):
        runs.configuration()
