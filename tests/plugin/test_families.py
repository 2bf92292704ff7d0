"""Each family of language models composes: no key lost, the base's own numbers, a placeholder where there is room."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, FalconH1Config, FalconH1ForCausalLM

from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.model.compose import compose, load
from bimedix2_plugin.model.families import BASES, LORA_TARGETS
from bimedix2_plugin.model.request import Request
from bimedix2_plugin.rehearse import tiny, tiny_families

# The token whose row the placeholder takes; None: a row that no token has. Version 1 of Mistral grows by a row.
PLACES = {
    "jais2": None,
    "qwen2": None,
    "qwen3": None,
    "phi3": "<|placeholder2|>",
    "gemma2": "<unused3>",
    "gemma3_text": "<unused3>",
    "mistral": "[control_7]",
    "mistral_v1": None,
}


@dataclass
class Composed:
    name: str
    base: Path
    folder: Path
    model: Any


@pytest.fixture(scope="module")
def tower(tmp_path_factory):
    return tiny.clip_vision(tmp_path_factory.mktemp("tower"))


@pytest.fixture(scope="module", params=tiny_families.FAMILIES)
def composed(request, tower, tmp_path_factory):
    """A family's base, its composed folder, and the LLaVA model that it loads as."""
    work = tmp_path_factory.mktemp(request.param)
    base = tiny_families.base(work / "base", request.param)
    folder = compose(Request(base=str(base), tower=str(tower), root=work / "composed"))
    model, report = load(folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True)
    assert not report["missing_keys"] and not report["unexpected_keys"] and not report["mismatched_keys"]
    return Composed(request.param, base, folder, model)


def test_every_base_is_tried():
    types = {family.config.model_type for family in tiny_families.FAMILIES.values()}
    assert types | {"llama"} == set(BASES)


def test_text_logits_are_the_bases_own_to_the_bit(composed):
    """Over more tokens than the sliding window; what tells Gemma 2 apart is the cap on logits that LLaVA has not."""
    alone = AutoModelForCausalLM.from_pretrained(composed.base, dtype=torch.float32, attn_implementation="eager")
    rows = alone.config.vocab_size
    ids = torch.randint(0, rows, (2, 3 * tiny_families.WINDOW), generator=torch.Generator().manual_seed(0))
    ids[ids == composed.model.config.image_token_id] = 0
    with torch.no_grad():
        ours, own = composed.model(input_ids=ids).logits[..., :rows], alone(ids).logits
    cap = getattr(alone.config, "final_logit_softcapping", None)
    assert (cap is not None) == (composed.name == "gemma2")
    assert torch.equal(cap * torch.tanh(ours / cap) if cap else ours, own)


def test_the_placeholder_takes_a_spare_row(composed):
    before, after = (AutoTokenizer.from_pretrained(folder).get_vocab() for folder in (composed.base, composed.folder))
    own_rows = AutoModelForCausalLM.from_pretrained(composed.base).config.vocab_size
    row = after.pop("<image>")
    assert row == composed.model.config.image_token_id
    token = PLACES[composed.name]
    assert row == (before.pop(token) if token else len(before))
    assert after == before
    assert composed.model.config.text_config.vocab_size == own_rows + (composed.name == "mistral_v1")


def test_the_placeholder_swallows_no_text(composed):
    """Phi-3's reserved tokens take the blanks after them, Gemma's are not special."""
    tokenizer = AutoTokenizer.from_pretrained(composed.folder)
    token = tokenizer.added_tokens_decoder[tokenizer.convert_tokens_to_ids("<image>")]
    assert token.special and not (token.lstrip or token.rstrip or token.normalized or token.single_word)


def test_a_fresh_projector_speaks_as_loud_as_the_tokens(composed):
    """Gemma multiplies token embeddings by sqrt(hidden), and image features take their place after that."""
    with torch.no_grad():
        features = torch.cat(list(composed.model.get_image_features(torch.randn(4, 3, 28, 28)).pooler_output))
        tokens = composed.model.get_input_embeddings()(torch.arange(composed.model.config.text_config.vocab_size))
    assert 0.5 < float(features.std() / tokens.std()) < 2


def test_lora_targets_are_the_language_models_linear_layers(composed):
    linear = {n for n, module in composed.model.named_modules() if isinstance(module, torch.nn.Linear)}
    targets = {name for name in linear if re.fullmatch(LORA_TARGETS, name)}
    assert targets == {name for name in linear if name.startswith("model.language_model.")}
    fused = {name.rsplit(".", 1)[1] for name in targets} >= {"qkv_proj", "gate_up_proj"}
    assert fused == (composed.name == "phi3")


def test_an_unknown_model_type_is_told_the_known_ones(composed, tower, tmp_path):
    config = (composed.base / "config.json").read_text(encoding="utf-8")
    family = composed.model.config.text_config.model_type
    (tmp_path / "config.json").write_text(config.replace(f'"{family}"', '"mamba"'), encoding="utf-8")
    with pytest.raises(RecipeError, match=f"base_model: .*'mamba'.*What works: .*{family}"):
        compose(Request(base=str(tmp_path), tower=str(tower), root=tmp_path / "composed"))


def test_a_tokenizer_in_mistrals_own_format_is_passed_over(tower, tmp_path):
    """transformers prefers tekken.json, whose tokenizer takes neither a chat template nor a new token."""
    base = tiny_families.base(tmp_path / "base", "mistral")
    (base / "tekken.json").write_text("{}", encoding="utf-8")
    folder = compose(Request(base=str(base), tower=str(tower), weights=False, root=tmp_path / "composed"))
    assert "<image>" in AutoTokenizer.from_pretrained(folder).get_vocab()


def test_falcon_h1_is_refused_because_positions_do_not_isolate_its_rows(tower, tmp_path):
    sizes = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4}
    sizes |= {"num_key_value_heads": 2, "mamba_d_ssm": 64, "mamba_n_heads": 8, "mamba_d_head": 8, "mamba_d_state": 16}
    model = tiny.random_model(FalconH1ForCausalLM, FalconH1Config(vocab_size=300, mamba_chunk_size=32, **sizes))
    first, second = torch.randint(3, 300, (2, 1, 20), generator=torch.Generator().manual_seed(0))
    positions = torch.arange(20).repeat(2)[None]
    with torch.no_grad():
        alone = model(second, use_cache=False).logits
        packed = model(torch.cat([first, second], 1), position_ids=positions, use_cache=False).logits[:, 20:]
    assert float((packed - alone).norm() / alone.norm()) > 5e-4
    model.save_pretrained(tmp_path / "base")
    with pytest.raises(RecipeError, match=r"'falcon_h1'.*Mamba layers.*What works: .*jais2"):
        compose(Request(base=str(tmp_path / "base"), tower=str(tower), root=tmp_path / "composed"))
