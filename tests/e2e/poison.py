#!/usr/bin/env python3
"""One record among 1,000 that the centre's database cannot hold delays nothing else, is listed with its reason, and goes in
by `queue retry` once the cause is gone."""
import sys

from harness import arguments, check, play, same_everywhere, say, settle, wait_until

NARROW = 'ALTER TABLE obs MODIFY value_text TEXT CHARACTER SET utf8mb3'
WIDE = 'ALTER TABLE obs MODIFY value_text TEXT CHARACTER SET utf8mb4'
POISON = '\U00016A10 cannot be held'


def scenario(scene):
    changes = 1000
    hq = scene.parent(before=NARROW).serve().await_running()
    a = scene.child(hq, 'kitale', fill=scene.source.data('KIT', 3))
    a.sql("UPDATE obs SET value_text = 'plain' WHERE value_text IS NOT NULL")
    a.serve().await_running()
    settle(hq, [a])
    columns = 'person_id, concept_id, encounter_id, obs_datetime, location_id, creator, date_created'
    note = a.value('SELECT MIN(obs_id) FROM obs WHERE value_text IS NOT NULL')
    before = int(hq.value('SELECT COUNT(*) FROM obs'))
    with a.database.connect() as clinician:
        for i in range(changes):
            text = POISON if i == changes // 2 else f'note {i}'
            clinician.query(f"INSERT INTO obs ({columns}, value_text, uuid) SELECT {columns}, '{text}', UUID() FROM obs WHERE obs_id = {note}")
    say(f'{changes} changes, one of them poison')
    answer = a.sync(codes=(0, 6))
    check(answer.code == 6, f'sync ends with {answer.code}, not 6: {answer.out}')
    settle(hq, [a], held=True)
    check(int(hq.value('SELECT COUNT(*) FROM obs')) == before + changes - 1, 'the others did not arrive')
    listed = [row for row in hq.queue() if row['state'] in ('quarantined', 'held', 'refused')]
    check(len(listed) == 1 and listed[0]['code'] and listed[0]['reason'] and listed[0]['remedy'], f'hq lists {listed}')
    check('cannot be held' not in str(listed), 'the reason tells what the patient\'s note says')
    poison = a.value(f"SELECT uuid FROM obs WHERE value_text = '{POISON}'")
    check(poison in str(listed[0]['resources']), f'it does not name the record: {listed}')
    theirs = [row for row in a.queue() if row['state'] in ('quarantined', 'held', 'refused')]
    check(len(theirs) == 1, f'the clinic does not list it: {theirs}')
    say('listed with its reason: ' + listed[0]['code'] + ' ' + listed[0]['reason'])
    hq.sql(WIDE)
    hq.run('queue', 'retry', listed[0]['id'])
    wait_until(lambda: not any(row['id'] == listed[0]['id'] for row in hq.queue() + a.queue()),
               'the retried set is through, and its sender knows', 60)
    settle(hq, [a])
    same_everywhere([a, hq])


if __name__ == '__main__':
    sys.exit(play('one poison record', scenario, arguments(__doc__)))
