#!/usr/bin/env python3
"""What is not done through OpenMRS's forms arrives too: a direct UPDATE, a void, an un-void, a purge; whether the daemon
runs or not, and by `sync` without a daemon."""
import sys

from harness import arguments, audits_whole, check, play, same_everywhere, say, settle

UPDATE = "UPDATE person_name SET family_name = CONCAT(family_name, ' II') WHERE person_id = {pid}"
VOID = ("UPDATE obs SET voided = 1, voided_by = 1, date_voided = NOW(), void_reason = 'mistake' WHERE person_id = {pid} "
        'AND value_text IS NOT NULL')
UNVOID = ('UPDATE obs SET voided = 0, voided_by = NULL, date_voided = NULL, void_reason = NULL WHERE person_id = {pid} '
          'AND value_text IS NOT NULL')
PURGE = 'DELETE FROM person_attribute WHERE person_id = {pid}; DELETE FROM obs WHERE person_id = {pid} AND value_text IS NOT NULL'


def at_all(nodes, statement, wanted, what):
    for node in nodes:
        found = node.value(statement)
        check(found == wanted, f'{node.name}: {what}: {found}, not {wanted}')


def doctor_harms_nothing(hq, children):
    """Whoever only asks how things stand is not taken for a node that was put back."""
    lives = [node.status()['node']['incarnation'] for node in (hq, *children)]
    for node in children:
        checks = {line['check']: line for line in node.run('doctor', '--json', codes=(0, 7)).lines}
        for name in ('parent.protocol', 'clock'):
            check(checks[name]['state'] == 'ok', f'{node.name}: {checks[name]}')
        check('database.time_zone' in checks, f'{node.name}: the time zone was not looked at')
    settle(hq, children)
    check(lives == [node.status()['node']['incarnation'] for node in (hq, *children)], 'a node began a new life')
    say('doctor found the parent as it is')


def scenario(scene):
    hq = scene.parent().serve().await_running()
    a = scene.child(hq, 'kitale', fill=scene.source.data('KIT', 5)).serve().await_running()
    b = scene.child(hq, 'lodwar').serve().await_running()
    settle(hq, [a, b])
    nodes = [a, hq, b]
    pid = a.value('SELECT MIN(person_id) FROM obs WHERE value_text IS NOT NULL')
    person = a.value(f'SELECT uuid FROM person WHERE person_id = {pid}')
    notes = a.value(f'SELECT COUNT(*) FROM obs WHERE person_id = {pid} AND value_text IS NOT NULL')
    check(int(notes) > 0, 'the patient has no notes')
    count = (f"SELECT COUNT(*) FROM obs JOIN person USING (person_id) WHERE person.uuid = '{person}' AND value_text IS NOT NULL "
             'AND obs.voided = {}')
    for what, statement, voided, kept in [('a direct update', UPDATE, '0', notes), ('a void', VOID, '1', notes),
                                          ('an un-void', UNVOID, '0', notes)]:
        a.sql(statement.format(pid=pid))
        settle(hq, [a, b])
        at_all(nodes, count.format(voided), kept, what)
        same_everywhere(nodes, reveal=scene.given.reveal)
        say(f'{what} arrived')
    a.stop()
    a.sql(PURGE.format(pid=pid))
    a.sync()
    say('synced without a daemon')
    a.serve().await_running()
    settle(hq, [a, b])
    at_all(nodes, count.format('0'), '0', 'a purge')
    same_everywhere(nodes, reveal=scene.given.reveal)
    # The same way up and down again: what B does arrives at A.
    b.sql(f"UPDATE person SET gender = 'O' WHERE uuid = '{person}'")
    settle(hq, [a, b])
    at_all(nodes, f"SELECT gender FROM person WHERE uuid = '{person}'", 'O', "the other clinic's update")
    same_everywhere(nodes, reveal=scene.given.reveal)
    doctor_harms_nothing(hq, [a, b])
    audits_whole(nodes)


if __name__ == '__main__':
    sys.exit(play('direct changes', scenario, arguments(__doc__)))
