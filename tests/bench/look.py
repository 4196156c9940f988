# SPDX-License-Identifier: MIT
"""look.py FOLDER PAGE: ask whoever has a socket in FOLDER for the page every 100 ms; a line for each answer."""
import pathlib
import socket
import sys
import time

while True:
    for path in pathlib.Path(sys.argv[1]).glob("*.sock"):
        try:
            with socket.socket(socket.AF_UNIX) as s:
                s.settimeout(5)
                s.connect(str(path))
                s.sendall(f"GET {sys.argv[2]} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
                answer = b"".join(iter(lambda: s.recv(65536), b""))
            if answer.startswith(b"HTTP/1.") and b" 200 " in answer[:20]:
                print(len(answer), flush=True)
        except OSError:  # it ends, and the next one begins
            pass
    time.sleep(0.1)
