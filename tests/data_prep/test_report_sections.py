import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.sources.report_sections import FINDINGS, IMPRESSION, section_name, sections

headings = st.sampled_from(["FINDINGS", "IMPRESSION", "HISTORY", "CT OF THE HEAD, NECK", "WET READ"])
texts = st.text(st.sampled_from("abc de.:\n"), max_size=20)


@given(st.lists(st.tuples(headings, texts), max_size=6))
def test_sections_with_text_come_back_in_order(parts):
    report = "FINAL REPORT\n" + "".join(f" {heading}:  {text}\n" for heading, text in parts)
    wanted = [(heading.lower(), " ".join(text.split())) for heading, text in parts if text.strip()]
    assert [(section.heading, section.text) for section in sections(report)] == wanted


@pytest.mark.parametrize(
    "heading",
    ["findings", "finding", "findigns", "findigs", "fidings", "findngs", "findins", "findnigs", "finidngs", "findgins",
     "findgings", "findindgs", "findings - brain mri", "findings-mri of the head", "reference findings"],
)  # fmt: skip
def test_findings_however_spelt(heading):
    assert section_name(heading) == FINDINGS


@pytest.mark.parametrize(
    "heading",
    ["impression", "impressions", "impession", "impresiion", "impresion", "impresssion", "imprssion", "imrpession",
     "impresison", "imression", "imprression", "impreesion", "imppression", "imoression", "imperssion", "mpression",
     "impression and plan", "impression of the mra", "conclusion", "findings and impression", "findings/impression"],
)  # fmt: skip
def test_impressions_however_spelt(heading):
    assert section_name(heading) == IMPRESSION


@pytest.mark.parametrize(
    "heading", ["indication", "technique", "compression", "depression", "final", "fracture", "mri", ""]
)
def test_other_headings_have_no_name(heading):
    assert section_name(heading) == ""
