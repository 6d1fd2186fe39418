#!/usr/bin/env python3
"""The judge judges: compare.py finds one changed column, one missing row and one wrong reference, and nothing in databases
that differ in local ids alone."""
import subprocess
import sys
from pathlib import Path

from harness import arguments, check, play


def judged(*nodes):
    done = subprocess.run([sys.executable, str(Path(__file__).with_name('compare.py')), '--reveal', *(n.url() for n in nodes)],
                          capture_output=True, text=True)
    return done.returncode, done.stdout


def rename_ids(node):
    """The same facts under other local ids."""
    node.sql('SET foreign_key_checks = 0; UPDATE location SET location_id = location_id + 500, parent_location = parent_location + 500; '
             + ' '.join(f'UPDATE {t} SET location_id = location_id + 500;' for t in (
                 'location_tag_map', 'patient_identifier', 'visit', 'encounter', 'obs'))
             + "UPDATE person_attribute SET value = value + 500 WHERE person_attribute_type_id IN (SELECT person_attribute_type_id FROM "
               "person_attribute_type WHERE format = 'org.openmrs.Location')")


def scenario(scene):
    import harness
    scene.source = harness.SmallSource()
    a, b = scene.mariadb('a'), scene.mariadb('b')
    for database in (a, b):
        database.feed(scene.source.data('KIT', 5))
    check(judged(a, b)[0] == 0, f'equal databases differ: {judged(a, b)[1]}')
    rename_ids(b)
    check(judged(a, b)[0] == 0, f'local ids count as differences: {judged(a, b)[1]}')
    a.sql("UPDATE users SET password = 'other'; UPDATE global_property SET property_value = 'other'")
    check(judged(a, b)[0] == 0, f'what never travels counts: {judged(a, b)[1]}')
    faults = [
        ('obs.value_numeric', 'UPDATE obs SET value_numeric = value_numeric + 0.001 WHERE value_numeric IS NOT NULL LIMIT 1'),
        ('visit.location_id', 'UPDATE visit SET location_id = (SELECT MIN(location_id) FROM location) LIMIT 1'),
        ('person_attribute.value', "UPDATE person_attribute SET value = (SELECT MIN(location_id) FROM location) WHERE "
                                   "person_attribute_type_id IN (SELECT person_attribute_type_id FROM person_attribute_type WHERE format = "
                                   "'org.openmrs.Location') LIMIT 1"),
        ('cookstove_survey.photo', "UPDATE cookstove_survey SET photo = CONCAT(photo, x'00') LIMIT 1"),
        ('person_name.middle_name', "UPDATE person_name SET middle_name = '' LIMIT 1"),
        ('role.uuid', "UPDATE role SET uuid = UUID() LIMIT 1"),
        ('user_role', 'DELETE FROM user_role LIMIT 1'),
        ('user_property', "INSERT INTO user_property VALUES (1, 'colour', 'green')"),
    ]
    told = ''
    for name, fault in faults:
        check(name not in told, f'{name} is told of before it is so')
        with b.connect() as connection:
            connection.query(fault)
            check(connection.affected == 1, f'{name}: the fault was not planted')
        code, told = judged(a, b)
        check(code == 1 and name in told, f'{name} is not found: {told}')


if __name__ == '__main__':
    sys.exit(play('the judge', scenario, arguments(__doc__)))
