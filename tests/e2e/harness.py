"""Real nodes on this machine for the scenarios: private MariaDB servers, the omrsync binary, a line that can be cut.

Everything lives in one temporary folder; what was started is stopped by its pid; on failure the folder stays.
"""
import argparse
import contextlib
import ctypes
import hashlib
import json
import os
import pwd
import random
import re
import select
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(HERE), str(HERE / 'fixture')]
import clinic as small  # noqa: E402
import compare  # noqa: E402
import schema as small_schema  # noqa: E402
from mysql import Connection, SqlError  # noqa: E402

# A server that is killed loses nothing by this, a machine without power would.
UNSAFE_BUT_FAST = ['--innodb-flush-method=nosync', '--innodb-log-file-size=48M']
DATABASE, ACCOUNT, PASSWORD = 'openmrs', 'omrsync', 'a-made-up-password'


class Failure(Exception):
    """What a scenario found wrong."""


def check(true, what):
    if not true:
        raise Failure(what)


def say(text):
    print(f'[{time.monotonic() - START:6.1f}s] {text}', file=sys.stderr, flush=True)


START = time.monotonic()


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def wait_until(true, what, seconds=60.0, every=0.05):
    """Polls; returns the first true answer."""
    end = time.monotonic() + seconds
    while True:
        answer = true()
        if answer:
            return answer
        if time.monotonic() > end:
            raise Failure(f'after {seconds:g} s still not: {what}')
        time.sleep(every)


def _die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


KEEP = False  # what is started outlives us


def _starting():
    if KEEP:
        return {'start_new_session': True}
    # The kernel counts the thread as the parent: what a passing thread started would die with it.
    return {'preexec_fn': _die_with_parent} if threading.current_thread() is threading.main_thread() else {}


def _server_user():
    return pwd.getpwnam('mysql') if os.geteuid() == 0 else None


def _own(path):
    user = _server_user()
    if user:
        subprocess.run(['chown', '-R', f'{user.pw_uid}:{user.pw_gid}', str(path)], check=True)


# ---------------------------------------------------------------------------------------------------- MariaDB

