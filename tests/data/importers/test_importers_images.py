import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from picture_files import encoded, facts, noise, put, read, save, turned
from PIL import Image
from refusals import refused

from stylegan_tf.data.attributes import attributes_of
from stylegan_tf.data.importers import convert, images
from stylegan_tf.data.importers.images import Options, create_from_images
from stylegan_tf.data.layout import open_data_set

ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests" / "golden" / "dataset"  # 12 pictures, and the official tool's records of them
SORTED = Options(shuffle=False, workers=2)


def pack(path):
    """The golden pictures, in the wrong order, as the archive that the name asks for."""
    files = sorted((GOLDEN / "png_rgb").iterdir(), reverse=True)
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for picture in files:
                archive.write(picture, f"pictures/{picture.name}")
    else:
        with tarfile.open(path, "w:" + path.suffix[1:].replace("tar", "").replace("tgz", "gz")) as archive:
            for picture in files:
                archive.add(picture, f"./pictures/{picture.name}")
    return path


@pytest.mark.parametrize(("official", "shuffle"), [("rgb_noshuffle", False), ("rgb_shuffle", True)])
@pytest.mark.parametrize("packed", [None, "a.zip", "a.tar", "a.tgz", "a.tar.xz"])
def test_the_records_are_the_official_ones(tmp_path, official, shuffle, packed):
    source = pack(tmp_path / packed) if packed else GOLDEN / "png_rgb"
    ours = create_from_images(tmp_path / "set", source, Options(shuffle=shuffle))
    theirs = open_data_set(GOLDEN / official)
    assert ours.stages == theirs.stages == (2, 3, 4, 5)
    for stage in ours.stages:
        assert np.array_equal(read(ours, stage), read(theirs, stage))


@pytest.mark.parametrize("packed", [None, "a.zip", "a.tar.gz"])
def test_any_number_of_workers_makes_the_same_records(tmp_path, monkeypatch, packed):
    source = pack(tmp_path / packed) if packed else GOLDEN / "png_rgb"
    alone = create_from_images(tmp_path / "alone", source, Options(workers=1))
    monkeypatch.setattr(images, "_MANY", 1)  # so that processes are worth it
    monkeypatch.setattr(convert, "_CHUNK_VALUES", 5 * 32 * 32 * 3)
    together = create_from_images(tmp_path / "together", source, Options(workers=2))
    for stage in alone.stages:
        assert alone.path(stage).read_bytes() == together.path(stage).read_bytes()


def test_dataset_json_says_where_it_came_from(tmp_path):
    save(tmp_path / "in" / "a.png")
    said = facts(create_from_images(tmp_path / "set", tmp_path / "in"))
    assert (said["command"], said["shuffle"], said["source"]) == ("create_from_images", 1, str(tmp_path / "in"))
    assert (said["seed"], said["options"]) == (123, {})
    assert (said["name"], said["num_images"], said["resolution"], said["channels"]) == ("set", 1, 8, 3)
    assert not {"crop", "classes", "labels_from", "skipped"} & said.keys()


def test_the_order_is_that_of_the_seed_and_max_images_takes_its_beginning(tmp_path):
    for number in range(6):
        save(tmp_path / "in" / f"{number}.png", seed=number)
    data_set = create_from_images(tmp_path / "set", tmp_path / "in", Options(seed=7, max_images=4, mirror=True))
    order = np.arange(6)
    np.random.RandomState(7).shuffle(order)
    expected = [view for number in order[:4] for view in (noise(8, number), noise(8, number)[:, ::-1])]
    assert np.array_equal(read(data_set, 3), expected)
    assert facts(data_set)["options"] == {"max_images": 4, "mirror": True}


@pytest.mark.parametrize("compression", ["png", "gzip"])
def test_compressed_records_hold_the_same_pictures(tmp_path, compression):
    plain = create_from_images(tmp_path / "plain", GOLDEN / "png_rgb")
    small = create_from_images(tmp_path / "small", GOLDEN / "png_rgb", Options(compression=compression))
    assert small.compression == compression
    for stage in plain.stages:
        assert np.array_equal(read(small, stage), read(plain, stage))


def test_pictures_of_all_kinds_become_what_is_asked(tmp_path):
    folder = tmp_path / "in"
    put(folder / "a.png", turned(noise(20)[:16], 6))
    put(folder / "b.jpg", encoded(noise(20), "CMYK", "JPEG"))
    put(folder / "c.png", encoded(noise(40)[:, :, 0].astype(np.uint16) * 257))
    put(folder / "d.gif", encoded(noise(16), "P", "GIF"))
    put(folder / "e.png", encoded(noise(17), "RGBA"))
    put(folder / "f.png", encoded(noise(16), "1"))
    options = Options(shuffle=False, resolution=16, crop="center", channels="grey", resize_filter="box")
    data_set = create_from_images(tmp_path / "set", folder, options)
    assert (data_set.resolution, data_set.channels, data_set.num_images) == (16, 1, 6)
    upright = Image.fromarray(noise(20)[:16]).transpose(Image.Transpose.ROTATE_270).convert("L").crop((0, 2, 16, 18))
    assert np.array_equal(read(data_set, 4)[0, :, :, 0], np.array(upright))
    assert set(np.unique(read(data_set, 4)[5])) == {0, 255}
    assert facts(data_set)["options"] == {
        "resolution": 16,
        "crop": "center",
        "resize_filter": "box",
        "channels": "grey",
    }


