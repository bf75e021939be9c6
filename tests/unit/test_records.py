"""Checksums of JSON files and JSON lines: no single bit goes unnoticed, and files without them are read as they are."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from condgen import records

ENTRY: dict[str, Any] = {"images": 10, "loss/g": 0.125, "text": "± 猫"}
KINDS: dict[str, tuple[Callable[[Path], object], Callable[[Path], object]]] = {
    "record": (lambda path: records.write(path, ENTRY), records.read),
    "list": (lambda path: records.write_list(path, [ENTRY, ENTRY]), records.read_list),
    "lines": (lambda path: path.write_bytes(records.line(ENTRY) * 2), records.read_lines),
}


@pytest.mark.parametrize("kind", KINDS)
def test_no_flipped_bit_changes_what_is_read(kind: str, tmp_path: Path) -> None:
    write, read = KINDS[kind]
    path = tmp_path / "file"
    write(path)
    data, sound = path.read_bytes(), read(path)
    for at in range(len(data)):
        for bit in range(8):
            path.write_bytes(data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :])
            try:
                found = read(path)
            except records.Damaged:
                continue
            if isinstance(found, records.Records):
                told = found.damaged or (kind == "lines" and at == len(data) - 1)  # cut off by a crash
                assert found == sound or (told and all(entry == ENTRY for entry in found.sound)), (at, bit)
            else:
                assert found == ENTRY, (at, bit)


def test_files_of_before_there_were_checksums_are_read_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text(json.dumps(ENTRY))
    assert records.read(path) == ENTRY
    path.write_text(json.dumps([ENTRY, ENTRY]))
    assert records.read_list(path) == records.Records([ENTRY, ENTRY])
    path.write_text(f"{json.dumps(ENTRY)}\n" * 3)
    assert records.read_lines(path, newest=2) == records.Records([ENTRY, ENTRY])


def test_a_line_cut_by_a_crash_is_left_out_and_a_missing_file_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "file"
    assert records.read_lines(path) == records.read_list(path) == records.Records([])
    path.write_bytes(records.line(ENTRY) + records.line(ENTRY)[:-5])
    assert records.read_lines(path) == records.Records([ENTRY])
    with pytest.raises(records.Damaged, match="is missing"):
        records.read(tmp_path / "nowhere")
