import io
import json
import os
import sys

import numpy as np
import pytest
from PIL import Image
from refusals import check_refusal, refused

from stylegan_tf.data.importers import lsun
from stylegan_tf.data.importers.lsun import create_lsun, create_lsun_wide, square, wide
from stylegan_tf.data.reading import all_pictures
from stylegan_tf.errors import UserError

RANDOM = np.random.RandomState(7)


def noise(width, height):
    return RANDOM.randint(0, 256, (height, width, 3), np.uint8)


def encoded(pixels, kind="PNG", **options):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


def database(folder, entries):
    lmdb = pytest.importorskip("lmdb")
    with lmdb.open(str(folder), map_size=2**24) as env, env.begin(write=True) as transaction:
        for key, value in entries.items():
            transaction.put(key, value)
    return folder


def test_the_square_is_the_centre():
    pixels = noise(12, 8)
    assert np.array_equal(square(Image.fromarray(pixels), 8), pixels[:, 2:10])
    pixels = noise(8, 13)  # of an odd rest the smaller half is cut at the top
    assert np.array_equal(square(Image.fromarray(pixels), 8), pixels[2:10])


def test_the_square_is_resized_by_lanczos():
    pixels = noise(40, 24)
    expected = Image.fromarray(pixels[:, 8:32].copy()).resize((8, 8), Image.Resampling.LANCZOS)
    assert np.array_equal(square(Image.fromarray(pixels), 8), np.array(expected))


def test_grey_pictures_become_rgb():
    grey = noise(8, 8)[..., 0].copy()
    assert np.array_equal(square(Image.fromarray(grey), 8), np.stack([grey] * 3, axis=-1))


@pytest.mark.parametrize(
    ("size", "rows"),
    [
        ((8, 4), (0, 4)),  # fits as it is
        ((8, 6), (0, 6)),  # 8 * 6 / 8 = 6 rows, squeezed to 4
        ((16, 10), (2, 7)),  # 8 * 10 / 16 = 5 rows of the ten, at full width: the official quirk
        ((16, 9), (2, 6)),  # 4.5 rounds to the even 4; of the rest of 5 rows 2 are above
    ],
)
def test_wide_pictures_between_bars(size, rows):
    pixels = noise(*size)
    result = wide(Image.fromarray(pixels), 8, 4)
    kept = Image.fromarray(pixels[rows[0] : rows[1]].copy()).resize((8, 4), Image.Resampling.LANCZOS)
    assert result.shape == (8, 8, 3)
    assert np.array_equal(result[2:6], np.array(kept))
    assert not result[:2].any() and not result[6:].any()


@pytest.mark.parametrize("size", [(7, 8), (16, 6), (12, 5)])  # too narrow; 8 * 6 / 16 = 3 and 8 * 5 / 12 = 3.3 rows
def test_small_pictures_are_refused(size):
    with refused(f"{size[0]}x{size[1]}", "8x4"):
        wide(Image.fromarray(noise(*size)), 8, 4)


def test_the_first_good_pictures_of_a_database_in_its_order(tmp_path, capsys):
    pixels = [noise(8, 8) for _ in range(7)]
    lossless = encoded(pixels[2], "WEBP", lossless=True)
    source = database(
        tmp_path / "lmdb",
        {
            b"c": lossless,
            b"a": encoded(pixels[0]),
            b"b": b"no picture",
            b"d": encoded(pixels[3])[:60],
            **{f"e{n}".encode(): encoded(pixels[n]) for n in (4, 5, 6)},
        },
    )
    data_set = create_lsun(tmp_path / "set", source, 8, max_images=4)
    assert np.array_equal(list(all_pictures(data_set)), [pixels[n] for n in (0, 2, 4, 5)])
    assert data_set.labels is None
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("skipped")]
    assert [line.split(":")[0] for line in said] == ["skipped b", "skipped d"]
    assert sorted(os.listdir(source)) == ["data.mdb", "lock.mdb"]
    assert create_lsun(tmp_path / "all", source, 8).num_images == 5


