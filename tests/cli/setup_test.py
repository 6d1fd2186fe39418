#!/usr/bin/env python3
"""From nothing to a pair: init and cards."""
import json
import os

import tool


class Setup(tool.ToolTest):
    def modes(self, folder):
        return {os.path.relpath(os.path.join(here, name), folder): os.stat(os.path.join(here, name)).st_mode & 0o777
                for here, folders, names in os.walk(folder) for name in folders + names}

    def test_without_answers_each_missing_flag_is_named_and_nothing_is_written(self):
        wanted = {"parent": ["--name", "--timezone", "--listen", "--url"],
                  "child": ["--name", "--timezone", "--openmrs", "--openmrs-password-file", "--join"],
                  "district": ["--name", "--timezone", "--listen", "--url", "--join"]}
        for role, flags in wanted.items():
            run = self.tool("--config", "x/omrsync.toml", "init", role, "--no-input", expect=2)
            for flag in flags:
                self.assertIn(flag, run.err)
        self.assertEqual(os.listdir(self.folder), [])

    def test_a_parent_is_made_private(self):
        self.init_parent()
        modes = self.modes(self.path("hq"))
        self.assertEqual(modes["omrsync.toml"], 0o600)
        self.assertEqual(modes["state"], 0o700)
        self.assertEqual(modes["state/node.db"], 0o600)
        self.assertEqual(modes["state/authority/ca.key"], 0o600)
        self.assertEqual(modes["state/authority/server.key"], 0o600)

    def test_a_configuration_is_never_replaced(self):
        config = self.init_parent()
        with open(self.path(config), encoding="utf-8") as file:
            before = file.read()
        run = self.tool("--config", config, "init", "parent", "--name", "other", "--timezone", "UTC", "--listen",
                        "127.0.0.1:1", "--url", "https://localhost:1", expect=2)
        self.assertIn("already", run.err)
        with open(self.path(config), encoding="utf-8") as file:
            self.assertEqual(file.read(), before)

    def test_wrong_answers_are_found_before_anything_is_written(self):
        self.write("pw", "secret", 0o644)
        base = ["--config", "hq/omrsync.toml", "init", "parent", "--name", "HQ!", "--timezone", "Mars/Base", "--listen",
                "8443", "--url", "http://x", "--openmrs", "mysql://omrsync@127.0.0.1/openmrs",
                "--openmrs-password-file", "pw"]
        run = self.tool(*base, expect=3)
        for key in ("node.name", "node.timezone", "listen.address", "listen.url", "openmrs.password_file"):
            self.assertIn(key, run.err)
        self.assertEqual(os.listdir(self.folder), ["pw"])

    def test_a_password_does_not_belong_on_the_command_line(self):
        self.write("pw", "secret")
        run = self.tool("--config", "hq/omrsync.toml", "init", "parent", "--name", "hq", "--timezone", "UTC", "--listen",
                        "127.0.0.1:1", "--url", "https://localhost:1", "--openmrs", "mysql://omrsync:secret@127.0.0.1/openmrs",
                        "--openmrs-password-file", "pw", expect=2)
        self.assertNotIn("secret@", run.err)

    def test_a_dry_run_shows_the_file_and_writes_nothing(self):
        run = self.tool("--config", "hq/omrsync.toml", "init", "parent", "--name", "hq", "--timezone", "UTC", "--listen",
                        "127.0.0.1:8443", "--url", "https://localhost:8443", "--dry-run", expect=0)
        self.assertIn('name = "hq"', run.out)
        self.assertEqual(os.listdir(self.folder), [])

    def test_a_card_joins_a_child_to_its_parent(self):
        parent = self.init_parent()
        child = self.init_child(parent)
        with open(self.path("kitale.card"), encoding="utf-8") as file:
            card = json.load(file)
        self.assertEqual(os.stat(self.path("kitale.card")).st_mode & 0o777, 0o600)
        listed = self.tool("--config", parent, "node", "show", "kitale", "--json", expect=0).json()
        self.assertEqual(listed["schema"], "omrsync/node/1")
        status = self.tool("--config", child, "status", "--json", expect=0).json()
        self.assertEqual(status["node"]["id"], listed["id"])
        self.assertEqual(status["node"]["role"], "child")
        self.assertEqual(status["parent"]["url"], card["parent"]["url"])
        self.assertIsNone(status["parent"]["last_contact"])

    def test_a_card_that_others_may_read_or_of_another_node_is_refused(self):
        parent = self.init_parent()
        self.write("kitale/pw", "secret")
        self.tool("--config", parent, "node", "add", "kitale", "--catchment", "all", "--card", "k.card", expect=0)
        join = ["init", "child", "--timezone", "UTC", "--openmrs", "mysql://o@127.0.0.1/openmrs",
                "--openmrs-password-file", "pw", "--join", "k.card"]
        self.tool("--config", "kitale/omrsync.toml", *join, "--name", "turkana", expect=2)
        os.chmod(self.path("k.card"), 0o644)
        run = self.tool("--config", "kitale/omrsync.toml", *join, "--name", "kitale", "--json", expect=3)
        self.assertEqual(run.failure()["code"], "SYNC-6005")
        os.chmod(self.path("k.card"), 0o600)
        with open(self.path("k.card"), "r+", encoding="utf-8") as file:
            file.truncate(200)
        self.tool("--config", "kitale/omrsync.toml", *join, "--name", "kitale", expect=3)
        self.assertEqual(os.listdir(self.path("kitale")), ["pw"])

    def test_names_are_unique_and_cards_are_not_overwritten(self):
        parent = self.init_parent()
        self.tool("--config", parent, "node", "add", "a", "--catchment", "all", "--card", "a.card", expect=0)
        self.tool("--config", parent, "node", "add", "a", "--catchment", "all", "--card", "b.card", expect=2)
        self.tool("--config", parent, "node", "add", "b", "--catchment", "all", "--card", "a.card", expect=2)
        self.tool("--config", parent, "node", "add", "c", "--catchment", "half", "--card", "c.card", expect=2)
        self.assertFalse(os.path.exists(self.path("b.card")))
        self.assertEqual([node["name"] for node in self.tool("--config", parent, "node", "ls", "--json").lines()], ["a"])

    def test_pausing_and_revoking(self):
        parent = self.init_parent()
        self.tool("--config", parent, "node", "add", "a", "--catchment", "all", "--card", "a.card", expect=0)
        self.assertEqual(self.tool("--config", parent, "node", "pause", "a", "--json", expect=0).json()["state"], "paused")
        self.assertEqual(self.tool("--config", parent, "node", "resume", "a", "--json", expect=0).json()["state"], "ok")
        self.tool("--config", parent, "node", "revoke", "a", expect=2)
        self.assertEqual(self.tool("--config", parent, "node", "revoke", "a", "--yes", "--json").json()["state"], "revoked")
        self.tool("--config", parent, "node", "resume", "a", expect=2)
        self.tool("--config", parent, "node", "show", "nobody", expect=4)

    def test_a_fresh_node_has_nothing_to_show_and_a_whole_audit(self):
        parent = self.init_parent()
        for command in (["queue", "ls"], ["conflict", "ls"], ["load", "status"], ["conflict", "stats"]):
            self.assertEqual(self.tool("--config", parent, *command, "--json", expect=0).out, "")
        verdict = self.tool("--config", parent, "audit", "verify", "--json", expect=0).json()
        self.assertEqual((verdict["schema"], verdict["whole"]), ("omrsync/audit/1", True))
        first = self.tool("--config", parent, "audit", "show", "1", "--json", expect=0).json()
        self.assertEqual(first["act"], "node.init")
        self.tool("--config", parent, "audit", "show", "99", expect=4)
        self.tool("--config", parent, "queue", "show", "nothing", expect=4)
        self.tool("--config", parent, "conflict", "show", "nothing", expect=4)
        self.tool("--config", parent, "queue", "ls", "--state", "lost", expect=2)
        self.tool("--config", parent, "queue", "retry", expect=2)


if __name__ == "__main__":
    tool.main()
