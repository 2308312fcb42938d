"""A process that alone has the keys of a release, and counts what it is asked: a
prototype to measure by, which nothing but a proof starts.

    python -m tests.proofs.key_process SOCKET RATE < 64 bytes (lookup key, seal key)

Asked: u16 count, then for each identity u8 length and its encoding. Answered: u8 0, then
for each 16 bytes of record id and 32 of record key; u8 1 alone when more than RATE
identities a second are asked for. Ends with the connection, and prints the seconds of
processor that it took.
"""

import socket
import sys
import time

from pseudonymizer.envelope import Hmac

ANSWER_BYTES = 16 + 32
REFUSED = b"\x01"


class Bucket:
    """So many a second, and no more at once."""

    def __init__(self, rate: int) -> None:
        self._rate = self._left = float(rate)
        self._at = time.monotonic()

    def takes(self, count: int) -> bool:
        now = time.monotonic()
        gained = (now - self._at) * self._rate
        self._left, self._at = min(self._rate, self._left + gained), now
        if count > self._left:
            return False
        self._left -= count
        return True


def main() -> None:
    path, rate = sys.argv[1], int(sys.argv[2])
    keys = sys.stdin.buffer.read(64)
    lookup, seal = Hmac(keys[:32]), Hmac(keys[32:])
    bucket = Bucket(rate)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
        door.bind(path)
        door.listen(1)
        connection, _ = door.accept()
        with connection, connection.makefile("rb") as asked:
            begun = time.process_time()
            while head := asked.read(2):
                count = int.from_bytes(head, "big")
                identities = [asked.read(asked.read(1)[0]) for _ in range(count)]
                if not bucket.takes(count):
                    connection.sendall(REFUSED)
                    continue
                answers = [
                    lookup.digest(one)[:16] + seal.digest(one) for one in identities
                ]
                connection.sendall(b"\x00" + b"".join(answers))
    print(time.process_time() - begun)


if __name__ == "__main__":
    main()
