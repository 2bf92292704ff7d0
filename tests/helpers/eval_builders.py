"""Small things made by hand for the tests: a data set folder, a LLaVA checkpoint, a text model, predictions."""

import hashlib
import io
import json
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from eval.items import Prediction

COLOURS = ["red", "green", "blue", "white", "black"]
SIDE = 28

PART = pa.struct([("type", pa.string()), ("text", pa.string())])
MESSAGE = pa.struct([("role", pa.string()), ("content", pa.list_(PART))])
ROW = pa.schema(
    [(name, pa.string()) for name in ("id", "source", "language", "task", "modality")]
    + [("messages", pa.list_(MESSAGE)), ("images", pa.list_(pa.string()))]
    + [(name, pa.string()) for name in ("parent", "licence")]
)
STORE = pa.schema(
    [
        ("key", pa.string()),
        ("bytes", pa.large_binary()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("phash", pa.string()),
    ]
)

TEMPLATE = """\
{%- for message in messages -%}
<|im_start|>{{ message.role }}
{% if message.content is string %}{{ message.content }}{% else -%}
{%- for part in message.content -%}
{%- if part.type == 'image' -%}<image>{%- else -%}{{ part.text }}{%- endif -%}
{%- endfor -%}{%- endif -%}<|im_end|>
{% endfor -%}
{%- if add_generation_prompt -%}<|im_start|>assistant
{% endif -%}"""


def png(colour):
    """Encode one plain picture."""
    buffer = io.BytesIO()
    Image.new("RGB", (SIDE, SIDE), colour).save(buffer, "PNG")
    return buffer.getvalue()


def noise(size, seed, form="PNG", **options):
    """Encode one picture of random pixels; `size` is (width, height)."""
    picture = Image.frombytes("RGB", size, random.Random(seed).randbytes(3 * size[0] * size[1]))
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()


def key(colour):
    """Return the key of a plain picture in the store."""
    return hashlib.sha256(png(colour)).hexdigest()


def row(name, language, task, turns, images=()):
    """Make a row of (question, answer) turns; all images stand in the first user turn."""
    messages = []
    for number, (question, answer) in enumerate(turns):
        parts = [{"type": "image", "text": None}] * (len(images) if number == 0 else 0)
        messages.append({"role": "user", "content": [*parts, {"type": "text", "text": question}]})
        messages.append({"role": "assistant", "content": [{"type": "text", "text": answer}]})
    return {
        "id": name,
        "source": "hand",
        "language": language,
        "task": task,
        "modality": "ct" if images else "",
        "messages": messages,
        "images": [key(colour) for colour in images],
        "parent": None,
        "licence": "CC0-1.0",
    }


TRAIN_ROWS = [
    row("closed-en", "en", "vqa_closed", [("Is this a CT?", "Yes")], ["red"]),
    row("closed-ar", "ar", "vqa_closed", [("هل هذه صورة مقطعية؟", "نعم")], ["green"]),
    row("short-en", "en", "vqa_short", [("Which body part does this picture show?", "Chest")], ["blue"]),
    row("short-ar", "ar", "vqa_short", [("ما العضو؟", "الصدر")], ["white"]),
    row("open-en", "en", "vqa_open", [("Compare both pictures.", "They differ.")], ["red", "black"]),
    row("talk-en", "en", "conversation", [("What is it?", "A head CT."), ("Which plane?", "Axial.")], ["black"]),
    row("text-en", "en", "text_qa", [("What does CT mean?", "Computed tomography")]),
    row("text-ar", "ar", "text_qa", [("ما معنى MRI؟", "الرنين المغناطيسي")]),
]
HELDOUT_ROWS = [
    row("held-en", "en", "vqa_closed", [("Is this a chest?", "No")], ["black"]),
    row("held-ar", "ar", "vqa_short", [("ما هذا؟", "رأس")], ["red"]),
]


def write_data(folder, splits, colours=COLOURS):
    """Write a data set folder as data_prep does: two shards a split, an image store, the manifest."""
    folder = Path(folder)
    (folder / "images").mkdir(parents=True)
    shards = {}
    for split, rows in splits.items():
        for number in range(2):
            file = f"{split}-{number:05}-of-00002.parquet"
            part = rows[: len(rows) // 2] if number == 0 else rows[len(rows) // 2 :]
            pq.write_table(pa.Table.from_pylist(part, schema=ROW), folder / file)
            shards[file] = {"rows": len(part), "bytes": 0, "sha256": ""}
    write_store(folder, colours)
    counts = {"split": {split: len(rows) for split, rows in splits.items()}, "language": {"en": 1, "ar": 1}}
    manifest = {"format": 1, "name": folder.name, "shards": shards, "counts": counts}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def write_store(folder, colours, corrupt=()):
    """Write the image store; the pictures in `corrupt` keep their key and lose their content."""
    cells = [
        {
            "key": key(colour),
            "bytes": b"no picture" if colour in corrupt else png(colour),
            "width": SIDE,
            "height": SIDE,
            "phash": "0" * 16,
        }
        for colour in colours
    ]
    with pa.OSFile(str(folder / "images" / "images-00000.arrow"), "wb") as sink, pa.ipc.new_file(sink, STORE) as writer:
        writer.write_table(pa.Table.from_pylist(cells, schema=STORE))


def _tokenizer():
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=320,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=["<|pad|>", "<|im_start|>", "<|im_end|>", "<image>"],
        show_progress=False,
    )
    texts = [part["text"] or "" for row in TRAIN_ROWS for turn in row["messages"] for part in turn["content"]]
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<|pad|>", eos_token="<|im_end|>", chat_template=TEMPLATE
    )


