#!/usr/bin/env python3
"""Makes fuzz/corpus/{request,response,frame} from the byte vectors (vectors/README.md tells their format), and
fuzz/corpus/{peer,firmware_call,firmware_answer} from the samples of server-signing/formats."""

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


def keep(target, seed):
    folder = HERE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)


def tlv(tag, content):
    length = len(content)
    size = bytes([length]) if length < 0x80 else bytes([0x82]) + length.to_bytes(2, "big")
    if 0x80 <= length < 0x100:
        size = bytes([0x81, length])
    return bytes([tag]) + size + content


def octets(content):
    return tlv(0x04, content)


def sequence(*fields):
    return tlv(0x30, b"".join(fields))


def short(content):
    return len(content).to_bytes(2, "big") + content


for file in sorted((HERE / "../vectors").glob("*/*-*.txt")):
    if not file.name.startswith(("ok-", "bad-")):
        continue
    text = file.read_text()
    direction = "request" if "direction: request" in text else "response"
    # An answer's seed begins with its method's number, which its own call tells.
    call = file.parent / "ok-request.txt"
    number = next(cases(call.read_text()))[:1] if call.exists() else b"\x1f"
    for case in cases(text):
        keep(direction, case if direction == "request" else number + case)
        if file.name.startswith("ok-"):
            keep("frame", 2 * (len(case).to_bytes(4, "big") + case))

SAMPLES = HERE / "../server-signing/formats/samples"
certificate = sequence(octets(b"certificate"))
uuid = b"6f1e2d3c-4b5a-4978-8695-a4b3c2d1e0f0"
for token in sorted(SAMPLES.glob("token/*.der")):
    keep("firmware_call", b"\x03" + sequence(octets(token.read_bytes()), certificate))
    keep("firmware_call", b"\x03" + sequence(octets(token.read_bytes())))
for sad, key in zip(sorted(SAMPLES.glob("sad/*.der")), sorted(SAMPLES.glob("wrapped-key/*.der")) * 99):
    fields = octets(sad.read_bytes()), tlv(0x0C, uuid), certificate, octets(key.read_bytes())
    keep("firmware_call", b"\x05" + sequence(*fields))
    keep("firmware_call", b"\x0b" + sequence(octets(key.read_bytes())))
# Each kind of message and of result, as they come: inside of a peering message.
head = tlv(0x02, b"\1"), octets(bytes(16)), tlv(0x18, b"20261201020000Z")
credential = sequence(bytes.fromhex("06032a0304"), bytes.fromhex("0500"))
messages = {
    "create-new-privileged-user": "Create_New_Privileged_User",
    "create-new-signer": "Create_New_Signer",
    "delete-signer-key-pair": "Delete_Signer_Key_Pair",
    "generate-signer-key-pair": "Generate_Signer_Key_Pair",
    "list-signers": "List_Signers",
    "signer-maintenance": "Signer_Maintenance",
    "signing": "Signing",
}
for folder, name in messages.items():
    for message in sorted(SAMPLES.glob(f"{folder}/*.der")):
        request = sequence(tlv(0x0C, name.encode()), octets(message.read_bytes()), credential)
        keep("peer", sequence(*head, tlv(0xA0, request)))
for folder in ["void", "generate-signer-key-pair-result", "list-signers-result", "signing-result"]:
    for result in sorted(SAMPLES.glob(f"{folder}/*.der")):
        keep("peer", sequence(*head, tlv(0xA1, tlv(0xA0, octets(result.read_bytes())))))

anchor = sequence(octets(bytes(32)), tlv(0x02, b"\5"), octets(bytes(32)))
forgotten = sequence(anchor, tlv(0x18, b"20261201020000Z"), sequence(tlv(0x0C, b"anna"), tlv(0x0C, b"bert")))
forgotten = sequence(sequence(forgotten))
checkpoint = octets(b"tw4s checkpoint 1\0" + bytes(72))
logons = b"\x02" + short(b"anna") + short(b"eins") + short(b"bert") + short(b"zwei")
for call in [
    b"\x01" + sequence(),
    b"\x02" + sequence(tlv(0x0C, uuid), tlv(0x0C, uuid), tlv(0x02, b"\x04"), tlv(0x02, b"\x65\x00\x00\x00")),
    b"\x04" + sequence(octets(b"certificate"), octets(b"algorithm"), octets(b"message"), octets(b"signature")),
    b"\x08" + sequence(checkpoint),
    b"\x09" + sequence(checkpoint, octets(b"signature")),
    b"\x0a" + logons + b"\x01" + short(b"certificate"),
    b"\x0c" + sequence(octets(bytes(32))),
    b"\x0f" + sequence(octets(bytes(32))),
    b"\x10" + forgotten,
    b"\x0d" + logons + b"\x01" + short(b"carl") + short(b"vier") + b"\x01" + short(b"anna") + b"\x01" + bytes(32),
]:
    keep("firmware_call", call)
for answer in [
    b"\x01\x00" + sequence(tlv(0x0C, b"sam"), tlv(0x0C, b"key"), tlv(2, b"\1"), tlv(2, b"\2"), octets(b"s"), octets(b"c")),
    b"\x02\x00" + sequence(octets(b"wrapped key"), octets(b"public key"), octets(b"request")),
    b"\x03\x00" + sequence(octets(b"certificate")),
    b"\x05\x00" + sequence(),
    b"\x06\x00" + sequence(sequence(octets(b"signature"), octets(b"another"))),
    b"\x09\x00" + sequence(tlv(0x01, b"\xff")),
    b"\x0f\x00" + forgotten,
    b"\x05\x01its socket",
    b"\x05\x10",
]:
    keep("firmware_answer", answer)
