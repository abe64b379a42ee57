# ML-KEM-768 (FIPS 203) in plain Python: slow, not constant in time, for test vectors only.

from hashlib import sha3_256, sha3_512, shake_128, shake_256

Q, K, DU, DV = 3329, 3, 10, 4


def reversed_bits(value):
    return int(f"{value:07b}"[::-1], 2)


ZETAS = [pow(17, reversed_bits(i), Q) for i in range(128)]
GAMMAS = [pow(17, 2 * reversed_bits(i) + 1, Q) for i in range(128)]


def ntt(f):
    f, k, length = list(f), 1, 128
    while length >= 2:
        for start in range(0, 256, 2 * length):
            zeta, k = ZETAS[k], k + 1
            for j in range(start, start + length):
                t = zeta * f[j + length] % Q
                f[j + length], f[j] = (f[j] - t) % Q, (f[j] + t) % Q
        length //= 2
    return f


def inverse_ntt(f):
    f, k, length = list(f), 127, 2
    while length <= 128:
        for start in range(0, 256, 2 * length):
            zeta, k = ZETAS[k], k - 1
            for j in range(start, start + length):
                t = f[j]
                f[j], f[j + length] = (t + f[j + length]) % Q, zeta * (f[j + length] - t) % Q
        length *= 2
    return [x * 3303 % Q for x in f]


def times(f, g):
    h = [0] * 256
    for i, gamma in enumerate(GAMMAS):
        a0, a1, b0, b1 = f[2 * i], f[2 * i + 1], g[2 * i], g[2 * i + 1]
        h[2 * i], h[2 * i + 1] = (a0 * b0 + a1 * b1 * gamma) % Q, (a0 * b1 + a1 * b0) % Q
    return h


def plus(*polynomials):
    return [sum(c) % Q for c in zip(*polynomials)]


def encode(f, d):
    bits = 0
    for i, c in enumerate(f):
        bits |= c << (i * d)
    return bits.to_bytes(32 * d, "little")


def decode(octets, d):
    bits = int.from_bytes(octets, "little")
    return [bits >> (i * d) & ((1 << d) - 1) for i in range(256)]


def compress(f, d):
    return [((c << (d + 1)) + Q) // (2 * Q) % (1 << d) for c in f]


def decompress(f, d):
    return [(2 * Q * c + (1 << d)) >> (d + 1) for c in f]


def sample_ntt(seed):
    stream, f, i = shake_128(seed).digest(2048), [], 0
    while len(f) < 256:
        a, b, c = stream[i : i + 3]
        i += 3
        f += [d for d in (a + 256 * (b % 16), b // 16 + 16 * c) if d < Q]
    return f[:256]


def sample_small(seed, number):
    bits = int.from_bytes(shake_256(seed + bytes([number])).digest(128), "little")
    bit = lambda i: bits >> i & 1
    return [(bit(4 * i) + bit(4 * i + 1) - bit(4 * i + 2) - bit(4 * i + 3)) % Q for i in range(256)]


def matrix(rho):
    return [[sample_ntt(rho + bytes([j, i])) for j in range(K)] for i in range(K)]


def key_pair(d, z):
    """The public key (1184 octets) and the private key made from two seeds of 32 octets."""
    seeds = sha3_512(d + bytes([K])).digest()
    rho, sigma, a = seeds[:32], seeds[32:], matrix(seeds[:32])
    s = [ntt(sample_small(sigma, i)) for i in range(K)]
    e = [ntt(sample_small(sigma, K + i)) for i in range(K)]
    t = [plus(e[i], *(times(a[i][j], s[j]) for j in range(K))) for i in range(K)]
    public = b"".join(encode(x, 12) for x in t) + rho
    return public, (b"".join(encode(x, 12) for x in s), public, z)


def encrypt(public, m, r):
    t, a = [decode(public[384 * i : 384 * i + 384], 12) for i in range(K)], matrix(public[384 * K :])
    y = [ntt(sample_small(r, i)) for i in range(K)]
    u = [
        plus(inverse_ntt(plus(*(times(a[j][i], y[j]) for j in range(K)))), sample_small(r, K + i)) for i in range(K)
    ]
    v = plus(
        inverse_ntt(plus(*(times(t[i], y[i]) for i in range(K)))), sample_small(r, 2 * K), decompress(decode(m, 1), 1)
    )
    return b"".join(encode(compress(x, DU), DU) for x in u) + encode(compress(v, DV), DV)


def encapsulate(public, m):
    """The shared secret and the ciphertext (1088 octets) that 32 random octets give."""
    both = sha3_512(m + sha3_256(public).digest()).digest()
    return both[:32], encrypt(public, m, both[32:])


def decapsulate(private, ciphertext):
    s_octets, public, z = private
    s = [decode(s_octets[384 * i : 384 * i + 384], 12) for i in range(K)]
    u = [ntt(decompress(decode(ciphertext[32 * DU * i : 32 * DU * (i + 1)], DU), DU)) for i in range(K)]
    v = decompress(decode(ciphertext[32 * DU * K :], DV), DV)
    noise = inverse_ntt(plus(*(times(s[i], u[i]) for i in range(K))))
    m = encode(compress([(a - b) % Q for a, b in zip(v, noise)], 1), 1)
    both = sha3_512(m + sha3_256(public).digest()).digest()
    if encrypt(public, m, both[32:]) != ciphertext:
        return shake_256(z + ciphertext).digest(32)
    return both[:32]
