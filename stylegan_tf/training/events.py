"""TensorBoard's event files, written without TensorFlow: numbers and pictures over pictures shown."""

import io
import socket
import struct
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

PREFIX = "events.out.tfevents."
HEADER, FOOTER = 12, 4  # bytes of a record around its data: length and its CRC, CRC of the data
STEP_ENDS = 20  # by then an Event has said its time (9 bytes) and its step (11 at most)


class EventFile:
    """One start of a run in TensorBoard's format. Close it, or use it in a `with` block.

    TensorBoard reads the event files of a folder in the order of their names, as one run. `nimg` is where this start
    begins: what earlier starts wrote beyond it is cut off, so that a resumed run is one line.
    """

    def __init__(self, folder: Path, nimg: int):
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog
        from tensorboard.summary.writer.record_writer import RecordWriter

        for path in folder.glob(f"{PREFIX}*"):
            _cut_back(path, nimg if nimg else -1)
        self._file = open(folder / _file_name(folder), "xb")  # noqa: SIM115 (closed by close)
        self._records = RecordWriter(self._file)
        self._write(Event(file_version="brain.Event:2"))
        # For a TensorBoard that is running, and has read what was cut off: it drops all from that step on. What was
        # written at nimg itself was written before the checkpoint.
        step = nimg + 1 if nimg else 0
        self._write(Event(step=step, session_log=SessionLog(status=SessionLog.START)))
        self.flush()

    def scalars(self, values: Mapping[str, float], nimg: int) -> None:
        """One point on the line of each name."""
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary

        points = [Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()]
        self._write(Event(step=nimg, summary=Summary(value=points)))
        self.flush()

    def image(self, tag: str, pixels: np.ndarray, nimg: int) -> None:
        """A picture, uint8 [H, W, 1 or 3]."""
        from PIL import Image
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary

        height, width, channels = pixels.shape
        png = io.BytesIO()
        Image.fromarray(pixels[:, :, 0] if channels == 1 else pixels).save(png, format="PNG")
        picture = Summary.Image(height=height, width=width, colorspace=channels, encoded_image_string=png.getvalue())
        self._write(Event(step=nimg, summary=Summary(value=[Summary.Value(tag=tag, image=picture)])))
        self.flush()

    def flush(self) -> None:
        """Hands everything to the operating system, where a kill does not reach it."""
        self._file.flush()

    def close(self) -> None:
        self._file.close()

    def _write(self, event: Any) -> None:
        event.wall_time = time.time()
        self._records.write(event.SerializeToString())


def _cut_back(path: Path, nimg: int) -> None:
    """Truncates an event file where it begins to speak of pictures after `nimg`, or was cut short by a kill.

    Only the beginning of each event is read, for grids can be large. -1: nothing but the file's first event stays.
    """
    size, end = path.stat().st_size, 0
    with open(path, "r+b") as file:
        while len(head := file.read(HEADER + STEP_ENDS)) >= HEADER:
            next_end = end + HEADER + struct.unpack_from("<Q", head)[0] + FOOTER
            if next_end > size or (end > 0 and _step(head[HEADER:]) > nimg):
                break
            end = next_end
            file.seek(end)
        if end < size:
            file.truncate(end)


def _step(event: bytes) -> int:
    """The step of an Event from its first bytes: a time (tag 0x09, 8 bytes), then tag 0x10 and a varint; 0 without."""
    if event[9:10] != b"\x10":
        return 0
    step = 0
    for position, byte in enumerate(event[10:]):
        step |= (byte & 0x7F) << (7 * position)
        if byte < 0x80:
            break
    return step


def _file_name(folder: Path) -> str:
    """Later in the alphabet than every event file in the folder, even if the clock went backwards."""
    stamps = [path.name.removeprefix(PREFIX).split(".")[0] for path in folder.glob(f"{PREFIX}*")]
    newest = max((int(stamp) for stamp in stamps if stamp.isdecimal()), default=0)
    return f"{PREFIX}{max(int(time.time()), newest + 1):010d}.{socket.gethostname()}"
