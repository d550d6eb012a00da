"""Ends with 0 when http://127.0.0.1:PORT/PATH answers 200: `python -I -S healthy.py PORT /PATH`.

It runs every few seconds in each container, and costs no more than Python's start: `socket` would double it.
"""

import sys
from _socket import AF_INET, SOCK_STREAM, socket

SECONDS = 4.0
LINE_BYTES = 64
"""Of the answer: `HTTP/1.1 200 OK` is enough."""


def is_healthy(port: int, path: str) -> bool:
    """Ask, and say whether the answer is 200."""
    connection = socket(AF_INET, SOCK_STREAM)
    connection.settimeout(SECONDS)
    try:
        connection.connect(("127.0.0.1", port))
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode())
        status = connection.recv(LINE_BYTES).split(maxsplit=2)
    except OSError:
        return False
    finally:
        connection.close()
    return len(status) > 1 and status[1] == b"200"


if __name__ == "__main__":
    sys.exit(not is_healthy(int(sys.argv[1]), sys.argv[2]))
