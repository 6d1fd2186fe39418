#!/usr/bin/env python3
"""Figures of whole nodes over real servers, one JSON line each. Timings are ratios to a baseline of the same run."""
import json
import os
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'e2e'))
from clinician import Clinician, own_patients, slowest  # noqa: E402
from harness import DATABASE, SmallSource, arguments, check, play, same_everywhere, settle, wait_until  # noqa: E402


def figure(bench, name, value, unit, baseline=None, ratio=None, setting=''):
    line = {'bench': bench, 'figure': name, 'value': round(value, 4), 'unit': unit, 'setting': setting}
    if baseline:
        line |= {'baseline': baseline, 'ratio': round(ratio, 4)}
    print(json.dumps(line), flush=True)


def rows_of(node):
    """Rows of all tables, counted."""
    tables = [t for t, in node.sql("SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = "
                                   "'BASE TABLE'")]
    return sum(int(node.value(f'SELECT COUNT(*) FROM `{t}`')) for t in tables)


def dump_seconds(node):
    began = time.monotonic()
    subprocess.run(f"mariadb-dump --no-defaults -uroot --socket={node.database.unix} --single-transaction {DATABASE} | zstd -3 -q > /dev/null",
                   shell=True, check=True)
    return time.monotonic() - began


def first_load(scene, hq, a, setting):
    rows, dump = rows_of(a), dump_seconds(a)
    began = time.monotonic()
    a.serve().await_running()
    wait_until(lambda: a.status()['load']['state'] == 'done', 'the load is read and sent', 7200, every=0.2)
    took = time.monotonic() - began
    figure('first_load', 'rows_per_second', rows / took, 'rows/s', 'mariadb-dump | zstd -3', dump / took, setting + ', receiver counted')
    figure('first_load', 'rss', a.memory(), 'MB', setting=setting)
    settle(hq, [a], 7200)
    took = time.monotonic() - began
    figure('first_load', 'rows_per_second_applied', rows / took, 'rows/s', 'mariadb-dump | zstd -3', dump / took, setting)
    figure('first_load', 'rss_parent', hq.memory(), 'MB', setting=setting)
    store = sum(f.stat().st_size for f in (a.folder / 'state').glob('node.db*'))
    figure('store', 'bytes_per_root', store / rows, 'bytes', setting=setting + ', rows counted as roots')


def first_load_alone(scene, hq, binary):
    """The same load by a node whose parent answers at once, so that the receiver is not counted."""
    bench = Path(binary).resolve().with_name('load_bench')
    if not bench.exists():
        return
    fresh = scene.child(hq, 'alone', fill=scene.source.data('KIT', scene.patients))
    subprocess.run([str(bench), str(fresh.config), f'{dump_seconds(fresh):.3f}'], check=True)
    fresh.database.stop()
    scene.nodes.remove(fresh)
    hq.run('node', 'revoke', 'alone', '--yes')  # it never comes


