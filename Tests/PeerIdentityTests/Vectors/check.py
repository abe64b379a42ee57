# A second implementation of records, leaves, handovers, leases and names: makes the test vectors, and checks what others
# made. It shares no code with the first one.
#
#   check.py make              writes vectors.json anew (to standard output)
#   check.py check FILE        makes the vectors of FILE again and compares, then verifies each as a reader would
#   check.py verify FILE       verifies lines "kind, tab, JSON" that another implementation wrote
#
# Needs PyPI's or Debian's cryptography.
import base64
import copy
import hashlib
import hmac
import ipaddress
import json
import random
import re
import sys
import unicodedata
from urllib.parse import quote

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

P = 2**255 - 19
RECORD, LEAVE, HANDOVER = "peer-record+jwt", "peer-leave+jwt", "peer-handover+jwt"


class Refused(Exception):
    pass


def need(condition, why):
    if not condition:
        raise Refused(why)


def b64(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def unb64(text):
    need(re.fullmatch(r"[A-Za-z0-9_-]*", text), "base64url")
    octets = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)) if len(text) % 4 != 1 else None
    need(octets is not None and b64(octets) == text, "base64url")
    return octets


def canonical(value):
    # All names are ASCII and all numbers whole, so sorting by code point and Python's digits are RFC 8785.
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def public(seed):
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def jws(header, payload, seed):
    text = b64(header) + "." + b64(payload)
    return text + "." + b64(Ed25519PrivateKey.from_private_bytes(seed).sign(text.encode()))


def header(use):
    return canonical({"alg": "EdDSA", "typ": use})


def sign(use, payload, seed):
    return jws(header(use), payload if isinstance(payload, bytes) else canonical(payload), seed)


# Names


def fold(text):
    # Lower case of each code point by itself: Python's lower() of one character knows no neighbours.
    lower = "".join("\u03c3" if c == "\u03c2" else c.lower() for c in unicodedata.normalize("NFC", text))
    return unicodedata.normalize("NFC", lower.replace("\u03c2", "\u03c3"))


def script(c):
    name = unicodedata.name(c, "")
    if unicodedata.category(c)[0] != "L":
        return None
    for word in ("LATIN", "GREEK", "CYRILLIC"):
        if name.startswith((word, "FULLWIDTH " + word)):
            return word
    return None


def check_name(text):
    need(isinstance(text, str) and 1 <= len(text) <= 64 and len(text.encode()) <= 128, "length")
    need(unicodedata.normalize("NFC", text) == text, "NFC")
    marks, previous = 0, None
    for c in text:
        kind = unicodedata.category(c)
        kind = "L" if kind[0] == "L" else "M" if kind in ("Mn", "Mc") else kind if kind == "Nd" else c
        need(kind in ("L", "M", "Nd") or c in "-_. ", "character")
        need(c not in "\u115f\u1160\u3164\uffa0\u034f\ufe0f", "invisible")
        marks = marks + 1 if kind == "M" else 0
        need(kind != "M" or previous in ("L", "M"), "mark")
        need(marks <= 4, "marks")
        need(previous is not None or kind in ("L", "Nd"), "first")
        need(not (c == " " and previous == " "), "spaces")
        previous = kind
    need(previous != " ", "last")
    scripts = {script(c) for c in text} - {None}
    need("LATIN" not in scripts or scripts == {"LATIN"}, "mixed")


# Readers


def take_apart(text, use, maximum):
    need(isinstance(text, str) and len(text) <= maximum, "size")
    parts = text.split(".")
    need(len(parts) == 3, "parts")
    need(unb64(parts[0]) == header(use), "header")
    payload, signature = unb64(parts[1]), unb64(parts[2])
    need(len(signature) == 64, "signature")
    try:
        value = json.loads(payload.decode())
    except ValueError:
        raise Refused("JSON")
    need(isinstance(value, dict) and canonical(value) == payload, "canonical")
    return value, signature, (parts[0] + "." + parts[1]).encode()


def whole(value):
    need(type(value) is int and 0 <= value < 2**53, "number")
    return value


def members(value, required, optional=()):
    need(isinstance(value, dict), "object")
    need(set(required) <= set(value) <= set(required) | set(optional), "members")


