"""Format a plan as text tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bimedix2_plugin.plan.memory import GIB

_GB, _TB = 1e9, 1e12


def render(plan: dict[str, Any]) -> str:
    """Format what `make_plan` returns."""
    step, disk = plan["step"], plan["disk"]
    fill = f", packs filled to {step['fill']:.1%}" if step["fill"] is not None else ""
    total = sum(plan["operations"].values())
    lines = [
        f"{plan['recipe']}: stage {plan['stage']}, {plan['parallel']}, {plan['gpus']} x {plan['gpu']}",
        "",
        *_parameters(plan["parameters"]),
        "",
        *_data(plan["data"]),
        "",
        f"step: {step['rows']:.1f} rows, {step['tokens']:,.0f} tokens{fill}",
        f"steps: {plan['steps']:,}",
        f"operations: {total:.3g} ("
        + ", ".join(f"{part} {work / total:.1%}" for part, work in plan["operations"].items())
        + ")",
        f"hours: {_hours(plan['hours'])} at {plan['utilisation']:.0%} of the peak (assumed, not measured)",
        "",
        *_memory(plan),
        "",
        *_communication(plan),
        *_table([["disk", "GB"], *([name, f"{size / _GB:.1f}"] for name, size in disk.items())]),
        f"total {sum(disk.values()) / _GB:.1f} GB",
        "",
        *(f"limit: {limit}" for limit in plan["limits"]),
        *(f"assumed: {assumption}" for assumption in plan["assumptions"]),
    ]
    return "\n".join(lines)


def _hours(hours: float) -> str:
    """Format hours with two digits, or as "under 0.1"."""
    return f"{hours:,.2g}" if 0.1 <= hours < 10 else f"{hours:,.0f}" if hours >= 10 else "under 0.1"


def _parameters(parts: dict[str, dict[str, Any]]) -> list[str]:
    rows = [[part, f"{size['count']:,}", "trained" if size["trained"] else ""] for part, size in parts.items()]
    counts = [size["count"] for size in parts.values()]
    trained = sum(size["count"] for size in parts.values() if size["trained"])
    return _table([["parameters", "", ""], *rows, ["all", f"{sum(counts):,}", f"{trained:,} trained"]])


def _data(data: dict[str, Any]) -> list[str]:
    columns = ("rows", "tokens", "image tokens", "labels")
    rows = [[kind, *(f"{sums[name]:,}" for name in columns)] for kind, sums in data["kinds"].items()]
    sums = [f"{sum(kind[name] for kind in data['kinds'].values()):,}" for name in columns]
    source = f"data: {data['source']}" + (" (ASSUMED lengths)" if data["assumed"] else "")
    rejected = [f"rejected: {data['rejected']:,} rows"] if data["rejected"] else []
    return [source, *_table([["", *columns], *rows, ["all", *sums]]), *rejected]


def _memory(plan: dict[str, Any]) -> list[str]:
    modes, room = plan["memory"], plan["gpu memory"]
    parts = list(dict.fromkeys(part for sizes in modes.values() for part in sizes))
    names = [f"{mode} *" if mode == plan["parallel"] else mode for mode in modes]
    rows = [[part, *(f"{sizes.get(part, 0) / GIB:.2f}" for sizes in modes.values())] for part in parts]
    needs = [sum(sizes.values()) for sizes in modes.values()]
    return [
        *_table(
            [
                ["GiB per GPU, at the peak", *names],
                *rows,
                ["all", *(f"{need / GIB:.2f}" for need in needs)],
                [f"fits in {room / GIB:.0f}", *("yes" if need <= room else "NO" for need in needs)],
            ]
        ),
        "* the recipe's own",
    ]


def _communication(plan: dict[str, Any]) -> list[str]:
    if plan["gpus"] == 1:
        return []
    made = plan["communication"]
    rows = [
        [
            f"{mode} *" if mode == plan["parallel"] else mode,
            *(f"{made['step'][mode][part] / _GB:.2f}" for part in ("weights", "gradients")),
            f"{made['run'][mode] / _TB:.3g}",
            _hours(made["hours"][mode]),
        ]
        for mode in made["step"]
    ]
    titles = [
        f"sent by a GPU over {made['interconnect']}",
        "GB a step: weights",
        "gradients",
        "TB a run",
        "hours, if not hidden",
    ]
    return [*_table([titles, *rows]), ""]


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Align the first column left and the others right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if number == 0 else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