def test_a_database_of_wide_pictures(tmp_path, capsys):
    pixels = noise(8, 4)
    source = database(tmp_path / "lmdb", {b"a": encoded(noise(4, 4)), b"b": encoded(pixels)})
    data_set = create_lsun_wide(tmp_path / "set", source, 8, 4)
    written = np.array(list(all_pictures(data_set)))
    assert written.shape == (1, 8, 8, 3)
    assert np.array_equal(written[0, 2:6], pixels)
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("skipped")]
    check_refusal(line, "a:", "4x4", "8x4")
    assert json.loads((tmp_path / "set" / "dataset.json").read_text())["crop"] == [0, 2, 8, 4]


def test_a_database_without_a_good_picture(tmp_path):
    source = database(tmp_path / "lmdb", {b"a": b"no picture"})
    with refused(tmp_path / "lmdb", "no picture"):
        create_lsun(tmp_path / "set", source, 8)
    assert os.listdir(tmp_path) == ["lmdb"]


def test_a_database_that_counts_too_much(tmp_path):
    source = database(tmp_path / "lmdb", {b"a": encoded(noise(8, 8))})
    content = bytearray((source / "data.mdb").read_bytes())
    for page in (0, 4096):  # both meta pages: of the main table, after that of the free pages
        content[page + 120 : page + 128] = (2**63).to_bytes(8, "little")
    (source / "data.mdb").write_bytes(content)
    with refused(source, "9,223,372,036,854,775,808"):
        create_lsun(tmp_path / "set", source, 8)


def test_what_is_no_database(tmp_path):
    pytest.importorskip("lmdb")
    with refused(tmp_path, "LMDB", "data.mdb"):
        create_lsun(tmp_path / "set", tmp_path)
    (tmp_path / "data.mdb").write_bytes(bytes(8192))
    with refused(tmp_path, "LMDB", "MDB_INVALID"):
        create_lsun(tmp_path / "set", tmp_path)
    assert os.listdir(tmp_path) == ["data.mdb"]


@pytest.mark.parametrize(
    ("work", "names"),
    [
        (lambda folder: create_lsun(folder, folder, 48), ("--resolution=48", 4)),
        (lambda folder: create_lsun_wide(folder, folder, 500, 384), ("--width=500", 4)),
        (lambda folder: create_lsun_wide(folder, folder, 512, 513), ("--height=513", "1 to 512", "--width")),
    ],
)
def test_impossible_sizes(tmp_path, work, names):
    with refused(*names):
        work(tmp_path)


def test_without_the_package_the_error_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "lmdb", None)
    with refused("pip install lmdb"):
        create_lsun(tmp_path / "set", tmp_path)


def test_only_a_few_values_are_read_ahead(tmp_path, monkeypatch):
    read = []
    source = database(tmp_path / "lmdb", {f"{n:03d}".encode(): encoded(noise(8, 8)) for n in range(100)})

    def counted(path, memory, produce, folder):
        contents = produce(folder)
        yield next(contents)
        yield from (read.append(len(chunk)) or chunk for chunk in contents)

    monkeypatch.setattr(lsun, "apart", counted)
    create_lsun(tmp_path / "set", source, 8, max_images=3, storage=lsun.Storage(workers=1))
    assert 3 <= sum(read) <= 20


@pytest.mark.parametrize("kept", [0, 100, 4096, 6000, 8192, 12288, -40000, -4096, -1])
def test_a_database_cut_short_is_one_sentence(tmp_path, kept):
    source = database(tmp_path / "lmdb", {f"{n:03d}".encode(): encoded(noise(64, 64)) for n in range(100)})
    size = (source / "data.mdb").stat().st_size
    os.truncate(source / "data.mdb", kept if kept >= 0 else size + kept)
    with refused(source):
        create_lsun(tmp_path / "set", source, 8)
    assert os.listdir(tmp_path) == ["lmdb"]


@pytest.mark.parametrize("seed", range(4))
def test_a_garbled_database_is_one_sentence_or_pictures(tmp_path, seed):
    source = database(tmp_path / "lmdb", {f"{n:03d}".encode(): encoded(noise(32, 32)) for n in range(50)})
    content = bytearray((source / "data.mdb").read_bytes())
    random = np.random.RandomState(seed)
    for place in random.randint(0, len(content), 2000):
        content[place] = random.randint(256)
    (source / "data.mdb").write_bytes(content)
    try:
        create_lsun(tmp_path / "set", source, 8)
    except UserError as error:
        check_refusal(str(error), tmp_path / "set" if "no picture" in str(error) else source)