def verify(key, signature, text):
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, text)
        return True
    except (InvalidSignature, ValueError):
        return False


def check_x25519(octets):
    need(len(octets) == 32, "X25519")
    try:
        X25519PrivateKey.from_private_bytes(bytes(range(32))).exchange(X25519PublicKey.from_public_bytes(octets))
    except ValueError:
        raise Refused("low order")


def is_low_order_ed25519(octets):
    # Doubles y three times: y(2P) = (y² + x²) / (2 - y² + x²) for the curve -x² + y² = 1 + d x² y².
    d = -121665 * pow(121666, P - 2, P) % P
    y = (int.from_bytes(octets, "little") & (2**255 - 1)) % P
    for _ in range(3):
        yy = y * y % P
        xx = (yy - 1) * pow(d * yy + 1, P - 2, P) % P
        y = (yy + xx) * pow(2 - yy + xx, P - 2, P) % P
    return y == 1


def check_host(host):
    try:
        if host.startswith("["):
            ipaddress.IPv6Address(host[1:-1])
            return
        last = [label for label in host.split(".") if label][-1:]
        if last and re.fullmatch(r"[0-9]+|0[xX].*", last[0]):
            ipaddress.IPv4Address(host)
    except ValueError:
        raise Refused("address")
    need(len(host) <= 253 and re.fullmatch(r"(?!-)[\w-]{1,63}(?<!-)(\.(?!-)[\w-]{1,63}(?<!-))*\.?", host, re.ASCII), "host")


def check_url(url):
    need(isinstance(url, str) and len(url) <= 2048, "URL")
    path = r"(/([!$&-;=@A-Z_a-z~]|%[0-9A-Fa-f]{2})*)*"
    match = re.fullmatch(r"[hH][tT][tT][pP][sS]?://(\[[0-9a-fA-F:.]+\]|[^][/:@]+)(:[1-9][0-9]{0,4})?" + path, url)
    need(match and int((match[2] or ":1")[1:]) < 65536, "URL")
    check_host(match[1])


def read_record(text):
    value, signature, signed = take_apart(text, RECORD, 8192)
    members(value, ["cnf", "enc", "exp", "iat", "seq", "sub", "ttl", "url"], ["prev"])
    members(value["cnf"], ["jwk"])
    members(value["cnf"]["jwk"], ["crv", "kty", "x"])
    need(value["cnf"]["jwk"]["crv"] == "Ed25519" and value["cnf"]["jwk"]["kty"] == "OKP", "key type")
    key = unb64(value["cnf"]["jwk"]["x"])
    need(len(key) == 32 and not is_low_order_ed25519(key), "key")
    members(value["enc"], ["1"], ["2"])
    check_x25519(unb64(value["enc"]["1"]))
    if "2" in value["enc"]:
        wing = unb64(value["enc"]["2"])
        need(len(wing) == 1216, "X-Wing")
        bits = int.from_bytes(wing[:1152], "little")
        need(all((bits >> 12 * i) & 0xFFF < 3329 for i in range(768)), "ML-KEM")
        check_x25519(wing[1184:])
    need(0 < whole(value["exp"]) - whole(value["iat"]) <= 86400, "times")
    whole(value["seq"])
    need(2 <= whole(value["ttl"]) <= 3600, "ttl")
    check_name(value["sub"])
    check_url(value["url"])
    if "prev" in value:
        handover, _, _ = read_handover(value["prev"])
        need(handover["sub"] == value["sub"] and handover["x"] == value["cnf"]["jwk"]["x"], "prev")
    return value, verify(key, signature, signed)


def read_leave(text):
    value, signature, signed = take_apart(text, LEAVE, 1024)
    members(value, ["exp", "seq", "sub"])
    whole(value["exp"]), whole(value["seq"]), check_name(value["sub"])
    return value, signature, signed


def read_handover(text):
    value, signature, signed = take_apart(text, HANDOVER, 1024)
    members(value, ["seq", "sub", "x"])
    need(len(unb64(value["x"])) == 32, "key")
    whole(value["seq"]), check_name(value["sub"])
    return value, signature, signed


# Leases


def mac(key, *parts):
    return hmac.new(key, b"".join(parts), hashlib.sha256).digest()


