# A second implementation of the sealed message, to make test vectors with and to check the first one against.
#
# Needs cryptography of any version that has X25519, Ed25519 and ChaCha20Poly1305 (Debian: python3-cryptography).
#
#   sealing.py vectors        writes the vectors: keep the output as sealing.json
#   sealing.py jobs FILE      reads [{"do": "seal" or "open", ...}] there, writes what came of each

import hashlib
import hmac
import json
import sys
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

sys.path.insert(0, str(Path(__file__).parent))
import mlkem768

INFO, RECEIPT, SIGNED = b"waystation-sealed-1", b"waystation-receipt-1", b"waystation-signed-1\0"
X25519, XWING = 1, 2
KEM = {X25519: 0x0020, XWING: 0x647A}
ENC_COUNT = {X25519: 32, XWING: 1120}


def big(value, count):
    return value.to_bytes(count, "big")


def raw(public_key):
    return public_key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


# HKDF-SHA256 and HPKE's labels (RFC 5869, RFC 9180 section 4).


def extract(salt, key):
    return hmac.digest(salt, key, "sha256")


def expand(key, info, count):
    octets, block = b"", b""
    while len(octets) < count:
        block = hmac.digest(key, block + info + bytes([len(octets) // 32 + 1]), "sha256")
        octets += block
    return octets[:count]


def labeled_extract(suite_id, salt, label, key):
    return extract(salt, b"HPKE-v1" + suite_id + label + key)


def labeled_expand(suite_id, key, label, info, count):
    return expand(key, big(count, 2) + b"HPKE-v1" + suite_id + label + info, count)


# The two key encapsulations: RFC 9180 section 4.1, draft-connolly-cfrg-xwing-kem.


def x25519(private, public):
    return X25519PrivateKey.from_private_bytes(private).exchange(X25519PublicKey.from_public_bytes(public))


def x25519_public(private):
    return raw(X25519PrivateKey.from_private_bytes(private).public_key())


def dhkem_secret(agreed, enc, public):
    suite_id = b"KEM" + big(KEM[X25519], 2)
    return labeled_expand(
        suite_id, labeled_extract(suite_id, b"", b"eae_prk", agreed), b"shared_secret", enc + public, 32
    )


def xwing_keys(seed):
    expanded = hashlib.shake_256(seed).digest(96)
    public, private = mlkem768.key_pair(expanded[:32], expanded[32:64])
    return public + x25519_public(expanded[64:]), private, expanded[64:]


def xwing_secret(first, second, point, public):
    return hashlib.sha3_256(first + second + point + public[1184:] + rb"\.//^" + b"\\").digest()


def public_key(suite, private):
    return x25519_public(private) if suite == X25519 else xwing_keys(private)[0]


def encapsulate(suite, public, ephemeral):
    if suite == X25519:
        enc = x25519_public(ephemeral)
        return dhkem_secret(x25519(ephemeral, public), enc, public), enc
    first, ciphertext = mlkem768.encapsulate(public[:1184], ephemeral[:32])
    point = x25519_public(ephemeral[32:])
    return xwing_secret(first, x25519(ephemeral[32:], public[1184:]), point, public), ciphertext + point


def decapsulate(suite, private, enc):
    if suite == X25519:
        return dhkem_secret(x25519(private, enc), enc, x25519_public(private))
    public, first_key, second_key = xwing_keys(private)
    first = mlkem768.decapsulate(first_key, enc[:1088])
    return xwing_secret(first, x25519(second_key, enc[1088:]), enc[1088:], public)


def key_schedule(suite, secret):
    """RFC 9180 section 5.1, base mode: key, nonce, exporter secret, export."""
    suite_id = b"HPKE" + big(KEM[suite], 2) + big(1, 2) + big(3, 2)
    context = (
        b"\0" + labeled_extract(suite_id, b"", b"psk_id_hash", b"") + labeled_extract(suite_id, b"", b"info_hash", INFO)
    )
    top = labeled_extract(suite_id, secret, b"secret", b"")
    exporter = labeled_expand(suite_id, top, b"exp", context, 32)
    return (
        labeled_expand(suite_id, top, b"key", context, 32),
        labeled_expand(suite_id, top, b"base_nonce", context, 12),
        exporter,
        labeled_expand(suite_id, exporter, b"sec", RECEIPT, 32),
    )


# The message.


def encode_inner(envelope):
    sender, recipient = envelope["from"].encode(), envelope["to"].encode()
    record = bytes.fromhex(envelope["record"])
    inner = big(len(sender), 1) + sender + big(len(recipient), 1) + recipient
    inner += bytes.fromhex(envelope["stream"]) + big(len(record), 2) + record + big(len(envelope["messages"]), 1)
    for message in envelope["messages"]:
        text = message["text"].encode()
        inner += big(message["sequence"], 8) + big(message["milliseconds"], 8) + b"\1" + big(len(text), 2) + text
    size = 256
    while size < 96 + len(inner):
        size *= 2
    return inner + bytes(size - 96 - len(inner))


def decode_inner(inner):
    position = 0

    def take(count):
        nonlocal position
        position += count
        assert position <= len(inner)
        return inner[position - count : position]

    number = lambda count: int.from_bytes(take(count), "big")
    envelope = {"from": take(number(1)).decode(), "to": take(number(1)).decode(), "stream": take(16).hex()}
    envelope["record"], envelope["messages"] = take(number(2)).hex(), []
    for _ in range(number(1)):
        message = {"sequence": number(8), "milliseconds": number(8)}
        assert number(1) == 1
        envelope["messages"].append({**message, "text": take(number(2)).decode()})
    assert not any(inner[position:])
    return envelope


def seal(job):
    """Every field of a sealed body on the way from an envelope to its octets."""
    suite, ephemeral = job["suite"], bytes.fromhex(job["ephemeral"])
    sender = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(job["senderKey"]))
    sender_public, recipient = raw(sender.public_key()), bytes.fromhex(job["recipient"])
    public = bytes.fromhex(job["sealingPublicKey"])
    key_id = hashlib.sha256(public).digest()[:8]
    header = bytes([1, suite]) + key_id
    secret, enc = encapsulate(suite, public, ephemeral)
    key, nonce, exporter, receipt_key = key_schedule(suite, secret)
    inner = encode_inner(job["envelope"])
    signed = SIGNED + header + enc + recipient + sender_public + inner
    signature = sender.sign(signed)
    plain = signature + sender_public + inner
    ciphertext = ChaCha20Poly1305(key).encrypt(nonce, plain, header + recipient)
    highest = big(job["envelope"]["messages"][-1]["sequence"], 8)
    receipt = highest + hmac.digest(receipt_key, highest, "sha256")
    fields = {
        "sender": sender_public, "keyID": key_id, "header": header, "encapsulated": enc, "sharedSecret": secret,
        "key": key, "nonce": nonce, "exporterSecret": exporter, "receiptKey": receipt_key,
        "authenticated": header + recipient, "inner": inner, "signed": signed, "signature": signature,
        "plain": plain, "ciphertext": ciphertext, "body": header + enc + ciphertext, "receipt": receipt,
    }  # fmt: skip
    return {name: octets.hex() for name, octets in fields.items()}


def unseal(job):
    """What a sealed body says and who signed it; throws if anything is wrong."""
    body, recipient = bytes.fromhex(job["body"]), bytes.fromhex(job["recipient"])
    suite, private = body[1], bytes.fromhex(job["sealingKey"])
    header, enc, ciphertext = body[:10], body[10 : 10 + ENC_COUNT[suite]], body[10 + ENC_COUNT[suite] :]
    assert header == bytes([1, suite]) + hashlib.sha256(public_key(suite, private)).digest()[:8]
    key, nonce, _, receipt_key = key_schedule(suite, decapsulate(suite, private, enc))
    plain = ChaCha20Poly1305(key).decrypt(nonce, ciphertext, header + recipient)
    assert len(plain) in [256 << k for k in range(8)]
    signature, sender, inner = plain[:64], plain[64:96], plain[96:]
    Ed25519PublicKey.from_public_bytes(sender).verify(signature, SIGNED + header + enc + recipient + sender + inner)
    envelope = decode_inner(inner)
    highest = big(envelope["messages"][-1]["sequence"], 8)
    receipt = highest + hmac.digest(receipt_key, highest, "sha256")
    return {"sender": sender.hex(), "envelope": envelope, "receipt": receipt.hex()}


def vectors():
    seed = lambda text, count=32: hashlib.shake_256(b"waystation vector " + text.encode()).digest(count)
    recipient_key = seed("recipient")
    recipient = raw(Ed25519PrivateKey.from_private_bytes(recipient_key).public_key())
    long = [
        {"sequence": 2**40 + i, "milliseconds": 1763700000000 + i, "text": f"Nachricht {i}: Grüße, 你好, 👋🏽"}
        for i in range(64)
    ]
    cases = [
        ("one short message", X25519, "Bob", "", [{"sequence": 1, "milliseconds": 0, "text": "Hello Alice!!"}]),
        ("64 messages with a record", X25519, "Zoë", "a1" * 560, long),
        ("one short message", XWING, "Bob", "", [{"sequence": 1, "milliseconds": 0, "text": "Hello Alice!!"}]),
        ("two messages from the middle", XWING, "Zoë", "", long[5:7]),
    ]
    found = []
    for number, (name, suite, sender, record, messages) in enumerate(cases):
        private = seed(f"sealing key {suite}")
        job = {
            "name": f"suite {suite}, {name}", "suite": suite, "recipientKey": recipient_key.hex(),
            "recipient": recipient.hex(), "senderKey": seed("sender").hex(), "sealingKey": private.hex(),
            "sealingPublicKey": public_key(suite, private).hex(),
            "ephemeral": seed(f"ephemeral {number}", 32 * suite).hex(),
            "envelope": {
                "from": sender, "to": "Alice", "stream": seed("stream", 16).hex(), "record": record,
                "messages": messages,
            },
        }  # fmt: skip
        vector = {**job, **seal(job)}
        assert unseal(vector)["envelope"] == vector["envelope"]
        found.append(vector)
    return found


def outcome(job):
    try:
        return seal(job) if job["do"] == "seal" else unseal(job)
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


if __name__ == "__main__":
    if sys.argv[1:] == ["vectors"]:
        print(json.dumps(vectors(), indent=1, ensure_ascii=False))
    else:
        print(json.dumps([outcome(job) for job in json.loads(Path(sys.argv[2]).read_text())]))
