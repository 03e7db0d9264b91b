import os

import numpy as np
import pytest
from PIL import Image
from refusals import refused

from stylegan_tf.data.attributes import read_attributes, write_attributes
from stylegan_tf.data.faces.attributes import ATTRIBUTES
from stylegan_tf.data.importers.celeba import NUM_IMAGES, create_celeba
from stylegan_tf.data.reading import all_pictures

COUNT = 5
PIXELS = np.random.RandomState(8).randint(0, 256, (COUNT, 218, 178, 3), np.uint8)
ORDER = np.arange(COUNT)
np.random.RandomState(123).shuffle(ORDER)


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "celeba" / "img_align_celeba_png"
    folder.mkdir(parents=True)
    for number, pixels in enumerate(PIXELS, 1):
        Image.fromarray(pixels).save(folder / f"{number:06d}.png", compress_level=0)
    return tmp_path / "celeba"


def test_the_official_square_in_the_official_order(tmp_path, source):
    data_set = create_celeba(tmp_path / "set", source, num_images=COUNT)
    # Centre (89, 121): columns 89 - 64 = 25 to 152, rows 121 - 64 = 57 to 184.
    assert np.array_equal(list(all_pictures(data_set)), PIXELS[ORDER, 57:185, 25:153])
    assert data_set.labels is None
    assert not list((tmp_path / "set").glob("*.txt"))


def test_another_centre(tmp_path, source):
    data_set = create_celeba(tmp_path / "set", source, 64, 154, num_images=COUNT)
    assert np.array_equal(next(all_pictures(data_set)), PIXELS[ORDER[0], 90:218, 0:128])
    with refused("--cx=63", "--cy=121", "--cx", "64 to 114", "64 to 154"):
        create_celeba(tmp_path / "other", source, 63, 121, num_images=COUNT)


@pytest.mark.parametrize("inner", ["", "img_align_celeba"])
def test_jpegs_and_the_list_as_kaggle_has_them(tmp_path, capsys, inner):
    folder = tmp_path / "kaggle" / "img_align_celeba" / inner
    folder.mkdir(parents=True)
    for number in range(1, COUNT + 1):
        Image.new("RGB", (178, 218), (40 * number,) * 3).save(folder / f"{number:06d}.jpg")
        (folder / f"._{number:06d}.jpg").write_bytes(b"from a Mac")
    rows = [f"{number:06d}.jpg,{1 - 2 * (number % 2)},1" for number in range(1, COUNT + 1)]
    (tmp_path / "kaggle" / "list_attr_celeba.csv").write_text("\n".join(["image_id,Male,Smiling", *rows]) + "\n")
    data_set = create_celeba(tmp_path / "set", tmp_path / "kaggle", num_images=COUNT)
    assert [picture.max() // 10 for picture in all_pictures(data_set)] == [4 * (number + 1) for number in ORDER]
    assert "JPEGs, whose pixels are not quite those of the official" in capsys.readouterr().err
    written = read_attributes(tmp_path / "set" / "list_attr_celeba.txt")
    assert written.table.tolist() == [[number % 2 == 1, True] for number in ORDER]
    with refused(
        NUM_IMAGES,
        tmp_path / "kaggle" / "img_align_celeba" / inner,
        "5 (JPEG)",
        "create_from_images --resolution=128 --crop=center",
    ):
        create_celeba(tmp_path / "other", tmp_path / "kaggle")


@pytest.mark.parametrize("where", ["", "Anno"])
def test_attributes_come_along_in_the_order_of_the_records(tmp_path, source, where):
    table = np.random.RandomState(9).randint(0, 2, (COUNT + 2, 40)).astype(bool)
    names = [f"{number:06d}.jpg" for number in range(COUNT + 2, 0, -1)]  # two more than there are, and backwards
    (source / where).mkdir(exist_ok=True)
    write_attributes(source / where / "list_attr_celeba.txt", names, ATTRIBUTES, table)
    create_celeba(tmp_path / "set", source, num_images=COUNT)
    written = read_attributes(tmp_path / "set" / "list_attr_celeba.txt")
    assert written.files == tuple(f"{number + 1:06d}.png" for number in ORDER)
    assert written.names == ATTRIBUTES
    assert np.array_equal(written.table, table[::-1][ORDER])


def test_that_there_is_no_list_is_said(tmp_path, source, capsys):
    create_celeba(tmp_path / "set", source, num_images=COUNT)
    assert f"there is no list_attr_celeba.txt or .csv in {source}: made without attributes" in capsys.readouterr().err


def test_a_list_that_misses_pictures(tmp_path, source):
    write_attributes(source / "list_attr_celeba.txt", ["000001.jpg"], ATTRIBUTES, np.zeros((1, 40), bool))
    with refused(source / "list_attr_celeba.txt", 4, 5, "000002.png"):
        create_celeba(tmp_path / "set", source, num_images=COUNT)
    assert os.listdir(tmp_path) == ["celeba"]


def test_the_number_of_pictures_must_be_right(tmp_path, source):
    with refused(NUM_IMAGES, source / "img_align_celeba_png", 5, "create_from_images --resolution=128 --crop=center"):
        create_celeba(tmp_path / "set", source)
    assert NUM_IMAGES == 202599
    with refused(tmp_path / "img_align_celeba_png", "img_align_celeba/img_align_celeba"):
        create_celeba(tmp_path / "set", tmp_path)


@pytest.mark.parametrize(
    ("write", "names"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:5000]), ["truncated"]),
        (lambda path: Image.new("RGB", (178, 200)).save(path), ["178x200 RGB", "178x218 RGB"]),
        (lambda path: Image.new("L", (178, 218)).save(path), ["178x218 L", "178x218 RGB"]),
    ],
)
def test_a_bad_picture_is_named_and_nothing_is_left(tmp_path, source, write, names):
    write(source / "img_align_celeba_png" / "000002.png")
    with refused(source / "img_align_celeba_png" / "000002.png", *names):
        create_celeba(tmp_path / "set", source, num_images=COUNT)
    assert os.listdir(tmp_path) == ["celeba"]
