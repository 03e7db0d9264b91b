"""Videos: as many frames as were given, readable by another reader, and nothing left behind."""

import numpy as np
import pytest
from PIL import Image
from refusals import refused

from stylegan_tf import video

FRAMES = [np.full((16, 24, 3), 20 + 40 * number, np.uint8) for number in range(5)]


def decoded(path):
    with Image.open(path) as image:
        for index in range(image.n_frames):
            image.seek(index)
            yield np.asarray(image.convert("RGB"))


@pytest.mark.parametrize("suffix", [".webp", ".gif", ".png"])
def test_frames_come_back(tmp_path, suffix):
    path = tmp_path / f"v{suffix}"
    assert video.save(path, iter(FRAMES), 25) == 5
    found = list(decoded(path))
    assert len(found) == 5 and found[0].shape == (16, 24, 3)
    assert all(np.abs(one.astype(int) - other).max() <= 4 for one, other in zip(found, FRAMES, strict=True))
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_grey_frames(tmp_path):
    video.save(tmp_path / "v.gif", [frame[:, :, :1] for frame in FRAMES], 10)
    assert [frame[0, 0, 0] for frame in decoded(tmp_path / "v.gif")] == [frame[0, 0, 0] for frame in FRAMES]


def test_frames_are_taken_one_at_a_time(tmp_path):
    """So that a long video needs no more memory than a short one."""
    alive, most = [0], [0]

    class Frame(np.ndarray):
        def __del__(self):
            alive[0] -= 1

    def frames():
        for number in range(60):
            alive[0] += 1
            most[0] = max(most[0], alive[0])
            yield (np.random.RandomState(number).randint(0, 255, (8, 8, 3), np.uint8)).view(Frame)

    video.save(tmp_path / "v.webp", frames(), 25)
    assert most[0] < 10


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the reader leaves its pipes open
def test_mp4(tmp_path):
    imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg")
    path = tmp_path / "v.mp4"
    odd = [frame[:15, :23] for frame in FRAMES]
    assert video.save(path, odd, 25) == 5
    reader = imageio_ffmpeg.read_frames(str(path))
    size = next(reader)["size"]
    assert size == (22, 14) and len(list(reader)) == 5
    assert [entry.name for entry in tmp_path.iterdir()] == ["v.mp4"]


@pytest.mark.parametrize("suffix", [".webp", ".gif", ".png"])
def test_ctrl_c_leaves_nothing(tmp_path, suffix):
    def frames():
        yield from FRAMES[:2]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        video.save(tmp_path / f"v{suffix}", frames(), 25)
    assert not list(tmp_path.iterdir())


def test_names_that_are_no_video(tmp_path, monkeypatch):
    with refused(tmp_path / "v.avi", ".mp4", ".webp"):
        video.check(tmp_path / "v.avi")
    monkeypatch.setattr(video, "_encoder", lambda: None)
    with refused(tmp_path / "v.mp4", "pip install imageio-ffmpeg", ".webp"):
        video.check(tmp_path / "v.mp4")
    assert video.default_suffix() == ".webp"
    with pytest.raises(ValueError, match="one frame"):
        video.save(tmp_path / "v.webp", [], 25)
    assert not list(tmp_path.iterdir())
