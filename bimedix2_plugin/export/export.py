"""Export a merged checkpoint to GGUF: the language model, the vision part, and the proof that they answer alike.

The folder appears complete or not at all: model.gguf, quantised files, mmproj.gguf if the checkpoint sees and llama.cpp
computes its tower as transformers does, the image processor's settings, and export.json with what was measured.
"""

from __future__ import annotations

import importlib.util
import json
import math
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from bimedix2_plugin.errors import RecipeError
from bimedix2_plugin.export.checkpoint import Checkpoint, read_checkpoint
from bimedix2_plugin.export.programs import BY_CONVERTER, check_converter, check_quantiser
from bimedix2_plugin.export.proof import Proof, prove
from bimedix2_plugin.export.quantised import Quantised, measure
from bimedix2_plugin.export.reference import Reference, compute
from bimedix2_plugin.export.server import build
from bimedix2_plugin.export.shifted import shifted
from bimedix2_plugin.export.text_half import MODEL, quantised_name, write_text_half
from bimedix2_plugin.export.vision import VisionPart, read_vision
from bimedix2_plugin.merge.writing import room_for
from bimedix2_plugin.model.atomic import writing
from data_prep.images.prepared import image_processor

MMPROJ, RECORD = "mmproj.gguf", "export.json"
_BYTES = {"f32": 4, "f16": 2, "bf16": 2}
_QUANTISED_BYTES = 9 / 8  # at most: rows that do not divide into a type's blocks take a larger type, up to Q8_0
_CLIP = (
    "llama.cpp builds without its pull request 25844 put CLIP's class token last and lose the first patch (issue 25814)"
)


@dataclass(frozen=True)
class Export:
    """What was exported.

    Attributes:
        folder: of the files.
        proof: of the pair, or of the text half alone.
        reason: why there is no mmproj.gguf although the checkpoint sees, or "".
        build: the llama.cpp that it was checked on.
        note: what to know about the form of the vision part.
        quantised: the smaller files; those with a problem were deleted.
    """

    folder: Path
    proof: Proof
    reason: str
    build: str
    note: str = ""
    quantised: tuple[Quantised, ...] = ()

    def failures(self) -> list[str]:
        """Return what was deleted, each with the reason."""
        said = [f"the vision part was deleted, the text half kept: {self.reason}"] if self.reason else []
        return said + [f"{one.file} was deleted, the rest kept: {one.problem}" for one in self.quantised if one.problem]


def export(
    folder: Path,
    out: Path,
    *,
    outtype: str,
    images_prepared: bool,
    say: Callable[[str], None],
    quantisations: Sequence[str] = (),
) -> Export:
    """Export a checkpoint.

    Args:
        folder: of the merged checkpoint.
        out: folder to write.
        outtype: weights of the language model: f32, f16 or bf16.
        images_prepared: whether images will be prepared before they are sent.
        say: prints a line about what is being done.
        quantisations: for smaller files of the language model beside it.

    Raises:
        RecipeError: the checkpoint cannot be exported, a program is missing, the disk is full, or the exported language
            model answers differently. Nothing is written.
    """
    if out.exists():
        raise RecipeError(f"--out: {out} exists. Remove it, or name another folder.")
    _check_packages()
    check_converter()
    check_quantiser(quantisations)
    checkpoint = read_checkpoint(folder, images_prepared=images_prepared)
    part = read_vision(checkpoint) if checkpoint.has_vision else None
    out.parent.mkdir(parents=True, exist_ok=True)
    room_for(out.parent, _size(checkpoint, outtype, quantisations))
    with writing(out) as partial:
        if partial is None:
            raise RecipeError(f"--out: {out} was written by another process.")
        work = partial / "work"
        work.mkdir()
        names = "".join(f", {quantised_name(one)}" for one in quantisations)
        say(f"converting the language model to {MODEL} ({outtype}){names}")
        write_text_half(checkpoint, partial, outtype, work, quantisations)
        say("asking the checkpoint, in transformers")
        reference = compute(checkpoint)
        say(f"asking the export, in {build()}")
        made = _proved(checkpoint, part, reference, partial, work)
        made = replace(made, quantised=_measured(checkpoint, quantisations, reference, partial, work))
        shutil.rmtree(work)
        if part:
            image_processor(folder).save_pretrained(partial)
        _record(partial / RECORD, made, outtype)
    return replace(made, folder=out)


