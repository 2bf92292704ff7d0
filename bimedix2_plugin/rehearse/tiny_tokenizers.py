"""Tokenizers: two small trained ones in the styles of ChatML and Llama 3, and Llama 3.1's real one."""

import importlib.util
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast
from transformers.convert_slow_tokenizer import TikTokenConverter

TEXTS = [
    "Is there a fracture in the left shoulder? No, there is no fracture.",
    "The chest radiograph shows clear lungs. What modality is this image?",
    "This is an axial CT of the head without contrast. Describe the finding in one sentence.",
    "Ultrasound of a lymph node; retina, colon and abdomen. Yes. One. Two. What organ is shown?",
    "هل يوجد كسر في الكتف الأيسر؟ لا، لا يوجد كسر.",
    "تُظهر صورة الصدر الشعاعية رئتين صافيتين. ما نوع هذا التصوير؟",
    "هذه صورة مقطعية محورية للرأس دون مادة تباين. صف النتيجة في جملة واحدة.",
    "صورة بالموجات فوق الصوتية لعقدة لمفاوية، وشبكية العين والقولون والبطن. نعم.",
]

CHATML_TOKENS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
CHATML_TEMPLATE = """\
{%- if messages[0]['role'] != 'system' -%}
{{ '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' }}
{%- endif -%}
{%- for message in messages -%}
{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n' }}{%- endif -%}
"""

LLAMA3_TOKENS = [
    *("<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<|finetune_right_pad_id|>"),
    *(f"<|reserved_special_token_{number}|>" for number in range(8)),
]
LLAMA3_TEMPLATE = """\
{%- set system = messages[0]['content'] | trim if messages[0]['role'] == 'system' else '' -%}
{{ bos_token + '<|start_header_id|>system<|end_header_id|>\\n\\n' -}}
{{ 'Cutting Knowledge Date: December 2023\\nToday Date: ' + date_string | default('26 Jul 2024') + '\\n\\n' -}}
{{ system + '<|eot_id|>' }}
{%- for message in messages if message['role'] != 'system' -%}
{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' -}}
{{ message['content'] | trim + '<|eot_id|>' }}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{%- endif -%}
"""

# Order and names of the published Llama 3.1 tokenizer, ids 128000 to 128255.
LLAMA31_TOKENS = [
    *("<|begin_of_text|>", "<|end_of_text|>", "<|reserved_special_token_0|>", "<|reserved_special_token_1|>"),
    *("<|finetune_right_pad_id|>", "<|reserved_special_token_2|>", "<|start_header_id|>", "<|end_header_id|>"),
    *("<|eom_id|>", "<|eot_id|>", "<|python_tag|>"),
    *(f"<|reserved_special_token_{number}|>" for number in range(3, 248)),
]


def tokenizer(folder: str | Path, style: str) -> PreTrainedTokenizerFast:
    """Train and save a byte-level BPE of 560 tokens in the style "chatml" or "llama3"."""
    tokens = {"chatml": CHATML_TOKENS, "llama3": LLAMA3_TOKENS}[style]
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=560, special_tokens=tokens, initial_alphabet=alphabet, show_progress=False)
    backend.train_from_iterator(TEXTS * 4, trainer)
    if style == "llama3":
        return _llama3(backend, folder)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=backend,
        bos_token="<|im_start|>",
        eos_token="<|im_end|>",
        pad_token="<|im_end|>",
        unk_token="<|endoftext|>",
        chat_template=CHATML_TEMPLATE,
    )
    fast.save_pretrained(folder)
    return fast


def llama31_tokenizer(folder: str | Path) -> PreTrainedTokenizerFast:
    """Save Llama 3.1's own tokenizer, converted from the file in the llama-models package.

    The package has no chat template; that of the small "llama3" tokenizer is used.
    """
    spec = importlib.util.find_spec("llama_models")
    assert spec and spec.submodule_search_locations, "llama-models is not installed. Run: make setup"
    vocabulary = Path(spec.submodule_search_locations[0]) / "llama3" / "tokenizer.model"
    # The converter's default pattern is Llama 3's own.
    converter = TikTokenConverter(str(vocabulary), extra_special_tokens=LLAMA31_TOKENS)
    return _llama3(converter.converted(), folder)


def _llama3(backend: Tokenizer, folder: str | Path) -> PreTrainedTokenizerFast:
    bos = "<|begin_of_text|>"
    template = processors.TemplateProcessing(
        single=f"{bos} $A", pair=f"{bos} $A {bos}:1 $B:1", special_tokens=[(bos, backend.token_to_id(bos))]
    )
    backend.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), template])
    fast = PreTrainedTokenizerFast(
        tokenizer_object=backend,
        bos_token=bos,
        eos_token="<|eot_id|>",
        pad_token="<|finetune_right_pad_id|>",
        chat_template=LLAMA3_TEMPLATE,
        model_input_names=["input_ids", "attention_mask"],
    )
    fast.save_pretrained(folder)
    return fast
