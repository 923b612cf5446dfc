#!/usr/bin/env python3
"""Makes the byte vectors of every method from the text's tables, without our codec.

Run it from anywhere; it rewrites the files `ok-*.txt` and `bad-*.txt` of each method's folder. README.md tells the
format. The tables below are the "Input" and "Output" tables of SKS API V0.35 (and, from 111 on and for 19, those of
docs/wire.md), row by row, in the text's names; the bounds are its bounds.
"""

import re
from pathlib import Path

HERE = Path(__file__).resolve().parent

# --- The data types: how a value is written, and which bytes break its rules. ---------------------------------------


def snake(name):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def u(n, value):
    return value.to_bytes(n, "big")


class Bad:
    """Bytes in place of a field's own, and the refusal: kind, offset in the field, stage, name of the part."""

    def __init__(self, file, bytes_, kind, at=0, stage="parse", part=None):
        self.file, self.bytes, self.kind, self.at, self.stage, self.part = file, bytes_, kind, at, stage, part


class Type:
    """A data type. `cuts` are the prefixes of a value that end inside it, with the offset that is refused."""

    def cuts(self, value):
        whole = self.write(value)
        return [(cut, 0, None) for cut in sorted({0, 1, len(whole) - 1}) if cut < len(whole)]

    def bad(self):
        return []


class Int(Type):
    def __init__(self, size):
        self.size = size
        self.sample = {1: 3, 2: 0x0102, 4: 0x01020304}[size]

    def write(self, value):
        return u(self.size, value)


class Ranged(Type):
    """A byte whose table ends."""

    def __init__(self, low, high):
        self.low, self.high, self.sample = low, high, low

    def write(self, value):
        return u(1, value)

    def bad(self):
        out = {255, self.high + 1, self.low - 1} - set(range(self.low, self.high + 1))
        return [Bad("value", u(1, v), f"value {self.low} {self.high}", stage="range") for v in sorted(out) if 0 <= v < 256]


class Bool(Type):
    sample = True

    def write(self, value):
        return b"\1" if value else b"\0"

    def bad(self):
        return [Bad("bool", b"\2", "bool"), Bad("bool", b"\xff", "bool")]


class Array(Type):
    """byte[]"""

    sample = bytes.fromhex("30030201ff")

    def write(self, value):
        return u(2, len(value)) + value


class Fixed(Type):
    """byte[n]"""

    def __init__(self, size):
        self.size, self.sample = size, bytes(range(size))

    def write(self, value):
        return u(2, len(value)) + value

    def bad(self):
        wrong = (b"", bytes(self.size - 1), bytes(self.size + 1))
        return [Bad("length", self.write(value), f"length {self.size}") for value in wrong]


class Blob(Type):
    sample = b"\x00\xffblob"

    def write(self, value):
        return u(4, len(value)) + value


class Id(Type):
    sample = b"Key.1"

    def write(self, value):
        return u(2, len(value)) + value

    def bad(self):
        cases = [
            (b"", 0), (b"a" * 33, 0), ("å".encode() * 17, 0),
            (b"1a", 2), (b"-a", 2), (b".a", 2), (b"a:b", 3), (b"a b", 3), (b"N/A", 3), (b"a\0", 3),
            (b"ab\xff", 4), (b"a\xc0\x80", 3), (b"a\xed\xa0\x80", 3), (b"a\xe2\x82", 3), (b"a b\xff", 3),
            ("\u00d7".encode(), 2), ("\u0300a".encode(), 2), ("a\u037e".encode(), 3), ("a\ufffe".encode(), 3),
            ("a\U000f0000".encode(), 3),
        ]
        return [Bad("ncname", self.write(value), "ncname", at) for value, at in cases]


class Text(Type):
    def __init__(self, low=0, high=65535):
        self.low, self.high, self.sample = low, high, b"https://example.com/\xc3\xa5"

    def write(self, value):
        return u(2, len(value)) + value

    def bad(self):
        utf8 = [(b"a\xff", 3), (b"\x80", 2), (b"ab\xc0\x80", 4), (b"\xed\xa0\x80", 2), (b"abc\xe2\x82", 5)]
        out = [Bad("utf8", self.write(value), "utf8", at, "range") for value, at in utf8]
        size = f"size {self.low} {self.high}"
        if self.low:
            out.append(Bad("size", self.write(b""), size, 0, "range"))
        if self.high < 65535:
            out.append(Bad("size", self.write(b"a" * (self.high + 1)), size, 0, "range"))
        return out


