"""Ends with 0 when http://127.0.0.1:PORT/PATH answers 200: `python -I -S healthy.py PORT /PATH`.

Sockets alone: it runs every few seconds in each container, and http.client takes as long to import as Python to start.
"""

import socket
import sys

SECONDS = 4.0


def is_healthy(port: int, path: str) -> bool:
    """Ask, and say whether the answer is 200."""
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as connection:
            connection.sendall(request.encode())
            status = connection.makefile("rb").readline().split(maxsplit=2)
    except OSError:
        return False
    return len(status) > 1 and status[1] == b"200"


if __name__ == "__main__":
    sys.exit(not is_healthy(int(sys.argv[1]), sys.argv[2]))
