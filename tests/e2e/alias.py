#!/usr/bin/env python3
"""Clinic B made its own admin, encounter type and role under the same names with other uuids: A's data arrive by alias. And
a clinic that brings the parent's dictionary does not make the parent's log grow."""
import sys

from harness import arguments, check, play, say, settle

OWN = """
UPDATE users SET uuid = 'b0000000-0000-4000-8000-00000000000b' WHERE username = 'admin';
INSERT INTO encounter_type (name, description, creator, date_created, uuid) SELECT '{kind}', 'of lodwar', 1, NOW(),
  'b0000000-0000-4000-8000-0000000000e7';
INSERT INTO role (role, description, uuid) VALUES ('{role}', 'of lodwar', 'b0000000-0000-4000-8000-0000000000aa');
"""


def scenario(scene):
    data = scene.source.data('KIT', 5)
    hq = scene.parent().serve().await_running()
    a = scene.child(hq, 'kitale', fill=data)
    kind = a.value('SELECT t.name FROM encounter e JOIN encounter_type t ON t.encounter_type_id = e.encounter_type GROUP BY 1 ORDER BY COUNT(*) '
                   'DESC LIMIT 1')
    role = a.value("SELECT role FROM user_role GROUP BY 1 ORDER BY COUNT(*) DESC LIMIT 1")
    a.serve().await_running()
    settle(hq, [a])
    b = scene.child(hq, 'lodwar', fill=OWN.format(kind=kind, role=role)).serve().await_running()
    settle(hq, [a, b])
    by_type = 'SELECT t.name, COUNT(*) FROM encounter e JOIN encounter_type t ON t.encounter_type_id = e.encounter_type GROUP BY 1 ORDER BY 1'
    by_role = "SELECT role, COUNT(*) FROM user_role GROUP BY 1 ORDER BY 1"
    by_creator = ("SELECT IF(u.user_id = 1, 'admin', u.uuid), COUNT(*) FROM location l JOIN users u ON u.user_id = l.creator GROUP BY 1 "
                  'ORDER BY 1')
    for question in (by_type, by_role, by_creator):
        answers = [node.sql(question) for node in (a, hq, b)]
        check(answers[0] == answers[1] == answers[2], f'{question}: {answers}')
    for node in (a, hq, b):
        one = node.value(f"SELECT COUNT(*) FROM encounter_type WHERE name = '{kind}'")
        check(one == '1', f'{node.name} has {one} encounter types {kind}')
        one = node.value("SELECT COUNT(*) FROM users WHERE username = 'admin'")
        check(one == '1', f'{node.name} has {one} users admin')
    check(b.value(f"SELECT uuid FROM encounter_type WHERE name = '{kind}'").endswith('e7'), "lodwar's own type was replaced")
    say('by alias')
    a.sql("UPDATE encounter SET encounter_datetime = encounter_datetime + INTERVAL 1 HOUR")
    settle(hq, [a, b])
    answers = [node.sql('SELECT uuid, encounter_datetime FROM encounter ORDER BY 1') for node in (a, hq, b)]
    check(answers[0] == answers[1] == answers[2], 'later changes do not arrive by alias')
    # A third clinic whose database is a copy of kitale's.
    b.line.block()
    waiting = down(hq, 'lodwar')
    c = scene.child(hq, 'kapedo', fill=data).serve().await_running()
    settle_one(hq, c)
    check(down(hq, 'lodwar') == waiting, f"the parent's log grew by {down(hq, 'lodwar') - waiting} rows from a copy of what it has")


def down(hq, name):
    return next(c['waiting_down'] for c in hq.status()['children'] if c['name'] == name)


def settle_one(hq, child):
    quiet = 0
    while quiet < 2:
        answer = child.sync().json
        quiet = quiet + 1 if answer['sent'] + answer['received'] == 0 else 0
    hq.sync()


if __name__ == '__main__':
    sys.exit(play('the same things under other uuids', scenario, arguments(__doc__)))
