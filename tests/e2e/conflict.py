#!/usr/bin/env python3
"""Two clinics edit a patient while apart: different fields merge; the same field is one open conflict with one id on every
node, the same value shown everywhere, and both values kept. An identifier that both gave out is one conflict, too, until one
of them is voided."""
import sys

from harness import arguments, audits_whole, check, play, same_everywhere, say, settle


def edit(node, person, change):
    node.sql(f"UPDATE person SET {change}, changed_by = 1, date_changed = NOW() WHERE uuid = '{person}'")


def give_out(node, person, text):
    """Gives the person's first identifier another text; its uuid."""
    uuid = node.value('SELECT MIN(i.uuid) FROM patient_identifier i JOIN person p ON p.person_id = i.patient_id '
                      f"WHERE p.uuid = '{person}' AND i.identifier_type = (SELECT MIN(identifier_type) FROM patient_identifier)")
    node.sql(f"UPDATE patient_identifier SET identifier = '{text}' WHERE uuid = '{uuid}'")
    return uuid


def collisions(node):
    return [each['id'] for each in node.conflicts() if each['kind'] == 'identifier-collision']


def scenario(scene):
    hq = scene.parent().serve().await_running()
    a = scene.child(hq, 'kitale', fill=scene.source.data('KIT', 5)).serve().await_running()
    b = scene.child(hq, 'lodwar').serve().await_running()
    settle(hq, [a, b])
    both, same = [row[0] for row in a.sql('SELECT p.uuid FROM person p JOIN patient t ON t.patient_id = p.person_id ORDER BY 1 LIMIT 2')]
    for node in (a, b):
        node.line.block()
    say('the lines are down')
    edit(a, both, "gender = 'X'")
    edit(b, both, "birthdate = '1951-05-05'")
    edit(a, same, "birthdate = '1961-01-01'")
    edit(b, same, "birthdate = '1962-02-02'")
    ours, theirs = give_out(a, both, '777-7'), give_out(b, same, '777-7')
    check(ours and theirs and ours != theirs, 'no two identifiers to give out')
    check(a.sync(timeout=3, codes=None).code == 5, 'sync over a line that is down does not end with 5')
    for node in (a, b):
        node.line.unblock()
    say('the lines are back')
    settle(hq, [a, b])
    nodes = [hq, a, b]
    for node in nodes:
        row = node.sql(f"SELECT gender, birthdate FROM person WHERE uuid = '{both}'")[0]
        check(row == ('X', '1951-05-05'), f'{node.name}: different fields did not merge: {row}')
    collide = {node.name: collisions(node) for node in nodes}
    check(len(collide['hq']) == 1 and len(set(map(tuple, collide.values()))) == 1, f'not one collision everywhere: {collide}')
    told = hq.run('conflict', 'show', collide['hq'][0]).out
    check(ours in told and theirs in told and '777-7' not in told, f'the two identifiers are not named: {told}')
    a.sql(f"UPDATE patient_identifier SET voided = 1, voided_by = 1, date_voided = NOW() WHERE uuid = '{ours}'")
    settle(hq, [a, b])
    check(not any(collisions(node) for node in nodes), 'the collision is open still')
    found = {node.name: node.conflicts() for node in nodes}
    check(all(len(each) == 1 for each in found.values()), f'not one conflict everywhere: {found}')
    check(len({each[0]['id'] for each in found.values()}) == 1, f'the ids differ: {found}')
    one = found['hq'][0]
    check(one['resource'] == same and one['group'] == 'birthdate' and one['state'] == 'open', f'of something else: {one}')
    check('1961' not in str(found) and '1962' not in str(found), 'values are shown without being asked for')
    for node in nodes:
        told = node.run('conflict', 'show', one['id'], '--reveal', '--json').out
        check('1961-01-01' in told and '1962-02-02' in told, f'{node.name} does not keep both values: {told}')
    shown = {node.value(f"SELECT birthdate FROM person WHERE uuid = '{same}'") for node in nodes}
    check(len(shown) == 1, f'not the same value is shown everywhere: {shown}')
    check(hq.run('status', '--check', codes=None).code == 7, 'status --check does not ask for attention')
    same_everywhere([a, hq, b], reveal=scene.given.reveal)
    audits_whole(nodes)


if __name__ == '__main__':
    sys.exit(play('two clinics edit one patient', scenario, arguments(__doc__)))
