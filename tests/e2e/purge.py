#!/usr/bin/env python3
"""A purge meets rows that refer to what is purged: nothing of it is deleted where somebody refers to it, it comes back voided
where it was deleted, and when nothing refers to it any more the centre purges it anew. A user that is deleted at a clinic is
retired everywhere and takes nobody along."""
import sys

from harness import arguments, audits_whole, check, play, same_everywhere, say, settle, wait_until

VISIT, NOTE = 'c0000000-0000-4000-8000-0000000000e1', 'c0000000-0000-4000-8000-0000000000e2'
BOSS, NURSE = 'c0000000-0000-4000-8000-0000000000f1', 'c0000000-0000-4000-8000-0000000000f2'
MAKE_VISIT = ('INSERT INTO encounter (encounter_type, patient_id, encounter_datetime, creator, date_created, uuid) SELECT '
              f"MIN(encounter_type), MIN(patient_id), '2024-05-01 10:00:00', 1, '2024-05-01 10:00:00', '{VISIT}' FROM encounter")
MAKE_NOTE = ('INSERT INTO obs (person_id, concept_id, encounter_id, obs_datetime, value_text, creator, date_created, uuid) SELECT patient_id, '
             f"(SELECT MIN(concept_id) FROM concept), encounter_id, encounter_datetime, 'seen', 1, date_created, '{NOTE}' FROM encounter "
             f"WHERE uuid = '{VISIT}'")
MAKE_USER = ("INSERT INTO users (system_id, username, creator, date_created, person_id, changed_by, date_changed, uuid) SELECT '{name}', "
             "'{name}', 1, '2024-05-01 10:00:00', 1, MAX(user_id), '2024-05-01 10:00:00', '{uuid}' FROM users")


def with_cascade(node):
    """As OpenMRS has it: who is deleted takes along whom it changed last."""
    name, = [n for n, in node.sql("SELECT CONSTRAINT_NAME FROM information_schema.KEY_COLUMN_USAGE WHERE TABLE_SCHEMA = DATABASE() AND "
                                  "TABLE_NAME = 'users' AND COLUMN_NAME = 'changed_by' AND REFERENCED_TABLE_NAME = 'users'")]
    node.sql(f'ALTER TABLE users DROP FOREIGN KEY {name}; ALTER TABLE users ADD CONSTRAINT {name} FOREIGN KEY (changed_by) REFERENCES '
             'users (user_id) ON DELETE CASCADE')


def at_all(nodes, statement, wanted, what, children=None):
    def agree():
        if children:
            settle(*children, held=True)  # what waits for the other side's answer is held meanwhile
        return all(node.value(statement) == wanted for node in nodes)
    wait_until(agree, f'{what}: {[n.value(statement) for n in nodes]}, not {wanted}', 60)


def purges(scene, hq, a, b):
    nodes, links = [a, hq, b], (hq, [a, b])
    a.sql(MAKE_VISIT)
    settle(*links)
    there = f"SELECT COUNT(*) FROM encounter WHERE uuid = '{VISIT}'"
    at_all(nodes, there, '1', 'the visit')
    b.line.block()
    hq.sql(f"DELETE FROM encounter WHERE uuid = '{VISIT}'")
    at_all([hq, a], there, '0', 'the purge', (hq, [a]))
    b.sql(MAKE_NOTE)
    say('purged at the centre; lodwar, offline, wrote about it')
    b.line.unblock()
    at_all(nodes, f"SELECT CONCAT(voided, IFNULL(void_reason, '')) LIKE '1purged elsewhere%' FROM encounter WHERE uuid = '{VISIT}'", '1',
           'the visit, voided', links)
    at_all(nodes, f"SELECT value_text FROM obs WHERE uuid = '{NOTE}'", 'seen', 'the note', links)
    settle(*links)
    same_everywhere(nodes, reveal=scene.given.reveal)
    listed = {node.name: node.conflicts() for node in (hq, b)}
    for name, conflicts in listed.items():
        check([(c['kind'], c['resource']) for c in conflicts] == [('dangling-parent', VISIT)], f'{name}: {conflicts}')
    check(listed['hq'][0]['id'] == listed['lodwar'][0]['id'], f'two names for one conflict: {listed}')
    check(listed['lodwar'][0].get('referrers') == [f'obs/{NOTE}'], f'who refers: {listed}')
    say('it came back, voided, and is listed')
    b.sql(f"DELETE FROM obs WHERE uuid = '{NOTE}'")
    at_all(nodes, f"SELECT COUNT(*) FROM obs WHERE uuid = '{NOTE}'", '0', "the note's purge", links)
    hq.stop()  # it looks at once after a start, not in a minute
    hq.serve().await_running()
    at_all(nodes, there, '0', 'the purge, anew', links)
    settle(*links)
    check(not any(node.conflicts() for node in nodes), 'the conflict is still open')
    say('nothing referred to it any more: purged anew')


def users(scene, hq, a, b):
    nodes, links = [a, hq, b], (hq, [a, b])
    a.sql(MAKE_USER.format(name='boss', uuid=BOSS) + '; ' + MAKE_USER.format(name='nurse', uuid=NURSE))
    both = f"SELECT COUNT(*) FROM users WHERE uuid IN ('{BOSS}', '{NURSE}')"
    at_all(nodes, both, '2', 'two users', links)
    a.sql(f"DELETE FROM users WHERE uuid = '{BOSS}'")
    check(a.value(both) == '0', 'the key took nobody along')
    at_all(nodes, both + ' AND retired = 1', '2', 'both retired', links)
    settle(*links)
    same_everywhere(nodes, reveal=scene.given.reveal)
    check(NURSE not in {c['resource'] for node in nodes for c in node.conflicts()}, 'a conflict over a user to whom nothing refers')
    say('both users are retired, nobody is gone')


def scenario(scene):
    hq = scene.parent()
    a = scene.child(hq, 'kitale', fill=scene.source.data('KIT', 5))
    b = scene.child(hq, 'lodwar')
    for node in (hq, a, b):
        with_cascade(node)
        node.serve().await_running()
    settle(hq, [a, b])
    purges(scene, hq, a, b)
    users(scene, hq, a, b)
    audits_whole([hq, a, b])


if __name__ == '__main__':
    sys.exit(play('purges', scenario, arguments(__doc__)))
