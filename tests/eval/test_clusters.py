"""Clusters: answers that share an image, a claim, a row or an item stand together, and nothing else does."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from eval.benchmarks.data_split import items_of
from eval.clusters import clusters_of
from eval.dataset import DataSet
from eval.items import Prediction
from tests.helpers import eval_builders as make


def line(item, *images, **facts):
    return make.prediction(item, "", "", image_hashes=list(images), facts=facts)


def partition(lines):
    """The items of each cluster, without its name."""
    found = {}
    for item, cluster in clusters_of(lines).items():
        found.setdefault(cluster, set()).add(item)
    return sorted(map(sorted, found.values()))


def test_each_kind_of_link():
    assert partition([line("a", "x"), line("b", "x"), line("c", "y"), line("d")]) == [["a", "b"], ["c"], ["d"]]
    claims = [line("1/low", claim_id="1"), line("1/high", claim_id="1"), line("2/low", claim_id="2")]
    assert partition(claims) == [["1/high", "1/low"], ["2/low"]]
    assert partition([line("a"), line("b"), line("a-ar", version_of="a")]) == [["a", "a-ar"], ["b"]]
    turns = [line("r#0", row="r"), line("r#1", row="r"), line("r-ar#0", row="r-ar", parent="r"), line("q#0", row="q")]
    assert partition(turns) == [["q#0"], ["r#0", "r#1", "r-ar#0"]]


def test_links_make_one_component_whatever_their_order():
    chain = [line("a", "x"), line("b", "x", "y"), line("c", "y"), line("c-ar", version_of="c"), line("d", "z")]
    for lines in (chain, chain[::-1]):
        assert partition(lines) == [["a", "b", "c", "c-ar"], ["d"]]


def test_an_image_and_a_claim_of_one_name_are_no_link():
    assert partition([line("x"), line("b", "x"), line("c", claim_id="x")]) == [["b"], ["c"], ["x"]]


def test_a_run_without_images_learns_the_clusters_of_one_with_them():
    blind = [line("a"), line("b")]
    assert partition([*blind, line("a", "x"), line("b", "x")]) == [["a", "b"]]


def test_turns_and_translations_of_a_dataset_are_clusters(data):
    rows = [
        *DataSet.open(data).rows("train"),
        {**make.row("talk-ar", "ar", "text_qa", [("؟", "لا")]), "parent": "talk-en"},
    ]
    lines = [Prediction.of(item, output="") for item in items_of(rows)]
    assert ["talk-ar#0", "talk-en#0", "talk-en#1"] in partition(lines)
    assert len(partition(lines)) == len(rows) - 1


@given(st.lists(st.lists(st.sampled_from("uvwxyz"), max_size=2), max_size=12), st.randoms())
def test_items_that_share_an_image_are_together_and_each_is_in_one_cluster(images, random):
    lines = [line(f"i{number}", *keys) for number, keys in enumerate(images)]
    clusters = clusters_of(lines)
    assert set(clusters) == {each.item for each in lines}
    for one in lines:
        for other in lines:
            if set(one.image_hashes) & set(other.image_hashes):
                assert clusters[one.item] == clusters[other.item]
    assert partition(random.sample(lines, len(lines))) == partition(lines)
    alone = [replace(each, image_hashes=[]) for each in lines]
    assert len(partition(alone)) == len(lines)
