"""The images that rows name and that are not there: counted, and listed for a downloader."""

import json
import shutil

import pytest
import yaml

from data_prep import missing_images, overview
from data_prep.__main__ import main
from data_prep.sources.bimed_v import BimedV
from data_prep.sources.llava_med import LlavaMed
from data_prep.sources.pair_archives import LIST
from data_prep.sources.slake import Slake
from tests.helpers.downloads import bimed_v, vqa
from tests.helpers.layouts import llava_med
from tests.helpers.layouts.jpeg import save


@pytest.fixture
def root(tmp_path):
    bimed_v.make(tmp_path)
    return tmp_path


def stage(root, number=2, **keys):
    path = root / f"BiMed-V_stage{number}.json"
    return BimedV(path=str(path), images=str(root / "images"), name="bimed_v", **keys)


def listed(root, *sources):
    counted = missing_images.write(root / "wanted.jsonl", list(sources))
    lines = [json.loads(line) for line in (root / "wanted.jsonl").read_text().splitlines()]
    assert len(lines) == counted.named - counted.there
    return counted, lines


def test_an_image_that_is_missing_is_listed_with_its_archive(root):
    wanted = bimed_v.archive(bimed_v.GONE)
    counted, lines = listed(root, stage(root))
    assert lines == [
        {
            "source": "bimed_v",
            "image": f"{bimed_v.GONE}.jpg",
            "archive": wanted["pmc_tar_url"],
            "member": wanted["image_file_path"],
        }
    ]
    assert (counted.named, counted.unaddressed) == (8, 0)


def test_the_row_s_id_names_the_pair_whatever_the_image_is_called(root):
    shutil.rmtree(root / "images")
    text = (
        (root / "BiMed-V_stage1.json").read_text().replace(f'"image": "{bimed_v.GONE}.jpg"', '"image": "renamed.jpg"')
    )
    (root / "BiMed-V_stage1.json").write_text(text)
    assert listed(root, stage(root, 1))[1][-1]["archive"] == bimed_v.archive(bimed_v.GONE)["pmc_tar_url"]


def test_without_a_folder_every_image_is_listed_once_with_the_set_that_holds_it(root):
    shutil.rmtree(root / "images")
    counted, lines = listed(root, stage(root), stage(root, languages=["ar"]), stage(root, 1))
    found = {line["image"]: line for line in lines}
    assert len(found) == len(lines) == 8 and counted.there == 0
    assert found["xmlab1_source.jpg"]["archive"].endswith("BoKelvin/SLAKE/resolve/main/imgs.zip")
    assert found["xmlab1_source.jpg"]["member"] == "imgs/xmlab1/source.jpg"
    assert found["synpic54610.jpg"]["member"] == "VQA_RAD Image Folder/synpic54610.jpg"
    assert found["path-vqa_17.jpg"]["member"] == "train, distinct image 17"
    assert found["path-vqa_17.jpg"]["archive"].endswith("flaviagiammarino/path-vqa")
    assert counted.unaddressed == 1 and found["PMC212319_Fig3_4.jpg"].keys() == {"source", "image"}


def test_only_images_of_selected_rows_are_listed(root):
    shutil.rmtree(root / "images")
    _, lines = listed(root, stage(root, origins=["llava_med"], languages=["ar"]))
    assert [line["image"] for line in lines] == [f"{pair}.jpg" for pair in bimed_v.PAIRS]


def test_an_empty_list(root):
    save(root / f"images/{bimed_v.GONE}.jpg")
    counted, lines = listed(root, stage(root))
    assert lines == [] and counted.named == counted.there == 8


def test_llava_med_s_own_list(tmp_path):
    llava_med.make(tmp_path)
    table = tmp_path / "alignment/llava_med_alignment_500k.json"
    keys = {"path": str(table), "images": str(tmp_path / "images"), "name": "align"}
    _, (line,) = listed(tmp_path, LlavaMed(**keys, urls=str(tmp_path / LIST)))
    assert line["image"] == f"{llava_med.GONE}.jpg" and line["archive"].endswith(".tar.gz") and line["member"]
    counted, (line,) = listed(tmp_path, LlavaMed(**keys))
    assert line == {"source": "align", "image": f"{llava_med.GONE}.jpg"} and counted.unaddressed == 1


