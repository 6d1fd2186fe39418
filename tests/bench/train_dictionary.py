#!/usr/bin/env python3
"""Makes protocol/dictionary-N.zdict anew from what the invented clinic of tests/e2e/fixture sends: envelopes of its first load and of its
later transactions. A new dictionary takes a new number: nodes in the field go on with the one they know."""
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'e2e'))
from harness import SmallSource, arguments, check, play, say, settle, wait_until  # noqa: E402

SAMPLE = 4096  # bytes: about what one visit's form weighs


def waiting_envelopes(node):
    store = sqlite3.connect(f'file:{node.folder}/state/node.db?mode=ro', uri=True)
    envelopes = [bytes(value) for value, in store.execute('SELECT value FROM inbox_blob')]
    store.close()
    return envelopes


def scenario(scene):
    scene.source = SmallSource()
    hq = scene.parent().serve().await_running()
    a = scene.child(hq, 'kitale', fill=scene.source.data('KIT', 60))
    hq.database.stop()  # what arrives lies and waits
    a.serve().await_running()
    wait_until(lambda: a.status()['load']['state'] == 'done' and 0 < a.status()['outbox']['change_sets'] <= hq.status()['inbox']['waiting'],
               'the load is sent', 60)
    loaded = len(waiting_envelopes(hq))
    for transaction in scene.source.workload('KIT', 60, 800, stream=3):
        a.sql(transaction)
    wait_until(lambda: len(waiting_envelopes(hq)) >= loaded + 400, 'the transactions arrived', 60)
    envelopes = waiting_envelopes(hq)
    with tempfile.TemporaryDirectory() as folder:
        samples = [each[at:at + SAMPLE] for each in envelopes for at in range(0, len(each), SAMPLE)]
        for number, sample in enumerate(samples):
            (Path(folder) / str(number)).write_bytes(sample)
        subprocess.run(['zstd', '-q', '--train', '-r', folder, '--maxdict=16384', f'--dictID={scene.given.number}', '-o', scene.given.output, '-f'],
                       check=True)
    check(Path(scene.given.output).stat().st_size > 0, 'a dictionary')
    say(f'{len(samples)} samples of {len(envelopes)} envelopes')
    hq.database.start()
    settle(hq, [a], 600)


if __name__ == '__main__':
    parser = arguments(__doc__)
    parser.add_argument('--number', type=int, required=True)
    parser.add_argument('--output', required=True)
    sys.exit(play('a dictionary', scenario, parser))
