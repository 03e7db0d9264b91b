"""The arrays in the HDF5 part of a .keras file: plain, all there, and listed before one of them is read."""

from typing import Any

from stylegan_tf.errors import UserError

MOST_NAMES = 20_000  # groups and arrays; a generator at 1024x1024 has some 400
DEEPEST = 12


def plain_arrays(file: Any, size: int) -> dict[str, Any]:
    """path -> h5py.Dataset of every array in an open h5py.File of `size` bytes.

    Every array is float32 and lies whole and unshared in the file: no links out of it, no virtual, chunked, compressed
    or merely declared data, and in sum no more than the file has bytes. Raises UserError for anything else.
    """
    found: dict[str, Any] = {}
    _collect(file, "", 0, found, [0])
    total = sum(array.nbytes for array in found.values())
    if total > size:
        raise UserError(f"its arrays declare {total} bytes, and it has {size}")
    for path, array in found.items():
        _check_plain(path, array, size)
    return found


def _collect(group: Any, path: str, depth: int, found: dict[str, Any], names: list[int]) -> None:
    """Adds the arrays below `group`; names[0] counts what was visited, as links can make a small file a large tree."""
    import h5py

    for name in group:
        names[0] += 1
        here = f"{path}/{name}" if path else name
        if names[0] > MOST_NAMES or depth > DEEPEST:
            raise UserError("it has more names, or deeper ones, than any network")
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise UserError(f"{here} is a link to something else, not an array")
        item = group[name]
        if isinstance(item, h5py.Group):
            _collect(item, here, depth + 1, found, names)
        elif isinstance(item, h5py.Dataset):
            found[here] = item
        else:
            raise UserError(f"{here} is not an array")


def _check_plain(path: str, array: Any, size: int) -> None:
    import h5py

    if array.dtype != "float32" or array.shape is None:
        raise UserError(f"{path} is {array.dtype}, not float32")
    properties = array.id.get_create_plist()
    if properties.get_layout() != h5py.h5d.CONTIGUOUS or properties.get_external_count() or array.is_virtual:
        raise UserError(f"{path} does not lie in the file as one plain block")
    start = array.id.get_offset()
    if start is None or array.id.get_storage_size() != array.nbytes or start + array.nbytes > size:
        raise UserError(f"{path} is declared, but its numbers are not there")
