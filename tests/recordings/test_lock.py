from __future__ import annotations

from pathlib import Path

from recordings.lock import WriterLock, is_held, lock_path
from tests.recordings.making import names, python

HOLD = """
    import sys, time
    from pathlib import Path
    from recordings.lock import WriterLock
    lock = WriterLock(Path(sys.argv[1]))
    print(lock.take(), flush=True)
    time.sleep(60)
"""


def test_one_holds_it_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    one, two = WriterLock(path), WriterLock(path)
    assert not is_held(path)
    assert one.take()
    assert is_held(path)
    assert not two.take()
    assert names(tmp_path) == [lock_path(path).name]
    one.release()
    assert names(tmp_path) == []
    assert two.take()
    one.release()
    assert is_held(path)
    two.release()


def test_it_goes_away_with_its_process(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with python(HOLD, path) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "True\n"
        assert is_held(path)
        assert not WriterLock(path).take()
        process.kill()
    assert lock_path(path).exists()
    assert not is_held(path)
    lock = WriterLock(path)
    assert lock.take()
    lock.release()
    assert names(tmp_path) == []