def lease(secret, name, key, seq):
    return mac(secret, b"lease\0", fold(name).encode(), b"\0", key, seq.to_bytes(8, "big"))


def renewal(lease_key, name, seq, n):
    code = mac(lease_key, b"renew\0", fold(name).encode(), b"\0", seq.to_bytes(8, "big"), n.to_bytes(8, "big"))
    return f"{seq}.{n}.{b64(code)}"


# Vectors

ALICE, OLD = bytes(range(32)), bytes(range(100, 132))
IAT = 1_800_000_000


def x25519(first):
    private = X25519PrivateKey.from_private_bytes(bytes((first + i) % 256 for i in range(32)))
    return private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def xwing():
    numbers = random.Random(1216)
    bits = sum(numbers.randrange(3329) << 12 * i for i in range(768))
    return bits.to_bytes(1152, "little") + bytes(range(32)) + x25519(77)


def base_payload(**changes):
    payload = {
        "cnf": {"jwk": {"crv": "Ed25519", "kty": "OKP", "x": b64(public(ALICE))}},
        "enc": {"1": b64(x25519(50))},
        "exp": IAT + 3600,
        "iat": IAT,
        "seq": 7,
        "sub": "Alice",
        "ttl": 30,
        "url": "http://127.0.0.1:8081/",
    }
    payload.update(changes)
    return payload


def handover(**changes):
    payload = {"seq": 6, "sub": "Alice", "x": b64(public(ALICE))}
    payload.update(changes)
    return sign(HANDOVER, payload, OLD)


def low_order():
    eight = "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"
    other = "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"
    points = [n.to_bytes(32, "little") for n in (0, 1, P - 1, P, P + 1)] + [bytes.fromhex(eight), bytes.fromhex(other)]
    return points + [point[:31] + bytes([point[31] | 0x80]) for point in points]


def low_order_signing():
    eight = "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"
    other = "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"
    points = [n.to_bytes(32, "little") for n in (0, 1, P - 1, P, P + 1)] + [bytes.fromhex(eight), bytes.fromhex(other)]
    return points + [point[:31] + bytes([point[31] | 0x80]) for point in points]


def records():
    both = {"1": b64(x25519(50)), "2": b64(xwing())}
    return {
        "suite 1": base_payload(),
        "both suites": base_payload(enc=both),
        "a handover": base_payload(prev=handover()),
        "everything at once": base_payload(enc=both, prev=handover()),
        "the longest lifetime": base_payload(exp=IAT + 86400),
        "the shortest lifetime": base_payload(exp=IAT + 1),
        "the shortest ttl": base_payload(ttl=2),
        "the longest ttl": base_payload(ttl=3600),
        "seq 0": base_payload(seq=0),
        "the highest seq": base_payload(seq=2**53 - 1),
        "the longest URL": base_payload(url="https://example.org/" + "a" * 2028),
        "a name of 128 octets": base_payload(sub="\u00e9" * 64),
        "a name in Devanagari": base_payload(sub="\u0928\u092e\u0938\u094d\u0924\u0947 1"),
        "an IPv6 URL": base_payload(url="https://[2001:db8::1]:8443"),
    }


