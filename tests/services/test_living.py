import os
import subprocess
import sys

from services.living import is_alive
from tests.faults.doors import wait_until


def test_this_process_and_its_child_live() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)

    assert is_alive(os.getpid())
    assert is_alive(child.pid)

    child.communicate(b"\n")
    assert not is_alive(child.pid)


def test_who_was_killed_is_dead_before_its_parent_has_asked_how_it_ended() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)

    child.kill()
    wait_until(lambda: not is_alive(child.pid), "it is dead")

    os.kill(child.pid, 0)  # the kernel still has it
    child.communicate()


def test_another_users_process_lives() -> None:
    assert is_alive(1)
