#!/usr/bin/env python3
"""A centre that is a FHIR repository only, without a database: two clinics are loaded, work, edit the same field, void and
purge through it, also while it is killed, and hold the same rows; every command at the centre says what is so."""
import json
import sys
import threading

from harness import audits_whole, check, nothing_twice, play, same_everywhere, say, settle, wait_until
from main_path import Killer, feed, first_load, options
from purge import MAKE_NOTE, MAKE_VISIT, NOTE, VISIT, at_all


# What no centre was told of beforehand: a table of a module, and a column of the site's own.
UNKNOWN = ('CREATE TABLE bed_place (bed_place_id INT AUTO_INCREMENT PRIMARY KEY, label VARCHAR(50), patient_id INT, uuid CHAR(38) NOT NULL UNIQUE, '
           'FOREIGN KEY (patient_id) REFERENCES patient (patient_id)) ENGINE=InnoDB; ALTER TABLE person ADD COLUMN own_note VARCHAR(50);')
UNKNOWN_ROWS = ("INSERT INTO bed_place (label, patient_id, uuid) SELECT CONCAT('bed ', patient_id), patient_id, UUID() FROM patient; "
                "UPDATE person SET own_note = CONCAT('own ', person_id);")


def refuses(hq):
    """What needs a database says that there is none."""
    for command in (['db', 'grants', '--print'], ['db', 'init'], ['mapping', 'coverage']):
        answer = hq.run(*command, '--json', codes=(3,))
        told = json.loads(answer.err.splitlines()[-1])
        check(told['code'] == 'SYNC-6001' and '[openmrs]' in told['message'], f'{command}: {told}')


def one_field(hq, a, b):
    """Both edit one field while apart."""
    person = a.value('SELECT MIN(p.uuid) FROM person p JOIN patient t ON t.patient_id = p.person_id')
    for node in (a, b):
        node.line.block()
    for node, year in ((a, 1961), (b, 1962)):
        node.sql(f"UPDATE person SET birthdate = '{year}-01-01', changed_by = 1, date_changed = NOW() WHERE uuid = '{person}'")
        node.sync(timeout=3, codes=(5,))
    for node in (a, b):
        node.line.unblock()
    settle(hq, [a, b])
    found = {node.name: [c for c in node.conflicts() if c['group'] == 'birthdate'] for node in (hq, a, b)}
    check(all(len(each) == 1 and each[0]['resource'] == person for each in found.values()), f'not one conflict everywhere: {found}')
    check(len({each[0]['id'] for each in found.values()}) == 1, f'the ids differ: {found}')
    check('1961' not in str(found) and '1962' not in str(found), 'values are shown without being asked for')
    for node in (hq, a, b):
        told = node.run('conflict', 'show', found['hq'][0]['id'], '--reveal', '--json').out
        check('1961-01-01' in told and '1962-01-01' in told, f'{node.name} does not keep both values: {told}')
    shown = {node.value(f"SELECT birthdate FROM person WHERE uuid = '{person}'") for node in (a, b)}
    check(len(shown) == 1, f'not the same value is shown: {shown}')
    check(hq.run('status', '--check', codes=None).code == 7, 'status --check does not ask for attention')
    say('one conflict with one id, both values kept')


def voids(hq, a, b):
    a.sql("UPDATE encounter SET voided = 1, voided_by = 1, date_voided = NOW(), void_reason = 'twice' ORDER BY encounter_id LIMIT 1")
    uuid = a.value("SELECT uuid FROM encounter WHERE void_reason = 'twice'")
    at_all([a, b], f"SELECT voided FROM encounter WHERE uuid = '{uuid}'", '1', 'the voided encounter', (hq, [a, b]))


