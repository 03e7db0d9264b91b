"""Small files that would take much memory: python tests/data/importers/bombs.py FOLDER

makes them in FOLDER/in and reads each, in the order of the names, in one process with 512 MB of address space more than
it has at the start. What comes of it is printed.
"""

import gzip
import lzma
import os
import resource
import struct
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import h5py
import numpy as np
from picture_files import encoded, huge_png, noise
from PIL import Image

from stylegan_tf.data.importers.hdf5 import create_from_hdf5
from stylegan_tf.data.importers.images import Options, create_from_images
from stylegan_tf.data.importers.mnist import create_mnist
from stylegan_tf.data.layout import open_data_set
from stylegan_tf.errors import UserError

MEMORY = 2**29


def ico(picture):
    """An icon of 16x16 with this PNG file in it."""
    return struct.pack("<HHHBBBBHHII", 0, 1, 1, 16, 16, 0, 0, 1, 32, len(picture), 22) + picture


def tiff_of_a_huge_tile():
    """8x8 pixels, in a tile of 32,768 x 32,768."""
    data = zlib.compress(bytes(2**20))
    tags = {256: 8, 257: 8, 258: 8, 259: 8, 262: 1, 277: 1, 322: 32768, 323: 32768, 324: 1000, 325: len(data)}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    head = b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4)
    return head.ljust(1000, b"\0") + data


def zipped(path, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)


def overlapping(path):
    """Many names for one entry."""
    picture = encoded(noise(8))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.png", picture)
        for number in range(20):
            twin = zipfile.ZipInfo(f"{number}.png")
            first = archive.filelist[0]
            twin.file_size, twin.compress_size, twin.CRC = first.file_size, first.compress_size, first.CRC
            twin.header_offset = first.header_offset
            archive.filelist.append(twin)


def make(folder):
    """All of them, in a folder that is not there yet."""
    fine = encoded(noise(8))
    (folder / "mnist").mkdir(parents=True)
    with gzip.open(folder / "mnist" / "train-images-idx3-ubyte.gz", "wb", 1) as file:
        file.write(struct.pack(">IIII", 0x803, 2**18, 28, 28))
        for _ in range(28 * 28 // 16):
            file.write(bytes(2**22))

    def picture(name, content):
        (folder / name).mkdir()
        (folder / name / "bomb.png").write_bytes(content)

    picture("p-rgb", huge_png(16384, 16384) + bytes(2**20))
    picture(
        "p-turned",
        encoded(
            Image.new("RGB", (7000, 5000)),
            form="JPEG",
            exif=b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0",
        ),
    )
    picture("p-alpha", encoded(Image.new("RGBA", (6000, 5500), "red"), compress_level=1))
    picture("p-wide", encoded(Image.new("I;16", (6000, 5500)), compress_level=1))
    picture("p-icon", ico(huge_png(16384, 16384)))
    bitmap = struct.pack("<IiiHHIIiiII", 40, 16384, 2 * 16384, 1, 32, 0, 0, 0, 0, 0, 0)
    picture("p-icon-bitmap", ico(bitmap))
    picture("p-tile", tiff_of_a_huge_tile())
    zipped(folder / "z-jsonl.zip", {"a.png": fine, "metadata.jsonl": b"\n" * 2**26})
    zipped(folder / "z-json.zip", {"a.png": fine, "dataset.json": b'{"labels": [' + b"[]," * 2700000 + b"0]}"})
    zipped(folder / "z-csv.zip", {"a.png": fine, "metadata.csv": b"," * 2**21 + b"\n" + b"a\n" * 2**21})
    zipped(folder / "z-large.zip", {"a.png": bytes(2**27)})
    overlapping(folder / "z-overlap.zip")
    zeros = bytes(2**24)
    (folder / "t.gz").write_bytes(17 * gzip.compress(zeros))
    (folder / "t.xz").write_bytes(17 * lzma.compress(zeros, preset=0))
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 2**30}]
    (folder / "t-dict.xz").write_bytes(lzma.compress(bytes(1000), filters=filters))
    with h5py.File(folder / "h.h5", "w") as file:
        file.create_dataset("data", (10**9, 1, 4, 4), np.uint8, chunks=(1000, 1, 4, 4))
    with h5py.File(folder / "h-chunk.h5", "w") as file:
        data = file.create_dataset("data", (2**16, 1, 4, 4), np.uint8, chunks=(2**16, 1, 4, 4), compression="gzip")
        data.id.write_direct_chunk((0, 0, 0, 0), zlib.compress(bytes(600 * 2**20)))
    (folder / "set").mkdir()
    (folder / "set" / "a-r02.tfrecords").write_bytes(b"")
    (folder / "set" / "dataset.json").write_bytes(b'{"num_images": 1, "x": [' + b"[]," * 5600000 + b"0]}")


def read(folder):
    """A line for each."""
    Image.init()
    with open("/proc/self/statm") as file:
        taken = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    for path in sorted((folder / "in").iterdir()):
        out = folder / "out" / path.name
        try:
            if path.suffix == ".h5":
                made = create_from_hdf5(out, path)
            elif path.name == "mnist":
                made = create_mnist(out, path)
            elif path.name == "set":
                made = open_data_set(path)
            else:
                made = create_from_images(out, path, Options(workers=1, resolution=4, crop="center"))
            print(path.name, "made", made.num_images)
        except UserError as error:
            print(path.name, "refused", str(error).splitlines()[-1])


def main(folder):
    make(folder / "in")
    # Room that malloc sets aside for each thread would count too, used or not.
    environment = os.environ | {"MALLOC_ARENA_MAX": "1"}
    return subprocess.run([sys.executable, __file__, "--read", str(folder)], env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit((read if sys.argv[1] == "--read" else main)(Path(sys.argv[-1])))
