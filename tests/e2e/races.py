#!/usr/bin/env python3
"""A user of the centre edits a row at the moment when a clinic's change of the same root is applied: half of them as
Hibernate does it (read the row, think, write all its columns back with one changed). No edit is lost, none is reverted in
silence: each pair is merged or an open conflict."""
import random
import sys
import threading
import time

from mysql import quote

from harness import arguments, audits_whole, check, play, same_everywhere, say, settle

THINK = 2.0
COLUMNS = 'gender birthdate birthdate_estimated dead death_date cause_of_death date_created date_changed voided void_reason'.split()


def at_centre(node, person, rng, errors):
    """Changes birthdate; with a stale copy of the whole row half of the time."""
    try:
        with node.database.connect() as clinician:
            clinician.query('SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ')
            born = f'19{rng.randrange(10, 99)}-03-{rng.randrange(1, 28):02d}'
            if rng.random() < 0.5:
                time.sleep(rng.uniform(0, 0.6))
                clinician.query(f"UPDATE person SET birthdate = '{born}' WHERE uuid = '{person}'")
                return born
            clinician.query('START TRANSACTION')
            row = dict(zip(COLUMNS, clinician.query(f"SELECT {', '.join(COLUMNS)} FROM person WHERE uuid = '{person}'")[0]))
            time.sleep(rng.uniform(0, THINK))
            row['birthdate'] = born
            clinician.query('UPDATE person SET ' + ', '.join(f'{c} = {quote(v)}' for c, v in row.items()) + f" WHERE uuid = '{person}'")
            clinician.query('COMMIT')
            return born
    except Exception as error:
        errors.append(f'{person}: {error}')
        return None


def at_clinic(node, person, rng, errors):
    try:
        time.sleep(rng.uniform(0, 0.6))
        gender = f'G{rng.randrange(10**6)}'
        node.sql(f"UPDATE person SET gender = '{gender}' WHERE uuid = '{person}'")
        return gender
    except Exception as error:
        errors.append(f'{person}: {error}')
        return None


def scenario(scene):
    pairs, at_once = (1000, 12) if scene.given.long else (100, 6)
    hq = scene.parent().serve().await_running()
    a = scene.child(hq, 'kitale', fill=scene.source.data('KIT', pairs)).serve().await_running()
    b = scene.child(hq, 'lodwar').serve().await_running()
    settle(hq, [a, b], 600)
    people = [u for u, in a.sql(f'SELECT p.uuid FROM person p JOIN patient t ON t.patient_id = p.person_id ORDER BY 1 LIMIT {pairs}')]
    check(len(people) == pairs, 'not enough patients')
    wanted, errors, todo, lock = {}, [], list(people), threading.Lock()

    def work(number):
        rng = random.Random(f'{scene.given.seed}:{number}')
        while True:
            with lock:
                if not todo:
                    return
                person = todo.pop()
            edits = {}
            other = threading.Thread(target=lambda: edits.update(gender=at_clinic(a, person, rng, errors)))
            other.start()
            edits['birthdate'] = at_centre(hq, person, random.Random(f'{person}'), errors)
            other.join()
            wanted[person] = edits

    threads = [threading.Thread(target=work, args=(n,)) for n in range(at_once)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check(not errors, f'{len(errors)} edits failed, such as {errors[:2]}')
    say(f'{pairs} pairs of edits made')
    settle(hq, [a, b], 600)
    same_everywhere([a, hq, b], reveal=scene.given.reveal)
    disputed = {c['resource'] for c in hq.conflicts()}
    rows = {u: (g, d) for u, g, d in hq.sql('SELECT uuid, gender, birthdate FROM person')}
    lost = [(p, e, rows[p]) for p, e in wanted.items() if rows[p] != (e['gender'], e['birthdate']) and p not in disputed]
    check(not lost, f'{len(lost)} edits lost in silence, such as {lost[:3]}')
    say(f'{pairs - len(disputed)} merged, {len(disputed)} open conflicts')
    audits_whole([hq, a, b])


if __name__ == '__main__':
    sys.exit(play('clinicians race with arriving changes', scenario, arguments(__doc__)))
