import os
import struct
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from refusals import refused

from stylegan_tf.data import reading
from stylegan_tf.data.example import encode, example_class, message, parse
from stylegan_tf.data.framing import framed, offsets
from stylegan_tf.data.layout import open_data_set
from stylegan_tf.data.reading import all_pictures, read_pictures
from stylegan_tf.data.writing import Writer

PICTURES = np.random.RandomState(1).randint(0, 256, (50, 3, 4, 4), np.uint8)


def encode_shape_first(picture: np.ndarray) -> bytes:
    """The other order of the map's two entries, which protobuf allows."""
    parts = []
    for name in ("shape", "data"):
        example = example_class()()
        feature = example.features.feature[name]
        if name == "shape":
            feature.int64_list.value.extend(picture.shape)
        else:
            feature.bytes_list.value.append(picture.tobytes())
        parts.append(example.SerializeToString())
    return b"".join(parts)


@pytest.fixture
def record_file(tmp_path):
    """Writes payloads to a file; returns path, starts, lengths."""

    def write(payloads):
        path = tmp_path / "records"
        with open(path, "wb") as file:
            for payload in payloads:
                file.write(framed(payload))
        return path, *offsets(path)

    return write


def test_any_order_and_any_repetition(record_file):
    path, starts, lengths = record_file(map(encode, PICTURES))
    chosen = np.array([7, 3, 3, 49, 0])
    with open(path, "rb") as file:
        for handle in (file, file.fileno()):
            assert np.array_equal(read_pictures(handle, starts[chosen], lengths[chosen]), PICTURES[chosen])
        assert file.tell() == 0


def test_records_of_both_entry_orders_in_one_file(record_file):
    payloads = [encode(p) if i % 3 else encode_shape_first(p) for i, p in enumerate(PICTURES)]
    path, starts, lengths = record_file(payloads)
    with open(path, "rb") as file:
        assert np.array_equal(read_pictures(file, starts, lengths), PICTURES)
        assert np.array_equal(read_pictures(file, starts[1:], lengths[1:]), PICTURES[1:])


def test_pixels_that_look_like_the_frame_around_them(record_file):
    pictures = PICTURES.copy()
    pictures[0].reshape(-1)[:] = np.frombuffer(encode(PICTURES[0])[:48], np.uint8)
    pictures[1] = 0
    path, starts, lengths = record_file(map(encode, pictures))
    with open(path, "rb") as file:
        assert np.array_equal(read_pictures(file, starts, lengths), pictures)
        assert np.array_equal(read_pictures(file, starts[1:], lengths[1:]), pictures[1:])


def test_threads_share_a_file(record_file):
    path, starts, lengths = record_file(map(encode, PICTURES))
    orders = [np.random.RandomState(seed).permutation(50) for seed in range(40)]
    with open(path, "rb") as file, ThreadPoolExecutor(8) as pool:
        results = pool.map(lambda order: read_pictures(file, starts[order], lengths[order]), orders)
        for order, result in zip(orders, results, strict=True):
            assert np.array_equal(result, PICTURES[order])


def test_a_damaged_record_is_named(record_file):
    path, starts, lengths = record_file(map(encode, PICTURES))
    with open(path, "r+b") as file:
        os.pwrite(
            file.fileno(),
            bytes([PICTURES[5, 0, 0, 0] ^ 1]),
            starts[5] + encode(PICTURES[5]).find(PICTURES[5].tobytes()),
        )
        assert len(read_pictures(file, starts[:5], lengths[:5])) == 5
        with refused(path, f"byte {starts[5] - 12}", "checksum"):
            read_pictures(file, starts, lengths)


def test_pictures_of_different_shapes_are_refused(record_file):
    path, starts, lengths = record_file([encode(PICTURES[0]), encode(PICTURES[1].reshape(3, 2, 8))])
    with (
        open(path, "rb") as file,
        refused(path, "[3, 2, 8]", "[3, 4, 4]"),
    ):
        read_pictures(file, starts, lengths)


def test_wrong_offsets_are_refused(record_file):
    path, starts, lengths = record_file(map(encode, PICTURES))
    with open(path, "rb") as file:
        with refused(f"file descriptor {file.fileno()}", "byte 1", "checksum"):
            read_pictures(file.fileno(), starts + 1, lengths)
        with pytest.raises(ValueError, match="at least one"):
            read_pictures(file, [], [])


