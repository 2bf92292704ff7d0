"""Tiny random weights of report metrics, each in the format of its own package."""

import json

import torch
from tokenizers import ByteLevelBPETokenizer
from transformers import (
    BertConfig,
    BertModel,
    BertTokenizer,
    DebertaV2Config,
    DebertaV2ForTokenClassification,
    RobertaConfig,
    RobertaModel,
    RobertaTokenizer,
)

FINDINGS = ["clear", "edema", "effusion", "heart", "lungs", "normal", "pneumothorax", "size"]
WORDS = [*FINDINGS, "a", "acute", "are", "is", "left", "mild", "no", "right", "small", "the"]
PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "b", "1", "2", ".", ",", *WORDS]
SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
TYPES = ("ABNORMALITY", "NON-ABNORMALITY", "DISEASE", "NON-DISEASE", "ANATOMY")


def _bert(folder):
    folder.mkdir(parents=True)
    (folder / "vocab.txt").write_text("\n".join(PIECES) + "\n")
    BertTokenizer(vocab=str(folder / "vocab.txt")).save_pretrained(folder)
    BertConfig(vocab_size=len(PIECES), max_position_embeddings=512, **SIZES).save_pretrained(folder)
    return BertConfig.from_pretrained(folder)


def chexbert(folder):
    """As CheXbert's training saves it: DataParallel's names, the heads beside the encoder. Return the encoder."""
    torch.manual_seed(0)
    model = BertModel(_bert(folder / "bert")).eval()
    state = {f"module.bert.{name}": tensor for name, tensor in model.state_dict().items()}
    state["module.bert.embeddings.position_ids"] = torch.arange(512)[None]  # transformers 3 saved it
    state |= {f"module.linear_heads.{number}.weight": torch.zeros(4, 32) for number in range(14)}
    torch.save({"epoch": 3, "model_state_dict": state}, folder / "chexbert.pth")
    return model


def distilroberta(folder):
    """Six layers, as the real one has."""
    torch.manual_seed(0)
    folder.mkdir(parents=True)
    pieces = ByteLevelBPETokenizer()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    pieces.train_from_iterator([" ".join(WORDS)] * 50, vocab_size=400, special_tokens=special)
    pieces.save_model(str(folder))
    files = {"vocab": str(folder / "vocab.json"), "merges": str(folder / "merges.txt")}
    RobertaTokenizer(**files, model_max_length=64).save_pretrained(folder)
    sizes = SIZES | {"num_hidden_layers": 6}
    RobertaModel(RobertaConfig(vocab_size=400, max_position_embeddings=66, **sizes)).save_pretrained(folder)


def radgraph(folder):
    """The package's own model with random weights, laid out as radgraph.tar.gz is."""
    _bert(folder / "bert")
    (folder / "vocabulary").mkdir()
    names = {
        "non_padded_namespaces": ["*labels", "*tags"],
        "radgraph__ner_labels": ["", "Anatomy::definitely present", "Observation::definitely absent"],
        "radgraph__relation_labels": ["", "modify", "located_at", "suggestive_of"],
    }
    for name, lines in names.items():
        (folder / "vocabulary" / f"{name}.txt").write_text("\n".join(lines) + "\n")
    embedder = {"type": "pretrained_transformer_mismatched", "model_name": "someone/PubMedBERT", "max_length": 48}
    config = {
        "dataset_reader": {"type": "dygie", "max_span_width": 3, "token_indexers": {"bert": embedder}},
        "model": {
            "type": "dygie",
            "embedder": {"token_embedders": {"bert": embedder}},
            "initializer": {},
            "module_initializer": {},
            "feature_size": 4,
            "max_span_width": 3,
            "target_task": "relation",
            "feedforward_params": {"num_layers": 1, "hidden_dims": 16, "dropout": 0.4},
            "loss_weights": {"ner": 0.2, "relation": 1, "coref": 0, "events": 0},
            "modules": {
                "ner": {},
                "relation": {"spans_per_word": 0.5},
                "coref": {"spans_per_word": 0.3, "max_antecedents": 4},
                "events": {
                    "trigger_spans_per_word": 0.3,
                    "argument_spans_per_word": 0.8,
                    "loss_weights": {"trigger": 1, "arguments": 1},
                },
            },
        },
    }
    (folder / "config.json").write_text(json.dumps(config))
    torch.save(_dygie(folder, config["model"]).state_dict(), folder / "weights.th")


def _dygie(folder, settings):
    from dotmap import DotMap
    from radgraph.allennlp.data import Vocabulary
    from radgraph.allennlp.modules import text_field_embedders, token_embedders
    from radgraph.dygie.models.dygie import DyGIE

    from eval.metrics.reports.entities import _tokenizers_of_version_4

    torch.manual_seed(0)
    with _tokenizers_of_version_4():
        bert = token_embedders.PretrainedTransformerMismatchedEmbedder(str(folder / "bert"), max_length=48)
    left_out = {"type", "embedder", "initializer", "module_initializer"}
    kept = DotMap({key: value for key, value in settings.items() if key not in left_out})
    vocabulary = Vocabulary.from_files(str(folder / "vocabulary"))
    return DyGIE(vocab=vocabulary, embedder=text_field_embedders.BasicTextFieldEmbedder({"bert": bert}), **kept)


def ratescore(folder):
    """A DeBERTa that marks entities, and a BERT that embeds them."""
    torch.manual_seed(0)
    encoder = BertModel(_bert(folder / "embedding"))
    encoder.save_pretrained(folder / "embedding")
    labels = ["O", *(f"{place}-{name}" for name in TYPES for place in "BI")]
    _bert(folder / "ner")
    config = DebertaV2Config(
        vocab_size=len(PIECES),
        max_position_embeddings=512,
        id2label=dict(enumerate(labels)),
        label2id={label: number for number, label in enumerate(labels)},
        **SIZES,
    )
    model = DebertaV2ForTokenClassification(config)
    torch.nn.init.normal_(model.classifier.weight)
    model.save_pretrained(folder / "ner")


ALL = {"radgraph": radgraph, "chexbert": chexbert, "distilroberta-base": distilroberta, "ratescore": ratescore}
