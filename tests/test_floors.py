"""The floors of the house: what may import what. Read from the sources."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPTS = (
    *("dataset_tool.py", "train.py", "run_metrics.py", "generate.py", "explore.py", "project.py"),
    "train_classifiers.py",
)

# Folders and single files of the package. Those on one floor are siblings and never import each other.
FLOORS = {
    "ops graphs configs draws progress files file_kinds masked_crc safe_pickle command_line errors": 0,
    "environment leave_out plain_npz cluster": 0,
    "layers rundir checkpoint_files checkpoint_index devices pictures video": 1,
    "networks": 2,
    "data weights": 3,
    "training metrics figures projection": 4,
    "programs": 5,
}
FLOOR_OF = {name: floor for names, floor in FLOORS.items() for name in names.split()}
FOR_ALL = "errors"  # its siblings may import it
TOP = 6  # scripts, benchmarks and the package's own __init__
HEAVY = ("tensorflow", "keras")
LIGHT = [
    "configs",
    "rundir",
    "checkpoint_files",
    "plain_npz",
    "pictures",
    "video",
    "progress",
    "files",
    "file_kinds",
    "safe_pickle",
    "command_line",
    "leave_out",
    "environment",
    "errors",
    "data.importers",
    "data.faces",
    "programs.dataset_tool",
    "projection.settings",
    "projection.targets",
    "weights.registry",
    "weights.download",
    "weights.arguments",
    "weights.keras_header",
    "weights.official_pickle",
]
WITHOUT_TENSORFLOW = ("ops", "layers", "networks")
VAGUE = {"utils", "util", "misc", "helpers", "helper", "base", "common"}


class House:
    """The Python files below a folder, and their imports. Modules of the package are named without 'stylegan_tf.'."""

    def __init__(self, root: Path, scripts=SCRIPTS):
        package = root / "stylegan_tf"
        files = {self._name(path.relative_to(package)): path for path in sorted(package.rglob("*.py"))}
        files |= {f"/{name}": root / name for name in scripts if (root / name).exists()}
        files |= {f"/benchmarks/{path.name}": path for path in sorted((root / "benchmarks").glob("*.py"))}
        self.modules = set(files)
        self.lines = {name: path.read_text().splitlines() for name, path in files.items()}
        self.trees = {name: ast.parse("\n".join(lines)) for name, lines in self.lines.items()}
        self.packages = {name for name, path in files.items() if path.name == "__init__.py"}
        self.inside, self.outside = {}, {}
        for name, tree in self.trees.items():
            self.inside[name], self.outside[name] = self._imports(tree, lazy=name == "")

    @staticmethod
    def _name(path: Path) -> str:
        parts = path.with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def _imports(self, tree, lazy: bool) -> tuple[set[str], set[str]]:
        """Modules of the package and other packages that are imported, in functions too unless the file is lazy."""
        dotted = set()
        for node in tree.body if lazy else ast.walk(tree):
            if isinstance(node, ast.Import):
                dotted |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, "imports are absolute"
                dotted |= {f"{node.module}.{alias.name}" for alias in node.names}
        ours = {name for name in dotted if name.split(".")[0] == "stylegan_tf"}
        return {self._module(name) for name in ours}, {name.split(".")[0] for name in dotted - ours}

    def _module(self, dotted: str) -> str:
        """The module that an imported name is, or is in."""
        parts = dotted.split(".")[1:]
        while parts and ".".join(parts) not in self.modules:
            parts.pop()
        return ".".join(parts)

    def reached(self, start: str, packages=True) -> set[str]:
        """A module and all that it imports, directly or not; with the packages around them, which Python runs first."""
        found, todo = set(), [start]
        while todo:
            name = todo.pop()
            if name not in found:
                found.add(name)
                todo += self.inside[name]
                todo += [around for around in self.packages if packages and name.startswith(f"{around}.")]
        return found


def sibling(module: str) -> str:
    """The folder or single file of the package that a module belongs to."""
    return module.split(".")[0]


def floor(module: str) -> int | None:
    """None for what has no place in the house."""
    return TOP if module == "" or module.startswith("/") else FLOOR_OF.get(sibling(module))


def wrong_imports(house: House) -> list[str]:
    """Imports that do not go strictly down, and modules that are on no floor."""
    wrong = [f"{name} is on no floor" for name in sorted(house.modules) if floor(name) is None]
    for name, imported in house.inside.items():
        for other in sorted(imported):
            same_folder = not name.startswith("/") and sibling(name) == sibling(other)
            if same_folder or other == "" or sibling(other) == FOR_ALL or None in (floor(name), floor(other)):
                continue
            if floor(other) >= floor(name):
                wrong.append(f"{name} (floor {floor(name)}) imports {other} (floor {floor(other)})")
    return wrong


def cycles(house: House) -> list[str]:
    """Modules that import themselves by way of others."""
    return [
        start
        for start in sorted(house.modules)
        if any(start in house.reached(imported, packages=False) for imported in house.inside[start])
    ]


def heavy_imports(house: House) -> list[str]:
    """Files that reach TensorFlow or Keras, or TensorFlow alone, where that is forbidden."""
    wrong = []
    for name in sorted(house.modules):
        if any(name == light or name.startswith(f"{light}.") for light in ("", *LIGHT)):
            through = [other for other in sorted(house.reached(name)) if house.outside[other] & set(HEAVY)]
            wrong += [f"{name} reaches {' and '.join(HEAVY)} through {other}" for other in through]
        if sibling(name) in WITHOUT_TENSORFLOW and "tensorflow" in house.outside[name]:
            wrong.append(f"{name} imports tensorflow")
    return wrong


def distribution_elsewhere(house: House) -> list[str]:
    """Files other than devices.py and cluster.py that say tf.distribute."""
    said = re.compile(r"\btf\.distribute\b|tensorflow\.distribute|tensorflow\.python")
    others = house.lines.keys() - {"devices", "cluster"}
    return sorted(name for name in others if said.search("\n".join(house.lines[name])))


def vague_names(house: House) -> list[str]:
    return [name for name in house.modules if VAGUE & set(re.split(r"[./_]", name.removesuffix(".py")))]


def filled_packages(house: House) -> list[str]:
    """__init__ files with anything in them, but for the package's own."""
    return [name for name in house.packages - {""} if "\n".join(house.lines[name]).strip()]