def test_images_are_counted_by_name(tmp_path, monkeypatch):
    vqa.slake(tmp_path, unpacked=2, archive=False)
    assert missing_images.count(Slake(path=str(tmp_path)))[:3] == (8, 4, 2)
    monkeypatch.setattr(missing_images, "COUNTED", 2)
    assert missing_images.count(Slake(path=str(tmp_path)))[:3] == (2, 2, 2)


def test_of_many_missing_images_the_first_are_named(tmp_path):
    turns = [{"from": "human", "value": "<image>\nq"}, {"from": "gpt", "value": "a"}]
    rows = [{"id": str(n), "image": f"{n}.jpg", "conversations": turns} for n in range(5)]
    (tmp_path / "rows.json").write_text(json.dumps(rows))
    (tmp_path / "images").mkdir()
    mixture = tmp_path / "x.yml"
    mixture.write_text("{name: x, sources: [{reader: messages, path: rows.json, images: images, licence: CC0-1.0}]}")
    assert "0 of the 5 images that its rows name are there; missing: 0.jpg, 1.jpg, 2.jpg and 2 more" in (
        overview.sources([mixture], tmp_path)
    )


@pytest.fixture
def mixture(root):
    path = root / "mixture.yml"
    entry = {"reader": "bimed_v", "path": "BiMed-V_stage2.json", "images": "images"}
    path.write_text(yaml.safe_dump({"name": "x", "sources": [entry]}))
    return path


def run(mixture, root, *more):
    return main(["sources", str(mixture), "--root", str(root), "--missing-images", str(root / "wanted.jsonl"), *more])


def test_the_command_says_how_many_it_wrote(mixture, root, capsys):
    assert run(mixture, root) == 0
    said = capsys.readouterr().out
    assert said == f"{root}/wanted.jsonl: 1 of the 8 images that 14 rows name are missing\n"
    (root / LIST).unlink()
    assert run(mixture, root) == 0
    assert f"1 of them without an address: is {LIST} of LLaVA-Med beside the table" in capsys.readouterr().out
    save(root / f"images/{bimed_v.GONE}.jpg")
    assert run(mixture, root) == 0 and (root / "wanted.jsonl").read_text() == ""
    assert capsys.readouterr().out.endswith("empty: all 8 images that 14 rows name are there\n")


def test_the_command_s_mistakes_are_one_message_each(mixture, root, capsys):
    assert main(["sources", str(mixture), "--root", str(root), "--missing-images", str(root)]) == 1
    assert "it cannot be written" in capsys.readouterr().err
    (root / "BiMed-V_stage2.json").write_text('[{"id": "cut')
    assert run(mixture, root) == 1
    assert "not a complete JSON list" in capsys.readouterr().err
    (root / "BiMed-V_stage2.json").unlink()
    assert run(mixture, root) == 1
    assert "BiMed-V_stage2.json: there is no such file" in capsys.readouterr().err
    assert not (root / "wanted.jsonl").exists()


def test_a_mixture_of_sources_with_their_own_images(tmp_path, capsys):
    vqa.slake(tmp_path / "SLAKE")
    mixture = tmp_path / "mixture.yml"
    mixture.write_text(yaml.safe_dump({"name": "x", "sources": [{"reader": "slake", "path": "SLAKE"}]}))
    assert run(mixture, tmp_path) == 0
    assert capsys.readouterr().out.endswith("empty: every source of the mixture has its images in its own download\n")


def test_long_work_reports_its_progress(root, capsys, monkeypatch):
    monkeypatch.setattr(missing_images, "SECONDS_BETWEEN_REPORTS", 0)
    listed(root, stage(root))
    assert "bimed_v: 14 rows read, 1 images missing" in capsys.readouterr().err
