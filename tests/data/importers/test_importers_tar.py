import io
import os
import tarfile

import pytest
from refusals import refused

from stylegan_tf.data.importers import tar
from stylegan_tf.data.importers.archive import sources
from stylegan_tf.data.importers.tar import free_memory, packing


def member(name, **changes):
    info = tarfile.TarInfo(name)
    for key, value in changes.items():
        setattr(info, key, value)
    return info


def pack(path, *names, mode="w", also=()):
    with tarfile.open(path, mode) as file:
        for name in names:
            content = name.encode()
            file.addfile(member(name, size=len(content)), io.BytesIO(content))
        for info in also:
            file.addfile(info)
    return path


def check_refused(path, *names):
    with refused(path, *names), sources(path):
        raise AssertionError("the block must not be entered")


@pytest.mark.parametrize("packed", ["", "gz", "bz2", "xz"])
def test_every_file_by_its_name_in_order(tmp_path, packed):
    names = ("b.png", "./a/2.png", "a/10.png", "metadata.csv", "a/._2.png", "long/" * 60 + "c.png")
    path = pack(tmp_path / "a.tar", *names, mode=f"w:{packed}", also=[member("a", type=tarfile.DIRTYPE)])
    before = os.listdir("/proc/self/fd")
    with sources(path) as found:
        assert [source.name for source in found.pictures] == ["a/10.png", "a/2.png", "b.png", names[-1]]
        assert found.pictures[1].read() == b"./a/2.png"
        assert found.pictures[3].read() == names[-1].encode()
        assert [source.name for source in found.lists] == ["metadata.csv"]
        assert os.listdir(tmp_path) == ["a.tar"]
    assert os.listdir("/proc/self/fd") == before


@pytest.mark.parametrize("name", ["../a.png", "a/../../b.png", "/etc/a.png"])
@pytest.mark.parametrize("packed", ["", "gz"])
def test_names_that_lead_out_are_refused(tmp_path, name, packed):
    check_refused(pack(tmp_path / "a.tar", "fine.png", name, mode=f"w:{packed}"), name, "leads out")


@pytest.mark.parametrize(
    ("info", "kind"),
    [
        (member("l.png", type=tarfile.SYMTYPE, linkname="/etc/passwd"), "link"),
        (member("h.png", type=tarfile.LNKTYPE, linkname="fine.png"), "link"),
        (member("d.png", type=tarfile.CHRTYPE), "device"),
        (member("p.png", type=tarfile.FIFOTYPE), "device"),
    ],
)
def test_links_and_devices_are_refused(tmp_path, info, kind):
    check_refused(pack(tmp_path / "a.tar", "fine.png", also=[info]), f"'{info.name}'", kind)


def test_the_same_name_twice_is_refused(tmp_path):
    check_refused(pack(tmp_path / "a.tar", "a", "./a"), "two files", "'a'")


@pytest.mark.parametrize("packed", ["", "gz", "bz2", "xz"])
def test_what_is_cut_short_is_refused(tmp_path, packed):
    path = pack(tmp_path / "a.tar", "a" * 90, "b", mode=f"w:{packed}")
    path.write_bytes(path.read_bytes()[: 550 if packed == "" else -20])
    check_refused(path, "pack it anew")


def test_a_packed_file_that_is_no_tar(tmp_path):
    (tmp_path / "a.tar.gz").write_bytes(b"\x1f\x8b and then nothing of the kind")
    check_refused(tmp_path / "a.tar.gz", "damaged", "compression method")


def test_one_that_does_not_fit_into_memory_is_refused(tmp_path, monkeypatch):
    path = pack(tmp_path / "a.tgz", "a.png", mode="w:gz")
    monkeypatch.setattr(tar, "free_memory", lambda: 2000)
    check_refused(path, "0.0 GB", "memory", ".tar")


def test_free_memory_is_part_of_what_the_machine_has():
    everything = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert 2**20 < free_memory() <= everything


def test_packing_goes_by_content_and_not_by_name(tmp_path):
    assert packing(str(pack(tmp_path / "a.zip", "a"))) is open
    (tmp_path / "b.tar").write_bytes(b"PK\3\4")
    assert packing(str(tmp_path / "b.tar")) is None


def test_a_header_that_would_take_python_very_long(tmp_path):
    body = b"1" * 2**20
    head = member("long", type=tarfile.XHDTYPE, size=len(body)).tobuf(tarfile.USTAR_FORMAT)
    (tmp_path / "a.tar").write_bytes(head + body + pack(tmp_path / "b.tar", "b.png").read_bytes())
    check_refused(tmp_path / "a.tar", "a header of 1,048,576 bytes")


def test_a_packed_file_of_very_many_files(tmp_path, monkeypatch):
    monkeypatch.setattr(tar, "_FILES_OF_ANY", 3)
    also = [member(f"{number:04}.png") for number in range(1000)]
    with sources(pack(tmp_path / "a.tar", also=also)) as found:
        assert len(found.pictures) == 1000
    check_refused(pack(tmp_path / "a.tgz", mode="w:gz", also=also), "files", "plain .tar")
