#!/usr/bin/env python3
"""What every command has in common: help, suggestions, exit codes, the failure line."""
import re

import tool

# Commands that scripts lean on.
PROMISED = ["serve", "status", "sync", "queue ls", "queue show", "queue retry", "queue hold", "queue release",
            "queue discard", "conflict ls", "conflict show", "load status", "load restart", "load accept-deletes",
            "node ls", "node show", "node add", "node pause", "node resume", "node revoke", "node allow",
            "config check", "config show", "config explain", "config set", "db grants", "db init", "doctor", "version",
            "help", "audit verify", "audit ls", "audit show", "audit export", "mapping coverage", "init parent",
            "init child", "init district",
            "usb export", "usb import", "usb verify", "usb inspect", "usb status"]


class Commands(tool.ToolTest):
    def subcommands(self, *path):
        text = self.tool(*path, "--help", expect=0).out
        section = text.split("Subcommands:", 1)
        return re.findall(r"^  (\S+)", section[1], re.M) if len(section) == 2 else []

    def leaves(self, *path):
        below = self.subcommands(*path)
        if not below:
            return [" ".join(path)]
        return [leaf for name in below for leaf in self.leaves(*path, name)]

    def test_every_promised_command_is_there(self):
        self.assertEqual(set(PROMISED) - set(self.leaves()), set())

    def test_every_command_has_help_with_an_example_that_is_about_it(self):
        for leaf in self.leaves():
            text = self.tool(*leaf.split(), "--help", expect=0).out
            self.assertIn("Example:\n  omrsync", text, leaf)
            words = re.sub(r"--config \S+ ", "", text.split("Example:\n  omrsync ")[1])
            self.assertTrue(words.startswith(leaf), f"{leaf}: {words}")

    def test_examples_are_understood(self):
        for leaf in self.leaves():
            line = self.tool(*leaf.split(), "--help").out.split("Example:\n  omrsync ")[1].splitlines()[0]
            words = re.split(r" [|>] ", line)[0]
            words = [word.strip("'") for word in re.findall(r"'[^']*'|\S+", words)]
            self.assertNotEqual(self.tool(*words, "--help").exit, 2, line)

    def test_a_misspelt_command_gets_a_suggestion(self):
        for words, wanted in ((["stauts"], "status"), (["queue", "lss"], "ls"), (["conflicts", "ls"], "conflict"),
                              (["status", "--chek"], "--check"), (["--jsn", "status"], "--json")):
            run = self.tool(*words, expect=2)
            self.assertIn(f"Did you mean '{wanted}'?", run.err)
            self.assertEqual(run.out, "")

    def test_a_missing_argument_is_a_usage_error_that_points_to_the_help(self):
        run = self.tool("node", "add", expect=2)
        self.assertIn("omrsync node add --help", run.err)

    def test_with_json_a_failure_ends_with_one_line_on_stderr_and_nothing_on_stdout(self):
        run = self.tool("--json", "--config", "none.toml", "status", expect=3)
        self.assertEqual(run.out, "")
        line = run.failure()
        self.assertEqual(line["message_type"], "exit_error")
        self.assertEqual(line["exit"], 3)
        self.assertEqual(line["code"], "SYNC-6002")
        self.assertEqual(set(line), {"message_type", "code", "exit", "message", "remedy", "retryable"})

    def test_global_options_may_stand_before_and_behind(self):
        self.assertEqual(self.tool("--json", "version").out, self.tool("version", "--json").out)

    def test_version(self):
        run = self.tool("version", "--json", expect=0)
        self.assertEqual(run.json()["schema"], "omrsync/version/1")
        self.assertRegex(run.json()["version"], r"^\d+\.\d+\.\d+$")

    def test_each_code_is_explained(self):
        codes = self.tool("help", "codes", "--json", expect=0).lines()
        self.assertGreater(len(codes), 50)
        for entry in codes:
            shown = self.tool("help", entry["code"], expect=0).out if entry["code"].endswith("1") else entry["meaning"]
            self.assertIn(entry["meaning"], shown)
        self.tool("help", "SYNC-0001", expect=4)

    def test_without_a_terminal_there_are_no_escape_codes(self):
        self.assertNotIn("\x1b", self.tool("--help").out)

    def test_the_environment_names_the_configuration(self):
        config = self.init_parent()
        self.tool("config", "check", env={"OMRSYNC_CONFIG": self.path(config)}, expect=0)
        self.tool("--config", "none.toml", "config", "check", env={"OMRSYNC_CONFIG": self.path(config)}, expect=3)


if __name__ == "__main__":
    tool.main()
