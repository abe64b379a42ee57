# Judges JSON texts a second time: reads lines of "hex of a text, tab, its canonical form in hex or -", says what differs.
#
# Nothing but Python's standard library, whose parser is made strict here.
import json
import sys


def number(literal):
    value = float(literal)
    if value in (float("inf"), float("-inf")):
        raise ValueError("out of range")
    return value


def members(pairs):
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise ValueError("a name stands twice")
    return dict(pairs)


def refuse(constant):
    raise ValueError(constant)


def parse(octets):
    text = octets.decode("utf-8")  # refuses surrogates and overlong forms
    if text.startswith("\ufeff"):
        raise ValueError("byte order mark")
    value = json.loads(text, parse_int=number, parse_float=number, parse_constant=refuse, object_pairs_hook=members)
    check(value)
    return value


def check(value):
    if isinstance(value, str):
        value.encode("utf-8")  # refuses lone surrogates
    elif isinstance(value, list):
        for element in value:
            check(element)
    elif isinstance(value, dict):
        for name, element in value.items():
            name.encode("utf-8")
            check(element)


def ecmascript(value):
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = whole + fraction
    point = len(whole) + int(exponent or 0)
    point -= len(digits) - len(digits.lstrip("0"))
    digits = digits.strip("0")
    count = len(digits)
    if count <= point <= 21:
        return sign + digits + "0" * (point - count)
    if 0 < point <= 21:
        return sign + digits[:point] + "." + digits[point:]
    if -6 < point <= 0:
        return sign + "0." + "0" * -point + digits
    tail = "." + digits[1:] if count > 1 else ""
    return sign + digits[0] + tail + "e" + ("+" if point > 0 else "-") + str(abs(point - 1))


def canonical(value):
    if isinstance(value, float):
        return ecmascript(value)
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return "{" + ",".join(canonical(name) + ":" + canonical(value[name]) for name in names) + "}"
    return json.dumps(value, ensure_ascii=False)


def judge(octets):
    try:
        return canonical(parse(octets)).encode("utf-8")
    except (ValueError, RecursionError):
        return None


def main():
    lines = different = accepted = 0
    for line in open(sys.argv[1], encoding="ascii"):
        text, answer = line.rstrip("\n").split("\t")
        mine = judge(bytes.fromhex(text))
        lines += 1
        accepted += mine is not None
        if (mine.hex() if mine is not None else "-") != answer:
            different += 1
            if different <= 10:
                print("differs:", bytes.fromhex(text), "here", mine, "there", answer if answer == "-" else bytes.fromhex(answer))
    print(f"{lines} texts, {accepted} accepted, {different} different")
    # A tenth at least must be accepted, else little was compared.
    sys.exit(1 if different or accepted * 10 < lines or not lines else 0)


main()