def _text_config(vocab_size):
    from transformers import LlamaConfig

    return LlamaConfig(
        vocab_size=vocab_size,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=512,
        pad_token_id=0,
        eos_token_id=2,
        bos_token_id=None,
        initializer_range=0.3,
    )


def write_llava(folder, seed=0):
    """Write a tiny random LLaVA checkpoint; large random weights make its answers depend on the picture."""
    import torch
    from transformers import CLIPVisionConfig, LlavaConfig, LlavaForConditionalGeneration, LlavaProcessor
    from transformers.models.llava.image_processing_pil_llava import LlavaImageProcessorPil

    torch.manual_seed(seed)
    tokenizer = _tokenizer()
    vision = CLIPVisionConfig(
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=SIDE,
        patch_size=14,
        initializer_range=0.3,
    )
    config = LlavaConfig(
        vision_config=vision,
        text_config=_text_config(len(tokenizer)),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        image_seq_length=4,
    )
    model = LlavaForConditionalGeneration(config)
    with torch.no_grad():
        for weight in model.model.multi_modal_projector.parameters():
            weight.normal_(std=0.5)
    # A sampling default, as real checkpoints carry: greedy evaluation must not take it over.
    model.generation_config.update(do_sample=True, temperature=5.0, repetition_penalty=9.0)
    model.save_pretrained(folder)
    size = {"height": SIDE, "width": SIDE}
    LlavaProcessor(
        image_processor=LlavaImageProcessorPil(size={"shortest_edge": SIDE}, crop_size=size),
        tokenizer=tokenizer,
        patch_size=14,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=TEMPLATE,
    ).save_pretrained(folder)
    return Path(folder)


def write_text_model(folder):
    """Write a tiny random causal language model, the base beside the LLaVA."""
    import torch
    from transformers import LlamaForCausalLM

    torch.manual_seed(1)
    tokenizer = _tokenizer()
    LlamaForCausalLM(_text_config(len(tokenizer))).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return Path(folder)


def prediction(item, gold, output, language="en", task="vqa_short", **more):
    """Make one line of a predictions file."""
    made = {"benchmark": "hand/train", "modality": "ct", "question": f"Question of {item}?", "finish_reason": "stop"}
    answer = {"item": item, "language": language, "task": task, "output": output, "gold": gold}
    return Prediction(**{**made, **answer, "tokens": 1, "seconds": 0.1, **more})


def header(images="shown", permuted=None, split="train"):
    """Make the header of a predictions file."""
    return {
        "format": 1,
        "model": "outputs/model",
        "checkpoint_sha256": "0" * 64,
        "images": images,
        "permuted": permuted,
        "generation": {"decoding": "greedy"},
        "data": {
            "folder": "data/hand",
            "name": "hand",
            "manifest_sha256": "0" * 64,
            "counts": {"language": {"en": 3, "ar": 2}},
            "split": split,
            "tasks": [],
            "limit": None,
        },
        "versions": {"torch": "0"},
    }


def write_predictions(results, name, lines, **header_options):
    """Write a whole predictions file."""
    path = Path(results) / "predictions" / f"{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    records = [{"header": header(**header_options)}, *(line.record() for line in lines)]
    path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records), encoding="utf-8")
    return path