def purges(hq, a, b):
    """What is purged at one clinic while the other writes about it comes back, voided; then it is purged anew."""
    there, links = f"SELECT COUNT(*) FROM encounter WHERE uuid = '{VISIT}'", (hq, [a, b])
    a.sql(MAKE_VISIT)
    at_all([a, b], there, '1', 'the visit', links)
    b.line.block()
    a.sql(f"DELETE FROM encounter WHERE uuid = '{VISIT}'")
    settle(hq, [a])
    b.sql(MAKE_NOTE)
    b.line.unblock()
    at_all([a, b], f"SELECT CONCAT(voided, IFNULL(void_reason, '')) LIKE '1purged elsewhere%' FROM encounter WHERE uuid = '{VISIT}'",
           '1', 'the visit, voided', links)
    at_all([a, b], f"SELECT value_text FROM obs WHERE uuid = '{NOTE}'", 'seen', 'the note', links)
    settle(*links)
    same_everywhere([a, b])
    listed = [c for c in hq.conflicts() if c['kind'] == 'dangling-parent']
    check([c['resource'] for c in listed] == [VISIT], f'what dangles at the centre: {listed}')
    restart(hq)  # it looks at once after a start, not in a minute
    settle(*links)
    at_all([a, b], there, '1', 'the visit that the note refers to', links)
    say('it came back, voided, and stays')
    b.sql(f"DELETE FROM obs WHERE uuid = '{NOTE}'")
    at_all([a, b], f"SELECT COUNT(*) FROM obs WHERE uuid = '{NOTE}'", '0', "the note's purge", links)
    restart(hq)
    at_all([a, b], there, '0', 'the purge, anew', links)
    settle(*links)
    check(not [c for node in (hq, a, b) for c in node.conflicts() if c['kind'] == 'dangling-parent'], 'the conflict is still open')
    say('nothing referred to it any more: purged anew')


def restart(node):
    node.stop()
    node.serve().await_running()


def commands(hq):
    """Every command that an administrator has makes sense here."""
    status = hq.status()
    check(not {'capture', 'load', 'outbox', 'parent'} & set(status), f'status has members that this role lacks: {sorted(status)}')
    check(status['inbox'] == {'waiting': 0, 'held': 0, 'quarantined': 0}, f'the inbox: {status["inbox"]}')
    check([c['state'] for c in status['children']] == ['ok', 'ok'], f'the children: {status["children"]}')
    check(not hq.queue(), 'the queue is not empty')
    checks = hq.run('doctor', '--json', codes=(0, 7)).lines
    check(checks and not [c for c in checks if c['check'].startswith(('database', 'openmrs'))], f'doctor looks for a database: {checks}')
    loads = hq.run('load', 'status', '--json').lines
    check([(row['kind'], row['done']) for row in loads] == [('load', True)] * 2, f'the loads of two children: {loads}')
    hq.run('load', 'restart', 'person')
    wait_until(lambda: len(hq.run('load', 'status', '--json').lines) == 2, 'the table is compared with the ledger', 20)
    answer = hq.run('sync', '--json').json
    check(answer['held'] == answer['quarantined'] == answer['sent'] == 0, f'sync: {answer}')
    rows, = hq.stored('SELECT COUNT(*) FROM repository_rows_blob')[0]
    left, = hq.stored('SELECT COUNT(*) FROM repository_log_blob')[0]
    check(rows > 0 and left < 100, f'{rows} rows, and {left} commits in a log that was taken')
    say(f'{rows} roots in the repository')


def scenario(scene):
    given = scene.given
    hq = scene.repository()
    refuses(hq)
    hq.serve().await_running()
    a = scene.child(hq, 'kitale', fill=scene.source.data('KIT', given.patients) + UNKNOWN + UNKNOWN_ROWS)
    b = scene.child(hq, 'lodwar', fill=(scene.source.data('LOD', given.others) if given.others else '') + UNKNOWN)
    for node in (a, b):
        node.serve().await_running()
    first_load(scene, hq, a, b)
    say('first load done')
    same_everywhere([a, b], reveal=given.reveal)
    killer = Killer([hq], given.kills, given.seed)
    killer.start()
    feed(scene, a, given, killer)
    killer.join(900)
    check(not killer.is_alive() and killer.error is None, f'the killer: {killer.error}')
    hq.await_running()
    say(f'{killer.killed} kills')
    settle(hq, [a, b])
    same_everywhere([a, b], reveal=given.reveal)
    check(a.value("SELECT COUNT(*) FROM bed_place") != '0', 'no rows that the centre does not know')
    voids(hq, a, b)
    one_field(hq, a, b)
    purges(hq, a, b)
    same_everywhere([a, b], reveal=given.reveal)
    commands(hq)
    audits_whole([hq, a, b])
    nothing_twice([hq, a, b])
    for node in (hq, a, b):
        node.stop()


if __name__ == '__main__':
    parser = options()
    parser.set_defaults(kills=2)
    sys.exit(play('a centre without a database', scenario, parser))