class List(Type):
    """A count of `prefix` bytes, then the elements back to back."""

    def __init__(self, prefix, of, low=0, empty=True, sample=None):
        self.prefix, self.of, self.low, self.empty = prefix, of, low, empty
        self.sample = sample or [of.sample, of.sample]

    def write(self, value):
        return u(self.prefix, len(value)) + b"".join(map(self.of.write, value))

    def cuts(self, value):
        out = [(cut, 0, None) for cut in range(self.prefix)]
        start = self.prefix
        for item in value:
            out += [(start + cut, start, None) for cut, _, _ in self.of.cuts(item)]
            start += len(self.of.write(item))
        return out

    def bad(self):
        out = []
        if self.low:
            out.append(Bad("size", self.write([]), f"size {self.low} {256 ** self.prefix - 1}", 0, "range"))
        first = self.of.write(self.of.sample)
        if not self.empty:
            out.append(Bad("size", self.write([b""]), "size 1 65535", self.prefix, "range"))
            second = self.write([self.of.sample, b""])
            out.append(Bad("size", second, "size 1 65535", self.prefix + len(first), "range"))
        for case in self.of.bad():
            body = u(self.prefix, 2) + first + case.bytes
            out.append(Bad(case.file, body, case.kind, self.prefix + len(first) + case.at, case.stage))
        return out


class Sequence(Type):
    """Fields in a row that stand for one: each has its own name."""

    def __init__(self, *rows):
        self.rows = rows
        self.sample = {name: type_.sample for name, type_ in rows}

    def write(self, value):
        return b"".join(type_.write(value[name]) for name, type_ in self.rows)

    def cuts(self, value):
        out, start = [], 0
        for name, type_ in self.rows:
            out += [(start + cut, start + at, part or snake(name)) for cut, at, part in type_.cuts(value[name])]
            start += len(type_.write(value[name]))
        return out

    def bad(self):
        out, start = [], 0
        for i, (name, type_) in enumerate(self.rows):
            before = b"".join(t.write(self.sample[n]) for n, t in self.rows[:i])
            after = b"".join(t.write(self.sample[n]) for n, t in self.rows[i + 1:])
            for case in type_.bad():
                part = case.part or snake(name)
                out.append(Bad(case.file, before + case.bytes + after, case.kind, len(before) + case.at, case.stage, part))
        return out


class KeyAlgorithm(Sequence):
    """KeyAlgorithmType, then the rows of that type and not those of the other."""

    rsa = [("KeyAlgorithmType", Ranged(0, 0)), ("RSAKeySize", Int(2)), ("RSAExponent", Int(4))]
    ecc = [("KeyAlgorithmType", Ranged(1, 1)), ("NamedCurve", Text())]

    def __init__(self):
        super().__init__(*self.rsa)

    def write(self, value):
        return Sequence(*(self.ecc if "NamedCurve" in value else self.rsa)).write(value)

    def bad(self):
        out = [Bad("key-algorithm-type", v, "key-algorithm-type", 0, "parse", "key_algorithm_type")
               for v in (b"\2", b"\xff\0\0")]
        out.append(Bad("truncated", b"\1", "truncated", 1, "parse", "named_curve"))
        out.append(Bad("truncated", b"\1\0\2a", "truncated", 1, "parse", "named_curve"))
        for case in Text().bad():
            out.append(Bad(case.file, b"\1" + case.bytes, case.kind, 1 + case.at, case.stage, "named_curve"))
        return out


class Enumerated(Type):
    """The next object and what is told of it, or 0xFFFFFFFF and nothing more."""

    end = object()

    def __init__(self, *rows):
        self.all = Sequence(("Handle", Int(4)), *rows)
        self.sample = self.all.sample

    def write(self, value):
        return b"\xff" * 4 if value is self.end else self.all.write(value)

    def cuts(self, value):
        return self.all.cuts(value)

    def bad(self):
        return [*self.all.bad(), *(Bad("terminator", b"\xff" * 4 + more, "terminator", 4, "parse", "handle")
                                   for more in (b"\0", b"\0" * 4))]


