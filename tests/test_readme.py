"""README: what it points to is there."""

import importlib
import re
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
INDEX = re.findall(r"\| `(stylegan_tf\.[\w.]+)` \|", README)


def test_the_index_covers_the_papers_equations():
    assert len(INDEX) >= 20
    assert all(word in README for word in ("eq. 1", "eq. 2", "sec. 3.1", "app. B", "app. C", "Table 1"))


@pytest.mark.parametrize("path", INDEX)
def test_every_function_of_the_index_exists_and_says_what_it_is(path):
    module, name = path.rsplit(".", 1)
    found = getattr(importlib.import_module(module), name)
    assert callable(found)
    assert found.__doc__


def test_every_file_it_links_to_exists():
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_requirement_is_in_the_dependency_table():
    table = README.split("## Dependencies")[1].split("## More")[0]
    requirements = re.findall(r"^[\w-]+", (ROOT / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE)
    assert [name for name in requirements if name not in table] == []


def test_pictures_of_the_docs_name_no_folder_of_the_machine_that_made_them():
    """PNG files say what they were made from."""
    paths = sorted((ROOT / "docs" / "images").glob("*.png"))
    assert len(paths) > 5
    for path in paths:
        with Image.open(path) as image:
            said = [str(value) for value in image.info.values()]
        assert not re.search(r'(^|["\' ])(/|~|[A-Z]:\\)\w', " ".join(said)), path.name
