#!/usr/bin/env python3
"""Two clinics and a centre on this machine: a private MariaDB each, SQLite stores, mutual TLS. Shows changes travelling, a
line going down and coming back, a trip by stick, and a conflict with its review. Everybody in it is invented. With --keep it stays up."""
import argparse
import shlex
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / 'tests' / 'e2e'))
import harness  # noqa: E402
from harness import Failure, Scene, SmallSource, compare, settle, wait_until  # noqa: E402

BEGAN = time.monotonic()
STEPS = []


def step(title):
    STEPS.append(title)
    print(f'\n{len(STEPS)}. {title}', flush=True)


def tell(text):
    print(f'   {text}', flush=True)


def arrival(node, question, wanted, since):
    wait_until(lambda: node.value(question) == wanted, f'{node.name} has it', 60, every=0.02)
    tell(f'{node.name:<7} has it after {time.monotonic() - since:.1f} s')


def set_up(scene):
    step('Three servers, three nodes, certificates from the centre\'s own authority')
    hq = scene.parent('hq').serve().await_running()
    tell(f'hq      centre, listens on https://localhost:{hq.port}')
    kitale = scene.child(hq, 'kitale', fill=scene.source.data('KIT', 12)).serve().await_running()
    tell('kitale  clinic with 12 patients, joined by a card')
    lodwar = scene.child(hq, 'lodwar').serve().await_running()
    tell('lodwar  clinic with an empty OpenMRS, joined by a card')
    return hq, kitale, lodwar


def first_load(hq, kitale, lodwar):
    step('First load: what kitale had before omrsync came')
    settle(hq, [kitale, lodwar])
    lines, rows = compare.compare([compare.Database(n.database.url()) for n in (kitale, hq, lodwar)])
    if lines:
        raise Failure('the databases differ:\n' + '\n'.join(lines[:20]))
    tell(f'{rows} rows of {len(compare.Database(hq.database.url()).tables())} tables are equal at all three, column by column')


def change_travels(scene, hq, kitale, lodwar):
    step('A change travels: a visit is written at kitale')
    since = time.monotonic()
    visit = next(t for t in scene.source.workload('KIT', 12, 60) if 'INSERT INTO `visit`' in t)
    kitale.sql(visit)
    uuid = kitale.value('SELECT uuid FROM encounter ORDER BY encounter_id DESC LIMIT 1')
    obs = kitale.value('SELECT COUNT(*) FROM obs WHERE encounter_id = (SELECT MAX(encounter_id) FROM encounter)')
    tell(f'kitale  committed an encounter with {obs} observations')
    question = f"SELECT COUNT(*) FROM obs JOIN encounter USING (encounter_id) WHERE encounter.uuid = '{uuid}'"
    for node in (hq, lodwar):
        arrival(node, question, obs, since)


def line_down(hq, kitale, lodwar):
    step('The line of kitale goes down, and comes back')
    kitale.line.block()
    for name in ('Amina', 'Zola', 'Ruth'):
        kitale.sql(f"UPDATE person_name SET given_name = '{name}' WHERE person_id = 100")
    wait_until(lambda: kitale.status()['outbox']['change_sets'] > 0, 'the changes wait', 30)
    tell(f"kitale  wrote on; {kitale.status()['outbox']['change_sets']} change sets wait in its outbox")
    kitale.line.unblock()
    kitale.sync()
    settle(hq, [kitale, lodwar])
    tell(f"kitale  line back: {kitale.status()['outbox']['change_sets']} waiting, acknowledged by hq")
    uuid = kitale.value('SELECT uuid FROM person_name WHERE person_id = 100')
    tell(f"lodwar  has the name {lodwar.value(f'SELECT given_name FROM person_name WHERE uuid = {harness.compare.quote(uuid)}')}")


def by_stick(scene, hq, kitale, lodwar):
    step('A trip by stick: kitale has no line at all')
    stick = scene.folder / 'stick'
    stick.mkdir()
    kitale.line.block()
    kitale.sql("UPDATE person_name SET given_name = 'Naliaka' WHERE person_id = 100")
    uuid = kitale.value('SELECT uuid FROM person_name WHERE person_id = 100')
    for node, act in ((kitale, ['export']), (hq, ['import']), (hq, ['export', '--to', 'kitale']), (kitale, ['import'])):
        done = node.run('usb', act[0], stick, '--json', *act[1:])
        told = next(row for row in done.lines if row['state'] != 'for another node')
        what = 'receipts' if told['kind'] == 'receipt' else f"change sets {told['first']} to {told['last']}"
        tell(f"{node.name:<7} usb {act[0]}: {what} from {told['sender']['name']}, {told['bytes']} bytes, encrypted and signed")
        wait_until(lambda: node.status()['inbox']['waiting'] == 0, f'{node.name} applied it', 30)
    tell(f"kitale  {kitale.status()['outbox']['change_sets']} waiting: the receipt came back on the same stick")
    kitale.line.unblock()
    settle(hq, [kitale, lodwar])
    tell(f"lodwar  has the name {lodwar.value(f'SELECT given_name FROM person_name WHERE uuid = {harness.compare.quote(uuid)}')}")


