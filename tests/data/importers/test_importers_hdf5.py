import os

import h5py
import numpy as np
import pytest
from refusals import check_refusal, refused

from stylegan_tf.data.importers import hdf5
from stylegan_tf.data.importers.hdf5 import create_from_hdf5
from stylegan_tf.data.reading import all_pictures
from stylegan_tf.errors import UserError

PIXELS = np.random.RandomState(10).randint(0, 256, (7, 3, 8, 8), np.uint8)
LABELS = np.random.RandomState(11).standard_normal((7, 2)).astype(np.float32)


def write(path, **sets):
    with h5py.File(path, "w") as file:
        for name, values in sets.items():
            file.create_dataset(name, data=values, chunks=(2, *values.shape[1:]) if values.ndim == 4 else None)
    return path


def levels():
    """As the Progressive GAN's first release kept them: every resolution, data4x4, data8x8, ..."""
    return {"data4x4": PIXELS[:, :, ::2, ::2], "data8x8": PIXELS, "other": np.zeros((90, 3, 8, 8), np.uint8)}


@pytest.mark.parametrize("shuffle", [True, False])
def test_the_largest_set_with_its_labels(tmp_path, monkeypatch, shuffle):
    monkeypatch.setattr(hdf5, "_SLICE_BYTES", 3 * PIXELS[0].size)  # slices of 3, 3 and 1
    monkeypatch.setattr(hdf5, "apart", lambda path, memory, produce, *arguments: produce(*arguments))
    np.save(tmp_path / "faces-labels.npy", LABELS.astype(np.float64))
    data_set = create_from_hdf5(tmp_path / "set", write(tmp_path / "faces.h5", **levels()), shuffle)
    order = np.arange(7)
    if shuffle:
        np.random.RandomState(123).shuffle(order)
    assert np.array_equal(list(all_pictures(data_set)), PIXELS[order].transpose(0, 2, 3, 1))
    assert np.array_equal(data_set.labels, LABELS[order])


def test_grey_pictures_without_labels(tmp_path):
    data_set = create_from_hdf5(tmp_path / "set", write(tmp_path / "a.hdf5", data=PIXELS[:, :1]), shuffle=False)
    assert data_set.labels is None
    assert np.array_equal(list(all_pictures(data_set)), PIXELS[:, 0, :, :, None])


@pytest.mark.parametrize(
    ("sets", "names"),
    [
        ({"images": PIXELS}, ("'data*'", "images")),
        ({}, ("'data*'", "nothing")),
        ({"data": PIXELS.astype(np.float32)}, ("'data'", "float32 [7, 3, 8, 8]", "uint8 [N, C, H, W]")),
        ({"data": PIXELS[0]}, ("'data'", "uint8 [3, 8, 8]", "uint8 [N, C, H, W]")),
        ({"data": PIXELS[:, :2]}, ("'data'", "RGB", "2 channels")),
        ({"data": PIXELS[:, :, :4]}, ("'data'", "same width", "[7, 3, 4, 8]")),
        ({"data": PIXELS[:, :, :6, :6]}, ("'data'", "resolution", "[7, 3, 6, 6]")),
    ],
)
def test_other_contents(tmp_path, sets, names):
    with refused(tmp_path / "a.h5", *names):
        create_from_hdf5(tmp_path / "set", write(tmp_path / "a.h5", **sets))
    assert os.listdir(tmp_path) == ["a.h5"]


def test_labels_must_fit(tmp_path):
    path = write(tmp_path / "a.h5", data=PIXELS)
    np.save(tmp_path / "a-labels.npy", LABELS[:5])
    with refused(tmp_path / "a-labels.npy", "[5, 2]", "7 rows"):
        create_from_hdf5(tmp_path / "set", path)
    (tmp_path / "a-labels.npy").write_bytes(b"no labels")
    with refused(tmp_path / "a-labels.npy", "np.save"):
        create_from_hdf5(tmp_path / "set", path)


def test_what_is_no_file(tmp_path):
    with refused(tmp_path / "a.h5", "HDF5"):
        create_from_hdf5(tmp_path / "set", tmp_path / "a.h5")
    (tmp_path / "a.h5").write_bytes(b"text")
    with refused(tmp_path / "a.h5", "HDF5", "signature"):
        create_from_hdf5(tmp_path / "set", tmp_path / "a.h5")
    whole = write(tmp_path / "b.h5", data=PIXELS).read_bytes()
    (tmp_path / "a.h5").write_bytes(whole[:-300])
    with refused(tmp_path / "a.h5", "HDF5", "truncated"):
        create_from_hdf5(tmp_path / "set", tmp_path / "a.h5")


