#!/usr/bin/env python3
"""The main path: clinic A's database, then its changes, reach the centre and clinic B; with --cuts over a line that breaks
at random bytes, with --kills N while every daemon is killed N times."""
import random
import sys
import threading
import time

from harness import Failure, arguments, audits_whole, check, nothing_twice, play, same_everywhere, say, settle


class Killer(threading.Thread):
    """Kills daemons at random moments and starts them again, each `times` times."""

    def __init__(self, nodes, times, seed, databases=False):
        super().__init__(daemon=True)
        self.random, self.left = random.Random(seed), {n: times for n in nodes}
        self.databases, self.error, self.killed = databases, None, 0

    def run(self):
        try:
            while any(self.left.values()):
                time.sleep(self.random.uniform(0.02, 0.8))
                node = self.random.choice([n for n, times in self.left.items() if times])
                self.left[node] -= 1
                if self.databases and self.random.random() < 0.2:
                    node.database.kill9()
                    node.database.start()
                node.kill9()
                self.killed += 1
                node.serve()
        except Exception as error:  # shown by the scenario
            self.error = error


def first_load(scene, hq, a, b):
    settle(hq, [a, b], 900)
    load = a.run('load', 'status', '--json').lines
    check(load and all(row['done'] for row in load), f'the first load says it is not done: {load}')


def scenario(scene):
    given = scene.given
    hq = scene.parent().serve().await_running()
    a = scene.child(hq, 'kitale', fill=scene.source.data('KIT', given.patients))
    b = scene.child(hq, 'lodwar', fill=scene.source.data('LOD', given.others) if given.others else None)
    say('servers and nodes stand')
    if given.cuts:
        for node in (a, b):
            node.line.cut_randomly(given.cuts)
    for node in (a, b):
        node.serve().await_running()
    killer = Killer([hq, a, b], given.kills, given.seed, databases=given.long) if given.kills else None
    if killer:
        killer.start()
    else:
        if given.cuts:
            lines_up_after(given, [a, b], seconds=given.cut_seconds)
        first_load(scene, hq, a, b)
        say('first load done')
        same_everywhere([a, hq, b], reveal=given.reveal)
        if given.cuts:
            for node in (a, b):
                node.line.cut_randomly(given.cuts)
    feed(scene, a, given, killer)
    if killer:
        killer.join(900)
        check(not killer.is_alive() and killer.error is None, f'the killer: {killer.error}')
        say(f'{killer.killed} kills')
        for node in (hq, a, b):
            node.await_running()
    if given.cuts:
        lines_up_after(given, [a, b], seconds=given.cut_seconds)
        say(f'{a.line.cuts + b.line.cuts} cuts')
        check(a.line.cuts > 0, 'the line was never cut')
    first_load(scene, hq, a, b)
    same_everywhere([a, hq, b], reveal=given.reveal)
    audits_whole([hq, a, b])
    nothing_twice([hq, a, b])
    for node in (hq, a, b):
        check(not node.conflicts(), f'{node.name}: conflicts though only one clinic wrote')
        node.stop()


def feed(scene, a, given, killer):
    """The later transactions; with a killer spread over its time."""
    say(f'{given.workload} transactions at kitale')
    with a.database.connect() as clinician:
        for transaction in scene.source.workload('KIT', given.patients, given.workload):
            for attempt in range(50):
                try:
                    clinician.query(transaction)
                    break
                except Exception:
                    if not (killer and killer.databases) or attempt == 49:
                        raise
                    time.sleep(0.5)
                    clinician = a.database.connect()
            if killer and killer.is_alive():
                time.sleep(0.01)


def lines_up_after(given, nodes, seconds):
    """Lets the nodes work over the bad line for a while, then mends it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for node in nodes:
            node.sync(timeout=2, codes=None)
    for node in nodes:
        node.line.cut_randomly(None)


def options():
    parser = arguments(__doc__)
    parser.add_argument('--patients', type=int, default=None)
    parser.add_argument('--others', type=int, default=0, help='patients that lodwar has of its own')
    parser.add_argument('--workload', type=int, default=None)
    parser.add_argument('--cuts', type=int, metavar='BYTES', help='break each connection after at most so many bytes')
    parser.add_argument('--cut-seconds', type=float, default=15)
    parser.add_argument('--kills', type=int, default=0)
    parse = parser.parse_args

    def filled(*given):
        values = parse(*given)
        values.patients = values.patients or (100 if values.long else 20)
        values.workload = values.workload if values.workload is not None else (500 if values.long else 100)
        return values
    parser.parse_args = filled
    return parser


if __name__ == '__main__':
    sys.exit(play('the main path', scenario, options()))