class BackupAndHandle(Type):
    """createKeyPair's optional PrivateKey, then KeyHandle."""

    sample = (b"\x55" * 48, 7)

    def write(self, value):
        key, handle = value
        return (b"" if key is None else Array().write(key)) + u(4, handle)

    def cuts(self, value):
        key = len(Array().write(value[0]))
        # Four bytes or fewer would be read as the handle.
        return [(5, 0, "private_key"), (key - 1, 0, "private_key"),
                (key, key, "key_handle"), (key + 3, key, "key_handle"), (3, 0, "key_handle")]

    def bad(self):
        return [Bad("size", b"\0\0" + u(4, 7), "size 1 65535", 0, "range", "private_key")]


byte, short, int_, bool_, array, blob, id_ = Int(1), Int(2), Int(4), Bool(), Array(), Blob(), Id()
text, mac, result32 = Text(), Fixed(32), Fixed(32)
pin = Array()

# --- The tables. ------------------------------------------------------------------------------------------------------

SESSION = ("ProvisioningHandle", int_)
KEY = ("KeyHandle", int_)
MAC = ("MAC", mac)
ATTRIBUTES = [
    ("KeyUsage", Ranged(0, 5)), ("FriendlyName", Text(0, 100)), ("X509Certificate", List(1, array)),
    ("EndorsedAlgorithm", List(1, text)), ("ExtensionType", List(2, text)),
]

CREATION = ([
    ("SessionKeyAlgorithm", text), ("ServerSessionID", id_), ("ServerEphemeralKey", array),
    ("IssuerURI", Text(1, 1024)), ("Updatable", bool_), ("ClientTime", Fixed(8)), ("SessionLifeTime", int_),
    ("SessionKeyLimit", short),
], [
    ("ClientSessionID", id_), ("ClientEphemeralKey", array), ("SessionAttestation", array),
    ("ProvisioningHandle", int_),
])

