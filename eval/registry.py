"""The known benchmarks and suites of them."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable, Iterable
from pathlib import Path

from eval.benchmark import Benchmark
from eval.errors import EvalError
from eval.items import Header

ROOT = Path("data/benchmarks")
"""Where the folders of benchmarks and sources are, by default."""
BENCHMARKS = {
    "vqa_rad": "vqa_rad:VqaRad",
    "slake": "slake:Slake",
    "path_vqa": "path_vqa:PathVqa",
    "pmc_vqa": "pmc_vqa:PmcVqa",
    "mimic_iii": "mimic_iii:MimicIii",
    "mimic_cxr": "mimic_cxr:MimicCxr",
    "iu_xray": "iu_xray:IuXray",
    "iu_xray_summary": "iu_xray:IuXraySummary",
    "mmlu_clinical_knowledge": "clinical:Mmlu",
    "mmlu_college_biology": "clinical:Mmlu",
    "mmlu_college_medicine": "clinical:Mmlu",
    "mmlu_medical_genetics": "clinical:Mmlu",
    "mmlu_professional_medicine": "clinical:Mmlu",
    "mmlu_anatomy": "clinical:Mmlu",
    "medmcqa": "clinical:MedMcqa",
    "medqa": "clinical:MedQa",
    "usmle": "usmle:Usmle",
    "pubmedqa": "clinical:PubMedQa",
    "uphill": "uphill:Uphill",
    "bimed_mbench_en": "bimed_mbench:BimedMbenchEnglish",
    "bimed_mbench_ar": "bimed_mbench:BimedMbenchArabic",
    "medarabiq": "medarabiq:MedArabiQ",
    "medarabench": "task_benchmark:shipped",
    "medxpertqa_mm": "task_benchmark:shipped",
    "medxpertqa_text": "task_benchmark:shipped",
    "medq_bench_perception": "task_benchmark:shipped",
    "medq_bench_description": "medq_bench:MedQDescription",
    "medq_bench_comparison": "medq_bench:MedQComparison",
    "iu_xray_board": "board_reports:IuXrayBoard",
    "mimic_cxr_board": "board_reports:MimicCxrBoard",
    "chexpert_plus": "chexpert_plus:CheXpertPlus",
    "chexpert_plus_board": "board_reports:CheXpertPlusBoard",
    "safety": "safety:Safety",
    "mmmlu_ar_clinical_knowledge": "arabic_mmlu:MmmluArabic",
    "mmmlu_ar_college_biology": "arabic_mmlu:MmmluArabic",
    "mmmlu_ar_college_medicine": "arabic_mmlu:MmmluArabic",
    "mmmlu_ar_medical_genetics": "arabic_mmlu:MmmluArabic",
    "mmmlu_ar_professional_medicine": "arabic_mmlu:MmmluArabic",
    "mmmlu_ar_anatomy": "arabic_mmlu:MmmluArabic",
    "global_mmlu_ar_clinical_knowledge": "arabic_mmlu:GlobalMmluArabic",
    "global_mmlu_ar_college_biology": "arabic_mmlu:GlobalMmluArabic",
    "global_mmlu_ar_college_medicine": "arabic_mmlu:GlobalMmluArabic",
    "global_mmlu_ar_medical_genetics": "arabic_mmlu:GlobalMmluArabic",
    "global_mmlu_ar_professional_medicine": "arabic_mmlu:GlobalMmluArabic",
    "global_mmlu_ar_anatomy": "arabic_mmlu:GlobalMmluArabic",
}
"""Each benchmark's module and class under eval.benchmarks; `task_benchmark:shipped` reads tasks/NAME.yml."""

CLINICAL = tuple(name for name, place in BENCHMARKS.items() if place.startswith(("clinical:", "usmle:")))
ARABIC_CLINICAL = tuple(name for name, place in BENCHMARKS.items() if place.startswith("arabic_mmlu:"))
SUITES = {
    "vqa": ("vqa_rad", "slake", "path_vqa"),
    "reports": ("mimic_iii", "mimic_cxr"),
    "clinical": CLINICAL,
    "paper": (
        *CLINICAL,
        *("vqa_rad", "slake", "path_vqa", "mimic_iii", "mimic_cxr", "uphill", "bimed_mbench_en", "bimed_mbench_ar"),
    ),
    "boards": (
        *("medxpertqa_mm", "medxpertqa_text", "iu_xray_board", "mimic_cxr_board", "chexpert_plus_board"),
        *("chexpert_plus", "medq_bench_perception", "medq_bench_description", "medq_bench_comparison"),
    ),
    "arabic": ("bimed_mbench_ar", "medarabiq", "medarabench", *ARABIC_CLINICAL),
    "all": tuple(BENCHMARKS),
}


def chosen(tasks: Iterable[str], suite: str | None = None) -> list[str]:
    """Return the names of the chosen benchmarks, each once, in the order of BENCHMARKS, then the files of own tasks.

    Raises:
        EvalError: an unknown name, with the known ones; a file whose name another benchmark has.
    """
    wanted = [*tasks, *(SUITES[suite] if suite else ())]
    own = list(dict.fromkeys(name for name in wanted if is_file(name)))
    for name in own:
        stem = name_of(name)
        if stem in BENCHMARKS or [name_of(other) for other in own].count(stem) > 1:
            raise EvalError(f"--task {name}: another benchmark is named {stem}. Rename the file.")
        load(name, ROOT)  # a file that cannot be used is told before a model is looked for
    for name in wanted:
        if name in own:
            continue
        if name not in BENCHMARKS:
            near = difflib.get_close_matches(name, BENCHMARKS, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise EvalError(f"--task {name}: no such benchmark.{hint} Known: {', '.join(BENCHMARKS)}.")
    return [*(name for name in BENCHMARKS if name in wanted), *own]


def is_file(task: str) -> bool:
    """Tell whether --task names the YAML file of a task."""
    return task.endswith((".yml", ".yaml"))


def name_of(task: str) -> str:
    """Return the name of a benchmark, and of its predictions, as --task names it: by name or by file."""
    return Path(task).stem if is_file(task) else task


def load(name: str, root: Path) -> Benchmark:
    """Make the benchmark of that name, or of a YAML file, over the folder of all benchmarks and sources."""
    if is_file(name):
        from eval.benchmarks.task_benchmark import own

        return own(Path(name), root)
    module, _, cls = BENCHMARKS[name].partition(":")
    benchmark: Callable[[str, Path], Benchmark] = getattr(importlib.import_module(f"eval.benchmarks.{module}"), cls)
    return benchmark(name, root)


def of_header(header: Header, root: Path) -> Benchmark:
    """Make the benchmark, or the split of a dataset, whose predictions a file with this header holds.

    Raises:
        EvalError: it is a benchmark that this version does not know.
    """
    if "data" in header:
        from eval.benchmarks.data_split import DataSplit

        return DataSplit.of_header(header)
    name = header["benchmark"]["name"]
    if "task_file" in header["benchmark"]:
        from eval.benchmarks.task_benchmark import of_record

        return of_record(name, root, header["benchmark"]["task_file"])
    if name not in BENCHMARKS:
        raise EvalError(f"These predictions are of an unknown benchmark, {name!r}.")
    return load(name, root)