def refused_records():
    good = canonical(base_payload())
    text = sign(RECORD, good, ALICE)
    parts = text.split(".")

    def swap(old, new):
        assert good.count(old) == 1, old
        return sign(RECORD, good.replace(old, new), ALICE)

    def changed(**changes):
        return sign(RECORD, base_payload(**changes), ALICE)

    def without(name):
        payload = base_payload()
        del payload[name]
        return sign(RECORD, payload, ALICE)

    def nested(path, value):
        payload = copy.deepcopy(base_payload())
        place = payload
        for name in path[:-1]:
            place = place[name]
        place[path[-1]] = value
        return sign(RECORD, payload, ALICE)

    wing = xwing()
    cases = {
        "malformed": {
            "nothing": "",
            "a dot": ".",
            "two parts": parts[0] + "." + parts[1],
            "four parts": text + ".",
            "a line feed behind it": text + "\n",
            "a space before it": " " + text,
            "padding behind the header": parts[0] + "=." + parts[1] + "." + parts[2],
            "padding behind the payload": parts[0] + "." + parts[1] + "=." + parts[2],
            "padding behind the signature": text + "==",
            "a signature of 63 octets": ".".join(parts[:2] + [b64(bytes(63))]),
            "a signature of 65 octets": ".".join(parts[:2] + [b64(bytes(65))]),
            "bits behind the signature": text[:-1] + chr(ord(text[-1]) + 1),
            "another alphabet": parts[0] + "." + parts[1][:-2] + "+/." + parts[2],
            "no signature": parts[0] + "." + parts[1] + ".",
            "alg none": jws(b'{"alg":"none","typ":"peer-record+jwt"}', good, ALICE),
            "alg HS256": jws(b'{"alg":"HS256","typ":"peer-record+jwt"}', good, ALICE),
            "no typ": jws(b'{"alg":"EdDSA"}', good, ALICE),
            "typ of a leave": sign(LEAVE, good, ALICE),
            "typ in capitals": jws(b'{"alg":"EdDSA","typ":"Peer-Record+jwt"}', good, ALICE),
            "header members in another order": jws(b'{"typ":"peer-record+jwt","alg":"EdDSA"}', good, ALICE),
            "a space in the header": jws(b'{"alg": "EdDSA","typ":"peer-record+jwt"}', good, ALICE),
            "a third header member": jws(b'{"alg":"EdDSA","kid":"1","typ":"peer-record+jwt"}', good, ALICE),
            "seq 2^53": changed(seq=2**53),
            "seq 2^64": changed(seq=2**64),
            "seq of twenty digits": changed(seq=10**20 - 1),
            "seq below zero": changed(seq=-1),
            "seq with a leading zero": swap(b'"seq":7', b'"seq":07'),
            "a space behind a colon": swap(b'"seq":7', b'"seq": 7'),
            "seq as a string": changed(seq="7"),
            "seq true": changed(seq=True),
            "seq null": changed(seq=None),
            "exp before iat": changed(exp=IAT - 1),
            "exp at iat": changed(exp=IAT),
            "a lifetime of a day and a second": changed(exp=IAT + 86401),
            "exp of 2^53": changed(exp=2**53, iat=2**53 - 1),
            "ttl 0": changed(ttl=0),
            "ttl 1": changed(ttl=1),
            "ttl 3601": changed(ttl=3601),
            "a name that is not UTF-8": swap(b'"Alice"', b'"Alic\xff"'),
            "a name with a surrogate": swap(b'"Alice"', b'"Alic\xed\xa0\x80"'),
            "prev of another name": changed(prev=handover(sub="Bob")),
            "prev of the name in other letters": changed(prev=handover(sub="ALICE")),
            "prev to another key": changed(prev=handover(x=b64(public(OLD)))),
            "prev is a leave": changed(prev=sign(LEAVE, {"exp": IAT, "seq": 1, "sub": "Alice"}, OLD)),
            "prev is a record": changed(prev=sign(RECORD, base_payload(), OLD)[:1000]),
            "prev empty": changed(prev=""),
        },
        "tooLarge": {
            "8,193 octets": parts[0] + "." + "A" * (8193 - 2 - len(parts[0]) - 86) + "." + "A" * 86,
            "prev of 1,025 octets": changed(prev=handover().rjust(1025, "A")),
        },
        "notCanonical": {
            "no object": sign(RECORD, b"[]", ALICE),
            "an empty object": sign(RECORD, b"{}", ALICE),
            "a space before the payload": sign(RECORD, b" " + good, ALICE),
            "a space behind the payload": sign(RECORD, good + b" ", ALICE),
            "members in another order": swap(b'"exp":1800003600,"iat":1800000000', b'"iat":1800000000,"exp":1800003600'),
            "a fraction": swap(b'"seq":7', b'"seq":7.0'),
            "an exponent": swap(b'"seq":7', b'"seq":7e0'),
            "an escaped letter": swap(b"Alice", b"\\u0041lice"),
            "an escaped slash": swap(b"http://127", b"http:\\/\\/127"),
            "an escaped name": swap(b'"sub"', b'"s\\u0075b"'),
            "a member twice": swap(b'"seq":7', b'"seq":7,"seq":7'),
            "one more member": changed(aud="x"),
            "one more member at the end": changed(zzz=1),
            "one more key member": nested(["cnf", "jwk", "kid"], "1"),
            "cnf with one more member": nested(["cnf", "kid"], "1"),
            "a third suite": nested(["enc", "3"], "AAAA"),
            "no suite": changed(enc={}),
            "another curve": nested(["cnf", "jwk", "crv"], "Ed448"),
            "another key type": nested(["cnf", "jwk", "kty"], "EC"),
            "prev null": changed(prev=None),
            "ttl as a string": swap(b'"ttl":30', b'"ttl":30.5'),
            "a line feed in a name": swap(b"Alice", b"Ali\nce"),
        }
        | {f"without {name}": without(name) for name in base_payload()},
        "badKey": {
            "a key of 31 octets": nested(["cnf", "jwk", "x"], b64(bytes(31))),
            "a key of 33 octets": nested(["cnf", "jwk", "x"], b64(bytes(33))),
            "a key with padding": nested(["cnf", "jwk", "x"], b64(public(ALICE)) + "="),
            "a key with bits behind it": nested(["cnf", "jwk", "x"], b64(public(ALICE))[:-1] + "h"),
            "an X25519 key of 31 octets": nested(["enc", "1"], b64(x25519(50)[:31])),
            "an empty X25519 key": nested(["enc", "1"], ""),
            "an X-Wing key of 1,215 octets": nested(["enc", "2"], b64(wing[:1215])),
            "an X-Wing key of 1,217 octets": nested(["enc", "2"], b64(wing + b"\0")),
            "an ML-KEM coefficient of q": nested(["enc", "2"], b64(b"\x01\x0d" + wing[2:])),
            "the last ML-KEM coefficient of 4095": nested(["enc", "2"], b64(wing[:1150] + b"\xff\xff" + wing[1152:])),
            "an X-Wing key whose X25519 half is of low order": nested(["enc", "2"], b64(wing[:1184] + low_order()[5])),
        }
        | {f"X25519 key of low order {i}": nested(["enc", "1"], b64(point)) for i, point in enumerate(low_order())}
        | {
            f"Ed25519 key of low order {i}": nested(["cnf", "jwk", "x"], b64(point))
            for i, point in enumerate(low_order_signing())
        },
        "badIdentifier": {
            "no name": changed(sub=""),
            "a name that is not NFC": changed(sub="Andre\u0301"),
            "a name that mixes alphabets": changed(sub="\u0410lice"),
            "a name of 65 characters": changed(sub="a" * 65),
        },
        "badURL": {
            "another scheme": changed(url="ftp://127.0.0.1/"),
            "credentials": changed(url="http://a:b@127.0.0.1/"),
            "a query": changed(url="http://127.0.0.1/?a"),
            "a fragment": changed(url="http://127.0.0.1/#a"),
            "a URL of 2,049 octets": changed(url="https://example.org/" + "a" * 2029),
            "no URL": changed(url=""),
        },
    }
    return cases


