import codecs
import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from refusals import refused

from stylegan_tf.errors import UserError, exit_code
from stylegan_tf.files import (
    Lock,
    atomic_folder,
    atomic_path,
    name_leftovers,
    read_json,
    read_json_lines,
    reason,
    remove_leftovers,
    remove_unfinished,
    sha256,
    write_json,
    write_text,
)

ROOT = Path(__file__).parents[1]


def test_atomic_path_replaces_only_at_the_end(tmp_path):
    target = tmp_path / "weights.keras"
    target.write_text("old")
    with atomic_path(target) as temporary:
        temporary.write_text("new")
        assert temporary.parent == tmp_path
        assert temporary.suffix == ".keras"
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    assert os.listdir(tmp_path) == ["weights.keras"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_atomic_path_leaves_nothing_after_an_error(tmp_path, error):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(error), atomic_path(target) as temporary:
        temporary.write_text("half")
        raise error
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_write_text_and_json(tmp_path):
    write_text(tmp_path / "a.txt", "größer\n")
    assert (tmp_path / "a.txt").read_bytes() == b"gr\xc3\xb6\xc3\x9fer\n"
    write_json(tmp_path / "a.json", {"b": [1, 2]})
    assert (tmp_path / "a.json").read_text() == '{\n  "b": [\n    1,\n    2\n  ]\n}\n'
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "b.json", float("nan"))
    assert sorted(os.listdir(tmp_path)) == ["a.json", "a.txt"]


def test_sha256_is_the_published_digest_of_abc(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")
    # FIPS 180-2, appendix B.1
    assert sha256(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256(tmp_path / "abc") == hashlib.sha256(b"abc").hexdigest()


def test_atomic_folder_appears_whole(tmp_path):
    with atomic_folder(tmp_path / "made" / "set") as temporary:
        (temporary / "inner").mkdir()
        (temporary / "inner" / "file").write_text("x")
        assert os.listdir(tmp_path / "made") == [temporary.name]
        assert temporary.name == f".set.tmp-{os.getpid()}"
    assert os.listdir(tmp_path / "made") == ["set"]
    assert (tmp_path / "made" / "set" / "inner" / "file").read_text() == "x"


def test_atomic_folder_accepts_an_empty_folder(tmp_path):
    with atomic_folder(tmp_path) as temporary:
        (temporary / "file").write_text("x")
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_atomic_folder_leaves_nothing_after_an_error(tmp_path, error):
    with pytest.raises(error), atomic_folder(tmp_path / "made" / "too" / "set") as temporary:
        (temporary / "file").write_text("x")
        raise error
    assert os.listdir(tmp_path) == []


def test_atomic_folder_refuses_what_is_there(tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("mine")
    (tmp_path / "plain").write_text("mine")
    for name, what in (("full", "empty"), ("plain", "folder")):
        with refused(tmp_path / name, what), atomic_folder(tmp_path / name):
            raise AssertionError("the block must not be entered")
    assert (tmp_path / "full" / "file").read_text() == "mine"
    assert sorted(os.listdir(tmp_path)) == ["full", "plain"]


def test_atomic_folder_keeps_what_came_meanwhile(tmp_path):
    with refused(tmp_path / "set", "empty"), atomic_folder(tmp_path / "set"):
        (tmp_path / "set").mkdir()
        (tmp_path / "set" / "theirs").write_text("x")
    assert os.listdir(tmp_path) == ["set"]
    assert os.listdir(tmp_path / "set") == ["theirs"]


@pytest.fixture
def dead():
    """The number of a process that is no more."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def fill(folder: Path, text: str) -> None:
    folder.mkdir()
    (folder / "file").write_text(text)


def test_what_a_killed_process_left_is_removed_and_said(tmp_path, dead, capsys):
    names = [f".set.tmp-{dead}", f".other.tmp-{dead}", f".set.tmp-{os.getppid()}", ".set.tmp-", f"set.tmp-{dead}"]
    for name in names:
        fill(tmp_path / name, "half")
    with atomic_folder(tmp_path / "set") as temporary:
        (temporary / "file").write_text("whole")
    assert sorted(os.listdir(tmp_path)) == sorted([*names[1:], "set"])
    assert capsys.readouterr().err == f"removed {tmp_path}/{names[0]}, which a killed process had left\n"


def test_a_file_that_a_killed_process_left_is_removed(tmp_path, dead, capsys):
    for name in ("a.json", "b.json"):
        (tmp_path / f".tmp-{dead}-{name}").write_text("half")
    write_json(tmp_path / "a.json", [])
    assert sorted(os.listdir(tmp_path)) == [f".tmp-{dead}-b.json", "a.json"]
    assert f".tmp-{dead}-a.json" in capsys.readouterr().err


@pytest.mark.parametrize("replaced", [False, True])
def test_the_old_folder_comes_back_where_the_new_one_never_came(tmp_path, dead, capsys, replaced):
    fill(tmp_path / f".set.old-{dead}", "old")
    if replaced:
        fill(tmp_path / "set", "new")
    remove_leftovers(tmp_path / "set")
    assert os.listdir(tmp_path) == ["set"]
    assert (tmp_path / "set" / "file").read_text() == ("new" if replaced else "old")
    assert f"{tmp_path}/set" in capsys.readouterr().err or replaced


KILLED = """
import os, signal, sys
from stylegan_tf.files import atomic_folder
with atomic_folder(sys.argv[1]) as folder:
    (folder / "file").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_after_kill_9_the_next_run_tidies_up(tmp_path):
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "set")], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL and len(os.listdir(tmp_path)) == 1
    with atomic_folder(tmp_path / "set") as temporary:
        (temporary / "file").write_text("whole")
    assert os.listdir(tmp_path) == ["set"]


def test_lock_names_the_folder_and_the_holder_and_dies_with_it(tmp_path):
    script = (
        "import sys, time\nfrom stylegan_tf.files import Lock\n"
        "with Lock(sys.argv[1]):\n print('locked', flush=True)\n time.sleep(60)"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "lock")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "locked\n"
        with refused(tmp_path, f"process {holder.pid}"), Lock(tmp_path / "lock"):
            raise AssertionError("the block must not be entered")
        holder.send_signal(signal.SIGKILL)
    with Lock(tmp_path / "lock"):
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"
    assert (tmp_path / "lock").read_text() == ""


def test_lock_can_be_taken_again_after_an_error(tmp_path):
    with pytest.raises(RuntimeError), Lock(tmp_path / "lock"):
        raise RuntimeError
    with Lock(tmp_path / "lock"), refused(tmp_path, f"process {os.getpid()}"), Lock(tmp_path / "lock"):
        raise AssertionError("the block must not be entered")


def test_leftovers_that_nobody_removes_are_named(tmp_path, capsys):
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    names = [f".{{}}.tmp-{process.pid}", f".{{}}.tmp-{os.getppid()}", f".{{}}.old-{process.pid}"]
    for name in names:
        for of in ("mine", "other"):
            (tmp_path / name.format(of)).mkdir()
    (tmp_path / f".tmp-{process.pid}-sheet.png").write_bytes(b"")
    name_leftovers(tmp_path / "mine")
    said = capsys.readouterr().err.splitlines()
    assert [line.split(": ")[0].split(" was ")[0] for line in said] == [
        str(tmp_path / name)
        for name in (
            f".mine.tmp-{os.getppid()}",
            f".other.old-{process.pid}",
            f".other.tmp-{process.pid}",
            f".tmp-{process.pid}-sheet.png",
        )
    ]
    assert said[0].endswith(f"process {os.getppid()} works on it; if that is no program of these, remove it")
    assert said[1].endswith(
        f"was left by a killed process; remove it, or it is removed by what makes {tmp_path}/other again"
    )


@pytest.mark.parametrize("content", ["", "someone", "\x1b[2J", "1" * 30, "12\n34"])
def test_a_lock_that_says_nothing_of_use(content, tmp_path):
    with Lock(tmp_path / "lock"):
        (tmp_path / "lock").write_text(content)
        with pytest.raises(UserError, match=r"in use by process (unknown|1{20});") as caught, Lock(tmp_path / "lock"):
            pass
    assert str(caught.value).isprintable()


FULL = "No space left on device"
BY_HDF5 = f"Can't write data (file write failed: filename = 'G.h5', errno = 28, error message = '{FULL}', buf = 0x1)"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(28, FULL, "a/stats.jsonl"), f"{FULL}: a/stats.jsonl"),
        (OSError(28, FULL), FULL),
        (OSError(28, BY_HDF5), f"{FULL}: G.h5"),
        (RuntimeError(BY_HDF5), f"{FULL}: G.h5"),
        (RuntimeError(f"{{{{function_node x}}}} {'a/' * 200}state; {FULL} [Op:SaveV2]"), f"{FULL}: {'a/' * 200}state"),
        (RuntimeError("something else\nand more"), "something else"),
    ],
)
def test_the_reason_stands_first(error, said):
    assert reason(error) == said


