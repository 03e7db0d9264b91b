"""Hardware rows from what the driver shows, on made-up folders."""

from pathlib import Path

import pytest

from stylegan_tf.devices import auto_row, visible_gpus


@pytest.mark.parametrize(
    ("gpus", "row"),
    [(0, "cpu"), (1, "1gpu"), (2, "2gpu"), (3, "2gpu"), (4, "4gpu"), (7, "4gpu"), (8, "8gpu"), (16, "8gpu")],
)
def test_auto_row(gpus: int, row: str) -> None:
    assert auto_row(gpus) == row


def test_counts_cards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert visible_gpus(tmp_path) == 0
    (tmp_path / "dev").mkdir()
    for name in ("nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm", "sda1"):
        (tmp_path / "dev" / name).touch()
    assert visible_gpus(tmp_path) == 2
    for bus in ("0000:01:00.0", "0000:02:00.0", "0000:03:00.0", "0000:04:00.0"):
        (tmp_path / "proc/driver/nvidia/gpus" / bus).mkdir(parents=True)
    assert visible_gpus(tmp_path) == 4


@pytest.mark.parametrize(
    ("allowed", "count"), [("", 0), ("-1", 0), ("1", 1), ("0,1", 2), ("0,-1,1", 1), ("0,1,2,3", 2)]
)
def test_visible_devices(allowed: str, count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dev").mkdir()
    for name in ("nvidia0", "nvidia1"):
        (tmp_path / "dev" / name).touch()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", allowed)
    assert visible_gpus(tmp_path) == count
