#!/usr/bin/env python3
"""Holds the arrows between the folders: protocol <- conflict <- adapters <- node <- cli.

The longest matching prefix of a file's path says what it may include. A new arrow is a new line here.
"""
import os
import re
import sys

PORTS = ["protocol", "adapters/ports"]
MAY_INCLUDE = {
    "protocol": ["protocol"],
    "conflict": ["protocol", "conflict"],
    "adapters/ports": PORTS,
    "adapters/openmrs": PORTS + ["adapters/openmrs"],
    "adapters/mysql": PORTS + ["adapters/openmrs", "adapters/mysql"],
    "adapters/repository": PORTS + ["adapters/openmrs", "adapters/repository"],
    "adapters/sqlite": PORTS + ["adapters/sqlite"],
    "adapters/http": PORTS + ["adapters/http"],
    "adapters/system": PORTS + ["adapters/system"],
    "adapters/stick": PORTS + ["adapters/stick"],
    "adapters/memory": PORTS + ["adapters/memory"],
    "node": PORTS + ["conflict", "node"],
    "node/app": ["protocol", "conflict", "adapters", "node"],
    "cli": ["protocol", "adapters/ports", "node", "cli"],
    "tests": ["protocol", "conflict", "adapters", "node", "cli", "tests"],
    "examples": ["protocol", "conflict", "adapters", "node", "cli"],
}
# Third-party headers stay inside the folders named here.
THIRD_PARTY = {
    r"rapidjson/": ["protocol", "adapters/openmrs"],
    r"google/protobuf|\.pb\.h": ["protocol"],
    r"zstd": ["protocol"],
    r"openssl/": ["protocol", "adapters/http", "adapters/stick", "adapters/mysql"],
    r"zlib": ["adapters/mysql"],
    r"sqlite3": ["adapters/sqlite"],
    r"mysql|mariadb|cppconn": ["adapters/mysql"],
    r"boost/": ["adapters/http"],
    r"curl/": ["adapters/http"],
    r"cpprest/": ["adapters/http"],
    r"toml\+\+": ["node/app"],
    r"CLI/": ["cli"],
    r"spdlog|fmt/": ["adapters/system"],
    r"date/": ["adapters/openmrs", "adapters/system"],
    r"systemd/": ["adapters/system"],
    r"pqxx": ["adapters/postgres"],
}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def rule(path):
    best = ""
    for prefix in MAY_INCLUDE:
        if (path + "/").startswith(prefix + "/") and len(prefix) > len(best):
            best = prefix
    return best


def main(top):
    bad = files = 0
    for folder in ("protocol", "conflict", "adapters", "node", "cli", "tests", "examples"):
        for here, _, names in os.walk(os.path.join(top, folder)):
            for name in names:
                if not name.endswith((".h", ".cpp")):
                    continue
                files += 1
                path = os.path.relpath(os.path.join(here, name), top)
                own = rule(os.path.dirname(path))
                for number, line in enumerate(open(os.path.join(top, path), encoding="utf-8"), 1):
                    match = INCLUDE.match(line)
                    if not match:
                        continue
                    kind, target = match.groups()
                    if kind == '"' and not target.endswith(".pb.h"):
                        if not any(target.startswith(allowed + "/") for allowed in MAY_INCLUDE[own]):
                            print(f"{path}:{number}: {own} may not include {target}")
                            bad += 1
                        continue
                    for pattern, homes in THIRD_PARTY.items():
                        if re.search(pattern, target) and own != "tests" and not any(
                                path.startswith(home + "/") for home in homes):
                            print(f"{path}:{number}: {target} stays inside {', '.join(homes)}")
                            bad += 1
    print(f"{files} files read, {bad} forbidden arrows")
    return 1 if bad or not files else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "."))