class PrivateMariadb:
    """A server of our own with the settings that omrsync needs (D16)."""

    def __init__(self, folder, name, template=None, server_id=1, extra=()):
        self.folder, self.name, self.server_id, self.extra = Path(folder), name, server_id, list(extra)
        self.folder.mkdir(parents=True)
        self.data, self.unix, self.process = self.folder / 'data', str(self.folder / 's'), None
        if template:
            shutil.copytree(template, self.data)
        else:
            user = _server_user()
            _own(self.folder)
            done = subprocess.run(['mariadb-install-db', '--no-defaults', f'--datadir={self.data}', f'--tmpdir={self.folder}', '--skip-test-db',
                                   '--auth-root-authentication-method=normal', *UNSAFE_BUT_FAST]
                                  + ([f'--user={user.pw_name}'] if user else []), capture_output=True, text=True)
            check(done.returncode == 0, 'mariadb-install-db: ' + done.stderr)
        _own(self.folder)

    def start(self, logging=True):
        for _ in range(3):  # somebody may have taken the port meanwhile
            self.port = getattr(self, 'port', None) or free_port()
            if self._start(logging):
                return self
            self.port = None
        raise Failure(f'mariadbd {self.name} does not start: ' + (self.folder / 'log').read_text()[-2000:])

    def _start(self, logging):
        user = _server_user()
        notify = self.folder / 'n'
        notify.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready, open(self.folder / 'log', 'ab') as log:
            ready.bind(str(notify))
            os.chmod(notify, 0o666)
            ready.settimeout(1)
            log_bin = [f'--log-bin={self.data}/binlog', '--binlog-format=ROW', '--binlog-row-image=FULL', '--binlog-row-metadata=FULL',
                       '--gtid-strict-mode=ON', '--binlog-expire-logs-seconds=2592000', '--sync-binlog=0'] if logging else []
            command = ['mariadbd', '--no-defaults', f'--datadir={self.data}', f'--tmpdir={self.data}', f'--socket={self.unix}', f'--port={self.port}',
                       '--bind-address=127.0.0.1', f'--pid-file={self.folder}/pid', f'--server-id={self.server_id}', *log_bin,
                       *UNSAFE_BUT_FAST, '--innodb-flush-log-at-trx-commit=2', '--innodb-buffer-pool-size=128M',
                       '--max-allowed-packet=64M', '--character-set-server=utf8mb4', '--collation-server=utf8mb4_general_ci',
                       '--skip-name-resolve', '--performance-schema=OFF', '--default-time-zone=+03:00', '--skip-slave-start',
                       '--innodb-buffer-pool-dump-at-shutdown=OFF', '--innodb-buffer-pool-load-at-startup=OFF', *self.extra]
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **_starting(), user=user.pw_uid if user else None,
                group=user.pw_gid if user else None, extra_groups=[] if user else None, env={**os.environ, 'NOTIFY_SOCKET': str(notify)})
            for _ in range(120):
                with contextlib.suppress(TimeoutError):
                    if b'READY=1' in ready.recv(512):
                        return True
                if self.process.poll() is not None:
                    return False
        return False

    def stop(self, with_signal=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(with_signal)
            self.process.wait()
        self.process = None

    def kill9(self):
        self.stop(signal.SIGKILL)

    def connect(self, user='root', password='', database=DATABASE):
        return Connection(user, password, database, unix=self.unix)

    def sql(self, statements, database=DATABASE):
        with self.connect(database=database) as connection:
            return connection.query(statements)

    def value(self, statement):
        rows = self.sql(statement)
        return rows[0][0] if rows else None

    def feed(self, text, database=DATABASE):
        """A long script, through the server's own client."""
        done = subprocess.run(['mariadb', '--no-defaults', '-uroot', f'--socket={self.unix}', '--default-character-set=utf8mb4',
                               '--binary-mode', '--max-allowed-packet=1G', *([database] if database else [])],
                              input=text.encode('utf-8', 'surrogateescape'), capture_output=True)
        check(done.returncode == 0, f'{self.name}: {done.stderr.decode()[-500:]}')

    def url(self):
        return f'mysql://root@localhost/{DATABASE}?socket={self.unix}'


# ---------------------------------------------------------------------------------------------------- data

class SmallSource:
    """The invented clinic of tests/e2e/fixture."""
    name = 'fixture'

    def schema(self):
        return small_schema.schema_sql()

    def data(self, site, patients):
        return small.script(small.Clinic(site, patients).data())

    def workload(self, site, patients, count, stream=1):
        for statements in small.Clinic(site, patients).workload(count, stream):
            yield 'START TRANSACTION;\n' + '\n'.join(statements) + '\nCOMMIT;\n'


class RealSource:
    """A folder with schema-2.7.sql and generate.py: $OMRSYNC_OPENMRS."""
    name = 'schema 2.7'

    def __init__(self, folder):
        self.folder = Path(folder)

    def schema(self):
        return (self.folder / 'schema-2.7.sql').read_text()

    def _generate(self, *arguments):
        done = subprocess.run([sys.executable, str(self.folder / 'generate.py'), '--shift-concepts', *map(str, arguments)],
                              capture_output=True, check=True, env={**os.environ, 'PYTHONDONTWRITEBYTECODE': '1'})
        return done.stdout.decode()

    def data(self, site, patients):
        return self._generate('--site', site, '--patients', patients)

    def workload(self, site, patients, count, stream=1):
        text = self._generate('--site', site, '--patients', patients, '--workload', count, '--workload-seed', stream)
        for part in re.split(r'(?<=\nCOMMIT;\n)', text):
            if 'COMMIT;' in part:
                yield part[part.index('START TRANSACTION;'):]


def source():
    folder = os.environ.get('OMRSYNC_OPENMRS')
    return RealSource(folder) if folder else SmallSource()


# ---------------------------------------------------------------------------------------------------- the line

class CuttingProxy:
    """A line between a child and its parent that can be down, slow, or break at any byte."""

    def __init__(self, port, seed=1):
        self.target, self.random = port, random.Random(seed)
        self.blocked, self.cut_after, self.delay = False, None, 0.0
        self.bytes, self.cuts = 0, 0
        self._pairs, self._lock = set(), threading.Lock()
        self._listener = socket.create_server(('127.0.0.1', 0), backlog=50)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def block(self):
        """The line goes down: what is open breaks, what comes is refused."""
        self.blocked = True
        self.cut()

    def unblock(self):
        self.blocked = False

    def cut_randomly(self, most):
        """From now on each connection breaks after 0 to `most` bytes; None: no more."""
        self.cut_after = most

    def cut(self):
        with self._lock:
            pairs = list(self._pairs)
        for one, two in pairs:
            self._end(one, two)

    def close(self):
        self._listener.close()
        self.cut()

    def _end(self, *sockets):
        for each in sockets:
            with contextlib.suppress(OSError):
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\1\0\0\0\0\0\0\0')  # a reset, as a broken line shows it
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if self.blocked:
                near.close()
                continue
            try:
                far = socket.create_connection(('127.0.0.1', self.target), 5)
            except OSError:
                near.close()
                continue
            with self._lock:
                self._pairs.add((near, far))
            budget = None if self.cut_after is None else self.random.randrange(self.cut_after)
            threading.Thread(target=self._pump, args=(near, far, budget), daemon=True).start()

    def _pump(self, near, far, budget):
        try:
            while True:
                ready, _, _ = select.select([near, far], [], [])
                for each in ready:
                    data = each.recv(16384)
                    if not data:
                        return
                    if self.delay:
                        time.sleep(self.delay)
                    self.bytes += len(data)
                    if budget is not None:
                        if budget < len(data):
                            (far if each is near else near).sendall(data[:budget])
                            self.cuts += 1
                            return
                        budget -= len(data)
                    (far if each is near else near).sendall(data)
        except (OSError, ValueError):
            pass
        finally:
            with self._lock:
                self._pairs.discard((near, far))
            self._end(near, far)
            near.close()
            far.close()


# ---------------------------------------------------------------------------------------------------- nodes

class Answer:
    def __init__(self, done):
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def lines(self):
        return [json.loads(line) for line in self.out.splitlines() if line.strip()]


class Node:
    """One node: its folder, its database server (None: a FHIR repository only), its daemon."""

    def __init__(self, scene, name, database):
        self.scene, self.name, self.database = scene, name, database
        self.folder = scene.folder / name
        self.folder.mkdir()
        self.config = self.folder / 'omrsync.toml'
        self.daemon, self.starts = None, 0
        (self.folder / 'pw').write_text(PASSWORD + '\n')
        (self.folder / 'pw').chmod(0o600)

    def run(self, *arguments, codes=(0,), timeout=660):
        command = [str(self.scene.binary), '--config', str(self.config), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL,
                              preexec_fn=_die_with_parent)
        if codes is not None and done.returncode not in codes:
            raise Failure(f'{self.name}: omrsync {" ".join(map(str, arguments))} ended with {done.returncode}\n{done.stdout}{done.stderr}')
        return Answer(done)

    def init(self, role, *arguments):
        database = [] if self.database is None else [
            '--openmrs', f'mysql://{ACCOUNT}@127.0.0.1:{self.database.port}/{DATABASE}', '--openmrs-password-file', self.folder / 'pw']
        self.run('init', role, '--name', self.name, '--timezone', 'Africa/Nairobi', '--no-input', *database, *arguments)
        self.edit('push = "1min"', 'push = "1s"')
        self.edit('pull = "1min"', 'pull = "1s"')
        if self.database is None:
            return
        self.grant()
        self.run('db', 'init')

    def grant(self):
        """The account is made from what `db grants --print` says, word for word but for the password."""
        sql = self.run('db', 'grants', '--print').out
        check('IDENTIFIED BY' in sql, 'db grants prints no account: ' + sql)
        sql = re.sub(r"IDENTIFIED BY '[^']*'", f"IDENTIFIED BY '{PASSWORD}'", sql)
        self.database.feed(sql, database=None)

    def edit(self, old, new):
        text = self.config.read_text()
        if old in text:
            self.config.write_text(text.replace(old, new))

    def serve(self):
        self.starts += 1
        with open(self.folder / f'serve.{self.starts % 100}.log', 'wb') as log:
            self.daemon = subprocess.Popen([str(self.scene.binary), '--config', str(self.config), 'serve'], stdin=subprocess.DEVNULL,
                                           stdout=log, stderr=log, **_starting())
        return self

    def await_running(self):
        def runs():
            check(self.daemon.poll() is None, f'{self.name}: serve ended with {self.daemon.returncode}: {self.log()[-1500:]}')
            answer = self.run('status', '--json', codes=None)
            return answer.code == 0 and answer.json['daemon']['running']
        wait_until(runs, f'{self.name} serves', 30)
        return self

    def stop(self, seconds=10):
        if self.daemon and self.daemon.poll() is None:
            self.daemon.terminate()
            try:
                self.daemon.wait(seconds)
            except subprocess.TimeoutExpired:
                self.daemon.kill()
                self.daemon.wait()
                raise Failure(f'{self.name}: serve did not end within {seconds} s of SIGTERM') from None
            check(self.daemon.returncode == 0, f'{self.name}: serve ended with {self.daemon.returncode}: {self.log()[-1500:]}')
        self.daemon = None

    def kill9(self):
        if self.daemon and self.daemon.poll() is None:
            self.daemon.kill()
            self.daemon.wait()
        self.daemon = None

    def status(self):
        return self.run('status', '--json').json

    def sync(self, timeout=120, codes=(0,)):
        return self.run('sync', '--json', '--timeout', f'{timeout}s', codes=codes)

    def queue(self, *arguments):
        return self.run('queue', 'ls', '--json', *arguments).lines

    def conflicts(self, state='open'):
        return self.run('conflict', 'ls', '--state', state, '--json').lines

    def log(self):
        files = sorted(self.folder.glob('serve.*.log'), key=lambda f: f.stat().st_mtime)
        return files[-1].read_text(errors='replace') if files else ''

    def memory(self, field='VmHWM'):
        """Megabytes of the daemon: VmHWM (most ever) or VmRSS (now)."""
        text = Path(f'/proc/{self.daemon.pid}/status').read_text()
        return int(re.search(rf'{field}:\s+(\d+)', text)[1]) / 1024

    def reset_memory_peak(self):
        Path(f'/proc/{self.daemon.pid}/clear_refs').write_text('5')

    # the store of this node

    def stored(self, statement):
        with contextlib.closing(sqlite3.connect(f'file:{self.folder}/state/node.db?mode=ro', uri=True, timeout=30)) as store:
            return store.execute(statement).fetchall()

    def counter(self, name):
        """A counter of the node, such as the end of the log for its children; 0 before its first use."""
        rows = self.stored(f"SELECT value FROM meta WHERE key = CAST('{name}' AS BLOB)")
        return int.from_bytes(rows[0][0], 'big') if rows else 0

    # the database of this node

    def sql(self, statements):
        return self.database.sql(statements)

    def value(self, statement):
        return self.database.value(statement)


class Scene:
    """A temporary folder with servers and nodes. Use as a context manager."""

    def __init__(self, given, source_=None):
        self.given, self.source = given, source_ or source()
        self.binary = Path(given.binary).resolve()
        self.folder = Path(tempfile.mkdtemp(prefix='omrsync-e2e-'))
        self.folder.chmod(0o755)
        self.databases, self.nodes, self.lines = [], [], []
        self._template = None

    def __enter__(self):
        return self

    def __exit__(self, kind, error, _):
        for line in self.lines:
            line.close()
        if kind is None and KEEP:
            return
        for node in self.nodes:
            node.kill9()
        for database in self.databases:
            database.stop() if self.given.keep else database.kill9()
        if (kind is not None and kind is not KeyboardInterrupt) or self.given.keep:
            say(f'the folder stays: {self.folder}')
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    def template(self):
        """A data folder with the schema in it: made once, kept beside the build, copied for each server."""
        schema = self.source.schema()
        version = subprocess.run(['mariadbd', '--version'], capture_output=True, check=True).stdout
        name = hashlib.sha256(schema.encode() + version + repr(UNSAFE_BUT_FAST).encode()).hexdigest()[:16]
        kept = ROOT / '.build' / 'e2e' / name
        if not kept.exists():
            server = PrivateMariadb(self.folder / 'template', 'template')
            self.databases.append(server)
            server.start(logging=False)
            server.feed(f'CREATE DATABASE {DATABASE} DEFAULT CHARACTER SET utf8mb4;', database=None)
            server.feed(schema)
            server.stop()
            kept.parent.mkdir(parents=True, exist_ok=True)
            ours = kept.with_name(f'{name}.{os.getpid()}')
            shutil.copytree(server.data, ours)
            with contextlib.suppress(OSError):  # somebody else may have been as quick
                ours.rename(kept)
            shutil.rmtree(ours, ignore_errors=True)
        return kept

    def mariadb(self, name, extra=()):
        server = PrivateMariadb(self.folder / f'db-{name}', name, self.template(), server_id=len(self.databases) + 1, extra=extra)
        self.databases.append(server)
        return server.start()

    def node(self, name, extra=()):
        node = Node(self, name, self.mariadb(name, extra))
        self.nodes.append(node)
        return node

    def line(self, port, seed=None):
        line = CuttingProxy(port, self.given.seed if seed is None else seed)
        self.lines.append(line)
        return line

    def listening(self, node):
        """The arguments of `init parent` that say where."""
        node.port = free_port()
        return ['--listen', f'127.0.0.1:{node.port}', '--url', f'https://localhost:{node.port}']

    def parent(self, name='hq', extra=(), before=None):
        """A centre. `before`: what is done to its database first."""
        node = self.node(name, extra)
        if before:
            node.database.feed(before)
        node.init('parent', *self.listening(node))
        return node

    def repository(self, name='hq'):
        """A centre without a database of its own."""
        node = Node(self, name, None)
        self.nodes.append(node)
        node.init('parent', *self.listening(node))
        return node

    def child(self, parent, name, catchment='all', fill=None, extra=()):
        """A clinic below `parent`, behind a line of its own. `fill`: what stands in its database before it joins."""
        node = self.node(name, extra)
        if fill:
            node.database.feed(fill)
        card = self.folder / f'{name}.card'
        parent.run('node', 'add', name, '--catchment', catchment, '--card', card)
        node.init('child', '--join', card)
        card.unlink()
        node.line = self.line(parent.port, self.given.seed + len(self.lines))
        node.edit(f'https://localhost:{parent.port}', f'https://localhost:{node.line.port}')
        return node


# ---------------------------------------------------------------------------------------------------- what must hold

def settle(parent, children, seconds=300, held=False):
    """Rounds until nothing moves any more. With `held`, sets may stay held or quarantined."""
    end = time.monotonic() + seconds
    quiet = 0
    while quiet < 2:
        if time.monotonic() > end:
            raise Failure('does not settle: ' + json.dumps([n.status() for n in (parent, *children)]))
        moved = 0
        for child in children:
            answer = child.sync(timeout=max(5, int(end - time.monotonic())), codes=(0, 6) if held else (0,)).json
            moved += answer['sent'] + answer['received']
        statuses = [n.status() for n in (parent, *children)]
        waiting = sum(s['inbox']['waiting'] + s.get('outbox', {}).get('change_sets', 0) for s in statuses)
        waiting += sum(c['waiting_down'] for c in statuses[0].get('children', []))
        quiet = quiet + 1 if moved == 0 and waiting == 0 else 0
    for node in (parent, *children):
        status = node.status()
        check(held or status['inbox']['held'] + status['inbox']['quarantined'] == 0, f'{node.name}: ' + json.dumps(status))


def same_everywhere(nodes, ignore=(), reveal=False):
    databases = [compare.Database(n.database.url()) for n in nodes]
    for database, node in zip(databases, nodes):
        database.name = node.name
    lines, rows = compare.compare(databases, reveal=reveal, ignore=ignore)
    check(not lines, 'the databases differ:\n' + '\n'.join(lines[:60]))
    say(f'{rows} rows equal at {", ".join(n.name for n in nodes)}')
    return rows


def audits_whole(nodes):
    for node in nodes:
        node.run('audit', 'verify')


def nothing_twice(nodes):
    """Each set that came in ended once, whatever was killed meanwhile."""
    for node in nodes:
        ended = [json.loads(record[32:]) for record, in node.stored('SELECT value FROM audit')]
        ended = [(r['link'], r['set'], r['number'], r['part']) for r in ended if r['act'] == 'set']
        check(len(ended) == len(set(ended)), f'{node.name}: a set was taken twice: {[e for e in ended if ended.count(e) > 1][:3]}')


# ---------------------------------------------------------------------------------------------------- running a scenario

def arguments(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument('--binary', default=os.environ.get('OMRSYNC_BIN') or next(
        (str(p) for p in (ROOT / '.build/dev/bin/omrsync', ROOT / '.build/release/bin/omrsync') if p.exists()), None))
    parser.add_argument('--seed', type=int, default=int(os.environ.get('OMRSYNC_SEED', '1')))
    parser.add_argument('--long', action='store_true', help='the full numbers instead of those for every change')
    parser.add_argument('--keep', action='store_true', help='leave the folder')
    parser.add_argument('--reveal', action='store_true', help='print the (invented) values that differ')
    return parser


def play(description, scenario, parser=None):
    """Runs scenario(scene) and turns what it found into an exit code."""
    given = (parser or arguments(description)).parse_args()
    if not given.binary:
        print('no omrsync binary: build it, or say --binary', file=sys.stderr)
        return 2
    try:
        with Scene(given) as scene:
            say(f'{description} ({scene.source.name}, seed {given.seed})')
            scenario(scene)
    except (Failure, SqlError, subprocess.SubprocessError) as failure:
        say(f'FAILED: {failure}')
        return 1
    say('done')
    return 0
