#!/usr/bin/env python3
"""While arriving changes are applied at full speed, transactions of a clinician at the centre (12 rows, REPEATABLE READ):
none fails. With --long 10,000 of them, and how much longer the slowest hundredth takes than without us; to compare, how much longer
beside a process that only computes: the least that anything on the same cores costs."""
import subprocess
import sys
import time
import uuid

from harness import SmallSource, arguments, check, play, same_everywhere, say, settle, wait_until


class Clinician:
    def __init__(self, node):
        self.connection = node.database.connect()
        self.connection.query('SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ')
        self.patients = [int(p) for p, in self.connection.query("SELECT patient_id FROM patient WHERE patient_id > 5000000")]
        self.concept = self.connection.value('SELECT MIN(concept_id) FROM concept')
        self.kind = self.connection.value('SELECT MIN(encounter_type_id) FROM encounter_type')
        self.done = 0

    def save(self):
        """One visit's form: an encounter with ten obs, and the patient touched. Seconds it took."""
        patient = self.patients[self.done % len(self.patients)]
        self.done += 1
        began = time.monotonic()
        query = self.connection.query
        query('START TRANSACTION')
        query(f'SELECT * FROM patient WHERE patient_id = {patient}')
        query(f"INSERT INTO encounter (encounter_type, patient_id, encounter_datetime, creator, date_created, uuid) VALUES ({self.kind}, "
              f"{patient}, NOW(), 1, NOW(), '{uuid.uuid4()}')")
        query('SET @e = LAST_INSERT_ID()')
        for i in range(10):
            query('INSERT INTO obs (person_id, concept_id, encounter_id, obs_datetime, value_numeric, creator, date_created, uuid) VALUES '
                  f"({patient}, {self.concept}, @e, NOW(), {i}, 1, NOW(), '{uuid.uuid4()}')")
        query(f'UPDATE patient SET changed_by = 1, date_changed = NOW() WHERE patient_id = {patient}')
        query('COMMIT')
        return time.monotonic() - began


def beside_computing(node, transactions):
    """Seconds that each took while a process computed and did nothing else."""
    computing = subprocess.Popen([sys.executable, '-c', 'while True: pass'])
    try:
        clinician = Clinician(node)
        return [clinician.save() for _ in range(transactions)]
    finally:
        computing.kill()
        computing.wait()


def own_patients(node, count):
    """Patients of the centre itself, far from the ids that arrive."""
    for i in range(count):
        node.sql(f"INSERT INTO person (person_id, gender, creator, date_created, uuid) VALUES ({5000001 + i}, 'F', 1, NOW(), UUID()); "
                 f'INSERT INTO patient (patient_id, creator, date_created) VALUES ({5000001 + i}, 1, NOW())')


def slowest(times):
    return sorted(times)[int(len(times) * 0.99)] * 1000


def waits(node):
    return int(node.value("SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'Innodb_row_lock_waits'"))


def fill_inbox(hq, a):
    """Everything that the clinic has lies at the centre, whose database is away: then the clinic's machine is out of the way and
    nothing but applying is measured."""
    hq.database.stop()
    def sent():
        done = all(row['done'] for row in a.run('load', 'status', '--json').lines)
        return done and 0 < a.status()['outbox']['change_sets'] <= hq.status()['inbox']['waiting']
    a.serve().await_running()
    wait_until(sent, 'the clinic has sent everything', 1800, every=1)
    a.stop()
    a.database.stop()
    say(f"{hq.status()['inbox']['waiting']} sets wait to be applied")
    hq.database.start()


def scenario(scene):
    scene.source = SmallSource()
    transactions = 10_000 if scene.given.long else 400
    hq = scene.node('hq')
    hq.sql("INSERT INTO concept (concept_id, datatype_id, class_id, creator, date_created, uuid) VALUES (1, 1, 1, 1, NOW(), UUID()); "
           "INSERT INTO encounter_type (encounter_type_id, name, creator, date_created, uuid) VALUES (1, 'At the centre', 1, NOW(), UUID())")
    own_patients(hq, 50)
    alone = Clinician(hq)
    without = [alone.save() for _ in range(transactions)]
    if scene.given.long:
        beside = beside_computing(hq, transactions)
        say(f'beside a process that only computes: slowest hundredth {slowest(beside):.1f} ms, ratio {slowest(beside) / slowest(without):.2f}')
    hq.init('parent', *scene.listening(hq))
    hq.serve().await_running()
    a = scene.child(hq, 'kitale', fill=scene.source.data('KIT', 2000 if scene.given.long else 150))
    fill_inbox(hq, a)
    def left():
        return hq.status()['inbox']['waiting']
    first = wait_until(lambda: (n := left()) and int(hq.value('SELECT COUNT(*) FROM person')) > 60 and n, 'applying begins', 60)
    clinician, taken, before, left_now = Clinician(hq), [], waits(hq), first
    began = time.monotonic()
    while len(taken) < transactions:
        taken.append(clinician.save())
        if len(taken) % 200 == 0 and (left_now := left()) == 0:
            break
    took = time.monotonic() - began
    waited = waits(hq) - before
    check(len(taken) >= min(transactions, 200), f'only {len(taken)} transactions met the load: it is too small to tell')
    say(f'{len(taken)} transactions in {took:.0f} s while {first - left_now} sets were applied, none failed, {waited} waits for a lock; '
        f'slowest hundredth {slowest(taken):.1f} ms, without us {slowest(without):.1f} ms, ratio {slowest(taken) / slowest(without):.2f}; '
        f'median {sorted(taken)[len(taken) // 2] * 1000:.1f} and {sorted(without)[len(without) // 2] * 1000:.1f} ms')
    a.database.start()
    a.serve().await_running()
    settle(hq, [a], 1800)
    same_everywhere([a, hq])


if __name__ == '__main__':
    sys.exit(play('a clinician while changes are applied', scenario, arguments(__doc__)))