def test_wide_pictures_get_black_bars_and_the_crop_is_recorded(tmp_path):
    for number, (width, height) in enumerate([(32, 20), (16, 10), (32, 20), (40, 40)]):
        put(tmp_path / "in" / f"{number}.png", encoded(np.full((height, width, 3), 200, np.uint8)))
    data_set = create_from_images(tmp_path / "set", tmp_path / "in", Options(resolution=16, crop="wide"))
    assert facts(data_set)["crop"] == [0, 3, 16, 10]
    made = read(data_set, 4)
    assert (made[:, 3:13] == 200).all()
    assert (made[:, :3] == 0).all() and (made[:, 13:] == 0).all()


def test_labels_follow_their_pictures(tmp_path):
    for number in range(4):
        save(tmp_path / "in" / f"{number}.png", seed=number)
    put(tmp_path / "in" / "metadata.csv", b"file_name,label\n0.png,dog\n1.png,cat\n2.png,dog\n3.png,emu\n")
    data_set = create_from_images(tmp_path / "set", tmp_path / "in", Options(mirror=True))
    order = np.arange(4)
    np.random.RandomState(123).shuffle(order)
    assert np.array_equal(data_set.labels, np.eye(3)[[1, 0, 1, 2]][order].repeat(2, axis=0))
    said = facts(data_set)
    assert (said["classes"], said["labels_from"], said["label_size"]) == (["cat", "dog", "emu"], "metadata.csv", 3)
    assert create_from_images(tmp_path / "bare", tmp_path / "in", Options(labels="none")).labels is None


def test_a_dropped_alpha_channel_is_mentioned(tmp_path, capsys):
    save(tmp_path / "in" / "a.png", mode="RGBA")
    save(tmp_path / "in" / "b.png", mode="RGBA", seed=1)
    save(tmp_path / "in" / "c.png", seed=2)
    data_set = create_from_images(tmp_path / "set", tmp_path / "in", SORTED)
    assert np.array_equal(read(data_set, 3)[1], noise(8, 1))
    assert "dropped the fully opaque alpha channel of 2 pictures" in capsys.readouterr().err


def test_grey_pictures(tmp_path):
    save(tmp_path / "in" / "a.png", mode="L")
    assert create_from_images(tmp_path / "set", tmp_path / "in").channels == 1


def test_numbered_folders_names_and_vectors_are_written(tmp_path, capsys):
    for number in (2, 10):
        for index in range(number // 2):
            save(tmp_path / "in" / str(number) / f"{index}.png", seed=10 * number + index)
    data_set = create_from_images(tmp_path / "numbers", tmp_path / "in", Options(labels="folders"))
    assert data_set.labels.sum(0).tolist() == [0, 0, 1, *[0] * 7, 5] and data_set.classes == ()
    assert "labels   11 classes, 9 of them without a picture, from folders" in capsys.readouterr().err
    put(
        tmp_path / "in" / "labels.csv", b"id,kind\n" + b"".join(b"10/%d,cat\n" % index for index in range(5)) + b"2/0,d"
    )
    put(tmp_path / "in" / "2" / "Thumbs.db", b"x")
    data_set = create_from_images(tmp_path / "names", tmp_path / "in", Options(labels="labels.csv"))
    assert (data_set.classes, data_set.labels.sum(0).tolist()) == (("cat", "d"), [5, 1])
    said = capsys.readouterr().err
    assert "labels   2 classes (cat, d), from labels.csv" in said
    assert "left out 1 files and folders of systems and programs: Thumbs.db 1" in said
    create_from_images(tmp_path / "none", tmp_path / "in")
    said = capsys.readouterr().err
    assert "unused   labels.csv: labels are read from dataset.json" in said and ": made without labels" in said
    assert "unused   the 2 folders of the pictures (10, 2) as labels" in said


def test_attributes_come_along_in_the_order_of_the_records(tmp_path):
    lines = ["5", "Male Young"]
    for index in range(5):
        save(tmp_path / "in" / "img align" / f"{index}.png", seed=index)
        lines.append(f"{index}.jpg {1 if index % 2 else -1} {1 if index > 2 else -1}")
    put(tmp_path / "list_attr_it.txt", "\n".join(lines).encode())
    options = Options(labels=str(tmp_path / "list_attr_it.txt"), mirror=True)
    data_set = create_from_images(tmp_path / "set", tmp_path / "in", options)
    found = attributes_of(data_set)
    order = np.arange(5)
    np.random.RandomState(123).shuffle(order)
    assert found.files == tuple(f"{index}.png" for index in order.repeat(2))
    assert found.table.tolist() == [[index % 2 == 1, index > 2] for index in order.repeat(2)]
    assert np.array_equal(data_set.labels, np.where(found.table, 1, -1))
    assert facts(data_set)["columns"] == ["Male", "Young"]


def test_one_name_in_two_spellings_is_a_fault_of_the_second(tmp_path):
    save(tmp_path / "in" / "a.png")
    put(tmp_path / "in" / "a.PNG", (tmp_path / "in" / "a.png").read_bytes())
    with refused(tmp_path / "in", "a.png", "'a.PNG'", "rename"):
        create_from_images(tmp_path / "set", tmp_path / "in")
    assert create_from_images(tmp_path / "set", tmp_path / "in", Options(on_error="skip")).num_images == 1