METHODS = [
    (1, "createProvisioningSession", *CREATION),
    (2, "closeProvisioningSession", [SESSION, MAC], [("AttestedResponse", result32)]),
    (3, "getProvisioningSession", [("ServerSessionID", id_), ("ClientSessionID", id_), ("IssuerURI", array)], [SESSION]),
    (4, "enumerateProvisioningSessions", [SESSION], [("Next", Enumerated(
        ("IsOpen", bool_), ("ClientTime", Fixed(8)), ("SessionLifeTime", int_), ("ServerSessionID", id_),
        ("ClientSessionID", id_), ("IssuerURI", text)))]),
    (5, "abortProvisioningSession", [SESSION], []),
    (6, "signProvisioningSessionData", [SESSION, ("Data", array)], [("Result", result32)]),
    (7, "createPUKPolicy", [
        SESSION, ("ID", id_), ("PUKValue", array), ("Format", Ranged(0, 3)), ("RetryLimit", byte),
    ], [("PUKPolicyHandle", int_)]),
    (8, "createPINPolicy", [
        SESSION, ("ID", id_), ("PUKPolicyHandle", int_), ("UserDefined", bool_), ("UserModifiable", bool_),
        ("Format", Ranged(0, 3)), ("RetryLimit", Ranged(1, 255)), ("Grouping", Ranged(0, 3)),
        ("PatternRestrictions", Ranged(0, 0x1F)), ("MinLength", Ranged(1, 100)), ("MaxLength", Ranged(1, 100)),
        ("InputMethod", Ranged(0, 2)),
    ], [("PINPolicyHandle", int_)]),
    (9, "createKeyPair", [
        SESSION, ("AttestationAlgorithm", text), ("IssuerSeed", Fixed(32)), ("ID", id_), ("PINPolicyHandle", int_),
        ("PINValue", pin), ("BiometricProtection", Ranged(0, 3)), ("PrivateKeyBackup", bool_),
        ("ExportPolicy", Ranged(0, 3)), ("Updatable", bool_), ("DeletePolicy", Ranged(0, 2)),
        ("EnablePINCaching", bool_), ("ImportPrivateKey", bool_), ("KeyUsage", Ranged(0, 5)),
        ("FriendlyName", Text(0, 100)), ("KeyAlgorithm", KeyAlgorithm()),
    ], [
        ("GeneratedPublicKey", array), ("KeyAttestation", array), ("PrivateKeyAndHandle", BackupAndHandle()),
    ]),
    (10, "setCertificatePath", [SESSION, KEY, ("X509Certificate", List(1, array, 1, False)), MAC], []),
    (11, "setSymmetricKey", [SESSION, KEY, ("SymmetricKey", array), ("EndorsedAlgorithm", List(1, array, 1)), MAC], []),
    (12, "addExtensionData", [
        SESSION, KEY, ("BaseType", Ranged(0, 3)), ("Qualifier", array), ("ExtensionData", blob), ("ExtensionType", text),
        MAC,
    ], []),
    (19, "getKeyHandle", [SESSION, ("ID", id_)], [KEY]),
    (20, "restorePrivateKey", [SESSION, KEY, ("PrivateKey", array), MAC], []),
    (31, "getDeviceInfo", [], [
        ("APILevel", short), ("VendorName", Text(1, 100)), ("VendorDescription", Text(1, 100)),
        ("X509Certificate", List(1, array, 1, False)), ("Algorithm", List(2, text, 1)), ("RSAExponentSupport", bool_),
        ("RSAKeySize", List(1, short, sample=[1024, 2048])), ("ExtensionDataSize", int_), ("DevicePINSupport", bool_),
        ("BiometricSupport", bool_),
    ]),
    (32, "enumerateKeys", [KEY], [("Next", Enumerated(SESSION, ("ID", id_), *ATTRIBUTES))]),
    (50, "postProvisioningDeleteKey", [SESSION, KEY, MAC], []),
    (51, "postProvisioningUpdateKey", [SESSION, KEY, ("KeyHandleOriginal", int_), MAC], []),
    (100, "signHashedData", [KEY, ("SignatureAlgorithm", array), ("PIN", pin), ("HashedData", array)],
     [("Result", array)]),
    (101, "getKeyProtectionInfo", [KEY], [
        ("ProtectionStatus", byte), ("PUKRetryLimit", byte), ("PUKErrorCount", byte), ("UserModifiable", bool_),
        ("Format", Ranged(0, 3)), ("RetryLimit", byte), ("Grouping", Ranged(0, 3)), ("PatternRestrictions", byte),
        ("MinLength", byte), ("MaxLength", byte), ("InputMethod", Ranged(0, 2)), ("PINErrorCount", byte),
        ("BiometricProtection", Ranged(0, 3)), ("PrivateKeyBackup", bool_), ("ExportPolicy", Ranged(0, 3)),
        ("Updatable", bool_), ("DeletePolicy", Ranged(0, 2)), ("EnablePINCaching", bool_), ("ImportPrivateKey", bool_),
    ]),
    (102, "getExtensionObject", [KEY, ("ExtensionType", array)],
     [("BaseType", Ranged(0, 3)), ("Qualifier", array), ("ExtensionData", blob)]),
    (103, "deleteKey", [KEY, ("OptionalAuthorization", pin)], []),
    (104, "unlockKey", [KEY, ("Authorization", pin)], []),
    (105, "exportKey", [KEY, ("OptionalAuthorization", pin)], [("RawKey", array)]),
    (111, "asymmetricKeyDecrypt",
     [KEY, ("Parameters", array), ("EncryptionAlgorithm", array), ("PIN", pin), ("Data", array)], [("Result", array)]),
    (112, "performHMAC", [KEY, ("HMACAlgorithm", array), ("PIN", pin), ("Data", array)], [("Result", array)]),
    (113, "symmetricKeyEncrypt",
     [KEY, ("EncryptMode", bool_), ("IV", array), ("EncryptionAlgorithm", array), ("PIN", pin), ("Data", array)],
     [("Result", array)]),
    (114, "keyAgreement",
     [KEY, ("Parameters", array), ("Algorithm", array), ("PIN", pin), ("PublicKey", array)], [("SharedSecret", array)]),
    (116, "changePIN", [KEY, ("PIN", pin), ("NewPIN", pin)], []),
    (117, "setPIN", [KEY, ("PUK", pin), ("NewPIN", pin)], []),
    (118, "getKeyAttributes", [KEY], [
        ("KeyUsage", Ranged(0, 5)), ("FriendlyName", Text(0, 100)), ("X509Certificate", List(1, array, 1, False)),
        ("EndorsedAlgorithm", List(1, text)), ("ExtensionType", List(2, text)),
    ]),
    (119, "verifyPIN", [KEY, ("PIN", pin)], []),
    (120, "getKeyGroup", [KEY], [
        ("PINPolicyHandle", int_), ("PINGroup", int_), ("PUKPolicyHandle", int_), ("PINPolicyID", text),
    ]),
    (121, "getChangeCount", [], [("Count", int_)]),
    (122, "createVolatileSession", *CREATION),
]