CHECKS = (wrong_imports, cycles, heavy_imports, distribution_elsewhere, vague_names, filled_packages)


@pytest.fixture(scope="module")
def house():
    return House(ROOT)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_house_is_in_order(house, check):
    assert check(house) == []


def test_the_house_is_there(house):
    assert {"ops.blend", "networks.generator", "training.step", "/train.py", ""} <= house.modules
    assert {"networks.generator", "networks.stages", "networks", "ops.blend"} <= house.reached("networks.generator")


def made_up(folder: Path, files: dict[str, str]) -> House:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return House(folder)


ORDERLY = {
    "stylegan_tf/__init__.py": "def load():\n    from stylegan_tf.programs.load import load\n",
    "stylegan_tf/errors.py": "",
    "stylegan_tf/files.py": "import os\nfrom stylegan_tf.errors import UserError\n",
    "stylegan_tf/ops/__init__.py": "",
    "stylegan_tf/ops/blend.py": "from keras import ops\n",
    "stylegan_tf/programs/load.py": "from stylegan_tf.ops import blend\nimport tensorflow as tf\n",
    "train.py": "from stylegan_tf.programs import load\n",
}


def test_an_orderly_house_passes_every_check(tmp_path):
    house = made_up(tmp_path, ORDERLY)
    assert [check(house) for check in CHECKS] == [[]] * len(CHECKS)


@pytest.mark.parametrize(
    ("check", "file", "text", "complaint"),
    [
        (
            wrong_imports,
            "ops/blend.py",
            "from stylegan_tf.layers.noise import Noise",
            "ops.blend (floor 0) imports layers.noise (floor 1)",
        ),
        (
            wrong_imports,
            "ops/blend.py",
            "def f():\n    from stylegan_tf import files",
            "ops.blend (floor 0) imports files (floor 0)",
        ),
        (
            wrong_imports,
            "layers/noise.py",
            "import stylegan_tf.programs.load",
            "layers.noise (floor 1) imports programs.load (floor 5)",
        ),
        (wrong_imports, "attic.py", "", "attic is on no floor"),
        (cycles, "layers/noise.py", "from stylegan_tf.layers import noise", "layers.noise"),
        (
            heavy_imports,
            "files.py",
            "def f():\n    import tensorflow as tf",
            "files reaches tensorflow and keras through files",
        ),
        (
            heavy_imports,
            "configs/a.py",
            "import stylegan_tf.layers.noise",
            "configs.a reaches tensorflow and keras through layers.noise",
        ),
        (heavy_imports, "ops/blend.py", "import tensorflow as tf", "ops.blend imports tensorflow"),
        (distribution_elsewhere, "draws.py", "tf.distribute.get_strategy()", "draws"),
        (vague_names, "data/tf_utils.py", "", "data.tf_utils"),
        (filled_packages, "ops/__init__.py", "from stylegan_tf.ops.blend import lerp", "ops"),
    ],
)
def test_every_check_finds_its_violation(tmp_path, check, file, text, complaint):
    noise = {"stylegan_tf/layers/noise.py": "import keras\n"}
    house = made_up(tmp_path, ORDERLY | noise | {f"stylegan_tf/{file}": text})
    assert complaint in check(house)
