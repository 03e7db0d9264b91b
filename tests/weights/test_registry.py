"""The table of published files, and its copy in pretrained/README.md."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from stylegan_tf.weights import download, registry

README = Path(__file__).parents[2] / "pretrained" / "README.md"
BY_NAME = {entry.name: entry for entry in registry.ENTRIES}


def table() -> list[str]:
    """The lines of the table in pretrained/README.md."""
    rows = ["| name | file | what | resolution | licence | address |", "|---|---|---|---|---|---|"]
    for entry in registry.ENTRIES:
        links = ", ".join(f"[{urlsplit(where).hostname}]({where})" for where in entry.addresses)
        rows.append(
            f"| `{entry.name}` | `{entry.file}` | {entry.what} | {entry.resolution} | {entry.licence} | {links} |"
        )
    return rows


def test_the_page_shows_the_table():
    assert "\n".join(table()) + "\n" in README.read_text(encoding="utf-8")


def test_every_short_name():
    networks = "ffhq celebahq bedrooms cars cats"
    config_a = "ffhq-config-a car-config-a cat-config-a church-config-a horse-config-a"
    metrics = "inception vgg16-lpips inception-pth vgg16-pth lpips-pth"
    classifiers = [name for name in registry.NAMES if name.startswith("celebahq-classifier-")]
    assert sorted(registry.NAMES) == sorted(f"{networks} {config_a} {metrics}".split() + classifiers)
    assert len(set(registry.NAMES)) == len(registry.NAMES) == 55


def test_the_forty_classifiers_are_numbered():
    assert len(registry.ATTRIBUTES) == len(set(registry.ATTRIBUTES)) == 40
    assert BY_NAME["celebahq-classifier-00-male"].role == registry.CLASSIFIER
    assert registry.ATTRIBUTES[19] == "eyeglasses"  # both numbers are in the names of published files
    assert BY_NAME["celebahq-classifier-39-wearing-necktie"].addresses == (
        "https://nvlabs-fi-cdn.nvidia.com/stylegan/networks/metrics/celebahq-classifier-39-wearing-necktie.pkl",
    )


@pytest.mark.parametrize("entry", registry.ENTRIES, ids=registry.NAMES)
def test_an_entry_is_complete(entry):
    assert entry.what and entry.resolution and entry.licence and entry.addresses
    assert re.fullmatch(r"[\w.-]+\.(pkl|pth)", entry.file)
    for address in entry.addresses:
        download.check_address(address)
        assert address.startswith("https://")
        assert download.drive_id(address) or address.endswith(f"/{entry.file}")
    assert entry.sha256 is None or re.fullmatch("[0-9a-f]{8,64}", entry.sha256)
    assert registry.find(entry.name) is entry
    assert registry.find(entry.file) is entry


def test_addresses_on_google_drive():
    assert BY_NAME["ffhq"].file == "karras2019stylegan-ffhq-1024x1024.pkl"
    assert BY_NAME["ffhq"].addresses == (
        "https://drive.usercontent.google.com/download?id=1MEGjdvVpUsu1jB4zrXZN7Y4kBBOzizDQ&export=download&confirm=t",
        "https://drive.google.com/uc?id=1MEGjdvVpUsu1jB4zrXZN7Y4kBBOzizDQ&export=download",
    )


def test_digests_that_file_names_carry():
    for entry in registry.ENTRIES:
        digits = re.search(r"-([0-9a-f]{8})\.pth$", entry.file)
        assert digits is None or entry.sha256.startswith(digits.group(1))


def test_licences():
    assert BY_NAME["cars"].licence.startswith("CC BY-NC 4.0")
    assert BY_NAME["cat-config-a"].licence.startswith("Nvidia Source Code License-NC")
    assert "CC BY 4.0" in BY_NAME["vgg16-lpips"].licence and "BSD 2-Clause" in BY_NAME["vgg16-lpips"].licence
    assert BY_NAME["inception-pth"].licence.startswith("Apache 2.0")


def test_names_are_exact_and_near_ones_are_hinted_at():
    assert registry.find("FFHQ") is None
    assert registry.find("") is None
    assert registry.nearest("FFHQ") == "did you mean ffhq?"
    assert registry.nearest("celebhq") == "did you mean celebahq?"
    assert registry.nearest("karras2019stylegan-cats-256x256") == "did you mean karras2019stylegan-cats-256x256.pkl?"
    assert registry.nearest("0815") == "choose from " + ", ".join(registry.GENERATORS)


def test_what_makes_pictures():
    first = ("ffhq", "celebahq", "bedrooms", "cars", "cats")
    assert first == registry.GENERATORS[:5]
    assert registry.GENERATORS[5:] == tuple(f"{what}-config-a" for what in ("ffhq", "car", "cat", "church", "horse"))