# Values apart from the samples: (method, direction, name of the file) -> field values.
P256 = bytes.fromhex(
    "3059301306072a8648ce3d020106082a8648ce3d03010703420004dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c37725811"
    "805271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3")
VARIANTS = {
    ("createProvisioningSession", "request", "plain"): {
        "SessionKeyAlgorithm": b"http://xmlns.webpki.org/keygen2/1.0#algorithm.sk1",
        "ServerSessionID": b"S-fedcba9876543210", "ServerEphemeralKey": P256,
        "IssuerURI": b"https://ca.example.com/enroll", "Updatable": False, "ClientTime": u(8, 1271000000000),
        "SessionLifeTime": 3600, "SessionKeyLimit": 50,
    },
    ("createProvisioningSession", "request", "longest"): {
        "ServerSessionID": b"_" * 32, "IssuerURI": b"u" * 1024, "SessionLifeTime": 0xFFFFFFFF, "SessionKeyLimit": 0xFFFF,
    },
    ("createProvisioningSession", "request", "other-scripts"): {"ServerSessionID": "é\u0663·\u203f\U000effff".encode()},
    ("enumerateProvisioningSessions", "request", "start"): {"ProvisioningHandle": 0xFFFFFFFF},
    ("enumerateProvisioningSessions", "response", "end"): {"Next": Enumerated.end},
    ("enumerateKeys", "request", "start"): {"KeyHandle": 0xFFFFFFFF},
    ("enumerateKeys", "response", "end"): {"Next": Enumerated.end},
    ("createPUKPolicy", "request", "never-locks"): {"RetryLimit": 0},
    ("createPINPolicy", "request", "largest"): {
        "Format": 3, "RetryLimit": 255, "Grouping": 3, "PatternRestrictions": 0x1F, "MinLength": 100, "MaxLength": 100,
        "InputMethod": 2, "UserDefined": False, "UserModifiable": False,
    },
    ("createKeyPair", "request", "ecc"): {"KeyAlgorithm": {"KeyAlgorithmType": 1, "NamedCurve": b"urn:oid:1.2.840.10045.3.1.7"}},
    ("createKeyPair", "request", "bare"): {"PINPolicyHandle": 0, "PINValue": b"", "FriendlyName": b"", "Updatable": False},
    ("createKeyPair", "request", "longest"): {
        "FriendlyName": "å".encode() * 50, "PINValue": b"9" * 100, "BiometricProtection": 3, "ExportPolicy": 3,
        "DeletePolicy": 2, "KeyUsage": 5, "ID": ("å" * 16).encode(),
    },
    ("createKeyPair", "response", "no-backup"): {"PrivateKeyAndHandle": (None, 9)},
    ("setCertificatePath", "request", "longest"): {"X509Certificate": [b"0"] * 255},
    ("setSymmetricKey", "request", "not-utf8"): {"EndorsedAlgorithm": [b"\xff"]},
    ("addExtensionData", "request", "empty"): {"Qualifier": b"", "ExtensionData": b"", "ExtensionType": b""},
    ("addExtensionData", "request", "longest"): {"BaseType": 1, "Qualifier": b"", "ExtensionData": b"x" * 65568},
    ("getExtensionObject", "response", "longest"): {"ExtensionData": b"x" * 65536},
    ("getKeyAttributes", "response", "bare"): {"FriendlyName": b"", "EndorsedAlgorithm": [], "ExtensionType": []},
    ("getKeyGroup", "response", "none"): {"PINPolicyHandle": 0, "PINGroup": 0, "PUKPolicyHandle": 0, "PINPolicyID": b""},
    ("signHashedData", "request", "no-pin"): {"PIN": b""},
    ("deleteKey", "request", "no-authorization"): {"OptionalAuthorization": b""},
    ("exportKey", "request", "no-authorization"): {"OptionalAuthorization": b""},
    ("signProvisioningSessionData", "request", "longest"): {"Data": b"d" * 65535},
    ("symmetricKeyEncrypt", "response", "longest"): {"Result": b"r" * 65535},
}

# --- The files. -------------------------------------------------------------------------------------------------------


