#!/usr/bin/env python3
"""config check, show, explain, set."""
import json

import tool

NODE = '[node]\nname = "kitale"\ntimezone = "Africa/Nairobi"\n'


class Config(tool.ToolTest):
    def test_every_mistake_is_named_with_its_line(self):
        self.write("c.toml", NODE + '[parent]\nurl = "https://hq:8443"\npush = 5\npul = "1min"\n')
        run = self.tool("--config", "c.toml", "config", "check", expect=3)
        self.assertIn("c.toml:6: parent.push needs a unit", run.err)
        self.assertIn("c.toml:7: parent.pul", run.err)
        self.assertIn("Did you mean parent.pull?", run.err)

    def test_mistakes_as_json_and_every_other_command_refuses_too(self):
        self.write("c.toml", NODE + "nmae = 1\n")
        run = self.tool("--config", "c.toml", "config", "check", "--json", expect=3)
        self.assertEqual([(line["key"], line["line"]) for line in run.lines()], [("node.nmae", 4)])
        self.assertEqual(run.failure()["code"], "SYNC-6001")
        for command in (["status"], ["sync"], ["serve"], ["queue", "ls"], ["doctor"]):
            self.tool("--config", "c.toml", *command, expect=3)

    def test_what_is_shown_can_be_set(self):
        self.write("c.toml", NODE + '[parent]\nurl = "https://hq:8443"\n')
        shown = self.tool("--config", "c.toml", "config", "show", "--json", expect=0).json()
        self.assertEqual(shown["parent"]["push"], "1min")
        shown["parent"]["push"] = "7min"
        self.write("new.json", json.dumps(shown))
        self.tool("--config", "c.toml", "config", "set", "--from", "new.json", expect=0)
        self.assertEqual(self.tool("--config", "c.toml", "config", "show", "--json").json(), shown)

    def test_a_set_is_all_or_nothing(self):
        self.write("c.toml", NODE)
        before = self.tool("--config", "c.toml", "config", "show", "--json").out
        for bad in ('{"node":{"name":"x","timezone":"UTC"},"parent":{"url":"nowhere"}}', '{"node":{"name":"x"}}', "[]", "{"):
            self.write("new.json", bad)
            self.tool("--config", "c.toml", "config", "set", "--from", "new.json", expect=3)
            self.assertEqual(self.tool("--config", "c.toml", "config", "show", "--json").out, before)

    def test_a_dry_run_checks_only(self):
        self.write("c.toml", NODE)
        self.write("new.json", '{"node":{"name":"x","timezone":"UTC"}}')
        self.tool("--config", "c.toml", "config", "set", "--from", "new.json", "--dry-run", expect=0)
        self.assertEqual(self.tool("--config", "c.toml", "config", "show", "--json").json()["node"]["name"], "kitale")

    def test_explain(self):
        self.assertIn("unit", self.tool("config", "explain", "parent.max_rate", expect=0).out)
        run = self.tool("config", "explain", "parent.maxrate", expect=4)
        self.assertIn("parent.max_rate", run.err)


if __name__ == "__main__":
    tool.main()
