"""A small client of the MySQL protocol, so that the tests need nothing beside Python's standard library.

Text protocol only; values come back as str, bytes of a binary column are decoded with surrogateescape, NULL is None.
One connection belongs to one thread.
"""
import hashlib
import socket
import struct

_PROTOCOL_41, _TRANSACTIONS, _SECURE, _MULTI_STATEMENTS, _MULTI_RESULTS, _PLUGIN_AUTH, _LONG_PASSWORD, _WITH_DB = (
    0x200, 0x2000, 0x8000, 0x10000, 0x20000, 0x80000, 0x1, 0x8)


class SqlError(Exception):
    def __init__(self, code, message):
        super().__init__(f'{code}: {message}')
        self.code = code


def _native_password(password, salt):
    if not password:
        return b''
    inner = hashlib.sha1(password.encode()).digest()
    outer = hashlib.sha1(salt + hashlib.sha1(inner).digest()).digest()
    return bytes(a ^ b for a, b in zip(inner, outer))


def quote(value):
    """A literal for SQL text."""
    if value is None:
        return 'NULL'
    if isinstance(value, bool):
        return '1' if value else '0'
    if isinstance(value, (int, float)):
        return repr(value)
    return "'" + str(value).replace('\\', '\\\\').replace("'", "\\'").replace('\n', '\\n').replace('\0', '\\0') + "'"


class Connection:
    def __init__(self, user='root', password='', database='', host='127.0.0.1', port=3306, unix=None, timeout=600):
        if unix:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._socket.settimeout(timeout)
            self._socket.connect(unix)
        else:
            self._socket = socket.create_connection((host, port), timeout)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._stream = self._socket.makefile('rb', 1 << 18)
        self.affected = 0
        self.columns = []
        self._handshake(user, password, database)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        try:
            self._stream.close()
            self._socket.close()
        except OSError:
            pass

    # ---- packets

    def _read(self):
        parts = []
        while True:
            head = self._stream.read(4)
            if len(head) < 4:
                raise SqlError(2013, 'the server went away')
            length = head[0] | head[1] << 8 | head[2] << 16
            self._number = head[3] + 1
            body = self._stream.read(length)
            if len(body) < length:
                raise SqlError(2013, 'the server went away')
            parts.append(body)
            if length < 0xFFFFFF:
                return parts[0] if len(parts) == 1 else b''.join(parts)

    def _write(self, body):
        while True:
            part, body = body[:0xFFFFFF], body[0xFFFFFF:]
            self._socket.sendall(struct.pack('<I', len(part))[:3] + bytes([self._number & 255]) + part)
            self._number += 1
            if len(part) < 0xFFFFFF:
                return

    @staticmethod
    def _length(data, at):
        first = data[at]
        if first < 0xFB:
            return first, at + 1
        if first == 0xFC:
            return data[at + 1] | data[at + 2] << 8, at + 3
        if first == 0xFD:
            return int.from_bytes(data[at + 1:at + 4], 'little'), at + 4
        return int.from_bytes(data[at + 1:at + 9], 'little'), at + 9

    @staticmethod
    def _raise(packet):
        code = packet[1] | packet[2] << 8
        text = packet[3:]
        raise SqlError(code, (text[6:] if text[:1] == b'#' else text).decode('utf-8', 'replace'))

    def _handshake(self, user, password, database):
        hello = self._read()
        if hello[0] == 0xFF:
            self._raise(hello)
        at = hello.index(b'\0', 1) + 1 + 4
        salt = hello[at:at + 8]
        at += 8 + 1 + 2 + 1 + 2 + 2 + 1 + 10
        salt += hello[at:at + 12]
        flags = (_PROTOCOL_41 | _TRANSACTIONS | _SECURE | _MULTI_STATEMENTS | _MULTI_RESULTS | _PLUGIN_AUTH
                 | _LONG_PASSWORD | (_WITH_DB if database else 0))
        proof = _native_password(password, salt)
        self._write(struct.pack('<IIB23x', flags, 1 << 30, 45) + user.encode() + b'\0' + bytes([len(proof)]) + proof
                    + (database.encode() + b'\0' if database else b'') + b'mysql_native_password\0')
        answer = self._read()
        if answer[0] == 0xFE:
            self._write(_native_password(password, answer[answer.index(b'\0', 1) + 1:].rstrip(b'\0')[:20]))
            answer = self._read()
        if answer[0] == 0xFF:
            self._raise(answer)

    # ---- statements

    def _result(self, rows):
        """Reads one result; True when another follows."""
        packet = self._read()
        if packet[0] == 0xFF:
            self._raise(packet)
        if packet[0] == 0:
            self.affected, at = self._length(packet, 1)
            _, at = self._length(packet, at)
            return bool(packet[at] & 8)
        count, _ = self._length(packet, 0)
        self.columns = []
        for _ in range(count):
            packet = self._read()
            at = 0
            for _ in range(4):
                length, at = self._length(packet, at)
                at += length
            length, at = self._length(packet, at)
            self.columns.append(packet[at:at + length].decode())
        self._read()
        while True:
            packet = self._read()
            if packet[0] == 0xFE and len(packet) < 9:
                return bool(packet[3] & 8)
            if packet[0] == 0xFF:
                self._raise(packet)
            row, at = [], 0
            for _ in range(count):
                if packet[at] == 0xFB:
                    row.append(None)
                    at += 1
                else:
                    length, at = self._length(packet, at)
                    row.append(packet[at:at + length])
                    at += length
            rows(row)

    def _send(self, sql):
        self._number = 0
        self._write(b'\x03' + (sql if isinstance(sql, bytes) else sql.encode('utf-8', 'surrogateescape')))

    def each(self, sql, row):
        """Runs one statement and calls row(list of bytes) for each of its rows as it comes."""
        self._send(sql)
        while self._result(row):
            pass

    def query(self, sql):
        """The rows, as tuples of str or None. Several statements may be given; their rows come together."""
        rows = []
        self.each(sql, lambda row: rows.append(
            tuple(None if v is None else v.decode('utf-8', 'surrogateescape') for v in row)))
        return rows

    def value(self, sql):
        rows = self.query(sql)
        return rows[0][0] if rows else None
