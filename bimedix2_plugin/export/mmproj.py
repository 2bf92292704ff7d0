"""The file of the vision part, mmproj.gguf."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING

import gguf
import numpy as np

from bimedix2_plugin.export.vision import VisionPart

if TYPE_CHECKING:
    import torch

_LARGEST_F16 = 65504.0


def write_mmproj(path: Path, part: VisionPart, name: str) -> None:
    """Write the vision part. Matrices are stored in 16 bits, except where that shows in the embeddings or overflows.

    Args:
        path: of the file.
        part: the tower and its projector.
        name: of the model, for the file's metadata.

    Raises:
        OSError: the disk is full.
    """
    writer = gguf.GGUFWriter(path, "clip")
    try:
        _add_metadata(writer, part, name)
        for tensor, values in part.tensors.items():
            writer.add_tensor(tensor, _stored(values, whole=tensor in part.whole))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
    except OSError as error:
        # numpy's writer tells a full disk without the system's number.
        raise error if error.errno else OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
    finally:
        writer.close()


def _add_metadata(writer: gguf.GGUFWriter, part: VisionPart, name: str) -> None:
    writer.add_type(gguf.GGUFType.MMPROJ)
    writer.add_name(name)
    writer.add_description(f"vision tower and projector of {name}, for llama.cpp. {part.note}".rstrip())
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_clip_has_vision_encoder(True)
    writer.add_bool("clip.has_llava_projector", True)
    writer.add_clip_projector_type("mlp")
    # Without either key llama.cpp computes quick_gelu.
    if part.activation != "quick_gelu":
        writer.add_vision_use_gelu(True)
    writer.add_vision_image_size(part.image_size)
    writer.add_vision_patch_size(part.patch_size)
    writer.add_vision_embedding_length(part.width)
    writer.add_vision_feed_forward_length(part.feed_forward)
    writer.add_vision_projection_dim(part.text_width)
    writer.add_vision_block_count(part.blocks)
    writer.add_vision_head_count(part.heads)
    writer.add_vision_attention_layernorm_eps(part.epsilon)
    # Without this, the graph ends one block before the last in the file (llama.cpp issue 25817).
    writer.add_array("clip.vision.feature_layer", [part.blocks])
    writer.add_vision_image_mean(list(part.mean))
    writer.add_vision_image_std(list(part.std))


def _stored(values: torch.Tensor, *, whole: bool) -> np.ndarray:
    array = values.contiguous().numpy()
    halved = array.ndim == 2 and not whole and float(np.abs(array).max()) <= _LARGEST_F16
    return array.astype(np.float16 if halved else np.float32)
