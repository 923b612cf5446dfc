#!/usr/bin/env python3
"""Makes fuzz/corpus/{request,response} from the byte vectors; vectors/README.md tells their format."""

import hashlib
from pathlib import Path

HERE = Path(__file__).resolve().parent


def cases(text):
    for block in text.split("\n\n"):
        lines = [line.split("#")[0].strip() for line in block.splitlines()]
        words = [word for line in lines if ": " not in line for word in line.split()]
        out = b""
        for word in words:
            digits, _, times = word.partition("*")
            out += bytes.fromhex(digits) * int(times or 1)
        if out:
            yield out


for file in sorted((HERE / "../vectors").glob("*/*-*.txt")):
    text = file.read_text()
    direction = "request" if "direction: request" in text else "response"
    # An answer's seed begins with its method's number, which its own call tells.
    call = file.parent / "ok-request.txt"
    number = next(cases(call.read_text()))[:1] if call.exists() else b"\x1f"
    for case in cases(text):
        seed = case if direction == "request" else number + case
        folder = HERE / "corpus" / direction
        folder.mkdir(parents=True, exist_ok=True)
        (folder / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