def test_a_record_that_is_no_picture(record_file):
    path, starts, lengths = record_file([struct.pack("<Q", 1)])
    with open(path, "rb") as file, refused(path, "byte 0", "Example"):
        read_pictures(file, starts, lengths)


@pytest.mark.parametrize("kinds", [("png",), ("gzip",), ("none", "png", "gzip"), ("gzip", "none")])
def test_compressed_records_and_mixtures(record_file, kinds):
    payloads = [encode(picture, kinds[number % len(kinds)]) for number, picture in enumerate(PICTURES)]
    path, starts, lengths = record_file(payloads)
    order = np.random.RandomState(0).permutation(50)
    with open(path, "rb") as file:
        assert np.array_equal(read_pictures(file, starts[order], lengths[order]), PICTURES[order])


def test_pixels_that_gzip_stores_as_they_are(record_file):
    """Noise does not become smaller: the packed bytes may hold the pixels themselves, and a checksum that differs."""
    noise = np.random.RandomState(7).randint(0, 256, (6, 1, 16, 16), np.uint8)
    path, starts, lengths = record_file(encode(picture, "gzip") for picture in noise)
    assert len(set(lengths.tolist())) == 1
    with open(path, "rb") as file:
        assert np.array_equal(read_pictures(file, starts, lengths), noise)


def test_a_compressed_record_that_lies_is_named(record_file):
    path, starts, lengths = record_file([message(parse(encode(PICTURES[0], "png"))[1], (3, 4, 8), "png")])
    with open(path, "rb") as file, refused(path, "byte 0", "PNG", "4x4", "[3, 4, 8]"):
        read_pictures(file, starts, lengths)


@pytest.mark.parametrize("compression", ["none", "png", "gzip"])
@pytest.mark.parametrize("batch_values", [1, 2 * 8 * 8 * 3, 2**20])
def test_all_pictures_in_order(tmp_path, monkeypatch, compression, batch_values):
    monkeypatch.setattr(reading, "_BATCH_VALUES", batch_values)
    added = np.random.RandomState(8).randint(0, 256, (5, 8, 8, 3), np.uint8)
    with Writer(tmp_path / "cats", "cats", 8, 3, compression=compression) as writer:
        for picture in added:
            writer.add(picture)
    data_set = open_data_set(tmp_path / "cats")
    found = list(all_pictures(data_set))
    assert np.array_equal(found, added) and found[0].flags.c_contiguous
    means = added.astype(np.float64).reshape(5, 4, 2, 4, 2, 3).mean((2, 4))
    assert np.array_equal(list(all_pictures(data_set, 2)), np.rint(means))
    with refused("16x16", "4, 8"):
        list(all_pictures(data_set, 4))


def test_all_pictures_of_a_level_must_be_as_large_as_it_says(tmp_path):
    with Writer(tmp_path / "cats", "cats", 4, 3) as writer:
        writer.add(PICTURES[0].transpose(1, 2, 0))
    data_set = open_data_set(tmp_path / "cats")
    with open(data_set.path(2), "wb") as file:
        file.write(framed(encode(PICTURES[0].reshape(3, 2, 8))))
    with refused("cats-r02.tfrecords", "byte 0", "[3, 2, 8]"):
        next(all_pictures(data_set))


def test_a_large_picture_among_small_ones_is_refused_before_room_is_made_for_many(tmp_path):
    large = encode(np.zeros((4, 2048, 2048), np.uint8), "gzip")  # 16 kB; 20 of them would be 336 MB
    with Writer(tmp_path / "cats", "cats", 4, 4) as writer:
        for _ in range(20):
            writer.add(np.zeros((4, 4, 4), np.uint8))
    data_set = open_data_set(tmp_path / "cats")
    small = framed(encode(np.zeros((4, 4, 4), np.uint8)))
    data_set.path(2).write_bytes(framed(large) + 19 * small)
    with refused("byte 0", "[4, 2048, 2048]", "[4, 4, 4]"):
        list(all_pictures(data_set))
