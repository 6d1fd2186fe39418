#!/usr/bin/env python3
"""While arriving changes are applied at full speed, transactions of a clinician at the centre (12 rows, REPEATABLE READ):
none fails. With --long 10,000 of them, and how much longer the slowest hundredth takes than without us."""
import sys
import threading
import time
import uuid

from harness import SmallSource, arguments, check, play, same_everywhere, say, settle


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


def own_patients(node, count):
    """Patients of the centre itself, far from the ids that arrive."""
    for i in range(count):
        node.sql(f"INSERT INTO person (person_id, gender, creator, date_created, uuid) VALUES ({5000001 + i}, 'F', 1, NOW(), UUID()); "
                 f'INSERT INTO patient (patient_id, creator, date_created) VALUES ({5000001 + i}, 1, NOW())')


def slowest(times):
    return sorted(times)[int(len(times) * 0.99)] * 1000


def scenario(scene):
    scene.source = SmallSource()
    transactions = 10_000 if scene.given.long else 400
    hq = scene.node('hq')
    hq.sql("INSERT INTO concept (concept_id, datatype_id, class_id, creator, date_created, uuid) VALUES (1, 1, 1, 1, NOW(), UUID()); "
           "INSERT INTO encounter_type (encounter_type_id, name, creator, date_created, uuid) VALUES (1, 'At the centre', 1, NOW(), UUID())")
    own_patients(hq, 50)
    alone = Clinician(hq)
    without = [alone.save() for _ in range(transactions)]
    hq.init('parent', *scene.listening(hq))
    hq.serve().await_running()
    a = scene.child(hq, 'kitale', fill=scene.source.data('KIT', 2000 if scene.given.long else 150)).serve().await_running()
    loading = threading.Thread(target=lambda: settle(hq, [a], 1800))
    loading.start()
    clinician, taken = Clinician(hq), []
    while loading.is_alive() and len(taken) < transactions:
        taken.append(clinician.save())
    check(len(taken) > transactions // 4, f'only {len(taken)} transactions met the load: it is too small to tell')
    loading.join()
    settle(hq, [a], 600)
    same_everywhere([a, hq])
    say(f'{len(taken)} transactions, none failed; slowest hundredth {slowest(taken):.1f} ms, without us {slowest(without):.1f} ms, '
        f'ratio {slowest(taken) / slowest(without):.2f}')


if __name__ == '__main__':
    sys.exit(play('a clinician while changes are applied', scenario, arguments(__doc__)))