def external(file, folder):
    (folder / "secret").write_bytes(bytes(PIXELS))
    file.create_dataset("data", PIXELS.shape, np.uint8, external=[("secret", 0, PIXELS.size)])


def external_link(file, folder):
    write(folder / "other.h5", data=PIXELS)
    file["data"] = h5py.ExternalLink("other.h5", "/data")


def soft_link_through_an_external_one(file, folder):
    write(folder / "other.h5", data=PIXELS)
    file["out"] = h5py.ExternalLink("other.h5", "/")
    file["data"] = h5py.SoftLink("/out/data")


def link_to_a_pipe(file, folder):
    os.mkfifo(folder / "other.h5")
    file["data"] = h5py.ExternalLink("other.h5", "/data")


def virtual_set(file, folder):
    layout = h5py.VirtualLayout(PIXELS.shape, np.uint8)
    layout[:] = h5py.VirtualSource(write(folder / "other.h5", data=PIXELS), "data", PIXELS.shape)
    file.create_virtual_dataset("data", layout)


@pytest.mark.parametrize(
    ("put", "kind"),
    [
        (external, "another file"),
        (external_link, "link"),
        (soft_link_through_an_external_one, "link"),
        (link_to_a_pipe, "link"),
        (virtual_set, "virtual"),
    ],
)
def test_pictures_of_other_files_are_refused(tmp_path, monkeypatch, put, kind):
    monkeypatch.chdir(tmp_path)  # where HDF5 looks for them too
    with h5py.File("a.h5", "w") as file:
        put(file, tmp_path)
        file["data_more"] = PIXELS[:1]
    with refused("'data'", "a.h5", kind, "h5py"):
        create_from_hdf5(tmp_path / "set", "a.h5")
    assert not (tmp_path / "set").exists()


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"shape": (10**9, 3, 4, 4), "chunks": (1000, 3, 4, 4)}, ["1,000,000,000", "0 bytes"]),
        ({"shape": (2**40, 3, 4, 4), "chunks": (1000, 3, 4, 4)}, ["1,099,511,627,776", "0 bytes"]),
        ({"shape": (2, 3, 2**14, 2**14)}, ["2", "0 bytes"]),
        ({"shape": (2**24, 1, 4, 4), "chunks": (2**24, 1, 4, 4)}, ["16,777,216", "0 bytes"]),
        ({"shape": (2, 1, 4, 4), "chunks": (2**24, 1, 4, 4), "maxshape": (None, 1, 4, 4)}, ["268,435,456 bytes"]),
    ],
)
def test_more_pictures_than_the_file_can_hold(tmp_path, options, names):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("data", dtype=np.uint8, **options)
    with refused("'data'", tmp_path / "a.h5", *names):
        create_from_hdf5(tmp_path / "set", tmp_path / "a.h5")


@pytest.mark.parametrize("seed", range(8))
def test_damaged_files_are_one_sentence_or_pictures(tmp_path, seed):
    random = np.random.RandomState(seed)
    content = bytearray(write(tmp_path / "a.h5", data=PIXELS).read_bytes())
    for place in random.randint(0, 2500, 8):
        content[place] = random.choice([0, 255, random.randint(256)])
    (tmp_path / "a.h5").write_bytes(content)
    try:
        assert create_from_hdf5(tmp_path / "set", tmp_path / "a.h5").num_images > 0
    except UserError as error:
        check_refusal(str(error), tmp_path / "a.h5")
        assert os.listdir(tmp_path) == ["a.h5"]


@pytest.mark.parametrize("name", ["labels", "y", "attributes"])
def test_sets_that_are_not_used_are_named(tmp_path, capsys, name):
    create_from_hdf5(tmp_path / "set", write(tmp_path / "a.h5", data8x8=PIXELS, data=PIXELS, **{name: LABELS}))
    assert f"{name} of {tmp_path}/a.h5: not used: labels are read from a-labels.npy" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "what"), [(b"<html>", "a web page"), (b"PK\3\4", "no whole"), (b"\x1f\x8b", "compressed by gzip")]
)
def test_other_files_are_called_by_their_names(tmp_path, content, what):
    (tmp_path / "a.h5").write_bytes(content + bytes(99))
    with refused("a.h5", what):
        create_from_hdf5(tmp_path / "set", tmp_path / "a.h5")