NAMES = [
    "Alice", "a", "7", "A-b_c.d", "a b c", "a" * 64, "\u00e9" * 64, "Andr\u00e9", "\u0391\u03a3", "\u0391\u03c2",
    "\u041f\u0435\u0442\u044f", "\u0391\u0411", "\u0928\u092e\u0938\u094d\u0924\u0947", "\u5f20\u4f1f", "\u0130stanbul", "STRA\u00dfE",
    "\u0e19\u0e49\u0e33", "\ud55c\uad6d\uc5b4", "\u0661\u0662", "\u00c5ngstr\u00f6m", "\u1e9e", "x.", "a-", "Jos\u00e9 \u00c1ngel", "\u01c5",
]
NO_NAMES = [
    "", " ", " a", "a ", "a  b", "-a", "_a", ".a", ".", "..", "a" * 65, "\u00e9" * 64 + "a", "\u20ac", "a@b", "a/b", "a:b",
    "a,b", "a\tb", "a\nb", "a\x00", "a\x7f", "a\u00a0b", "Andre\u0301", "\u212b", "\u0410lice", "Alic\u0435", "\u0391lice",
    "a\u03c9", "\U0001f600", "a\u200bb", "a\u200d", "\u202ea", "\u0301a", "1\u0301", "a\u0323\u0323\u0323\u0323\u0323", "a-\u0301",
    "\u3164", "\u115f", "a\u034f", "a\ufe0f", "\u2160", "\u00bd", "a'b", "\u2460", "\uff21\u0410", "a\ufb33",
]