def conflict(hq, kitale, lodwar):
    step('A conflict: both clinics change one patient while apart')
    person = kitale.value('SELECT uuid FROM person WHERE person_id = 103')
    for node in (kitale, lodwar):
        node.line.block()
    kitale.sql(f"UPDATE person SET birthdate = '1961-01-01', gender = 'F' WHERE uuid = '{person}'")
    lodwar.sql(f"UPDATE person SET birthdate = '1962-02-02' WHERE uuid = '{person}'")
    tell('kitale  birthdate 1961-01-01, gender F      lodwar  birthdate 1962-02-02')
    for node in (kitale, lodwar):
        node.line.unblock()
    settle(hq, [kitale, lodwar])
    found = [node.conflicts()[0] for node in (hq, kitale, lodwar)]
    if len({c['id'] for c in found}) != 1:
        raise Failure(f'the conflict has not the same id everywhere: {found}')
    shown = {node.value(f"SELECT CONCAT(birthdate, ' ', gender) FROM person WHERE uuid = '{person}'") for node in (hq, kitale, lodwar)}
    tell(f'all     show {" / ".join(shown)}: the gender merged by itself, the birthdate is in dispute')
    tell(f"all     list it as conflict {found[0]['id']}; the review, at hq:")
    for line in hq.run('conflict', 'show', found[0]['id'], '--reveal').out.splitlines():
        if line.strip():
            tell('        ' + line)


def audit(hq, kitale, lodwar):
    step('The record of all this')
    for node in (hq, kitale, lodwar):
        node.run('audit', 'verify')
    tell('audit chains of the three nodes verified')


def keep_up(scene, nodes):
    for node in nodes[1:]:  # the demo's own lines end with it: straight to the centre
        node.stop()
        node.edit(f'https://localhost:{node.line.port}', f'https://localhost:{nodes[0].port}')
        node.serve().await_running()
    pids = [str(n.daemon.pid) for n in nodes] + [str(d.process.pid) for d in scene.databases if d.process]
    stop = scene.folder / 'stop'
    stop.write_text(f'#!/bin/sh\nkill {" ".join(pids)}\nsleep 3\nrm -rf {shlex.quote(str(scene.folder))}\n')
    stop.chmod(0o755)
    print('\nIt stays up. To look at it:')
    for node in nodes:
        print(f'   {scene.binary} --config {node.config} status')
    print('   databases, as root:')
    for node in nodes:
        print(f'   mariadb -uroot --socket={node.database.unix} openmrs')
    print(f'To stop and remove it:\n   {stop}')


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('binary', type=Path)
    parser.add_argument('--keep', action='store_true', help='leave it running, and say how to look at it and how to stop it')
    given = parser.parse_args()
    given.seed = 1
    harness.KEEP = given.keep
    print('omrsync demo: two clinics and a centre on this machine')
    try:
        with Scene(given, SmallSource()) as scene:
            hq, kitale, lodwar = nodes = set_up(scene)
            first_load(*nodes)
            change_travels(scene, *nodes)
            line_down(*nodes)
            by_stick(scene, *nodes)
            conflict(*nodes)
            audit(*nodes)
            if given.keep:
                keep_up(scene, nodes)
    except Failure as failure:
        print(f'\nThe demo failed: {failure}', file=sys.stderr)
        return 1
    print(f'\nShown in {time.monotonic() - BEGAN:.0f} s:')
    for number, title in enumerate(STEPS, 1):
        print(f'   {number}. {title}')
    print('Try next:')
    if not given.keep:
        print('   ./dev demo --keep              the same, and it stays up to play with')
    print(f'   {given.binary} help')
    print('   ./dev test                     all tests')
    print('   README.md                      your first clinic in ten minutes')
    return 0


if __name__ == '__main__':
    sys.exit(main())