def test_a_full_disk_names_the_file(tmp_path, capsys):
    def write():
        with atomic_path(tmp_path / "it.json", flush=False) as temporary, open("/dev/full", "w") as full:
            temporary.touch()
            full.write("x")
            full.flush()

    assert exit_code(write) == 1
    assert capsys.readouterr().err == f"error: {FULL}: {tmp_path / 'it.json'}\n"
    assert list(tmp_path.iterdir()) == []


def test_lines_of_json_that_are_none_are_counted(tmp_path):
    path = tmp_path / "it.jsonl"
    lines = [b'{"a": 1}', b"garbage", b"", b"[1]", b"\xff\xfe", b"[" * 100_000, b'{"a": 2}', b'{"a":']
    path.write_bytes(b"\n".join(lines))
    assert read_json_lines(path) == ([{"a": 1}, {"a": 2}], 5)
    path.write_bytes(codecs.BOM_UTF8 + b'{"a": 1}\r\n' + b"\n" * 1000 + b' {"a": 2} \n{}{}')
    assert read_json_lines(path) == ([{"a": 1}, {"a": 2}], 1)
    for missing in (tmp_path, tmp_path / "none"):
        with pytest.raises(UserError, match="there is no file"):
            read_json_lines(missing)


def test_only_what_is_unfinished_is_removed(tmp_path):
    for name in (".tmp-12-a", ".b.tmp-34", "..c.tmp-5"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "part").touch()
    for name in (".tmp-6-file", ".d.tmp-7", ".tmp-mine", "b.tmp-8", ".hidden"):
        (tmp_path / name).touch()
    remove_unfinished(tmp_path)
    remove_unfinished(tmp_path / "none")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".hidden", ".tmp-mine", "b.tmp-8"]


def test_what_is_wrong_with_json_is_said_briefly(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(f'{{"nimg": {"9" * 5000}}}')
    with pytest.raises(UserError) as caught:
        read_json(path)
    assert "a.json cannot be read as JSON: " in str(caught.value) and len(str(caught.value)) < len(str(path)) + 150
