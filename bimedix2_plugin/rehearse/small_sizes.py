"""Small sizes for the configurations of a rehearsal's stand-ins."""

from __future__ import annotations

from typing import Any

HEADS, HEAD, LAYERS = 4, 32, 2  # bitsandbytes takes multiples of 32 on a CPU
HIDDEN = HEADS * HEAD
TOWER_HIDDEN = 32


def small_text(config: Any) -> dict[str, Any]:
    """Return a language model's configuration keys with small sizes; each kind of layer remains.

    Grouped key-value heads keep their ratio, as far as four heads allow.
    """
    kinds = list(dict.fromkeys(getattr(config, "layer_types", None) or []))
    layers = max(LAYERS, len(kinds))
    ratio = max(1, config.num_attention_heads // (config.num_key_value_heads or config.num_attention_heads))
    small: dict[str, Any] = {
        "hidden_size": HIDDEN,
        "intermediate_size": 2 * HIDDEN,
        "num_hidden_layers": layers,
        "num_attention_heads": HEADS,
        "num_key_value_heads": max(1, HEADS // ratio),
    }
    if kinds:
        small["layer_types"] = (kinds * layers)[:layers]
    if getattr(config, "head_dim", None):
        small["head_dim"] = HEAD
    if getattr(config, "max_window_layers", None) is not None:
        small["max_window_layers"] = layers
    rope = getattr(config, "rope_parameters", None)
    if rope:
        small["rope_parameters"] = _short_rope(rope)
    return small


def _short_rope(rope: Any) -> Any:
    """Cut what is stated for each pair of a head's dimensions: Phi-3's factors, the sections of Qwen-VL's positions."""
    if isinstance(rope, dict):
        return {key: _sections(value) if key == "mrope_section" else _short_rope(value) for key, value in rope.items()}
    return rope[: HEAD // 2] if isinstance(rope, list) else rope


def _sections(own: list[int]) -> list[int]:
    """Return sections with the own ones' proportions, as far as they go, that add up to a small head's pairs."""
    others = [part * (HEAD // 2) // sum(own) for part in own[1:]]
    return [HEAD // 2 - sum(others), *others]


def small_vision(config: Any, feature_layer: int = 0) -> dict[str, Any]:
    """Return a tower's configuration keys with small sizes; image size and patch are its own.

    Args:
        config: the tower's.
        feature_layer: the hidden state that the projector reads; 0: the last.
    """
    # One of the tower's layers for each of the language model's but the last, after which no text token would see it.
    deepstack = min(LAYERS - 1, len(getattr(config, "deepstack_visual_indexes", None) or []))
    # The last layer attends to the whole image, and the one before it within windows if any does.
    kinds = 2 if getattr(config, "fullatt_block_indexes", None) else 1
    layers = max(LAYERS + 1, abs(feature_layer) + 1) if feature_layer else max(deepstack, kinds)
    small: dict[str, Any] = {
        "hidden_size": TOWER_HIDDEN,
        "intermediate_size": 2 * TOWER_HIDDEN,
        "num_attention_heads": HEADS,
        "num_heads": HEADS,
        "num_hidden_layers": layers,
        "depth": layers,
        "out_hidden_size": HIDDEN,
        "deepstack_visual_indexes": list(range(deepstack)),
        "fullatt_block_indexes": [layers - 1],
    }
    return {key: value for key, value in small.items() if hasattr(config, key)}
