"""PubMedQA as the repository's objects by PMID, and as the Hub's Parquet."""

import json

from tests.helpers.layouts.text_files import write_parquet, write_text

LABELED = {"21645374": "yes", "16418930": "no", "9488747": "maybe"}
TESTED = "9488747"


def make(root):
    """The repository's data/ with the two large files; the labelled rows come indented, the others do not."""
    write_text(
        root / "data/ori_pqal.json", json.dumps({p: _original(p, said) for p, said in LABELED.items()}, indent=4)
    )
    write_text(root / "data/test_ground_truth.json", json.dumps({TESTED: "maybe"}, indent=4))
    write_text(root / "ori_pqaa.json", json.dumps({"25571931": _original("25571931", "yes"), "1": "lost"}))
    unlabelled = {"14499029": _original("14499029", None) | {"CONTEXTS": []}}
    write_text(root / "ori_pqau.json", json.dumps(unlabelled))


def make_hub(root):
    """One folder a part; PMIDs are numbers."""
    for part in ("artificial", "labeled", "unlabeled"):
        rows = [_hub(pmid, None if part == "unlabeled" else said) for pmid, said in LABELED.items()]
        write_parquet(root / f"pqa_{part}/train-00000-of-00001.parquet", rows)


def _original(pmid, decision):
    article = {
        "QUESTION": f"Do mitochondria play a role in {pmid}?",
        "CONTEXTS": ["Programmed cell death is regulated. ", "The roles were investigated in vitro: p < 0.001."],
        "LABELS": ["BACKGROUND", "RESULTS"],
        "MESHES": ["Apoptosis"],
        "LONG_ANSWER": "Results depicted mitochondrial dynamics — in vivo.",
    }
    return article | ({"YEAR": "2011", "final_decision": decision} if decision else {})


def _hub(pmid, decision):
    original = _original(pmid, decision)
    row = {
        "pubid": int(pmid),
        "question": original["QUESTION"],
        "context": {"contexts": original["CONTEXTS"], "labels": original["LABELS"], "meshes": original["MESHES"]},
        "long_answer": original["LONG_ANSWER"],
    }
    return row | ({"final_decision": decision} if decision else {})
