"""Flash attention without a compiler: a prebuilt kernel that is there, that is not, offline, and its download."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from axolotl.utils.dict import DictDefault
from click.testing import CliRunner
from kernels import load as kernels_load
from transformers.utils import import_utils
from werkzeug import Request, Response

from bimedix2_plugin import cli
from bimedix2_plugin.doctor import environment, examine, kernels
from tests.helpers import runs
from tests.helpers.packs import difference, packed_and_alone, step

REPO, COMMIT = "kernels-community/flash-attn2", "c" * 40
BUILD = "build/torch-cuda"
FLASH = DictDefault(attn_implementation="flash_attention_2")
DOWNLOAD = "from bimedix2_plugin.cli import kernels; kernels()"


@pytest.fixture(autouse=True)
def _fresh(monkeypatch):
    """Ask anew: the answers are cached for a process."""
    monkeypatch.delenv("LOCAL_KERNELS", raising=False)
    caches = (import_utils.is_flash_attn_2_available, kernels_load._parse_local_kernel_overrides)
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()


@pytest.fixture
def kernel(tmp_path):
    """A kernel in Python with the interface of flash-attn, in the layout of the Hub's kernels for CUDA."""
    folder = tmp_path / "kernel" / BUILD
    folder.mkdir(parents=True)
    (folder / "metadata.json").write_text(json.dumps(METADATA), encoding="utf-8")
    (folder / "__init__.py").write_text(SOURCE, encoding="utf-8")
    return tmp_path / "kernel"


METADATA = {
    "name": "flash-attn2",
    "id": "flash_attn2_stand_in",
    "version": 3,
    "license": "BSD-3-Clause",
    "python-depends": [],
    "backend": {"type": "cuda"},
}
SOURCE = """
import torch
from torch.nn.functional import scaled_dot_product_attention

calls = []


def flash_attn_func(q, k, v, dropout_p=0.0, softmax_scale=None, causal=False, **_):
    q, k, v = (part.transpose(1, 2) for part in (q, k, v))
    out = scaled_dot_product_attention(q, k, v, scale=softmax_scale, is_causal=causal, enable_gqa=True)
    return out.transpose(1, 2)


def flash_attn_varlen_func(q, k, v, cu_seqlens_q=None, cu_seqlens_k=None, max_seqlen_q=None, max_seqlen_k=None, **rest):
    ends = cu_seqlens_q.tolist()
    calls.append(len(ends) - 1)
    parts = [flash_attn_func(q[None, a:b], k[None, a:b], v[None, a:b], **rest)[0] for a, b in zip(ends, ends[1:])]
    return torch.cat(parts)
"""


def _findings(required=True):
    return [(finding.level, finding.text) for finding in kernels.flash_attention(FLASH, required=required)]


def test_a_kernel_that_local_kernels_names(kernel, monkeypatch):
    monkeypatch.setenv("LOCAL_KERNELS", f"{REPO}={kernel}")
    expected = f"attn_implementation: flash_attention_2 through the prebuilt kernel {REPO} of LOCAL_KERNELS"
    assert _findings() == [("ok", expected)]


@pytest.mark.parametrize("required", [True, False])
def test_no_kernel_is_one_line_with_every_remedy(required):
    ((level, text),) = _findings(required)
    assert level == ("fail" if required else "warn")
    for part in ("flash_attention_2 cannot be used here", "offline mode", "make setup-gpu", "sdpa", "varlen"):
        assert part in text
    assert "\n" not in text


def test_a_folder_without_a_kernel_for_this_torch(tmp_path, monkeypatch):
    monkeypatch.setenv("LOCAL_KERNELS", f"{REPO}={tmp_path}")
    ((level, text),) = _findings()
    assert level == "fail" and f"Cannot find a build variant for this system in {tmp_path}" in text


def test_an_unreachable_hub_is_not_called_an_untrusted_publisher():
    error = ValueError("Kernel repository 'a/b' could not verify publisher trust status. Set trust_remote_code=True.")
    assert kernels._why("a/b", error) == "the Hub cannot be reached, or does not vouch for a"


def test_other_attention_needs_no_kernel():
    assert list(kernels.flash_attention(DictDefault(attn_implementation="sdpa"), required=True)) == []


def test_on_a_gpu_axolotls_own_message_is_not_repeated(work, monkeypatch):
    """Its validation asks for the kernel on a GPU only, so that there both would report it."""
    import yaml
    from axolotl.cli import config

    monkeypatch.setattr(environment, "room", lambda *_, **__: iter(()))
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    monkeypatch.setattr(config, "gpu_capabilities", lambda: (environment._H100, {"torch_version": "2.14.1"}))
    Path("recipe.yml").write_text(yaml.safe_dump(runs.recipe(**FLASH)), encoding="utf-8")
    failed = [finding.text for finding in examine("recipe.yml") if finding.level == "fail"]
    assert len(failed) == 1 and "make setup-gpu" in failed[0], failed


