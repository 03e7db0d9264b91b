import os
import pickle

import numpy as np
import pytest
from python2_file import python2
from refusals import refused

from stylegan_tf.data.importers.cifar import BATCHES, create_cifar10, create_cifar100
from stylegan_tf.data.reading import all_pictures

PIXELS = np.random.RandomState(4).randint(0, 256, (10, 3072), np.uint8)


def shuffled(count):
    order = np.arange(count)
    np.random.RandomState(123).shuffle(order)
    return order


def write10(folder):
    """Two pictures in each of the five batches; picture i is of class 9 - i."""
    folder.mkdir()
    for number, name in enumerate(BATCHES):
        rows = slice(2 * number, 2 * number + 2)
        content = {
            "data": PIXELS[rows],
            "labels": [9 - 2 * number, 8 - 2 * number],
            "batch_label": f"training batch {number + 1} of 5",
            "filenames": ["a.png", "b.png"],
        }
        (folder / name).write_bytes(python2(content))
    return folder


def test_cifar10(tmp_path):
    data_set = create_cifar10(tmp_path / "set", write10(tmp_path / "in"))
    order = shuffled(10)
    # A row holds 1024 values of red, then green, then blue; each plane row by row.
    planes = PIXELS[order].reshape(10, 3, 32, 32)
    written = np.array(list(all_pictures(data_set)))
    for channel in range(3):
        assert np.array_equal(written[..., channel], planes[:, channel])
    assert np.array_equal(data_set.labels, np.eye(10)[9 - order])


@pytest.mark.parametrize("keys", [str, str.encode])
def test_cifar100_has_its_fine_labels_from_either_python(tmp_path, keys):
    content = {"data": PIXELS[:3], "fine_labels": [99, 3, 50], "coarse_labels": [19, 0, 7]}
    (tmp_path / "train").write_bytes(pickle.dumps({keys(key): value for key, value in content.items()}, protocol=4))
    data_set = create_cifar100(tmp_path / "set", tmp_path)
    order = shuffled(3)
    assert np.array_equal(np.array(list(all_pictures(data_set)))[:, 0, 0, 0], PIXELS[order, 0])
    assert data_set.labels.shape == (3, 100)
    assert data_set.labels.argmax(1).tolist() == [[99, 3, 50][index] for index in order]


NAMES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


@pytest.mark.parametrize("keys", [str, str.encode])
def test_classes_have_the_names_of_the_archive(tmp_path, keys):
    folder = write10(tmp_path / "in")
    meta = {"label_names": [keys(name) for name in NAMES], "num_vis": 3072}
    (folder / "batches.meta").write_bytes(pickle.dumps({keys(key): value for key, value in meta.items()}, protocol=2))
    assert create_cifar10(tmp_path / "set", folder).classes == tuple(NAMES)
    content = {"data": PIXELS[:1], "fine_labels": [7]}
    (tmp_path / "train").write_bytes(python2(content))
    (tmp_path / "meta").write_bytes(python2({"fine_label_names": [f"a {number}" for number in range(100)]}))
    assert create_cifar100(tmp_path / "set100", tmp_path).classes[7] == "a 7"


@pytest.mark.parametrize("names", [NAMES[:9], [*NAMES[:9], "cat"], [*NAMES[:9], 3], [*NAMES[:9], ""], "ten", None])
def test_garbled_names_of_classes(tmp_path, names):
    folder = write10(tmp_path / "in")
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": names}, protocol=2))
    with refused(folder / "batches.meta", "label_names", 10):
        create_cifar10(tmp_path / "set", folder)
    assert os.listdir(tmp_path) == ["in"]


def test_missing_batches_are_named(tmp_path):
    folder = write10(tmp_path / "in")
    for name in BATCHES[1:3]:
        (folder / name).unlink()
    with refused(folder, "data_batch_2", "data_batch_3"):
        create_cifar10(tmp_path / "set", folder)
    assert os.listdir(tmp_path) == ["in"]


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ([1], ("CIFAR", "dictionary")),
        ({"labels": [1]}, ("CIFAR", "'data'", "uint8 [n, 3072]")),
        ({"data": PIXELS[:, :5], "fine_labels": [1] * 10}, ("CIFAR", "'data'", "uint8 [n, 3072]")),
        ({"data": PIXELS}, ("CIFAR", "'fine_labels'", 10)),
        ({"data": PIXELS, "fine_labels": [1]}, ("CIFAR", "'fine_labels'", 10)),
        ({"data": PIXELS, "fine_labels": ["1"] * 10}, ("CIFAR", "'fine_labels'", 10)),
        ({"data": PIXELS, "fine_labels": [100] * 10}, ("labels", 100, "0 to 99")),
    ],
)
def test_other_files(tmp_path, content, names):
    (tmp_path / "train").write_bytes(python2(content))
    with refused(*names):
        create_cifar100(tmp_path / "set", tmp_path)
    assert os.listdir(tmp_path) == ["train"]


def test_a_file_that_would_run_something_is_refused(tmp_path):
    (tmp_path / "train").write_bytes(b"cos\nsystem\n(S'touch " + bytes(tmp_path / "ran") + b"'\ntR.")
    with refused(tmp_path / "train", "os.system"):
        create_cifar100(tmp_path / "set", tmp_path)
    assert os.listdir(tmp_path) == ["train"]
