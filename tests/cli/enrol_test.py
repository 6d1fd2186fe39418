#!/usr/bin/env python3
"""How a node gets its certificate: by code, by files, anew; and who gets none."""
import json
import os
import re
import socket
import sqlite3
import subprocess
import time

import tool


class Enrolment(tool.ToolTest):
    def setUp(self):
        super().setUp()
        self.port = tool.free_port()
        self.url = f"https://localhost:{self.port}"
        self.hq = "hq/omrsync.toml"
        self.tool("--config", self.hq, "init", "parent", "--name", "hq", "--timezone", "UTC", "--listen",
                  f"127.0.0.1:{self.port}", "--url", self.url, "--no-input", expect=0)
        self.write("pw", "secret\n")

    def serve(self):
        process = self.start("--config", self.hq, "serve")
        self.wait_until(self.listens)
        return process

    def listens(self):
        with socket.socket() as caller:
            return caller.connect_ex(("127.0.0.1", self.port)) == 0

    def wait_until(self, true):
        end = time.monotonic() + 30
        while not true():
            self.assertLess(time.monotonic(), end)
            time.sleep(0.05)

    def at_hq(self, *words, expect=0):
        return self.tool("--config", self.hq, *words, "--json", expect=expect)

    def code(self, name, *words):
        answer = self.at_hq("node", *(words or ("add", name))).json()
        self.assertRegex(answer["code"], r"^([0-9A-Z]{6}-){7}[0-9A-Z]{6}$")
        return answer["code"]

    def init(self, folder, name, *joining, expect=0):
        return self.tool("--config", f"{folder}/omrsync.toml", "init", "child", "--name", name, "--timezone", "UTC", "--openmrs",
                         "mysql://o@127.0.0.1:1/openmrs", "--openmrs-password-file", "pw", "--no-input", "--json", *joining,
                         expect=expect)

    def enrol(self, folder, name, code, expect=0):
        return self.init(folder, name, "--parent", self.url, "--code", code, expect=expect)

    def check(self, folder):
        """What doctor says of the parent: the state of each check by its name."""
        lines = self.tool("--config", f"{folder}/omrsync.toml", "doctor", "--json").lines()
        return {line["check"]: line["code"] or "ok" for line in lines if line["check"].startswith("parent")}

    def refusals(self):
        return [r["code"] for r in self.at_hq("audit", "ls").lines() if r["act"] == "peer.refused"]

    def test_a_code_makes_a_node_whose_key_never_left_it(self):
        self.serve()
        code = self.code("kitale")
        self.assertEqual(self.at_hq("node", "show", "kitale").json()["state"], "invited")
        made = self.enrol("kitale", "kitale", code).json()
        shown = self.at_hq("node", "show", "kitale").json()
        self.assertEqual((shown["state"], shown["id"]), ("ok", made["id"]))
        self.assertEqual(self.check("kitale")["parent.protocol"], "ok")
        pem = self.path("kitale/state/card/client.pem")
        self.assertEqual(os.stat(pem).st_mode & 0o777, 0o600)
        self.assertFalse(os.path.exists(self.path("kitale/state/card/new.key")))
        with open(pem, encoding="utf-8") as file:
            key = file.read().split("-----")[2].strip()
        for here, _, names in os.walk(self.path("hq")):
            for name in names:
                if name.endswith(".sock"):
                    continue
                with open(os.path.join(here, name), "rb") as file:
                    content = file.read()
                self.assertNotIn(key.splitlines()[0].encode(), content)
                self.assertNotIn(code.encode(), content)

    def test_each_refusal_has_its_code_and_leaves_nothing_behind(self):
        self.serve()
        kitale, lodwar = self.code("kitale"), self.code("lodwar")
        self.enrol("kitale", "kitale", kitale)
        before = self.at_hq("node", "ls").out
        for folder, name, code, told, ends in (
                ("a", "kitale", kitale, "SYNC-2312", 8), ("b", "turkana", lodwar, "SYNC-2314", 8),
                ("c", "lodwar", lodwar[:-1] + ("0" if lodwar[-1] != "0" else "1"), "SYNC-2317", 2)):
            self.assertEqual(self.enrol(folder, name, code, expect=ends).failure()["code"], told)
            self.assertEqual(os.listdir(self.path(folder)) if os.path.exists(self.path(folder)) else [], [])
        self.code("lodwar", "token", "lodwar")  # the older one is void
        self.assertEqual(self.enrol("d", "lodwar", lodwar, expect=8).failure()["code"], "SYNC-2311")
        self.assertEqual(self.at_hq("node", "ls").out, before)
        self.assertEqual(self.refusals(), ["SYNC-2312", "SYNC-2314", "SYNC-2311"])
        self.assertEqual(self.at_hq("audit", "verify").json()["whole"], True)

    def test_a_code_that_has_expired(self):
        code = self.code("kitale")
        with sqlite3.connect(self.path("hq/state/node.db")) as store:  # as if it had been made a week ago
            key, value = store.execute("SELECT key, value FROM enrolments").fetchone()
            at = 16 + 1 + len("kitale")
            self.assertEqual(len(value), at + 6 + 1 + 1 + 1)
            store.execute("UPDATE enrolments SET value = ? WHERE key = ?", (value[:at] + b"\2" + value[at + 6:], key))
        self.serve()
        self.assertEqual(self.enrol("kitale", "kitale", code, expect=8).failure()["code"], "SYNC-2313")

    def test_too_many_tries_have_to_wait(self):
        self.serve()
        code = self.code("kitale")
        for _ in range(5):
            self.assertEqual(self.enrol("x", "other", code, expect=8).failure()["code"], "SYNC-2314")
        self.assertEqual(self.enrol("x", "other", code, expect=5).failure()["code"], "SYNC-2315")
        self.assertEqual(self.enrol("kitale", "kitale", code, expect=5).failure()["code"], "SYNC-2315")
        self.assertEqual(self.at_hq("node", "show", "kitale").json()["state"], "invited")

    def test_a_parent_that_is_not_the_one_of_the_code_hears_nothing(self):
        self.serve()
        other = tool.free_port()
        self.tool("--config", "other/omrsync.toml", "init", "parent", "--name", "other", "--timezone", "UTC", "--listen",
                  f"127.0.0.1:{other}", "--url", f"https://localhost:{other}", "--no-input", expect=0)
        theirs = self.tool("--config", "other/omrsync.toml", "node", "add", "kitale", "--json", expect=0).json()["code"]
        self.assertEqual(self.enrol("kitale", "kitale", theirs, expect=8).failure()["code"], "SYNC-1107")
        self.assertEqual(self.refusals(), [])

    def test_a_new_machine_takes_over_and_the_old_one_is_refused(self):
        self.serve()
        first = self.enrol("kitale", "kitale", self.code("kitale")).json()
        again = self.code("kitale", "token", "kitale")
        self.assertEqual(self.check("kitale")["parent.protocol"], "ok")  # until the code is used
        second = self.enrol("new", "kitale", again).json()
        self.assertEqual(first["id"], second["id"])
        self.assertEqual(self.check("new")["parent.protocol"], "ok")
        self.assertEqual(self.check("kitale")["parent.protocol"], "SYNC-1106")
        self.assertEqual(self.refusals(), ["SYNC-1106"])

    def test_revoked_is_for_good(self):
        self.serve()
        self.enrol("kitale", "kitale", self.code("kitale"))
        unused = self.code("kitale", "token", "kitale")
        self.at_hq("node", "revoke", "kitale", "--yes")
        self.assertEqual(self.check("kitale")["parent.protocol"], "SYNC-1104")
        self.at_hq("node", "token", "kitale", expect=2)
        self.at_hq("node", "resume", "kitale", expect=2)
        self.assertEqual(self.enrol("new", "kitale", unused, expect=8).failure()["code"], "SYNC-2311")
        self.assertEqual(self.refusals(), ["SYNC-1104", "SYNC-2311"])

    def test_by_files_without_a_line_and_without_a_secret_in_them(self):
        asked = self.tool("--config", "kitale/omrsync.toml", "enrol", "request", "kitale.request", "--name", "kitale", "--json",
                          expect=0).json()
        signed = self.at_hq("enrol", "sign", "kitale.request", "--out", "kitale.answer").json()
        self.assertEqual(asked["key"], signed["key"])
        with open(self.path("hq/state/node.db"), "rb") as file:
            self.assertNotIn(b"PRIVATE", file.read())
        for paper in ("kitale.request", "kitale.answer"):
            with open(self.path(paper), encoding="utf-8") as file:
                text = file.read()
            self.assertNotIn("PRIVATE", text)
            self.assertFalse(re.search(r'"network_key": "[0-9a-f]{32}"', text))
        self.init("thief", "kitale", "--answer", "kitale.answer", expect=2)  # without the key it is of no use
        self.init("kitale", "kitale", "--answer", "kitale.answer")
        self.serve()
        self.assertEqual(self.check("kitale")["parent.protocol"], "ok")
        # and anew, at a node that is there
        self.tool("--config", "kitale/omrsync.toml", "enrol", "request", "again.request", expect=0)
        self.at_hq("node", "add", "lodwar", "--request", "again.request", "--out", "again.answer", expect=8)
        self.at_hq("enrol", "sign", "again.request", "--out", "again.answer")
        self.assertEqual(self.check("kitale")["parent.protocol"], "SYNC-1106")
        refused = self.tool("--config", "kitale/omrsync.toml", "enrol", "accept", "again.answer", "--authority", "00", "--json",
                            expect=8)
        self.assertEqual(refused.failure()["code"], "SYNC-1107")
        self.tool("--config", "kitale/omrsync.toml", "enrol", "accept", "again.answer", "--authority", signed["authority"],
                  expect=0)
        self.assertEqual(self.check("kitale")["parent.protocol"], "ok")

    def test_an_altered_paper_is_refused(self):
        kitale = ("--config", "kitale/omrsync.toml")
        self.tool(*kitale, "enrol", "request", "kitale.request", "--name", "kitale", expect=0)
        with open(self.path("kitale.request"), encoding="utf-8") as file:
            request = json.load(file)
        pem = request["request"].splitlines()
        pem[2] = pem[2][:10] + ("A" if pem[2][10] != "A" else "B") + pem[2][11:]
        self.write("altered.request", json.dumps({**request, "request": "\n".join(pem) + "\n"}))
        self.assertEqual(self.at_hq("enrol", "sign", "altered.request", "--out", "x", expect=1).failure()["code"], "SYNC-2316")
        self.assertEqual(self.at_hq("node", "ls").out, "")
        self.at_hq("enrol", "sign", "kitale.request", "--out", "kitale.answer")
        with open(self.path("kitale.answer"), encoding="utf-8") as file:
            answer = json.load(file)
        self.at_hq("node", "add", "lodwar", "--card", "lodwar.card")
        with open(self.path("lodwar.card"), encoding="utf-8") as file:
            others = json.load(file)
        with open(self.path("kitale.answer"), "w", encoding="utf-8") as file:
            json.dump({**answer, "certificate": others["certificate"]}, file)
        self.assertEqual(self.init("kitale", "kitale", "--answer", "kitale.answer", expect=1).failure()["code"], "SYNC-2316")
        self.assertFalse(os.path.exists(self.path("kitale/omrsync.toml")))

    def test_another_nodes_certificate_is_told_from_the_nodes_own(self):
        self.serve()
        for name in ("kitale", "lodwar"):
            self.enrol(name, name, self.code(name))
        with open(self.path("lodwar/state/card/client.pem"), encoding="utf-8") as file:
            self.write("kitale/state/card/client.pem", file.read())
        self.assertEqual(self.check("kitale")["parent.protocol"], "SYNC-1102")
        self.assertEqual(self.refusals(), ["SYNC-1102"])

    def test_serve_does_not_listen_until_the_node_is_set_up(self):
        self.tool("--config", "none/omrsync.toml", "serve", expect=3)

    def test_without_a_certificate_only_enrolment_is_answered(self):
        self.serve()
        for path, told in (("hello", "401"), ("batches", "401"), ("changes", "401"), ("renew", "401"), ("enrol", "403")):
            done = subprocess.run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--cacert", "hq/state/authority/ca.crt",
                                   "-d", "{}", f"{self.url}/sync/v1/{path}"], cwd=self.folder, capture_output=True, text=True,
                                  check=True, timeout=30)
            self.assertEqual(done.stdout, told, path)


if __name__ == "__main__":
    tool.main()
