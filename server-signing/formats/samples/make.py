"""Makes the samples, without the crate's encoder.

    python3 -m venv .venv && .venv/bin/pip install asn1tools==0.167.0 && .venv/bin/python make.py

Good samples (ok-*.der) are written by asn1tools from the ASN.1: guide.asn1 is shared/spec/server-signing.asn1, ours.asn1
writes down what server-signing.md rules in prose. asn1tools does not sort a SET OF; `sort` here does. Bad samples
(bad-<kind>--<reason>) break one rule each, by editing bytes or by the DER writer below; <kind> is the refusal's.

Signatures and wrapped keys are filler of the right shape: no format looks into them. Keys are public points of their
curves (the generators). Nothing is random, so a second run writes the same files.
"""

import datetime
import pathlib
import re
import shutil

import asn1tools

HERE = pathlib.Path(__file__).parent
GUIDE = asn1tools.compile_files(str(HERE / "guide.asn1"), "der")
OURS = asn1tools.compile_files(str(HERE / "ours.asn1"), "der")

# --- a DER writer for what must be wrong ---


def tlv(tag, *parts):
    content = b"".join(parts)
    if len(content) < 0x80:
        return bytes([tag, len(content)]) + content
    size = (len(content).bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + len(content).to_bytes(size, "big") + content


def children(der):
    """The elements inside the first element of `der`."""
    content, out = body(der), []
    while content:
        size = len(tlv_first(content))
        out.append(content[:size])
        content = content[size:]
    return out


def header_size(der):
    return 2 if der[1] < 0x80 else 2 + (der[1] & 0x7F)


def tlv_first(der):
    head = header_size(der)
    length = der[1] if der[1] < 0x80 else int.from_bytes(der[2:head], "big")
    return der[: head + length]


def body(der):
    return tlv_first(der)[header_size(der) :]


def edit(der, path, change):
    """Replaces the element at `path` (indexes of children) by change(element), with all lengths set right again."""
    if not path:
        return change(der)
    parts = children(der)
    parts[path[0]] = edit(parts[path[0]], path[1:], change)
    return tlv(der[0], *parts)


def put(new):
    return lambda _: new


def drop(_):
    return b""


def indefinite(der):
    return bytes([der[0], 0x80]) + body(der) + b"\0\0"


def long_length(der):
    """The length in one byte more than it needs."""
    content = body(der)
    size = (max(len(content), 1).bit_length() + 7) // 8
    if len(content) >= 0x80:
        size += 1
    return bytes([der[0], 0x80 | size]) + len(content).to_bytes(size, "big") + content


# --- files ---


def write(folder, name, der):
    (HERE / folder).mkdir(exist_ok=True)
    path = HERE / folder / f"{name}{'.txt' if len(der) > 2048 else '.der'}"
    assert not path.exists(), path
    if path.suffix == ".txt":
        path.write_text(runs(der))
    else:
        path.write_bytes(der)


def runs(der):
    """Long samples, mostly filler, as text: hexadecimal, a run of one byte as `<byte>*<count>`."""
    words = []
    for run in re.finditer(rb"(.)\1{15,}|(?:(.)(?!\2{15}))+", der, re.DOTALL):
        piece = run.group()
        words.append(f"{piece[0]:02x}*{len(piece)}" if run.group(1) else piece.hex())
    return "\n".join(words) + "\n"


def ok(folder, reason, der):
    write(folder, f"ok-{reason}", der)


def bad(folder, kind, reason, der):
    write(folder, f"bad-{kind}--{reason}", der)


def bad_for_all(folder, der):
    """What every format refuses."""
    bad(folder, "trailing", "one-byte-too-many", der + b"\0")
    bad(folder, "not-der", "one-byte-short", der[:-1])
    bad(folder, "not-der", "indefinite-length", indefinite(der))
    bad(folder, "not-der", "length-not-shortest", long_length(der))
    bad(folder, "not-der", "empty", b"")
    bad(folder, "tag", "octet-string-instead", tlv(0x04, body(der)))


def sort(codec, kind, values):
    return sorted(values, key=lambda value: codec.encode(kind, value))


# --- values ---

USER = "7d2f6f0a-54c1-4a0e-9a5e-0b7e1c3d5f21"
KEY = "c0a8e5b2-91d4-4f57-8f36-2f0d9b6a7e10"
ARC = "1.3.6.1.4.1.32473.1"
EARLY = datetime.datetime(2026, 11, 20, 12, 0, 0)
LATE = datetime.datetime(2026, 11, 20, 12, 5, 0)
JTI = bytes(range(16))

ECDSA_SHA256 = {"algorithm": "1.2.840.10045.4.3.2"}
RSA_SHA256 = {"algorithm": "1.2.840.113549.1.1.11", "parameters": b"\x05\x00"}
SHA256 = {"algorithm": "2.16.840.1.101.3.4.2.1"}

P256_G = bytes.fromhex(
    "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
    "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
)


def spki(algorithm, parameters, key):
    return OURS.encode(
        "SubjectPublicKeyInfo",
        {"algorithm": {"algorithm": algorithm, "parameters": parameters}, "subjectPublicKey": (key, len(key) * 8)},
    )


def oid(dotted):
    return OURS.encode("AlgorithmIdentifier", {"algorithm": dotted})[2:]


SPKI = spki("1.2.840.10045.2.1", oid("1.2.840.10045.3.1.7"), P256_G)
SPKI_VALUE = OURS.decode("SubjectPublicKeyInfo", SPKI)


def utf8(text):
    return tlv(0x0C, text.encode())


def signature(r=32, s=32):
    """The shape of an Ecdsa-Sig-Value; 33 is a number with a zero in front."""
    number = lambda size: tlv(0x02, (b"\0" if size == 33 else b"") + bytes([0xA5 if size == 33 else 0x5A] * 32))
    return tlv(0x30, number(r), number(s))


def name(common_name):
    return [[{"type": "2.5.4.3", "value": ("utf8", common_name)}]]


def extension(number, data):
    return {"oid": f"{ARC}.{number}", "data": data}


LOA = "http://eidas.europa.eu/LoA/"
EXTENSIONS = [
    extension(1, SPKI),
    extension(2, utf8("remote-signature")),
    extension(3, utf8(LOA + "substantial")),
    extension(4, tlv(0x04, JTI)),
]


def extensions(values):
    return sort(GUIDE, "CompactExtension", values)


def long_role(app, role, of_role=()):
    strings = {"app": ("utf8String", app), "role": ("utf8String", role)}
    return ("longRoleAssociation", {**strings, "extensions": extensions(of_role)})


def group(identity, roles, of_group=()):
    roles = sort(GUIDE, "CompactRoleAssociation", roles)
    return {"id": identity, "roleAssociations": roles, "extensions": extensions(of_group)}


def issuer_serial(common_name="IdP", serial=4097):
    return OURS.encode(
        "GeneralNamesIssuerSerial", {"issuer": [("directoryName", name(common_name))], "serialNumber": serial}
    )


def bare_issuer_serial(common_name="IdP", serial=4097):
    return OURS.encode("NameIssuerSerial", {"issuer": name(common_name), "serialNumber": serial})


def token_value(user=("utf8String", USER), groups=(), of_token=EXTENSIONS, algorithm=ECDSA_SHA256, sig=None, **more):
    value = {
        "data": {
            "userId": user,
            "notBefore": EARLY,
            "notAfter": LATE,
            "groupAssociations": sort(GUIDE, "CompactGroupAssociation", groups),
            "extensions": extensions(of_token),
        },
        "signer": split_issuer_serial(issuer_serial()),
        "signatureAlgorithm": algorithm,
        "signature": sig or signature(),
    }
    return {**value, **more}


def split_issuer_serial(der):
    """guide.asn1 has the issuer as ANY."""
    issuer, serial = children(der)
    return {"issuer": issuer, "serialNumber": int.from_bytes(body(serial), "big")}


def token(**arguments):
    return GUIDE.encode("SignedIdentityToken", token_value(**arguments))


def sad_value(hashes, algorithm=SHA256, key=("utf8String", KEY), sig=None, **arguments):
    tbs = {
        "identityToken": token_value(**arguments),
        "keyId": key,
        "hashAlgorithm": algorithm,
        "tbsHashValues": hashes,
    }
    return {"tbs": tbs, "signature": sig or signature()}


def sad(*arguments, **more):
    return GUIDE.encode("SAD", sad_value(*arguments, **more))


def digests(count, size=32):
    return [bytes([number % 256] * size) for number in range(count)]


# --- samples ---


def make_issuer_serials():
    folder = "issuer-serial"
    good, bare = issuer_serial(), bare_issuer_serial()
    ok(folder, "general-names", good)
    ok(folder, "bare-name", bare)
    ok(folder, "serial-of-20-bytes", issuer_serial(serial=int.from_bytes(b"\x7f" * 20, "big")))
    two = [{"type": "2.5.4.10", "value": ("utf8", "O")}, {"type": "2.5.4.3", "value": ("printable", "CN")}]
    two = sort(OURS, "AttributeTypeAndValue", two)
    rdn = {"issuer": [("directoryName", [two])], "serialNumber": 1}
    ok(folder, "two-attributes-in-one-rdn", OURS.encode("GeneralNamesIssuerSerial", rdn))
    bad_for_all(folder, good)
    directory_name = children(children(good)[0])[0]
    bad(folder, "trailing", "two-general-names", edit(good, [0], put(tlv(0x30, directory_name * 2))))
    bad(folder, "tag", "dns-name", edit(good, [0], put(tlv(0x30, tlv(0x82, b"idp.example")))))
    bad(folder, "tag", "dns-name-after-directory-name-tag", edit(good, [0, 0], put(tlv(0xA4, tlv(0x82, b"idp")))))
    bad(folder, "value", "no-general-name", edit(good, [0], put(tlv(0x30))))
    bad(folder, "value", "empty-name", edit(good, [0, 0, 0], put(tlv(0x30))))
    bad(folder, "value", "empty-rdn", edit(good, [0, 0, 0, 0], put(tlv(0x31))))
    bad(folder, "trailing", "issuer-uid", tlv(0x30, *children(good), tlv(0x03, b"\0\x01")))
    bad(folder, "not-der", "serial-not-shortest", edit(good, [1], put(tlv(0x02, b"\0\x01"))))
    bad(folder, "value", "serial-of-22-bytes", edit(good, [1], put(tlv(0x02, b"\x7f" * 22))))
    reverse = {"issuer": [("directoryName", [two[::-1]])], "serialNumber": 1}
    bad(folder, "not-canonical", "rdn-unsorted", OURS.encode("GeneralNamesIssuerSerial", reverse))
    twice = {"issuer": [("directoryName", [two[:1] * 2])], "serialNumber": 1}
    bad(folder, "set-order", "rdn-twice-the-same", OURS.encode("GeneralNamesIssuerSerial", twice))
    bad(folder, "incomplete", "no-serial", tlv(0x30, children(good)[0]))


def make_tokens():
    folder = "token"
    roles = [
        long_role("RemoteSignature", "RemoteSignature-Signer"),
        long_role("RemoteSignature", "RemoteSignature-PrivilegedUser", [extension(9, b"\x05\x00")]),
        long_role("Other", "Other-Role"),
        ("shortRoleAssociation", {"shortId": b"\x01", "extensions": []}),
    ]
    groups = [group(b"group-a", roles), group(b"", [], [extension(9, tlv(0x1C, b"\0\0\0Z"))])]
    full = token(groups=groups, type="1.2.3.4")
    ok(folder, "full", full)
    ok(folder, "extended", token())
    ok(folder, "nothing-optional", token(of_token=[]))
    ok(folder, "rsa", token(algorithm=RSA_SHA256, sig=b"\xa5" * 256))
    ok(folder, "bare-issuer-name", token(signer=split_issuer_serial(bare_issuer_serial())))
    ok(folder, "unknown-extension", token(of_token=[{"oid": "1.2.3.4.5", "data": tlv(0x30, tlv(0x01, b"\xff"))}]))
    for kind, text in [
        ("printableString", USER),
        ("teletexString", "Z\u00fc"),
        ("bmpString", "Z\u00fc"),
        ("universalString", "Z\u00fc"),
        ("utf8String", "Zu\u0308"),
    ]:
        ok(folder, f"user-in-{kind}", token(user=(kind, text)))
    bad_for_all(folder, full)
    make_bad_user_ids(folder, full)
    make_bad_times(folder, full)
    make_bad_sets(folder, full)
    make_bad_open_types(folder, full)
    short = children(children(children(full)[0])[3])
    group_at = next(i for i, g in enumerate(short) if body(children(g)[0]) == b"group-a")
    role_path = [0, 3, group_at, 1]
    long_at = [children(role)[0][0] for role in children(children(short[group_at])[1])].index(0xA0)
    long_path = role_path + [long_at]
    bad(folder, "incomplete", "role-without-extensions", edit(full, long_path + [2], drop))
    bad(folder, "tag", "role-neither-short-nor-long", edit(full, long_path, put(tlv(0x30, tlv(0x0C, b"x")))))
    implicit = lambda app: tlv(0xA0, body(children(app)[0]))
    bad(folder, "not-der", "role-app-tagged-implicitly", edit(full, long_path + [0], implicit))
    bad(folder, "too-long", "over-16-kib", token(of_token=[extension(9, tlv(0x04, bytes(16 * 1024)))]))
    bad(folder, "length", "signature-empty", edit(full, [3], put(tlv(0x04))))
    bad(folder, "length", "signature-over-1024-bytes", edit(full, [3], put(tlv(0x04, bytes(1025)))))
    bad(folder, "tag", "signature-a-bit-string", edit(full, [3], put(tlv(0x03, b"\0\x01"))))
    bad(folder, "trailing", "two-types", tlv(0x30, *children(full), oid("1.2.3.4")))
    too_long = tlv(0x06, b"\x2a" + b"\x81" * 50 + b"\x01")
    bad(folder, "length", "type-oid-of-52-bytes", edit(full, [4], put(too_long)))
    bad(folder, "not-der", "type-oid-with-padded-arc", edit(full, [4], put(tlv(0x06, b"\x2a\x80\x01"))))


def make_bad_user_ids(folder, full):
    user = lambda kind, reason, element: bad(folder, kind, f"user-{reason}", edit(full, [0, 0], put(element)))
    user("length", "empty", tlv(0x0C))
    user("length", "of-257-characters", tlv(0x0C, b"a" * 257))
    user("length", "of-1025-bytes", tlv(0x0C, b"a" * 1025))
    user("not-der", "not-utf8", tlv(0x0C, b"a\xff"))
    user("not-der", "utf8-surrogate", tlv(0x0C, b"\xed\xa0\x80"))
    user("value", "with-nul", tlv(0x0C, b"a\0b"))
    user("value", "with-line-feed", tlv(0x0C, b"a\nb"))
    user("value", "printable-with-at-sign", tlv(0x13, b"a@b"))
    user("value", "teletex-with-escape", tlv(0x14, b"a\x1b"))
    user("value", "bmp-of-odd-length", tlv(0x1E, b"\0a\0"))
    user("value", "bmp-surrogate", tlv(0x1E, b"\xd8\x3d\xde\0"))
    user("value", "universal-of-odd-length", tlv(0x1C, b"\0\0\0"))
    user("value", "universal-beyond-unicode", tlv(0x1C, b"\0\x11\0\0"))
    user("unknown-tag", "an-ia5-string", tlv(0x16, b"abc"))


def make_bad_times(folder, full):
    for reason, kind, text in [
        ("with-fraction", "value", b"20261120120000.5Z"),
        ("without-seconds", "value", b"202611201200Z"),
        ("with-offset", "value", b"20261120120000+0100"),
        ("local", "value", b"20261120120000"),
        ("in-month-13", "value", b"20261320120000Z"),
        ("on-february-30", "value", b"20260230120000Z"),
        ("at-second-60", "value", b"20261120120060Z"),
    ]:
        bad(folder, kind, f"time-{reason}", edit(full, [0, 1], put(tlv(0x18, text))))
    bad(folder, "tag", "time-in-utctime", edit(full, [0, 1], put(tlv(0x17, b"261120120000Z"))))


def make_bad_sets(folder, full):
    reverse = lambda der: tlv(der[0], *children(der)[::-1])
    twice = lambda der: tlv(der[0], *sorted(children(der) + children(der)[:1]))
    groups = children(children(full)[0])[3]
    at = next(i for i, g in enumerate(children(groups)) if body(children(g)[0]) == b"group-a")
    for what, path in [("groups", [0, 3]), ("roles", [0, 3, at, 1]), ("extensions", [0, 4])]:
        bad(folder, "set-order", f"{what}-unsorted", edit(full, path, reverse))
        bad(folder, "set-order", f"{what}-twice-the-same", edit(full, path, twice))
    without = edit(edit(full, [0, 4], drop), [0, 3], drop)
    bad(folder, "incomplete", "groups-and-extensions-missing", without)
    bad(folder, "tag", "groups-missing", edit(full, [0, 3], drop))
    bad(folder, "value", "extensions-missing", edit(full, [0, 4], drop))
    bad(folder, "value", "group-extensions-missing", edit(full, [0, 3, at, 2], drop))
    bad(folder, "tag", "groups-a-sequence", edit(full, [0, 3], lambda der: tlv(0x30, body(der))))
    bad(folder, "not-canonical-tag", "extensions-primitive", edit(full, [0, 4], lambda der: tlv(0x80, body(der))))
    bad(folder, "value", "extensions-tagged-1", edit(full, [0, 4], lambda der: tlv(0xA1, body(der))))
    many = [{"oid": f"1.2.3.{number}", "data": b"\x05\x00"} for number in range(33)]
    bad(folder, "length", "33-extensions", token(of_token=many))
    bad(folder, "length", "257-groups", token(groups=[group(number.to_bytes(2, "big"), []) for number in range(257)]))


def make_bad_open_types(folder, full):
    data = lambda der: token_with_extension(full, der)
    nested = b""
    for _ in range(40):
        nested = tlv(0x30, nested)
    bad(folder, "depth", "extension-nested-40-deep", data(nested))
    bad(folder, "not-der", "extension-indefinite", data(b"\x30\x80\0\0"))
    bad(folder, "not-der", "extension-string-in-parts", data(tlv(0x24, tlv(0x04, b"a"))))
    bad(folder, "not-der", "extension-true-is-1", data(tlv(0x01, b"\x01")))
    bad(folder, "not-der", "extension-integer-not-shortest", data(tlv(0x02, b"\0\x7f")))
    bad(folder, "not-der", "extension-null-with-content", data(tlv(0x05, b"\0")))
    bad(folder, "not-der", "extension-tag-in-long-form", data(b"\x1f\x81\x01\x00"))
    bad(folder, "not-der", "extension-inner-length-too-long", data(tlv(0x30, b"\x04\x05a")))
    bad(folder, "incomplete", "extension-without-data", data(b""))
    bad(folder, "trailing", "extension-with-two-data", data(b"\x05\0\x05\0"))


def token_with_extension(full, data):
    one = tlv(0x30, oid("1.2.3.4"), data)
    return edit(full, [0, 4], put(tlv(0xA0, one)))


def make_claims():
    """Tokens that can be read, and what their extensions say: the folder's `bad` ones are refused when read as such."""
    folder = "claims"
    ok(folder, "all-four", token())
    ok(folder, "none", token(of_token=[]))
    ok(folder, "others-passed-over", token(of_token=[extension(99, b"\x05\0")]))
    for level in ["low", "high"]:
        ok(folder, f"level-{level}", token(of_token=[extension(3, utf8(LOA + level))]))
    one = lambda number, data: token(of_token=[extension(number, data)])
    two = lambda number, *data: token(of_token=[extension(number, each) for each in data])
    other = SPKI[:-1] + b"\xf4"
    bad(folder, "duplicate", "two-keys", two(1, SPKI, other))
    bad(folder, "duplicate", "two-scopes", two(2, utf8("a"), utf8("b")))
    bad(folder, "duplicate", "two-levels", two(3, utf8(LOA + "low"), utf8(LOA + "high")))
    bad(folder, "duplicate", "two-jtis", two(4, tlv(0x04, JTI), tlv(0x04, JTI[::-1])))
    bad(folder, "vocabulary", "level-unknown", one(3, utf8(LOA + "higher")))
    bad(folder, "vocabulary", "level-in-other-case", one(3, utf8(LOA + "High")))
    bad(folder, "tag", "level-printable", one(3, tlv(0x13, b"high")))
    bad(folder, "tag", "key-an-octet-string", one(1, tlv(0x04, SPKI)))
    bad(folder, "incomplete", "key-without-key", one(1, tlv(0x30, children(SPKI)[0])))
    bad(folder, "length", "jti-of-15-bytes", one(4, tlv(0x04, JTI[1:])))
    bad(folder, "too-long", "jti-of-17-bytes", one(4, tlv(0x04, JTI + b"\0")))
    bad(folder, "value", "scope-with-line-feed", one(2, utf8("a\nb")))


def make_sads():
    folder = "sad"
    # The sizes of server-signing.md 1.9 (608, 677 and 3976 bytes), which do not say how long the signer's name is: 26
    # letters it is, with signatures of 70 bytes, and one of 71 in the second.
    signer = split_issuer_serial(issuer_serial("Sample identity provider 1"))
    ok(folder, "1-hash", sad(digests(1), signer=signer))
    ok(folder, "3-hashes", sad(digests(3), sig=signature(33), signer=signer))
    ok(folder, "100-hashes", sad(digests(100), signer=signer))
    ok(folder, "1000-hashes-of-sha512", sad(digests(1000, 64), algorithm={"algorithm": "2.16.840.1.101.3.4.2.3"}))
    ok(folder, "same-hash-twice", sad(digests(1) * 2))
    ok(folder, "hash-of-any-size", sad([b"", bytes(31), bytes(128)]))
    ok(folder, "rsa", sad(digests(1), algorithm=RSA_SHA256, sig=b"\xa5" * 256))
    ok(folder, "pss", sad(digests(1), algorithm=pss(222)))
    ok(folder, "unknown-algorithm", sad(digests(1), algorithm={"algorithm": "1.3.14.3.2.26"}))
    ok(folder, "key-in-bmp-string", sad(digests(1), key=("bmpString", KEY)))
    good = sad(digests(2))
    bad_for_all(folder, good)
    bad(folder, "length", "no-hash", sad([]))
    bad(folder, "length", "1001-hashes", sad([b"\0"] * 1001))
    bad(folder, "length", "hash-of-129-bytes", sad([bytes(129)]))
    bad(folder, "too-long", "over-128-kib", sad([bytes(128)] * 1000))
    bad(folder, "tag", "hash-not-an-octet-string", edit(good, [0, 3, 0], put(b"\x05\0")))
    bad(folder, "incomplete", "no-hashes-field", edit(good, [0, 3], drop))
    bad(folder, "incomplete", "no-signature", edit(good, [1], drop))
    bad(folder, "length", "signature-empty", edit(good, [1], put(tlv(0x04))))
    bad(folder, "trailing", "third-field", tlv(0x30, *children(good), b"\x05\0"))
    bad(folder, "trailing", "fifth-field-in-tbs", edit(good, [0], lambda tbs: tlv(0x30, *children(tbs), b"\x05\0")))
    bad(folder, "unknown-tag", "key-an-octet-string", edit(good, [0, 1], put(tlv(0x04, b"k"))))
    unsorted = lambda der: tlv(der[0], *children(der)[::-1])
    bad(folder, "set-order", "token-extensions-unsorted", edit(good, [0, 0, 0, 4], unsorted))


def pss(salt, digest="2.16.840.1.101.3.4.2.1", mask=None, trailer=None):
    hash_algorithm = {"algorithm": digest, "parameters": b"\x05\0"}
    mask_hash = OURS.encode("AlgorithmIdentifier", {"algorithm": mask or digest, "parameters": b"\x05\0"})
    value = {
        "hashAlgorithm": hash_algorithm,
        "maskGenAlgorithm": {"algorithm": "1.2.840.113549.1.1.8", "parameters": mask_hash},
        "saltLength": salt,
    }
    if trailer is not None:
        value["trailerField"] = trailer
    return {"algorithm": "1.2.840.113549.1.1.10", "parameters": OURS.encode("PssParameters", value)}


def make_algorithms():
    folder = "algorithm"
    encode = lambda value: OURS.encode("AlgorithmIdentifier", value)
    plain = lambda dotted, parameters=None: encode(
        {"algorithm": dotted} if parameters is None else {"algorithm": dotted, "parameters": parameters}
    )
    null = b"\x05\0"
    for size, digest, rsa, ecdsa in [(256, 1, 11, 2), (384, 2, 12, 3), (512, 3, 13, 4)]:
        ok(folder, f"sha{size}", plain(f"2.16.840.1.101.3.4.2.{digest}"))
        ok(folder, f"sha{size}-null", plain(f"2.16.840.1.101.3.4.2.{digest}", null))
        ok(folder, f"rsa-sha{size}", plain(f"1.2.840.113549.1.1.{rsa}", null))
        ok(folder, f"ecdsa-sha{size}", plain(f"1.2.840.10045.4.3.{ecdsa}"))
        ok(folder, f"pss-sha{size}", encode(pss(222, f"2.16.840.1.101.3.4.2.{digest}")))
    ok(folder, "rsa-without-null", plain("1.2.840.113549.1.1.11"))
    ok(folder, "ed25519", plain("1.3.101.112"))
    ok(folder, "pss-default-salt", encode(pss(20)))
    ok(folder, "pss-no-salt", encode(pss(0)))
    # What pyHanko sends (server-signing.md 2.1).
    hanko = "3035a00f300d06096086480165030402010500a11c301a06092a864886f70d010108300d06096086480165030402010500a204020200de"
    ok(folder, "pss-of-pyhanko", plain("1.2.840.113549.1.1.10", bytes.fromhex(hanko)))
    refuse = lambda reason, der: bad(folder, "algorithm", reason, der)
    refuse("sha1", plain("1.3.14.3.2.26"))
    refuse("md5", plain("1.2.840.113549.2.5", null))
    refuse("rsa-sha1", plain("1.2.840.113549.1.1.5", null))
    refuse("ecdsa-sha1", plain("1.2.840.10045.4.1"))
    refuse("rsa-encryption", plain("1.2.840.113549.1.1.1", null))
    refuse("ecdsa-with-null", plain("1.2.840.10045.4.3.2", null))
    refuse("ed25519-with-null", plain("1.3.101.112", null))
    refuse("sha256-with-parameters", plain("2.16.840.1.101.3.4.2.1", tlv(0x04, b"a")))
    refuse("rsa-with-parameters", plain("1.2.840.113549.1.1.11", tlv(0x30)))
    refuse("pss-without-parameters", plain("1.2.840.113549.1.1.10"))
    refuse("pss-all-default", plain("1.2.840.113549.1.1.10", tlv(0x30)))
    refuse("pss-sha1", encode(pss(20, "1.3.14.3.2.26")))
    refuse("pss-other-mask-digest", encode(pss(32, mask="2.16.840.1.101.3.4.2.3")))
    refuse("pss-salt-over-990", encode(pss(991)))
    refuse("pss-trailer-written", encode(pss(32, trailer=1)))
    refuse("pss-trailer-2", encode(pss(32, trailer=2)))
    written = edit(encode(pss(32)), [1, 2], put(tlv(0xA2, tlv(0x02, b"\x14"))))
    refuse("pss-default-salt-written", written)
    refuse("pss-salt-negative", edit(encode(pss(32)), [1, 2], put(tlv(0xA2, tlv(0x02, b"\xff")))))


def make_wrapped_keys():
    folder = "wrapped-key"
    metadata = {
        "userId": USER,
        "spki": SPKI_VALUE,
        "algorithm": ECDSA_SHA256,
        "createdAt": EARLY,
        "samId": "sam1",
        "moduleKeyId": "mbk-1",
    }
    tbs = {"version": 1, "keyId": KEY, "cmWrappedKey": bytes(152), "metadata": metadata}
    sig = signature()
    encode = lambda tbs: OURS.encode(
        "WrappedKey", {"tbs": tbs, "signatureAlgorithm": ECDSA_SHA256, "signature": (sig, len(sig) * 8)}
    )
    good = encode(tbs)
    ok(folder, "p256", good)
    ok(folder, "rsa-4096-size", encode({**tbs, "cmWrappedKey": bytes(2400)}))
    bad_for_all(folder, good)
    bad(folder, "value", "version-2", encode({**tbs, "version": 2}))
    bad(folder, "length", "key-id-empty", encode({**tbs, "keyId": ""}))
    bad(folder, "length", "key-id-of-257-bytes", encode({**tbs, "keyId": "a" * 257}))
    bad(folder, "tag", "key-id-printable", edit(good, [0, 1], put(tlv(0x13, KEY.encode()))))
    bad(folder, "length", "wrapped-key-empty", encode({**tbs, "cmWrappedKey": b""}))
    bad(folder, "length", "wrapped-key-over-8-kib", encode({**tbs, "cmWrappedKey": bytes(8 * 1024 + 1)}))
    bad(folder, "too-long", "over-16-kib", encode({**tbs, "cmWrappedKey": bytes(16 * 1024)}))
    bad(folder, "trailing", "seventh-metadata-field", edit(good, [0, 3], lambda m: tlv(0x30, *children(m), b"\x05\0")))
    bad(folder, "incomplete", "no-module-key-id", edit(good, [0, 3, 5], drop))
    bad(folder, "value", "signature-with-unused-bits", edit(good, [2], put(tlv(0x03, b"\x04" + sig[:-1] + b"\xf0"))))
    bad(folder, "not-der", "signature-without-its-first-byte", edit(good, [2], put(tlv(0x03))))
    bad(folder, "length", "signature-empty", edit(good, [2], put(tlv(0x03, b"\0"))))
    bad(folder, "tag", "signature-an-octet-string", edit(good, [2], put(tlv(0x04, sig))))


def signed_public_key():
    tbs = {"keyId": KEY, "userId": USER, "spki": SPKI_VALUE, "time": EARLY}
    sig = signature()
    value = {"tbs": tbs, "signatureAlgorithm": ECDSA_SHA256, "signature": (sig, len(sig) * 8)}
    return OURS.encode("SignedPublicKey", value)


def make_signed_public_keys():
    folder = "signed-public-key"
    good = signed_public_key()
    ok(folder, "p256", good)
    bad_for_all(folder, good)
    bad(folder, "tag", "without-user-id", edit(good, [0, 1], drop))
    bad(folder, "value", "time-with-fraction", edit(good, [0, 3], put(tlv(0x18, b"20261120120000.5Z"))))
    bad(folder, "value", "user-id-with-tab", edit(good, [0, 1], put(utf8("a\tb"))))


def message_signature():
    value = {"cert": issuer_serial("Technical"), "sigAlg": ECDSA_SHA256, "signature": signature()}
    return OURS.encode("MessageSignature", value)


def peer(body, version=1, identity=JTI):
    return OURS.encode("PeerMessage", {"version": version, "id": identity, "sentAt": EARLY, "body": body})


def request(credential_type, value, message_type="Signing", message=b""):
    credential = {"type": credential_type, "value": value}
    return ("request", {"messageType": message_type, "message": message, "credential": credential})


def make_peers():
    folder = "peer"
    signing = OURS.encode("Signing", {"sad": sad(digests(1))})
    good = peer(request(f"{ARC}.5", token(of_token=[]), message=signing))
    ok(folder, "signing-with-token", good)
    users = {"userid": USER, "certificates": [bytes(500)]}
    create = OURS.encode("UserAndCertificates", users)
    ok(folder, "create-with-signature", peer(request(f"{ARC}.6", message_signature(), "Create_New_Signer", create)))
    ok(folder, "unknown-type-and-credential", peer(request("1.2.3.4", b"\x05\0", "Make_Coffee")))
    ok(folder, "ping", peer(("ping", None)))
    ok(folder, "pong", peer(("pong", None)))
    ok(folder, "result", peer(("response", ("result", OURS.encode("Void", {})))))
    refusal = {"type": "NotAuthorized", "detail": ""}
    ok(folder, "error", peer(("response", ("error", refusal))))
    ok(folder, "error-with-audit-ref", peer(("response", ("error", {**refusal, "detail": "d", "auditRef": b"\1\2"}))))
    bad_for_all(folder, good)
    bad(folder, "value", "version-2", peer(("ping", None), version=2))
    bad(folder, "value", "version-0", peer(("ping", None), version=0))
    bad(folder, "length", "id-of-15-bytes", peer(("ping", None), identity=JTI[1:]))
    bad(folder, "length", "id-of-17-bytes", peer(("ping", None), identity=JTI + b"\0"))
    bad(folder, "tag", "body-tagged-4", edit(good, [3], lambda der: tlv(0xA4, body(der))))
    bad(folder, "tag", "body-untagged", edit(good, [3], body))
    bad(folder, "incomplete", "no-body", edit(good, [3], drop))
    bad(folder, "trailing", "two-bodies", tlv(0x30, *children(good), b"\x82\0"))
    bad(folder, "trailing", "ping-with-content", edit(peer(("ping", None)), [3], put(b"\x82\1\0")))
    bad(folder, "tag", "ping-constructed", edit(peer(("ping", None)), [3], put(b"\xa2\0")))
    bad(folder, "length", "message-type-empty", peer(request("1.2.3.4", b"\x05\0", "")))
    bad(folder, "incomplete", "credential-without-value", edit(good, [3, 0, 2, 1], drop))
    bad(folder, "trailing", "request-with-fourth-field", edit(good, [3, 0], lambda r: tlv(0x30, *children(r), b"\5\0")))
    bad(folder, "overlength", "credential-over-16-kib", peer(request("1.2.3.4", tlv(0x04, bytes(16 * 1024)))))
    bad(folder, "length", "message-over-192-kib", peer(request("1.2.3.4", b"\x05\0", message=bytes(192 * 1024 + 1))))
    long = peer(("response", ("result", bytes(1101 * 1024))))
    bad(folder, "too-long", "over-1101-kib", long[:64] + bytes(len(long) - 64))
    bad(folder, "value", "error-of-unknown-type", peer(("response", ("error", {**refusal, "type": "NoIdea"}))))
    detail = {**refusal, "detail": "d" * 1025}
    bad(folder, "length", "error-detail-over-1024-bytes", peer(("response", ("error", detail))))
    bad(folder, "length", "audit-ref-empty", peer(("response", ("error", {**refusal, "auditRef": b""}))))
    result = peer(("response", ("result", b"\x30\0")))
    bad(folder, "tag", "result-tagged-implicitly", edit(result, [3, 0], put(tlv(0x80, b"\x30\0"))))
    make_message_signatures()


def make_message_signatures():
    folder = "message-signature"
    good = message_signature()
    ok(folder, "ecdsa", good)
    bad_for_all(folder, good)
    bad(folder, "length", "signature-empty", edit(good, [2], put(tlv(0x04))))
    bad(folder, "tag", "no-algorithm", edit(good, [1], drop))


def make_operations():
    users = {"userid": USER, "certificates": [bytes(500), bytes(8192)]}
    for folder in ["create-new-privileged-user", "create-new-signer", "signer-maintenance"]:
        encode = lambda value: OURS.encode("UserAndCertificates", {**users, **value})
        good = encode({})
        ok(folder, "two-certificates", good)
        ok(folder, "no-certificate", encode({"certificates": []}))
        ok(folder, "user-not-a-uuid", encode({"userid": "someone"}))
        bad_for_all(folder, good)
        bad(folder, "length", "user-empty", encode({"userid": ""}))
        bad(folder, "length", "17-certificates", encode({"certificates": [b"a"] * 17}))
        bad(folder, "length", "certificate-empty", encode({"certificates": [b""]}))
        bad(folder, "length", "certificate-over-8-kib", encode({"certificates": [bytes(8193)]}))
        bad(folder, "incomplete", "without-certificates", edit(good, [1], drop))
        bad(folder, "trailing", "third-field", tlv(0x30, *children(good), b"\5\0"))
    make_generate()
    make_other_operations()


def make_generate():
    folder = "generate-signer-key-pair"
    value = {"userid": USER, "algorithm": "EC", "parameters": ("curve", "1.2.840.10045.3.1.7")}
    encode = lambda more: OURS.encode("GenerateSignerKeyPair", {**value, **more})
    good = encode({})
    rsa = {"algorithm": "RSA", "parameters": ("bits", 3072)}
    ok(folder, "ec", good)
    ok(folder, "rsa", encode(rsa))
    ok(folder, "unknown-algorithm", encode({"algorithm": "DSA"}))
    ok(folder, "parameters-of-the-other", encode({**rsa, "algorithm": "EC"}))
    bad_for_all(folder, good)
    bad(folder, "tag", "parameters-text", edit(good, [2], put(utf8("P-256"))))
    bad(folder, "incomplete", "no-parameters", edit(good, [2], drop))
    bad(folder, "value", "bits-negative", encode({**rsa, "parameters": ("bits", -1)}))
    bad(folder, "length", "bits-over-32-bits", encode({**rsa, "parameters": ("bits", 2**32)}))
    folder = "generate-signer-key-pair-result"
    good = OURS.encode("GenerateSignerKeyPairResult", {"keyid": KEY, "publickey": signed_public_key()})
    ok(folder, "p256", good)
    bad_for_all(folder, good)
    bad(folder, "length", "key-empty", edit(good, [1], put(tlv(0x04))))


def make_other_operations():
    for folder, kind, good, more in [
        ("delete-signer-key-pair", "DeleteSignerKeyPair", {"keyid": KEY}, {}),
        ("signing", "Signing", {"sad": sad(digests(1))}, {}),
        ("signing-result", "SigningResult", {"sigbin": [signature(), signature(33)]}, {}),
        ("list-signers", "ListSigners", {"limit": 100}, {"next-page": {"limit": 1000, "after": USER}}),
        ("list-signers-result", "ListSignersResult", {"userids": [USER], "more": True}, {"empty": {"userids": [], "more": False}}),
    ]:
        ok(folder, "plain", OURS.encode(kind, good))
        for reason, value in more.items():
            ok(folder, reason, OURS.encode(kind, value))
        bad_for_all(folder, OURS.encode(kind, good))
    ok("void", "plain", OURS.encode("Void", {}))
    bad("void", "too-long", "with-content", tlv(0x30, b"\5\0"))
    bad("void", "tag", "null-instead", b"\5\0")
    bad("delete-signer-key-pair", "length", "key-id-empty", OURS.encode("DeleteSignerKeyPair", {"keyid": ""}))
    bad("signing", "length", "sad-empty", OURS.encode("Signing", {"sad": b""}))
    bad("signing-result", "length", "no-signature", OURS.encode("SigningResult", {"sigbin": []}))
    bad("list-signers", "value", "limit-0", OURS.encode("ListSigners", {"limit": 0}))
    bad("list-signers", "value", "limit-1001", OURS.encode("ListSigners", {"limit": 1001}))
    bad("list-signers-result", "not-der", "more-is-1", tlv(0x30, tlv(0x30), b"\1\1\1"))
    many = {"userids": ["a"] * 1001, "more": False}
    bad("list-signers-result", "length", "1001-users", OURS.encode("ListSignersResult", many))


def make_requests():
    """PKCS#10; `openssl req -verify` sees a real one in tests/csr.rs."""
    folder = "csr"
    usage = {"extnID": "2.5.29.15", "critical": True, "extnValue": tlv(0x03, b"\x06\x40")}
    attribute = lambda *values: {"type": "1.2.840.113549.1.9.14", "values": list(values)}
    requested = lambda *values: OURS.encode("ExtensionRequest", list(values))
    sig = signature()

    def encode(attributes, **more):
        info = {"version": 0, "subject": name("A"), "subjectPKInfo": SPKI_VALUE, "attributes": attributes, **more}
        value = {"info": info, "signatureAlgorithm": ECDSA_SHA256, "signature": (sig, len(sig) * 8)}
        return OURS.encode("CertificationRequest", value)

    good = encode([attribute(requested(usage))])
    ok(folder, "key-usage", good)
    ok(folder, "no-attributes", encode([]))
    challenge = {"type": "1.2.840.113549.1.9.7", "values": [utf8("pw")]}
    both = sort(OURS, "Attribute", [attribute(requested(usage)), challenge])
    ok(folder, "two-attributes", encode(both))
    ok(folder, "other-extension", encode([attribute(requested({**usage, "extnID": "1.2.3.4"}))]))
    bad_for_all(folder, good)
    bad(folder, "value", "version-1", encode([], version=1))
    bad(folder, "value", "attributes-missing", edit(good, [0, 3], drop))
    bad(folder, "not-canonical", "attributes-unsorted", encode(both[::-1]))
    bad(folder, "attribute", "attribute-twice", encode([attribute(requested(usage))] * 2))
    bad(folder, "attribute", "attribute-without-value", encode([{**challenge, "values": []}]))
    bad(folder, "attribute", "extension-request-without-value", encode([attribute()]))
    bad(folder, "attribute", "two-extension-requests", encode([attribute(*sorted([requested(usage), requested({**usage, "extnID": "1.2.3.4"})]))]))
    bad(folder, "attribute", "extension-request-empty", encode([attribute(requested())]))
    bad(folder, "attribute", "extension-request-not-a-sequence", encode([attribute(b"\5\0")]))
    bad(folder, "attribute", "key-usage-twice", encode([attribute(requested(usage, usage))]))
    padded = {**usage, "extnValue": tlv(0x03, b"\x05\x40")}
    bad(folder, "attribute", "key-usage-with-trailing-zero-bit", encode([attribute(requested(padded))]))
    bad(folder, "attribute", "key-usage-not-a-bit-string", encode([attribute(requested({**usage, "extnValue": b"\5\0"}))]))
    written = tlv(0x30, oid("2.5.29.15"), tlv(0x01, b"\0"), tlv(0x04, tlv(0x03, b"\x06\x40")))
    bad(folder, "attribute", "critical-false-written", encode([attribute(tlv(0x30, written))]))
    bad(folder, "value", "subject-empty", encode([], subject=[]))
    bad(folder, "too-long", "over-8-kib", encode([{**challenge, "values": [utf8("p" * 8192)]}]))


def make_keys():
    folder = "key"
    big = (1 << 2047) | 1
    rsa = lambda n, e=65537: tlv(0x30, integer(n), integer(e))
    ok(folder, "p256", SPKI)
    ok(folder, "p384", spki("1.2.840.10045.2.1", oid("1.3.132.0.34"), b"\4" + bytes(96)))
    ok(folder, "p521", spki("1.2.840.10045.2.1", oid("1.3.132.0.35"), b"\4" + bytes(132)))
    ok(folder, "rsa-2048", spki("1.2.840.113549.1.1.1", b"\5\0", rsa(big)))
    ok(folder, "rsa-1024", spki("1.2.840.113549.1.1.1", b"\5\0", rsa((1 << 1023) | 1)))
    ed25519 = tlv(0x30, tlv(0x30, oid("1.3.101.112")), tlv(0x03, b"\0", bytes(32)))
    ok(folder, "ed25519", ed25519)
    bad_for_all(folder, SPKI)
    refuse = lambda reason, der: bad(folder, "algorithm", reason, der)
    p256 = oid("1.2.840.10045.3.1.7")
    refuse("p256-compressed", spki("1.2.840.10045.2.1", p256, b"\2" + P256_G[1:33]))
    refuse("p256-point-of-another-curve", spki("1.2.840.10045.2.1", p256, b"\4" + bytes(96)))
    refuse("unknown-curve", spki("1.2.840.10045.2.1", oid("1.3.132.0.10"), P256_G))
    refuse("curve-implicit", spki("1.2.840.10045.2.1", b"\5\0", P256_G))
    refuse("rsa-without-null", edit(spki("1.2.840.113549.1.1.1", b"\5\0", rsa(big)), [0, 1], drop))
    refuse("rsa-modulus-negative", spki("1.2.840.113549.1.1.1", b"\5\0", tlv(0x30, tlv(2, b"\xff" * 256), integer(3))))
    refuse("rsa-modulus-0", spki("1.2.840.113549.1.1.1", b"\5\0", rsa(0)))
    refuse("dsa", spki("1.2.840.10040.4.1", b"\5\0", integer(5)))
    refuse("unused-bits", edit(SPKI, [1], put(tlv(0x03, b"\1" + P256_G[:-1] + b"\xf4"))))
    refuse("ed25519-with-null", edit(ed25519, [0], put(tlv(0x30, oid("1.3.101.112"), b"\5\0"))))
    too_long = spki("1.2.840.113549.1.1.1", b"\5\0", rsa(1 << (8 * 2048)))
    bad(folder, "too-long", "over-2-kib", too_long)


def integer(number):
    return tlv(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def main():
    for folder in HERE.iterdir():
        if folder.is_dir() and not folder.name.startswith("."):
            shutil.rmtree(folder)
    make_issuer_serials()
    make_tokens()
    make_claims()
    make_sads()
    make_algorithms()
    make_wrapped_keys()
    make_signed_public_keys()
    make_peers()
    make_operations()
    make_requests()
    make_keys()


if __name__ == "__main__":
    main()
