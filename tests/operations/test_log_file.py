"""AUDIT_LOG_PATH: private, and found again when logrotate has moved it."""

import logging
import os
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from shop_assistant.logs import PrivateLogFile, _log_file


def line(text: str) -> logging.LogRecord:
    return logging.LogRecord("shop", logging.INFO, "", 0, text, None, None)


def test_it_is_the_shops_own_and_survives_its_rotation(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "audit.log"
    handler = _log_file(path)
    assert isinstance(handler, PrivateLogFile)
    handler.emit(line("one"))
    assert path.stat().st_mode & 0o777 == 0o640 & ~_umask()
    assert path.parent.stat().st_mode & 0o007 == 0
    path.rename(tmp_path / "logs" / "audit.log.1")
    handler.emit(line("two"))
    handler.emit(line("three"))
    handler.close()
    assert path.read_text() == "two\nthree\n"
    assert path.stat().st_mode & 0o007 == 0
    assert (tmp_path / "logs" / "audit.log.1").read_text() == "one\n"


def test_two_processes_write_whole_lines_to_one_file(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    handlers = [_log_file(path), _log_file(path)]
    for number in range(200):
        handlers[number % 2].emit(line(f"{number:>2000}"))
    for handler in handlers:
        handler.close()
    assert [text.strip() for text in path.read_text().splitlines()] == [str(number) for number in range(200)]


def test_a_file_that_can_not_be_written_stops_the_start_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ImproperlyConfigured, match="AUDIT_LOG_PATH can't be written"):
        _log_file(tmp_path / "file" / "audit.log")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