def _check_packages() -> None:
    missing = [name for name in ("gguf", "xllamacpp") if importlib.util.find_spec(name) is None]
    if missing:
        raise RecipeError(f"{' and '.join(missing)} must be installed for the export. Run: make setup-export")


def _size(checkpoint: Checkpoint, outtype: str, quantisations: Sequence[str]) -> int:
    """Bytes of room for the files; the tensors of a LLaVA's vision part count as those of the language model."""
    elements = sum(math.prod(checkpoint.shards.shape(name)) for name in checkpoint.shards.weight_map)
    size = elements * (_BYTES[outtype] + _QUANTISED_BYTES * len(quantisations))
    if BY_CONVERTER in quantisations:  # beside this file, Axolotl asks for twice the checkpoint again
        stored = sum(file.stat().st_size for file in checkpoint.folder.glob("*.safetensors"))
        size = max(size, elements * _QUANTISED_BYTES + 2 * stored)
    return int(size)


def _proved(checkpoint: Checkpoint, part: VisionPart | None, reference: Reference, folder: Path, work: Path) -> Export:
    """Write the vision part in the first form that agrees with the checkpoint; without one, keep the text half.

    Raises:
        RecipeError: the language model answers differently.
    """
    from bimedix2_plugin.export.mmproj import write_mmproj

    reasons = []
    if part:
        for form in _forms(part):
            write_mmproj(folder / MMPROJ, form, checkpoint.folder.resolve().name)
            proof = prove(folder / MODEL, folder / MMPROJ, reference, work, checkpoint.vision_tokens)
            if not proof.problem:
                return Export(folder, proof, "", build(), form.note)
            (folder / MMPROJ).unlink()
            reasons.append(proof.problem)
    proof = prove(folder / MODEL, None, reference, work, 0)
    if proof.problem:
        raise RecipeError(
            f"MERGED: {checkpoint.folder}: exported, it answers differently in {build()}: {proof.problem}. Nothing "
            "was written; serve it with vLLM."
        )
    why = f" ({_CLIP})" if part and "v.class_embd" in part.tensors else ""
    return Export(folder, proof, f"{'; '.join(reasons)}{why}" if reasons else "", build())


def _measured(
    checkpoint: Checkpoint, quantisations: Sequence[str], reference: Reference, folder: Path, work: Path
) -> tuple[Quantised, ...]:
    """Measure the quantised files with the vision part that was kept; delete those that cannot be used."""
    mmproj = folder / MMPROJ if (folder / MMPROJ).is_file() else None
    tokens = checkpoint.vision_tokens if mmproj else 0
    files = [folder / quantised_name(one) for one in quantisations]
    made = tuple(measure(file, mmproj, reference, work, tokens) for file in files)
    for file, one in zip(files, made, strict=True):
        if one.problem:
            file.unlink()
    return made


def _forms(part: VisionPart) -> Iterator[VisionPart]:
    """Yield the tower as it is stored, and where it has a class token the form for builds that put that last."""
    yield part
    if "v.class_embd" in part.tensors:
        moved = shifted(part)
        if moved:
            yield moved


def _record(path: Path, made: Export, outtype: str) -> None:
    content = {
        "llama_cpp": made.build,
        "text": outtype,
        "vision": made.note or ("as stored" if made.proof.embeddings else None),
        "no_vision_because": made.reason or None,
        **made.proof.figures(),
        "quantised": [asdict(one) for one in made.quantised],
    }
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
