"""What `benchmarks` prints: every benchmark, where the paper reports it, its licence, and whether it is there."""

from __future__ import annotations

from pathlib import Path

from eval.benchmarks.registry import BENCHMARKS, SUITES, load
from eval.report.markdown import plain_table


def listing(root: Path) -> str:
    """Return the table of all benchmarks, how to get what is not there, and the suites."""
    table = [["benchmark", "paper", "licence", "split", f"under {root}"]]
    missing: dict[tuple[str, str, str], list[str]] = {}
    for name in BENCHMARKS:
        try:
            benchmark = load(name, root)
        except ModuleNotFoundError as error:
            table.append([name, "", "", "", f"needs the package {error.name}"])
            continue
        problems = benchmark.problems()
        about = benchmark.ABOUT
        table.append([name, about.table or "-", about.licence, about.split, "missing" if problems else "there"])
        if problems:
            missing.setdefault((about.title, ", ".join(about.layout), about.get), []).append(name)
    suites = [f"--suite {suite}: {', '.join(names)}" for suite, names in SUITES.items()]
    rest = [
        line
        for (title, layout, get), names in missing.items()
        for line in (f"{', '.join(names)} ({title})", f"  wants  {layout}", f"  get it {get}")
    ]
    return "\n".join([plain_table(table), "", *(["How to get the rest:", *rest, ""] if rest else []), *suites])