def make():
    result = {"identities": {"alice": ALICE.hex(), "old": OLD.hex()}, "iat": IAT}
    result["records"] = [
        {"name": name, "payload": payload, "compact": sign(RECORD, payload, ALICE)} for name, payload in records().items()
    ]
    result["refusedRecords"] = [
        {"name": name, "code": code, "compact": text}
        for code, cases in refused_records().items()
        for name, text in cases.items()
    ]
    good = sign(RECORD, base_payload(), ALICE)
    flipped = bytearray(unb64(good.split(".")[2]))
    flipped[0] ^= 1
    order = 2**252 + 27742317777372353535851937790883648493
    signature = unb64(good.split(".")[2])
    high = (int.from_bytes(signature[32:], "little") + order).to_bytes(32, "little")
    result["forgedRecords"] = [
        {"name": "signed by another key", "compact": sign(RECORD, base_payload(), OLD)},
        {"name": "a bit of the signature", "compact": good[:-86] + b64(bytes(flipped))},
        {"name": "S not reduced (RFC 8032 section 5.1.7)", "compact": good[:-86] + b64(signature[:32] + high)},
        {"name": "an empty signature", "compact": good[:-86] + b64(bytes(64))},
        {"name": "another payload", "compact": sign(RECORD, base_payload(seq=8), ALICE)[:-86] + good[-86:]},
        {"name": "a key that is no point", "compact": sign(RECORD, base_payload(
            cnf={"jwk": {"crv": "Ed25519", "kty": "OKP", "x": b64(b"\x02" + bytes(31))}}), ALICE)},
    ]
    leave = {"exp": IAT + 60, "seq": 7, "sub": "Alice"}
    result["leaves"] = [
        {"payload": payload, "compact": sign(LEAVE, payload, ALICE)}
        for payload in (leave, leave | {"seq": 2**53 - 1, "exp": 0}, leave | {"sub": "\u00e9" * 64})
    ]
    result["refusedLeaves"] = [
        sign(HANDOVER, leave, ALICE), sign(LEAVE, leave | {"a": 1}, ALICE), sign(LEAVE, leave | {"z": 1}, ALICE),
        sign(LEAVE, leave | {"seq": 2**53}, ALICE), sign(LEAVE, leave | {"sub": "a  b"}, ALICE),
        sign(LEAVE, {"exp": 1, "seq": 1}, ALICE), sign(LEAVE, b'{"seq":7,"exp":1,"sub":"Alice"}', ALICE),
        sign(LEAVE, canonical(leave) + b"\n", ALICE), sign(LEAVE, leave, ALICE) + "=", "",
        sign(LEAVE, leave, ALICE).rjust(1025, "A"), sign(RECORD, base_payload(), ALICE),
    ]
    result["handovers"] = [{"payload": {"seq": 6, "sub": "Alice", "x": b64(public(ALICE))}, "compact": handover()}]
    result["refusedHandovers"] = [
        handover(a=1), handover(y=1), handover(seq=-1), handover(seq=2**53), handover(x=b64(bytes(31))), handover(x=""),
        handover(sub="-"), sign(LEAVE, leave, OLD), handover() + ".", handover()[1:],
        sign(HANDOVER, b'{"seq":6,"sub":"Alice", "x":"' + b64(public(ALICE)).encode() + b'"}', OLD),
    ]
    secret = bytes(range(200, 232))
    result["leases"] = []
    for name, seq, n in (("Alice", 7, 1), ("aLICE", 7, 1), ("\u00c9ric", 0, 2**64 - 1), ("\u0391\u03a3", 2**53 - 1, 0)):
        key = lease(secret, name, public(ALICE), seq)
        result["leases"].append({
            "secret": secret.hex(), "id": name, "seq": seq, "n": str(n), "key": b64(public(ALICE)),
            "lease": b64(key), "renewal": renewal(key, name, seq, n),
        })
    good = result["leases"][0]["renewal"]
    code = good.split(".")[2]
    result["refusedRenewals"] = [
        "", ".", "..", good + "=", good + ".", " " + good, good + " ", "0" + good, "7.01." + code, "+7.1." + code,
        "7.-1." + code, "7.1." + code[:-1], "7.1." + code + "A", f"{2**53}.1." + code, f"7.{2**64}." + code,
        "7.99999999999999999999." + code, "7..1." + code, ".1." + code, "7.." + code, "7.1.", "7,1," + code,
        "7.1." + code[:-1] + chr(ord(code[-1]) + 1), "7.1.a." + code, "7.1." + code.replace("-", "+")[:42] + "*",
    ]
    result["names"] = [{"text": name, "folded": fold(name), "path": quote(name, safe="")} for name in NAMES]
    result["refusedNames"] = NO_NAMES
    return result