def hexed(data):
    """Hex, with a run of 24 equal bytes or more as `byte*count`."""
    out = ""
    for match in re.finditer(rb"(.)\1{23,}|.", data, re.DOTALL):
        run = match.group()
        out += f" {run[:1].hex()}*{len(run)} " if len(run) > 1 else run.hex()
    return " ".join(out.split())


def ok(title, direction, first, rows, values):
    lines = [f"# {title}", f"direction: {direction}", f"{first:02x} # {'method' if direction == 'request' else 'Status'}"]
    for name, type_ in rows:
        value = values.get(name, type_.sample)
        written = hexed(type_.write(value))
        if written:
            lines.append(f"{written} # {name}")
    return "\n".join(lines) + "\n"


def bad_cases(first, rows):
    """Every case of every rule: file, bytes, kind, position, stage, field."""
    parts = [type_.write(type_.sample) for _, type_ in rows]
    whole = bytes([first]) + b"".join(parts)
    at = 1
    for i, (name, type_) in enumerate(rows):
        before, after = whole[:at], whole[at + len(parts[i]):]
        for cut, inside, part in type_.cuts(type_.sample):
            yield "truncated", before + parts[i][:cut], "truncated", at + inside, "parse", part or snake(name)
        for case in type_.bad():
            # A rule that ends the reading must not be hidden by what follows.
            rest = b"" if case.kind in ("terminator", "truncated") else after
            yield case.file, before + case.bytes + rest, case.kind, at + case.at, case.stage, case.part or snake(name)
        at += len(parts[i])
    for more in (b"\0", b"\xff" * 9):
        yield "trailing", whole + more, "trailing", len(whole), "parse", "end"


def bad(title, direction, cases):
    out = [f"# {title}\ndirection: {direction}\n"]
    for data, kind, at, stage, field in cases:
        out.append(f"stage: {stage}\nkind: {kind}\nat: {at}\nfield: {field}\n{hexed(data)}\n".replace("\n\n", "\n"))
    return "\n".join(out)


def error_answers():
    """The answer with a non-zero status, which is the same for every method."""
    folder = HERE / "error_answer"
    error = [("ErrorString", text)]
    written = {"ok-response.txt": "", "ok-response-empty.txt": ""}
    written["ok-response.txt"] = ok("An error answer.", "response", 1, error, {"ErrorString": "fel PIN: åäö".encode()})
    written["ok-response-empty.txt"] = ok("An error answer without a text.", "response", 11, error, {"ErrorString": b""})
    files = {}
    for file, *case in bad_cases(10, [("Text", text)]):
        files.setdefault(file, []).append(case)
    files["value"] = [[bytes([v, 0, 0]), "value 0 11", 0, "parse", "status"] for v in (12, 255)]
    files["status"] = [[b"", "truncated", 0, "parse", "status"]]
    for file, cases in files.items():
        written[f"bad-response-{file}.txt"] = bad(f"An error answer: {file}.", "response", cases)
    return folder, written


def calls():
    """A call of no method."""
    cases = [[b"", "truncated", 0, "parse", "method"]]
    numbers = {number for number, *_ in METHODS}
    cases += [[bytes([n]), "unknown-method", 0, "parse", "method"] for n in range(256) if n not in numbers]
    return HERE / "no_method", {"bad-request-method.txt": bad("Calls of no method.", "request", cases)}


def main():
    folders = [error_answers(), calls()]
    for number, name, inputs, outputs in METHODS:
        written = {}
        for direction, first, rows in (("request", number, inputs), ("response", 0, outputs)):
            title = f"{name} ({number}), {direction}"
            values = VARIANTS.get((name, direction, "plain"), {})
            written[f"ok-{direction}.txt"] = ok(f"{title}.", direction, first, rows, values)
            for (method, way, variant), values in VARIANTS.items():
                if (method, way) == (name, direction) and variant != "plain":
                    written[f"ok-{direction}-{variant}.txt"] = ok(f"{title}: {variant}.", direction, first, rows, values)
            files = {}
            for file, *case in bad_cases(first, rows):
                files.setdefault(file, []).append(case)
            for file, cases in files.items():
                written[f"bad-{direction}-{file}.txt"] = bad(f"{title}: {file}.", direction, cases)
        folders.append((HERE / snake(name), written))
    for folder, written in folders:
        folder.mkdir(exist_ok=True)
        for old in [*folder.glob("ok-re*.txt"), *folder.glob("bad-re*.txt")]:
            old.unlink()
        for file, content in written.items():
            (folder / file).write_text(content)


main()
