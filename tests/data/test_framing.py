import itertools
import os
import struct
import tracemalloc

import numpy as np
import pytest
from refusals import refused

from stylegan_tf.data import framing
from stylegan_tf.data.framing import offsets, read_record
from stylegan_tf.errors import UserError
from stylegan_tf.masked_crc import masked_crc

PAYLOADS = [b"123456789", b"", b"x" * 40]


def framed(*payloads: bytes) -> bytes:
    return b"".join(map(framing.framed, payloads))


def read_all(path) -> list[bytes]:
    starts, lengths = offsets(path)
    with open(path, "rb") as file:
        return [
            read_record(file.fileno(), int(start), int(length)) for start, length in zip(starts, lengths, strict=True)
        ]


def test_masked_crc_of_the_check_string():
    # CRC-32C("123456789") = 0xE3069283 (RFC 3720's polynomial); rotated right by 15: 0x2507C60D
    assert masked_crc(b"123456789") == 0x2507C60D + 0xA282EAD8


def test_the_frame():
    length = struct.pack("<Q", 9)
    crc = struct.pack("<I", masked_crc(length))
    assert framed(b"123456789") == length + crc + b"123456789" + struct.pack("<I", 0xC78AB0E5)


def test_offsets_and_data(tmp_path):
    (tmp_path / "a").write_bytes(framed(*PAYLOADS))
    starts, lengths = offsets(tmp_path / "a")
    assert starts.tolist() == [12, 12 + 9 + 4 + 12, 12 + 9 + 4 + 12 + 0 + 4 + 12]
    assert lengths.tolist() == [9, 0, 40]
    assert starts.dtype == lengths.dtype == np.int64
    assert read_all(tmp_path / "a") == PAYLOADS


def test_no_records(tmp_path):
    (tmp_path / "a").write_bytes(b"")
    starts, lengths = offsets(tmp_path / "a")
    assert starts.shape == lengths.shape == (0,)


def test_every_flipped_bit_is_found_without_a_large_allocation(tmp_path):
    content = framed(*PAYLOADS)
    (tmp_path / "a").write_bytes(content)
    tracemalloc.start()
    with open(tmp_path / "a", "r+b", buffering=0) as file:
        for position, bit in itertools.product(range(len(content)), range(8)):
            os.pwrite(file.fileno(), bytes([content[position] ^ 1 << bit]), position)
            with pytest.raises(UserError):
                read_all(tmp_path / "a")
            os.pwrite(file.fileno(), content[position : position + 1], position)
    assert read_all(tmp_path / "a") == PAYLOADS
    assert tracemalloc.get_traced_memory()[1] < 2e6
    tracemalloc.stop()


def test_every_cut_is_found(tmp_path):
    content = framed(*PAYLOADS)
    whole = {0: 0, 25: 1, 41: 2}  # cut exactly between two records: fewer records, which only a count can find
    for size in range(len(content)):
        (tmp_path / "a").write_bytes(content[:size])
        if size in whole:
            assert len(offsets(tmp_path / "a")[0]) == whole[size]
        else:
            record = 0 if size < 25 else 1 if size < 41 else 2
            with refused(tmp_path / "a", f"record {record}", "cut"):
                offsets(tmp_path / "a")


@pytest.mark.parametrize("length", [2**63 - 1, 2**64 - 1, 10_000_000_000])
def test_a_length_beyond_the_file_is_refused_though_its_checksum_is_right(tmp_path, length):
    header = struct.pack("<Q", length)
    (tmp_path / "a").write_bytes(framed(b"first") + header + struct.pack("<I", masked_crc(header)) + b"data")
    tracemalloc.start()
    with refused(tmp_path / "a", "record 1", f"{length} bytes"):
        offsets(tmp_path / "a")
    assert tracemalloc.get_traced_memory()[1] < 1e6
    tracemalloc.stop()


def test_read_record_notices_a_file_cut_after_indexing(tmp_path):
    (tmp_path / "a").write_bytes(framed(b"123456789")[:-1])
    with open(tmp_path / "a", "rb") as file, refused("file", "cut"):
        read_record(file.fileno(), 12, 9)
