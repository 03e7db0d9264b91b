"""Files as PyTorch saves them, made without it: Python's pickle, with classes that have the names of PyTorch's."""

import io
import pickle
import struct
import sys
import zipfile
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np

MAGIC = 0x1950A86A20F9469CFC6C
KINDS = {"f4": "FloatStorage", "f8": "DoubleStorage", "f2": "HalfStorage", "i8": "LongStorage"}


@contextmanager
def torch_modules() -> Iterator[SimpleNamespace]:
    """What a pickle may refer to, under the names of PyTorch."""
    torch, utils = ModuleType("torch"), ModuleType("torch._utils")
    made = SimpleNamespace()
    for module, names in ((torch, KINDS.values()), (utils, ("_rebuild_tensor", "_rebuild_tensor_v2"))):
        for name in names:
            setattr(made, name, type(name, (), {"__module__": module.__name__}))
            setattr(module, name, getattr(made, name))
    before = {name: sys.modules.get(name) for name in ("torch", "torch._utils")}
    sys.modules.update({"torch": torch, "torch._utils": utils})
    try:
        yield made
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


class _Storage:
    def __init__(self, key: str, array: np.ndarray):
        self.key, self.array = key, array


class _Tensor:
    """Written as a view of its storage."""

    def __init__(self, torch: SimpleNamespace, storage: _Storage, view: tuple, version: int):
        self.function = torch._rebuild_tensor if version == 1 else torch._rebuild_tensor_v2
        self.arguments = (storage, *view, *(() if version == 1 else (False, OrderedDict())))

    def __reduce__(self):
        return self.function, self.arguments


class _Pickler(pickle.Pickler):
    def __init__(self, file, torch: SimpleNamespace, extra: tuple):
        super().__init__(file, protocol=2)
        self.torch, self.extra = torch, extra

    def persistent_id(self, value):
        if not isinstance(value, _Storage):
            return None
        kind = getattr(self.torch, KINDS[value.array.dtype.str[1:]])
        return ("storage", kind, value.key, "cpu", value.array.size, *self.extra)


def _pickled(arrays: dict, version: int, extra: tuple, views: dict) -> tuple[bytes, dict[str, np.ndarray]]:
    """The pickle of a state dict, and its storages by key."""
    storages, file = {}, io.BytesIO()
    with torch_modules() as torch:
        state = OrderedDict()
        for number, (name, array) in enumerate(arrays.items()):
            array = np.asarray(array)
            storage = _Storage(str(number), np.ascontiguousarray(array).reshape(-1))
            storages[storage.key] = storage.array
            strides = tuple(stride // array.itemsize for stride in np.ascontiguousarray(array).strides)
            view = views.get(name, (0, array.shape, strides if array.shape else ()))
            state[name] = _Tensor(torch, storage, view, version)
        state._metadata = OrderedDict({"": {"version": 1}})
        _Pickler(file, torch, extra).dump(state)
    return file.getvalue(), storages


def write_zip(path: Path, arrays: dict, views=None, compression=zipfile.ZIP_STORED, order=b"little") -> Path:
    """The format since 2020. views: name -> (offset, shape, strides) in place of the whole array."""
    table, storages = _pickled(arrays, 2, (), views or {})
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("archive/data.pkl", table)
        archive.writestr("archive/byteorder", order)
        for key, array in storages.items():
            archive.writestr(f"archive/data/{key}", array.tobytes())
        archive.writestr("archive/version", b"3\n")
    return path


def write_older(path: Path, arrays: dict, version=2, views=None, little=True, magic=MAGIC) -> Path:
    """The format before 2020. version: of the function that makes a tensor."""
    table, storages = _pickled(arrays, version, (None,), views or {})
    system = {"protocol_version": 1001, "little_endian": little, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    with open(path, "wb") as file:
        for value in (magic, 1001, system):
            pickle.dump(value, file, protocol=2)
        file.write(table)
        keys = sorted(storages, reverse=True)
        pickle.dump(keys, file, protocol=2)
        for key in keys:
            file.write(struct.pack("<q", storages[key].size))
            storages[key].tofile(file)
    return path