def capture_latency(a, tries):
    """From commit to outbox, the line being away. A look at the store takes part of a millisecond."""
    a.line.block()
    store = sqlite3.connect(f'file:{a.folder}/state/node.db?mode=ro', uri=True, isolation_level=None)
    newest = lambda: store.execute('SELECT COALESCE(MAX(key), x\'\') FROM outbox').fetchone()[0]  # noqa: E731
    times = []
    with a.database.connect() as clinic:
        for i in range(tries):
            before, began = newest(), time.monotonic()
            clinic.query(f"UPDATE location SET description = 'captured {i}' WHERE location_id = 1")
            wait_until(lambda: newest() != before, 'it is captured', 30, 0.001)
            times.append((time.monotonic() - began) * 1000)
    store.close()
    a.line.unblock()
    times.sort()
    figure('capture', 'commit_to_outbox_p50', times[len(times) // 2], 'ms', setting=f'{tries} single changes')
    figure('capture', 'commit_to_outbox_p99', times[int(len(times) * 0.99)], 'ms', setting=f'{tries} single changes')


def binlog_seconds(a, files):
    began = time.monotonic()
    subprocess.run(['mariadb-binlog', '--no-defaults', '-v', *files], stdout=subprocess.DEVNULL, check=True)
    return time.monotonic() - began


def catching_up(scene, hq, a, rows):
    """One statement over many rows, captured with the line away, then sent, stored, joined and applied."""
    a.sync()
    a.stop()
    a.line.block()
    a.sql('FLUSH BINARY LOGS')
    first = a.sql('SHOW MASTER STATUS')[0][0]
    columns = 'person_id, concept_id, encounter_id, obs_datetime, location_id, value_numeric, creator, date_created'
    a.sql(f'INSERT INTO obs ({columns}, uuid) SELECT {", ".join("o." + c for c in columns.split(", "))}, UUID() FROM obs o JOIN obs p '
          f'WHERE o.value_numeric IS NOT NULL LIMIT {rows}')
    last = a.value('SELECT uuid FROM obs ORDER BY obs_id DESC LIMIT 1')
    a.sql('FLUSH BINARY LOGS')
    files = [f'{a.database.data}/{name}' for name, *_ in a.sql('SHOW BINARY LOGS') if name >= first]
    baseline = binlog_seconds(a, files)
    sets = -(-rows // 500)
    a.serve()
    began = time.monotonic()
    store = sqlite3.connect(f'file:{a.folder}/state/node.db?mode=ro', uri=True, isolation_level=None)
    wait_until(lambda: store.execute('SELECT COUNT(*) FROM outbox').fetchone()[0] >= sets, 'captured', 600, 0.005)
    took = time.monotonic() - began
    store.close()
    figure('capture', 'rows_per_second', rows / took, 'rows/s', 'mariadb-binlog -v, same file', baseline / took,
           f'{rows} obs in one transaction, from the start of the daemon to the last mark')
    a.await_running()
    base = int(hq.value('SELECT COUNT(*) FROM obs'))
    hq.database.stop()
    began = time.monotonic()
    a.line.unblock()
    store = sqlite3.connect(f'file:{a.folder}/state/node.db?mode=ro', uri=True, isolation_level=None)
    left = 'SELECT (SELECT COUNT(*) FROM outbox) + (SELECT COUNT(*) FROM frozen_blob)'
    wait_until(lambda: store.execute(left).fetchone()[0] == 0, 'stored', 1200, 0.01)
    stored = time.monotonic() - began
    store.close()
    figure('parent', 'resources_per_second', rows / stored, 'resources/s', setting='durable at the parent, the sender\'s work counted')
    a.stop()
    hq.database.start()
    with hq.database.connect() as centre:
        highest = lambda: int(centre.value('SELECT MAX(obs_id) FROM obs'))  # noqa: E731
        first = highest()
        wait_until(lambda: highest() > first, 'applying begins', 60, 0.001)
        began, cpu = time.monotonic(), cpu_seconds(hq.daemon.pid)
        seen = int(centre.value('SELECT COUNT(*) FROM obs'))
        # sets are applied in the order in which they were sent
        wait_until(lambda: centre.value(f"SELECT COUNT(*) FROM obs WHERE uuid = '{last}'") == '1', 'applied', 1200, 0.005)
        applied = time.monotonic() - began
    wait_until(lambda: hq.status()['inbox']['waiting'] == 0, 'landed', 60, 0.01)
    landed = time.monotonic() - began
    rows -= seen - base
    figure('apply', 'rows_per_cpu_second', rows / (cpu_seconds(hq.daemon.pid) - cpu), 'rows/s', setting='of the parent\'s daemon')
    baseline = insert_seconds(hq, rows)
    figure('apply', 'rows_per_second', rows / applied, 'rows/s', 'hand-written multi-row INSERT', baseline / applied, f'{rows} obs that wait in the inbox')
    figure('apply', 'rows_per_second_landed', rows / landed, 'rows/s', 'hand-written multi-row INSERT', baseline / landed, f'{rows} obs, known as applied')
    a.serve().await_running()


def insert_seconds(node, rows):
    """The same rows by statements of 200 rows each, into a copy of the table."""
    node.sql('DROP DATABASE IF EXISTS bench_copy; CREATE DATABASE bench_copy; CREATE TABLE bench_copy.obs LIKE obs')
    dump = subprocess.run(['mariadb-dump', '--no-defaults', '-uroot', f'--socket={node.database.unix}', '--no-create-info', '--skip-extended-insert',
                           '--compact', f'--where=1 ORDER BY obs_id DESC LIMIT {rows}', DATABASE, 'obs'],
                          capture_output=True, check=True).stdout.decode()
    values = [line[line.index(' VALUES ') + 8:].rstrip(';\n') for line in dump.splitlines() if line.startswith('INSERT')]
    script = ''.join(f'INSERT INTO obs VALUES {",".join(values[i:i + 200])};\n' for i in range(0, len(values), 200))
    began = time.monotonic()
    node.database.feed(script, 'bench_copy')
    took = time.monotonic() - began
    node.sql('DROP DATABASE bench_copy')
    return took


def replica(scene, a):
    """A native replica of a's server, from now on."""
    server = scene.mariadb('replica')
    # what stands there is copied, so that only later changes are measured
    dump = subprocess.run(['mariadb-dump', '--no-defaults', '-uroot', f'--socket={a.database.unix}', '--master-data=2', '--single-transaction',
                           '--hex-blob', DATABASE], capture_output=True, check=True).stdout.decode('utf-8', 'surrogateescape')
    position = a.sql('SELECT @@gtid_current_pos')[0][0]
    server.sql('SET GLOBAL gtid_strict_mode = OFF')
    server.feed(dump)
    a.sql("CREATE USER IF NOT EXISTS repl@'127.0.0.1' IDENTIFIED BY 'repl'; GRANT REPLICATION SLAVE ON *.* TO repl@'127.0.0.1'")
    server.sql(f"RESET MASTER; SET GLOBAL gtid_slave_pos = '{position}'; CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = {a.database.port}, "
               "MASTER_USER = 'repl', MASTER_PASSWORD = 'repl', MASTER_USE_GTID = slave_pos; START SLAVE")
    return server


def end_to_end(scene, hq, a, transactions):
    """A burst at the clinic: how long until the centre has it, beside a native replica."""
    server = replica(scene, a)
    count = 'SELECT COUNT(*) FROM obs'
    times, done = {}, threading.Event()
    base = int(a.value(count))
    workload = list(scene.source.workload('KIT', scene.patients, transactions, stream=7))
    began = time.monotonic()
    a.database.feed('\n'.join(workload) + "\nUPDATE location SET description = 'the end' WHERE location_id = 1;\n")
    made = time.monotonic() - began
    end = "SELECT COUNT(*) FROM location WHERE description = 'the end'"

    def watch(name, node):
        wait_until(lambda: node.value(end) == '1', f'{name} has it', 3600, every=0.02)
        times[name] = time.monotonic() - began

    threads = [threading.Thread(target=watch, args=each) for each in (('replica', server), ('hq', hq))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    server.stop()
    rows = int(a.value(count)) - base
    figure('end_to_end', 'transactions_per_second', transactions / times['hq'], 'transactions/s', 'native replica, same load',
           times['replica'] / times['hq'], f'{transactions} transactions written in {made:.1f} s, {rows} obs more')


def latency(hq, a, tries):
    times = []
    uuid = a.value('SELECT uuid FROM location WHERE location_id = 1')
    with hq.database.connect() as centre, a.database.connect() as clinic:
        for i in range(tries):
            began = time.monotonic()
            clinic.query(f"UPDATE location SET description = 'latency {i}' WHERE uuid = '{uuid}'")
            wait_until(lambda: centre.value(f"SELECT description FROM location WHERE uuid = '{uuid}'") == f'latency {i}', 'it arrives', 60, 0.002)
            times.append((time.monotonic() - began) * 1000)
    times.sort()
    figure('latency', 'commit_to_centre_p50', times[len(times) // 2], 'ms', setting=f'{tries} single changes')
    figure('latency', 'commit_to_centre_p99', times[int(len(times) * 0.99)], 'ms', setting=f'{tries} single changes')


def wire(scene, hq, a):
    for size in (1, 10, 100, 1000):
        a.sync()
        columns = 'person_id, concept_id, encounter_id, obs_datetime, location_id, obs_group_id, value_numeric, creator, date_created'
        before = a.line.bytes
        a.sql(f'INSERT INTO obs ({columns}, uuid) SELECT {columns}, UUID() FROM obs WHERE value_numeric IS NOT NULL AND voided = 0 LIMIT {size}')
        a.sync()
        figure('wire', 'bytes_per_obs', (a.line.bytes - before) / size, 'bytes', setting=f'{size} obs, TLS and answers included')
    a.line.block()
    before = a.status()['outbox']
    for transaction in scene.source.workload('KIT', scene.patients, 200, stream=9):
        a.sql(transaction)
    time.sleep(1)
    wait_until(lambda: a.status()['capture']['lag_seconds'] == 0, 'captured', 60)
    after = a.status()['outbox']
    if after['bytes']:
        figure('store', 'outbox_bytes_per_change', (after['bytes'] - before['bytes']) / (after['change_sets'] - before['change_sets']),
               'bytes', setting='200 transactions of the workload')
    a.line.unblock()
    settle(hq, [a], 600)


def cpu_seconds(pid):
    fields = Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def idle(nodes, seconds=20):
    for node in nodes:
        node.began = cpu_seconds(node.daemon.pid)
    time.sleep(seconds)
    for node in nodes:
        figure('idle', f'cpu_{"parent" if node.name == "hq" else "child"}', 100 * (cpu_seconds(node.daemon.pid) - node.began) / seconds,
               '% of a core', setting=f'{seconds} s')
        figure('idle', f'rss_{"parent" if node.name == "hq" else "child"}', node.memory('VmRSS'), 'MB')


def cost_to_the_clinic(a, count):
    with_us, without = [], []
    for _ in range(3):
        clinician = Clinician(a)
        with_us += [clinician.save() for _ in range(count)]
        a.stop()
        clinician = Clinician(a)
        without += [clinician.save() for _ in range(count)]
        a.serve().await_running()
    mean = lambda times: sum(times) / len(times)  # noqa: E731
    figure('clinic', 'transaction_ms', mean(with_us) * 1000, 'ms', 'the same without omrsync', mean(with_us) / mean(without),
           f'{len(with_us)} transactions of 12 rows')
    figure('clinic', 'transaction_p99_ms', slowest(with_us), 'ms', 'the same without omrsync', slowest(with_us) / slowest(without),
           f'{len(with_us)} transactions of 12 rows')


PARTS = ('alone', 'latency', 'capture', 'wire', 'end_to_end', 'catching_up', 'idle', 'clinic')


def scenario(scene):
    scene.patients = scene.given.patients
    parts = scene.given.only.split(',') if scene.given.only else PARTS
    check(set(parts) <= set(PARTS), 'the parts are: ' + ', '.join(PARTS))
    setting = f'{scene.patients} patients, {scene.source.name}'
    hq = scene.parent().serve().await_running()
    a = scene.child(hq, 'kitale', fill=scene.source.data('KIT', scene.patients))
    own_patients(a, 50)
    first_load(scene, hq, a, setting)
    work = {'alone': lambda: first_load_alone(scene, hq, scene.given.binary), 'latency': lambda: latency(hq, a, 100),
            'capture': lambda: capture_latency(a, 200), 'wire': lambda: wire(scene, hq, a),
            'end_to_end': lambda: end_to_end(scene, hq, a, 2000), 'catching_up': lambda: catching_up(scene, hq, a, 20_000),
            'idle': lambda: idle([hq, a]), 'clinic': lambda: cost_to_the_clinic(a, 300)}
    for part in parts:
        work[part]()
        settle(hq, [a], 1200)
    same_everywhere([a, hq])


if __name__ == '__main__':
    parser = arguments(__doc__)
    parser.add_argument('--patients', type=int, default=500)
    parser.add_argument('--only', help='parts to be measured beside the first load, with commas: ' + ', '.join(PARTS))
    import harness
    harness.say = lambda text: print(text, file=sys.stderr)
    sys.exit(play('figures of whole nodes', scenario, parser))
