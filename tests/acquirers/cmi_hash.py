"""CMI's hash ver3, computed independently of the program: one JSON object per line in, one hash per line out.

A line is {"fields": [[name, value], …], "store_key": …}.
"""

import base64
import hashlib
import json
import re
import sys


def natural(name):
    """Runs of digits by value, all else by its capitals."""
    parts = re.findall(r"[0-9]+|[^0-9]", name.upper())
    return [(ord("0"), int(part)) if part.isdigit() else (ord(part), 0) for part in parts]


def escaped(text):
    return text.replace("\\", "\\\\").replace("|", "\\|")


def ver3(fields, store_key):
    hashed = [pair for pair in fields if pair[0].lower() not in ("hash", "encoding")]
    hashed.sort(key=lambda pair: natural(pair[0]))
    plain = "|".join([escaped(value.strip(" \t\n\r\0\x0b")) for _, value in hashed] + [escaped(store_key)])
    return base64.b64encode(hashlib.sha512(plain.encode("utf-8")).digest()).decode("ascii")


for line in sys.stdin:
    if line.strip():
        asked = json.loads(line)
        print(ver3(asked["fields"], asked["store_key"]))
