#!/usr/bin/env python3
"""Monday's dump is loaded over Friday's database at A, by client or (--copy) by file copy: no newer value is lost anywhere,
and nothing is purged."""
import shutil
import subprocess
import sys

from harness import DATABASE, arguments, audits_whole, check, play, same_everywhere, say, settle


def dump(database):
    return subprocess.run(['mariadb-dump', '--no-defaults', '-uroot', f'--socket={database.unix}', '--single-transaction',
                           '--skip-dump-date', '--hex-blob', DATABASE], capture_output=True, check=True).stdout.decode('utf-8', 'surrogateescape')


def scenario(scene):
    hq = scene.parent().serve().await_running()
    a = scene.child(hq, 'kitale', fill=scene.source.data('KIT', 10)).serve().await_running()
    b = scene.child(hq, 'lodwar').serve().await_running()
    settle(hq, [a, b])
    monday = dump(a.database)
    if scene.given.copy:
        a.stop()
        a.database.stop()
        shutil.copytree(a.database.data, a.database.folder / 'monday')
        a.database.start()
        a.serve().await_running()
    for transaction in scene.source.workload('KIT', 10, 40):
        a.sql(transaction)
    person = a.value('SELECT MIN(uuid) FROM person_name')
    a.sql(f"UPDATE person_name SET given_name = 'Friday' WHERE uuid = '{person}'")
    settle(hq, [a, b])
    friday = {t: set(hq.sql(f'SELECT uuid FROM {t}')) for t in ('obs', 'person_name', 'encounter', 'patient_identifier')}
    say('it is Friday; Monday comes back')
    if scene.given.copy:
        a.stop()
        a.database.stop()
        shutil.rmtree(a.database.data)
        shutil.copytree(a.database.folder / 'monday', a.database.data)
        subprocess.run(['chown', '-R', '--reference', str(a.database.folder), str(a.database.data)], check=True)
        a.database.start()
        a.serve().await_running()
    else:
        a.database.feed(monday)
    settle(hq, [a, b], 300, held=True)  # what comes back comes in any order
    settle(hq, [a, b])
    for node in (hq, b, a):
        for table, rows in friday.items():
            gone = rows - set(node.sql(f'SELECT uuid FROM {table}'))
            check(not gone, f'{node.name}: {len(gone)} rows of {table} are gone')
        name = node.value(f"SELECT given_name FROM person_name WHERE uuid = '{person}'")
        kept = name == 'Friday' or any('person_name' in c['group'] for c in node.conflicts())
        check(kept, f'{node.name}: the newer name is lost, {name} stands there and no conflict tells of it')
    same_everywhere([a, hq, b], reveal=scene.given.reveal)
    audits_whole([hq, a, b])


if __name__ == '__main__':
    parser = arguments(__doc__)
    parser.add_argument('--copy', action='store_true')
    sys.exit(play('an old dump', scenario, parser))