def accepted(function, text):
    try:
        function(text)
        return True
    except Refused:
        return False


def check(vectors):
    again = json.loads(json.dumps(make()))
    need(vectors == again, "vectors.json is not what `make` writes")
    count = 0
    for record in vectors["records"]:
        value, valid = read_record(record["compact"])
        need(valid and value == record["payload"], record["name"])
        count += 1
    for record in vectors["refusedRecords"]:
        need(not accepted(read_record, record["compact"]), "accepted: " + record["name"])
        count += 1
    for record in vectors["forgedRecords"]:
        need(not read_record(record["compact"])[1], "valid: " + record["name"])
        count += 1
    for read, good, bad in ((read_leave, "leaves", "refusedLeaves"), (read_handover, "handovers", "refusedHandovers")):
        key = public(ALICE if good == "leaves" else OLD)
        for statement in vectors[good]:
            value, signature, signed = read(statement["compact"])
            need(value == statement["payload"] and verify(key, signature, signed), good)
            count += 1
        for text in vectors[bad]:
            need(not accepted(read, text), f"accepted: {text}")
            count += 1
    for name in vectors["names"]:
        check_name(name["text"])
    for name in vectors["refusedNames"]:
        need(not accepted(check_name, name), f"accepted: {name!r}")
    for point in low_order():
        need(not accepted(check_x25519, point), point.hex())
    need(all(is_low_order_ed25519(point) for point in low_order_signing()), "low order")
    need(not is_low_order_ed25519(public(ALICE)), "not of low order")
    print(count + len(vectors["names"] + vectors["refusedNames"]) + len(vectors["leases"]), "vectors agree")


def verify_lines(lines):
    count = 0
    for line in lines:
        kind, _, text = line.rstrip("\n").partition("\t")
        value = json.loads(text)
        if kind == "record":
            record, valid = read_record(value["compact"])
            need(valid and record["sub"] == value["sub"] and record["seq"] == value["seq"], text)
            need(record["url"] == value["url"] and record["ttl"] == value["ttl"], text)
            # The same key signs the same text alike, so the whole must come out the same.
            need(sign(RECORD, record, bytes.fromhex(value["seed"])) == value["compact"], text)
        elif kind == "refused":
            need(not accepted(read_record, value["compact"]), "accepted here: " + text)
        elif kind == "accepted":
            read_record(value["compact"])
        elif kind == "leave":
            _, signature, signed = read_leave(value["compact"])
            need(verify(public(bytes.fromhex(value["seed"])), signature, signed), text)
        elif kind == "handover":
            _, signature, signed = read_handover(value["compact"])
            need(verify(public(bytes.fromhex(value["seed"])), signature, signed), text)
        elif kind == "renewal":
            seq, n, _ = value["renewal"].split(".")
            key = lease(bytes.fromhex(value["secret"]), value["id"], unb64(value["key"]), int(seq))
            need(b64(key) == value["lease"] and renewal(key, value["id"], int(seq), int(n)) == value["renewal"], text)
        else:
            raise Refused(kind)
        count += 1
    need(count, "no lines")
    print(count, "lines agree")


def main():
    try:
        if sys.argv[1] == "make":
            json.dump(make(), sys.stdout, indent=1)
            print()
        elif sys.argv[1] == "check":
            check(json.load(open(sys.argv[2], encoding="utf-8")))
        else:
            verify_lines(open(sys.argv[2], encoding="utf-8"))
    except Refused as refusal:
        sys.exit(f"not as it should be: {refusal}")


main()