def test_a_pack_through_the_kernel_equals_its_documents_alone(work, kernel, monkeypatch):
    """transformers' and Axolotl's real way to a prebuilt kernel; the kernel itself runs on the CPU."""
    monkeypatch.setenv("LOCAL_KERNELS", f"{REPO}={kernel}")
    trainer = runs.trainer(runs.configuration(attn_implementation="flash_attention_2"))
    assert trainer.model.config.text_config._attn_implementation == REPO
    pack, alone, items = packed_and_alone(trainer)
    from kernels import get_kernel

    calls = get_kernel(REPO, version=3).calls
    calls.clear()
    assert difference(step(trainer, [pack], items), alone) < 1e-4
    assert max(calls) == len(pack["rows"]) > 1


class Hub:
    """What the Hub answers about one kernel."""

    def __init__(self, server, folder, trusted=True) -> None:
        self.folder = folder
        on, api = server.expect_request, f"/api/kernels/{REPO}"
        on("/api/organizations/kernels-community/overview").respond_with_json({"trustedKernelPublisher": trusted})
        branch = {"name": "v3", "ref": "refs/heads/v3", "targetCommit": COMMIT}
        on(f"{api}/refs").respond_with_json({"branches": [branch], "tags": [], "converts": []})
        entry = {"type": "directory", "path": BUILD, "oid": "0" * 40}
        on(f"{api}/tree/{COMMIT}/build").respond_with_json([entry])
        files = [{"rfilename": path.relative_to(folder).as_posix()} for path in folder.rglob("*.*")]
        info = {"id": REPO, "sha": COMMIT, "siblings": files}
        for revision in (COMMIT, "v3"):
            on(f"{api}/revision/{revision}").respond_with_json(info)
        tree = [{"type": "file", "path": f["rfilename"], "size": 1, "oid": "0" * 40} for f in files]
        on(f"{api}/tree/{COMMIT}").respond_with_json(tree)
        for file in files:
            for revision in (COMMIT, "v3"):
                address = f"/kernels/{REPO}/resolve/{revision}/{file['rfilename']}"
                on(address).respond_with_handler(self._file)

    def _file(self, request: Request) -> Response:
        content = (self.folder / request.path.split("/resolve/")[1].partition("/")[2]).read_bytes()
        headers = {"ETag": f'"{hashlib.sha1(content).hexdigest()}"', "X-Repo-Commit": COMMIT}
        return Response(content, headers=headers)


def _download(home, endpoint, **settings):
    """Run the command in a process of its own: the Hub's address and cache are read on import."""
    settings = {
        "HF_HOME": str(home),
        "HF_ENDPOINT": endpoint,
        "HF_HUB_OFFLINE": "0",
        "HF_HUB_DISABLE_XET": "1",
    } | settings
    environment = {key: value for key, value in os.environ.items() if key != "HF_HUB_CACHE"} | settings
    command = [sys.executable, "-c", DOWNLOAD]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, env=environment)


def test_a_download_is_found_offline(httpserver, kernel, tmp_path, monkeypatch):
    Hub(httpserver, kernel)
    done = _download(tmp_path / "home", httpserver.url_for("").rstrip("/"))
    assert done.returncode == 0, done.stderr + "\n".join(str(one[0]) for one in httpserver.log)
    variant = tmp_path / "home/hub" / "kernels--kernels-community--flash-attn2/snapshots" / COMMIT / BUILD
    assert f"{REPO}: {variant}" in done.stdout and "export LOCAL_KERNELS" in done.stdout
    ask = "from transformers.utils import is_flash_attn_2_available as ask; print(ask(kernels_fallback_ok=True))"
    offline = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "home")}
    answer = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True, env=offline)
    assert answer.stdout.strip() == "True"
    monkeypatch.setenv("LOCAL_KERNELS", f"{REPO}={variant}")
    assert _findings()[0][0] == "ok"


def test_a_kernel_that_cannot_be_downloaded_is_one_message():
    result = CliRunner().invoke(cli.kernels, [])
    assert result.exit_code == 1 and isinstance(result.exception, SystemExit)
    (line,) = result.output.strip().splitlines()
    for part in (REPO, "the Hub cannot be reached", "make setup-flash-attn", "sdpa"):
        assert part in line


def test_the_command_names_the_folder(monkeypatch, tmp_path):
    monkeypatch.setattr(kernels, "download", lambda name: (REPO, tmp_path))
    result = CliRunner().invoke(cli.kernels, [])
    assert result.exit_code == 0 and f"LOCAL_KERNELS={REPO}=" in result.output
