"""LFS pointers and .gitattributes; `git check-attr` is the oracle of the latter."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from fsspeckit_lib.core.forge.pointers import Attributes, parse_pointer
from fsspeckit_lib.core.forge.tree import LfsObject

_OID = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393"
_POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{_OID}\nsize 12345\n".encode()


def test_a_pointer_is_read() -> None:
    assert parse_pointer(_POINTER) == LfsObject(_OID, 12345)
    extended = _POINTER.replace(b"oid", b"ext-0-foo sha256:" + _OID.encode() + b"\noid")
    assert parse_pointer(extended) == LfsObject(_OID, 12345)


@pytest.mark.parametrize("cut", range(len(_POINTER)))
def test_no_cut_pointer_is_one(cut: int) -> None:
    assert parse_pointer(_POINTER[:cut]) is None


def test_no_changed_byte_makes_another_pointer_of_other_words() -> None:
    for at in range(len(_POINTER)):
        for value in (0, 10, 13, 32, 255):
            changed = bytearray(_POINTER)
            changed[at] = value
            found = parse_pointer(bytes(changed))
            assert found is None or bytes(changed) == _POINTER or found.size_bytes != 12345


@pytest.mark.parametrize(
    "content",
    [
        b"",
        _POINTER + b"more\n",
        _POINTER.replace(b"\n", b"\r\n"),
        _POINTER.replace(b"size 12345", b"size 012345"),
        _POINTER.replace(b"size 12345", b"size -1"),
        _POINTER.replace(b"git-lfs.github.com", b"evil.example.com"),
        b"\n" + _POINTER,
        _POINTER + b" " * 2000,
    ],
)
def test_what_is_no_pointer(content: bytes) -> None:
    assert parse_pointer(content) is None


ATTRIBUTES = {
    "": (
        "# comment\n"
        "*.bin filter=lfs diff=lfs merge=lfs -text\n"
        "/top.dat filter=lfs\n"
        "assets/** filter=lfs\n"
        "assets/*.txt -filter\n"
        "**/deep/*.raw filter=lfs\n"
        "a/**/z.png filter=lfs\n"
        '"with space.psd" filter=lfs\n'
        "[Mm]odel?.pt filter=lfs\n"
        "*.txt text\n"
    ),
    "sub": "*.bin !filter\nlocal.dat filter=lfs\nnested/only.dat filter=lfs\n",
}
PATHS = [
    "x.bin", "sub/x.bin", "sub/deeper/y.bin", "top.dat", "sub/top.dat", "assets/a.txt", "assets/b.png",
    "assets/c/d.txt", "deep/f.raw", "q/deep/f.raw", "q/deep/g/f.raw", "a/z.png", "a/b/z.png", "a/b/c/z.png",
    "with space.psd", "w/with space.psd", "Model1.pt", "m/model2.pt", "xmodel2.pt", "sub/local.dat", "local.dat",
    "sub/q/local.dat", "sub/nested/only.dat", "sub/x/nested/only.dat", "plain.txt",
]  # fmt: skip


def test_attributes_are_git_s_own(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    for directory, text in ATTRIBUTES.items():
        (tmp_path / directory).mkdir(exist_ok=True)
        (tmp_path / directory / ".gitattributes").write_text(text)
    asked = subprocess.run(
        ["git", "check-attr", "-z", "filter", "--", *PATHS], cwd=tmp_path, check=True, capture_output=True
    ).stdout.decode()
    fields = asked.split("\0")[:-1]
    git_says = {fields[at]: fields[at + 2] == "lfs" for at in range(0, len(fields), 3)}
    ours = Attributes({directory: text.encode() for directory, text in ATTRIBUTES.items()})
    assert {path: ours.is_lfs(path) for path in PATHS} == git_says
    assert any(git_says.values())
    assert not all(git_says.values())


def test_attributes_without_lfs_are_false() -> None:
    assert not Attributes({})
    assert not Attributes({"": b"*.txt text\n*.sh eol=lf\n"})
    assert Attributes({"": b"*.bin filter=lfs\n"})
