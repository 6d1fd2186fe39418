#!/usr/bin/env python3
"""The daemon while the database is away: it starts, waits, answers, and ends when asked."""
import os
import signal
import time

import tool


class Daemon(tool.ToolTest):
    def started(self, config):
        process = self.start("--config", config, "serve")
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            status = self.tool("--config", config, "status", "--json").json()
            if status["daemon"]["running"] and os.path.exists(self.path(os.path.dirname(config), "state/control.sock")):
                return process
        self.fail("the daemon did not start: " + process.stderr.read())

    def test_it_starts_without_database_and_parent_and_ends_at_sigterm(self):
        config = self.init_child(self.init_parent(), database_port=tool.free_port())
        process = self.started(config)
        status = self.tool("--config", config, "status", "--json", expect=0).json()
        self.assertEqual(status["daemon"]["pid"], process.pid)
        self.assertEqual(status["capture"]["state"], "waiting")
        self.assertEqual(self.stop(process), 0)
        status = self.tool("--config", config, "status", "--json").json()
        self.assertFalse(status["daemon"]["running"])
        self.assertEqual(status["capture"]["state"], "stopped")
        self.assertFalse(os.path.exists(self.path("kitale/state/control.sock")))

    def test_a_second_one_is_told_who_runs(self):
        config = self.init_parent(database_port=tool.free_port())
        process = self.started(config)
        run = self.tool("--config", config, "serve", "--json", expect=9)
        self.assertIn(str(process.pid), run.failure()["message"])

    def test_sync_asks_the_daemon_and_says_what_stands_in_the_way(self):
        config = self.init_parent(database_port=tool.free_port())
        self.started(config)
        run = self.tool("--config", config, "sync", "--timeout", "200ms", "--json", expect=5)
        self.assertEqual(run.failure()["code"], "SYNC-1201")

    def test_sync_without_a_daemon_works_in_this_process(self):
        config = self.init_parent(database_port=tool.free_port())
        run = self.tool("--config", config, "sync", "--timeout", "200ms", "--json", expect=5)
        self.assertEqual(run.failure()["code"], "SYNC-1201")
        self.tool("--config", config, "sync", "--timeout", "soon", expect=2)

    def test_killed_it_leaves_nothing_in_the_way(self):
        config = self.init_parent(database_port=tool.free_port())
        process = self.started(config)
        process.kill()
        process.wait()
        process = self.started(config)
        self.assertEqual(self.stop(process), 0)

    def test_sighup_takes_up_a_new_configuration_and_keeps_the_old_one_on_a_mistake(self):
        config = self.init_parent(database_port=tool.free_port())
        process = self.started(config)
        with open(self.path(config), "a", encoding="utf-8") as file:
            file.write("[nonsense]\n")
        process.send_signal(signal.SIGHUP)
        lines = []
        while "config.reload_refused" not in "".join(lines):
            lines.append(process.stderr.readline())
            self.assertNotEqual(lines[-1], "", "".join(lines))
        self.assertEqual(self.stop(process), 0)

    def test_a_long_path_to_the_state_folder_is_no_obstacle(self):
        folder = "/".join(["a-rather-long-name-of-a-folder"] * 5)
        self.write(f"{folder}/pw", "secret\n")
        config = f"{folder}/omrsync.toml"
        self.tool("--config", config, "init", "parent", "--name", "hq", "--timezone", "UTC", "--listen",
                  f"127.0.0.1:{tool.free_port()}", "--url", "https://localhost:1",
                  "--openmrs", f"mysql://omrsync@127.0.0.1:{tool.free_port()}/openmrs", "--openmrs-password-file", "pw", expect=0)
        process = self.started(config)
        self.tool("--config", config, "sync", "--timeout", "200ms", expect=5)
        self.assertEqual(self.stop(process), 0)

    def test_doctor_names_what_is_wrong_and_goes_on(self):
        config = self.init_child(self.init_parent(), database_port=tool.free_port())
        run = self.tool("--config", config, "doctor", "--json", expect=1)
        states = {line["check"]: line["state"] for line in run.lines()}
        self.assertEqual(states["config"], "ok")
        self.assertEqual(states["state_dir"], "ok")
        self.assertEqual(states["audit"], "ok")
        self.assertEqual(states["certificate"], "ok")
        self.assertEqual(states["database"], "failed")
        self.assertEqual(states["parent.name"], "ok")
        self.assertEqual(states["parent.tcp"], "failed")
        self.assertNotIn("parent.tls", states)
        self.assertEqual(run.failure()["exit"], 1)

    def test_the_sql_for_the_account_needs_no_database(self):
        config = self.init_parent()
        run = self.tool("--config", config, "db", "grants", "--print", expect=0)
        self.assertIn("GRANT", run.out)
        self.assertIn("`openmrs`.*", run.out)
        self.assertNotIn("ALL PRIVILEGES ON *.*", run.out)


if __name__ == "__main__":
    tool.main()
