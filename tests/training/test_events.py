"""TensorBoard's event files, read back by TensorBoard."""

import io
from pathlib import Path

import numpy as np
from PIL import Image
from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.compat.proto.event_pb2 import Event, SessionLog

from stylegan_tf.training.events import EventFile


def read(folder: Path) -> list[list[Event]]:
    return [
        [Event.FromString(raw) for raw in RawEventFileLoader(str(path)).Load()] for path in sorted(folder.iterdir())
    ]


def test_what_is_written(tmp_path: Path) -> None:
    pixels = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    events = EventFile(tmp_path, 4000)
    events.scalars({"Loss/G": 0.5, "Loss/D": 2.0}, 6000)
    events.image("fakes", pixels, 6000)
    ((version, start, numbers, picture),) = read(tmp_path)  # before close: a kill loses nothing
    events.close()
    assert version.file_version == "brain.Event:2"
    assert (start.step, start.session_log.status) == (4001, SessionLog.START)
    assert [(value.tag, value.simple_value) for value in numbers.summary.value] == [("Loss/G", 0.5), ("Loss/D", 2.0)]
    assert numbers.step == picture.step == 6000
    shown = picture.summary.value[0].image
    assert (shown.height, shown.width, shown.colorspace) == (4, 6, 3)
    np.testing.assert_array_equal(np.array(Image.open(io.BytesIO(shown.encoded_image_string))), pixels)


def steps(folder: Path) -> list[list[int]]:
    return [[event.step for event in events if event.HasField("summary")] for events in read(folder)]


def test_what_lies_beyond_the_checkpoint_is_cut_off(tmp_path: Path) -> None:
    pixels = np.zeros((4, 4, 1), np.uint8)
    first = EventFile(tmp_path, 0)
    first.image("fakes", pixels, 0)
    for nimg in (127, 128, 300_000, 25_000_000):  # one, two, three and four bytes
        first.scalars({"Loss/G": 0.0}, nimg)
        first.image("fakes", pixels, nimg)
    first.close()
    EventFile(tmp_path, 300_000).close()
    assert steps(tmp_path) == [[0, 127, 127, 128, 128, 300_000, 300_000], []]
    second = EventFile(tmp_path, 127)
    second.scalars({"Loss/G": 0.0}, 128)
    second.close()
    assert steps(tmp_path) == [[0, 127, 127], [], [128]]
    third = EventFile(tmp_path, 0)
    third.image("fakes", pixels, 0)
    third.close()
    assert steps(tmp_path) == [[], [], [], [0]]


def test_an_event_that_a_kill_cut_short_is_removed(tmp_path: Path) -> None:
    events = EventFile(tmp_path, 0)
    events.scalars({"Loss/G": 0.0}, 2000)
    events.scalars({"Loss/G": 0.0}, 4000)
    events.close()
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    ends = []
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        events = EventFile(tmp_path, 9000)
        events.close()
        ends.append(path.stat().st_size)
        for other in tmp_path.iterdir():
            if other != path:
                other.unlink()
    # Four events: version, start, and two points; only whole ones are left.
    assert len(set(ends)) == 4 and all(end <= length for length, end in enumerate(ends)) and ends[-1] > len(whole) / 2


def test_files_are_in_the_order_of_their_names(tmp_path: Path) -> None:
    (tmp_path / "events.out.tfevents.9999999900.other").touch()  # a clock that was ahead
    names = ["events.out.tfevents.9999999900.other"]
    for _ in range(12):
        EventFile(tmp_path, 0).close()
        names += {path.name for path in tmp_path.iterdir()} - set(names)
    assert len(names) == 13 and names == sorted(names)
