"""Anchors on the network, played by the test: a witness, a mail server, a time stamp authority."""

import base64
import hashlib
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.merkle import consistency_holds
from audit.signed_note import NoteError, read

Reply = tuple[int, str, bytes]
"""status, content type, body"""


@contextmanager
def http(answer: Callable[[str, bytes], Reply]) -> Iterator[str]:
    """A server whose POSTs this function answers; its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status, kind, body = answer(self.path, self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


class Witness:
    """As https://c2sp.org/tlog-witness says, for one log."""

    def __init__(self, origin: str, log_keys: list[str]) -> None:
        self.origin, self.log_keys = origin, log_keys
        self.key = Ed25519PrivateKey.generate()
        self.size, self.root = 0, b""
        self.asked: list[int] = []

    @property
    def verifier(self) -> str:
        key = b"\x04" + self.key.public_key().public_bytes_raw()
        return f"witness.example+{self.key_id.hex()}+{base64.b64encode(key).decode()}"

    @property
    def key_id(self) -> bytes:
        return hashlib.sha256(b"witness.example\n\x04" + self.key.public_key().public_bytes_raw()).digest()[:4]

    def answer(self, path: str, body: bytes) -> Reply:
        head, _, note = body.decode().partition("\n\n")
        old_line, *proof = head.split("\n")
        old = int(old_line.removeprefix("old "))
        self.asked.append(old)
        try:
            told = read(note, self.log_keys)
        except NoteError:
            return 403, "text/plain", b""
        if path != "/add-checkpoint" or told.origin != self.origin:
            return 404, "text/plain", b""
        if old > told.size:
            return 400, "text/plain", b""
        if old != self.size:
            return 409, "text/x.tlog.size", f"{self.size}\n".encode()
        if old and not consistency_holds(old, told.size, self.root, told.root, [base64.b64decode(p) for p in proof]):
            return 422, "text/plain", b""
        self.size, self.root = told.size, told.root
        return 200, "text/plain; charset=utf-8", self.signed(note, int(time.time())).encode()

    def signed(self, note: str, moment: int) -> str:
        text = note.partition("\n\n")[0] + "\n"
        signature = self.key.sign(f"cosignature/v1\ntime {moment}\n{text}".encode())
        encoded = base64.b64encode(self.key_id + moment.to_bytes(8, "big") + signature).decode()
        return f"— other.example AAAA\n— witness.example {encoded}\n"


@contextmanager
def mail_server() -> Iterator[tuple[int, list[str]]]:
    """Takes any mail; its port, and the messages as they come in."""
    taken: list[str] = []

    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 test\r\n")
            while line := self.rfile.readline():
                word = line[:4].upper()
                if word == b"DATA":
                    self.wfile.write(b"354 go on\r\n")
                    message = b""
                    while (part := self.rfile.readline()) != b".\r\n":
                        message += part
                    taken.append(message.decode())
                self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")
                if word == b"QUIT":
                    return

    with ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1], taken
        server.shutdown()


CONFIGURATION = """\
[tsa]
default_tsa = here
[here]
dir = {folder}
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
accuracy = secs:1
ordering = no
tsa_name = no
ess_cert_id_chain = no
ess_cert_id_alg = sha256
[stamping]
extendedKeyUsage = critical,timeStamping
keyUsage = critical,digitalSignature
basicConstraints = critical,CA:FALSE
"""


class Authority:
    """A time stamp authority made of `openssl ts`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "serial").write_text("01")
        (folder / "tsa.cnf").write_text(CONFIGURATION.format(folder=folder))
        made = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-config", "/dev/null")
        self._run("req", "-x509", *made, "-keyout", "root.key", "-out", "root.pem", "-days", "30", "-subj", "/CN=Root",
                  "-addext", "basicConstraints=critical,CA:TRUE")  # fmt: skip
        self._run("req", *made, "-keyout", "tsa.key", "-out", "tsa.csr", "-subj", "/CN=Stamps")
        self._run("x509", "-req", "-in", "tsa.csr", "-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial",
                  "-out", "tsa.pem", "-days", "30", "-extfile", "tsa.cnf", "-extensions", "stamping")  # fmt: skip
        self.root = folder / "root.pem"

    def answer(self, path: str, body: bytes) -> Reply:
        (self.folder / "query.tsq").write_bytes(body)
        self._run("ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query.tsq", "-out", "reply.tsr")
        return 200, "application/timestamp-reply", (self.folder / "reply.tsr").read_bytes()

    def _run(self, *arguments: str) -> None:
        done = subprocess.run(["openssl", *arguments], cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
