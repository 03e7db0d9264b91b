import io

import numpy as np
import pytest
from refusals import raises

from stylegan_tf.data import writing
from stylegan_tf.data.example import decode, encode, parse
from stylegan_tf.data.faces.create import faces
from stylegan_tf.data.framing import framed, offsets, read_record
from stylegan_tf.data.pyramid import levels
from stylegan_tf.data.writing import encode_levels


def noise(count, resolution=16, channels=3):
    return np.random.RandomState(4).randint(0, 256, (count, resolution, resolution, channels), np.uint8)


def records(blob, path):
    """The data of every record in the bytes of a level."""
    path.write_bytes(blob)
    with open(path, "rb") as file:
        pairs = zip(*map(np.ndarray.tolist, offsets(path)), strict=True)
        return [read_record(file.fileno(), start, length) for start, length in pairs]


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("pictures", [np.zeros, np.ones, noise])
def test_raw_records_are_those_written_one_by_one(pictures, channels):
    added = noise(5, 16, channels) if pictures is noise else pictures((5, 16, 16, channels), np.uint8) * np.uint8(255)
    expected = []
    for level in levels(added):
        file = io.BytesIO()
        for picture in level:
            file.write(framed(encode(picture.transpose(2, 0, 1))))
        expected.append(file.getvalue())
    assert encode_levels(added) == expected


@pytest.mark.parametrize("compression", ["png", "gzip"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_compressed_records_hold_the_same_pictures(tmp_path, compression, channels):
    added = noise(3, 16, channels)
    blobs = encode_levels(added, compression)
    assert len(blobs) == 3
    for blob, level in zip(blobs, levels(added), strict=True):
        for data, picture in zip(records(blob, tmp_path / "level"), level, strict=True):
            assert parse(data)[2] == compression and np.array_equal(decode(data).transpose(1, 2, 0), picture)


@pytest.mark.parametrize("compression", ["none", "png", "gzip"])
def test_batches_do_not_show(compression, monkeypatch):
    added = noise(7)
    whole = encode_levels(added, compression)
    monkeypatch.setattr(writing, "BATCH_VALUES", 2 * added[0].size + 1)
    assert encode_levels(added, compression) == whole
    parts = [encode_levels(added[:3], compression), encode_levels(added[3:], compression)]
    assert [a + b for a, b in zip(*parts, strict=True)] == whole
    assert encode_levels(added[:0], compression) == [b"", b"", b""]


def test_any_memory_layout(tmp_path):
    planes = np.ascontiguousarray(noise(2).transpose(0, 3, 1, 2))
    blobs = encode_levels(planes.transpose(0, 2, 3, 1)[:, ::-1])
    for data, picture in zip(records(blobs[0], tmp_path / "level"), planes[:, :, ::-1], strict=True):
        assert np.array_equal(decode(data), picture)


@pytest.mark.parametrize(
    "pictures",
    [np.zeros((1, 8, 8, 3)), np.zeros((1, 8, 4, 3), np.uint8), np.zeros((1, 6, 6, 3), np.uint8)]
    + [np.zeros((1, 2, 2, 3), np.uint8), np.zeros((1, 0, 0, 3), np.uint8)],
)
def test_other_pictures_are_refused(pictures):
    with raises(ValueError, "uint8 [n, R, R, C]", list(pictures.shape)):
        encode_levels(pictures)


def test_png_of_drawn_faces_takes_a_quarter():
    drawn = np.stack([picture for picture, _ in faces(4, 128, 1)])
    raw, packed = (sum(map(len, encode_levels(drawn, compression))) for compression in ("none", "png"))
    assert packed < 0.28 * raw
