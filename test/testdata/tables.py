"""Writes Parquet and Avro files into a directory, and beside each the rows that the library itself reads, as JSON lines."""
import base64, datetime, decimal, itertools, json, math, os, sys, uuid

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq

out = sys.argv[1]
utc = datetime.timezone.utc


def plain(b):
    try:
        text = b.decode()
    except UnicodeDecodeError:
        return base64.b64encode(b).decode()
    if any(c < ' ' and c not in '\t\n\r' or c == '\x7f' for c in text):
        return base64.b64encode(b).decode()
    return text


def ours(v, digits=6):
    """A value as the JSON that it becomes."""
    if isinstance(v, dict):
        return {str(k): w for k, w in ((k, ours(w, digits)) for k, w in v.items()) if w is not None}
    if isinstance(v, list):
        return [ours(e, digits) for e in v]
    if v is None or isinstance(v, (bool, int, str)):
        return v
    if isinstance(v, float):
        return None if math.isnan(v) or math.isinf(v) else v
    if isinstance(v, bytes):
        return plain(v)
    spec = {3: 'milliseconds', 6: 'microseconds'}[digits]
    if isinstance(v, datetime.datetime):
        return v.replace(tzinfo=None).isoformat(timespec=spec) + ('Z' if v.tzinfo else '')
    if isinstance(v, datetime.time):
        return v.isoformat(timespec=spec)
    if isinstance(v, datetime.date):
        return v.isoformat()
    if isinstance(v, decimal.Decimal):
        return float(v)
    if isinstance(v, uuid.UUID):
        return str(v)
    raise TypeError(type(v))


def expect(path, rows, digits):
    with open(path + '.json', 'w') as f:
        for row in rows:
            json.dump({k: w for k, w in ((k, ours(v, digits.get(k, 6))) for k, v in row.items()) if w is not None}, f)
            f.write('\n')


N = 3000
sometimes = lambda i, v: None if i % 5 == 3 else v
columns = {
    'bool': pa.array([sometimes(i, i % 3 == 0) for i in range(N)], pa.bool_()),
    'i8': pa.array([sometimes(i, i % 256 - 128) for i in range(N)], pa.int8()),
    'u8': pa.array([i % 256 for i in range(N)], pa.uint8()),
    'i16': pa.array([i - 1500 for i in range(N)], pa.int16()),
    'u16': pa.array([65535 - i for i in range(N)], pa.uint16()),
    'i32': pa.array([sometimes(i, (-1) ** i * (i * 700001 % 2**31)) for i in range(N)], pa.int32()),
    'u32': pa.array([2**32 - 1 - i for i in range(N)], pa.uint32()),
    'i64': pa.array([sometimes(i, (-1) ** i * (2**63 - 1 - i * i)) for i in range(N)], pa.int64()),
    'u64': pa.array([2**64 - 1 - i for i in range(N)], pa.uint64()),
    'f32': pa.array([sometimes(i, i / 4) for i in range(N)], pa.float32()),
    'f64': pa.array([float('nan') if i % 7 == 1 else i * 1.1e-9 for i in range(N)], pa.float64()),
    'text': pa.array([sometimes(i, 'naïve "%d" \\ \n' % (i % 40)) for i in range(N)], pa.string()),
    'sorted': pa.array(['prefix-%08d' % i for i in range(N)], pa.large_string()),
    'raw': pa.array([bytes([i % 256, 200]) for i in range(N)], pa.binary()),
    'fixed': pa.array([b'%04d' % i for i in range(N)], pa.binary(4)),
    'date': pa.array([datetime.date(1969, 12, 1) + datetime.timedelta(days=i) for i in range(N)], pa.date32()),
    'time_ms': pa.array([datetime.time(i % 24, i % 60, 59, i % 1000 * 1000) for i in range(N)], pa.time32('ms')),
    'time_us': pa.array([datetime.time(i % 24, i % 60, 59, i) for i in range(N)], pa.time64('us')),
    'ts_ms': pa.array([datetime.datetime(2026, 11, 24, i % 24, 0, 0, 123000, utc) for i in range(N)], pa.timestamp('ms', 'UTC')),
    'ts_us': pa.array([datetime.datetime(1960, 1, 1, i % 24, 0, 0, i, utc) for i in range(N)], pa.timestamp('us', 'UTC')),
    'local_us': pa.array([sometimes(i, datetime.datetime(2026, 1, 1, i % 24)) for i in range(N)], pa.timestamp('us')),
    'dec32': pa.array([decimal.Decimal(i - 1500) / 100 for i in range(N)], pa.decimal128(7, 2)),
    'dec128': pa.array([sometimes(i, decimal.Decimal(10**20 + i) / 1000 * (-1) ** i) for i in range(N)], pa.decimal128(38, 3)),
    'list': pa.array([sometimes(i, list(range(i % 4)) + [None] * (i % 2)) for i in range(N)], pa.list_(pa.int32())),
    'lists': pa.array([[[i, i + 1], [], None][: i % 4] for i in range(N)], pa.list_(pa.list_(pa.int64()))),
    'struct': pa.array([sometimes(i, {'a': i, 'b': sometimes(i + 1, {'c': ['x'] * (i % 3)})}) for i in range(N)],
                       pa.struct([('a', pa.int32()), ('b', pa.struct([('c', pa.list_(pa.string()))]))])),
    'structs': pa.array([[{'k': 'v%d' % j, 'n': None} for j in range(i % 3)] for i in range(N)],
                        pa.list_(pa.struct([('k', pa.string()), ('n', pa.int32())]))),
    'map': pa.array([sometimes(i, [('k%d' % j, j) for j in range(i % 4)]) for i in range(N)], pa.map_(pa.string(), pa.int32())),
    'none': pa.array([None] * N, pa.int32()),
}
table = pa.table(columns)
digits = {'time_ms': 3, 'ts_ms': 3}


def read(path):
    rows = pq.read_table(path).to_pylist()
    for row in rows:
        if row.get('map') is not None:
            row['map'] = dict(row['map'])
    return rows


def parquet(name, data=table, **options):
    path = os.path.join(out, name + '.parquet')
    pq.write_table(data, path, **options)
    expect(path, read(path), digits)


for codec, version, dictionary in itertools.product(
        ['none', 'snappy', 'gzip', 'brotli', 'zstd', 'lz4'], ['1.0', '2.0'], [True, False]):
    parquet(f'{codec}-{version}-{dictionary}', compression=codec, data_page_version=version, use_dictionary=dictionary,
            data_page_size=4096, row_group_size=1100, write_page_checksum=True)
encodings = {
    'DELTA_BINARY_PACKED': ['i32', 'i64', 'u32', 'u64'], 'DELTA_LENGTH_BYTE_ARRAY': ['text', 'raw'],
    'DELTA_BYTE_ARRAY': ['text', 'sorted', 'fixed'], 'BYTE_STREAM_SPLIT': ['f32', 'f64', 'i32', 'i64', 'fixed'], 'RLE': ['bool'],
}
for name, of in encodings.items():
    for version in ['1.0', '2.0']:
        parquet(f'{name}-{version}', table.select(of), use_dictionary=False, column_encoding={c: name for c in of},
                data_page_version=version, data_page_size=2048, version='2.6')
parquet('int96', pa.table({'i64': columns['i64'], 't': columns['local_us']}), use_deprecated_int96_timestamps=True)
path = os.path.join(out, 'int96.parquet.json')
rows = [json.loads(line) for line in open(path)]
with open(path, 'w') as f:
    for row in rows:
        if 't' in row:  # nanoseconds, and always in UTC
            row['t'] += '000Z'
        json.dump(row, f)
        f.write('\n')
parquet('older-lists', table.select(['list', 'structs', 'map']), use_compliant_nested_type=False)
parquet('flavour-spark', table.select(['i32', 'text', 'struct']), flavor='spark')
parquet('one-row', table.slice(1, 1))

schema = {
    'type': 'record', 'name': 'event', 'namespace': 'org.example', 'fields': [
        {'name': 'null', 'type': 'null'}, {'name': 'bool', 'type': 'boolean'}, {'name': 'int', 'type': 'int'},
        {'name': 'long', 'type': 'long'}, {'name': 'float', 'type': 'float'}, {'name': 'double', 'type': 'double'},
        {'name': 'text', 'type': 'string'}, {'name': 'raw', 'type': 'bytes'}, {'name': 'maybe', 'type': ['null', 'string', 'long']},
        {'name': 'list', 'type': {'type': 'array', 'items': ['null', 'int']}},
        {'name': 'map', 'type': {'type': 'map', 'values': 'long'}},
        {'name': 'enum', 'type': {'type': 'enum', 'name': 'colour', 'symbols': ['red', 'green']}},
        {'name': 'again', 'type': 'org.example.colour'},
        {'name': 'fixed', 'type': {'type': 'fixed', 'name': 'four', 'size': 4}},
        {'name': 'date', 'type': {'type': 'int', 'logicalType': 'date'}},
        {'name': 'time_ms', 'type': {'type': 'int', 'logicalType': 'time-millis'}},
        {'name': 'time_us', 'type': {'type': 'long', 'logicalType': 'time-micros'}},
        {'name': 'ts_ms', 'type': {'type': 'long', 'logicalType': 'timestamp-millis'}},
        {'name': 'ts_us', 'type': {'type': 'long', 'logicalType': 'timestamp-micros'}},
        {'name': 'local_us', 'type': {'type': 'long', 'logicalType': 'local-timestamp-micros'}},
        {'name': 'decimal', 'type': {'type': 'bytes', 'logicalType': 'decimal', 'precision': 20, 'scale': 3}},
        {'name': 'uuid', 'type': {'type': 'string', 'logicalType': 'uuid'}},
        {'name': 'tree', 'type': {'type': 'record', 'name': 'node', 'fields': [
            {'name': 'v', 'type': 'int'}, {'name': 'next', 'type': ['null', 'node']}]}},
    ],
}


def tree(n):
    return {'v': n, 'next': None if n == 0 else tree(n - 1)}


rows = [{
    'null': None, 'bool': i % 2 == 0, 'int': i - 1500, 'long': (-1) ** i * (2**63 - 1 - i), 'float': i / 4, 'double': i * 1.1e-9,
    'text': 'naïve "%d"\n' % i, 'raw': bytes([i % 256, 200]), 'maybe': [None, 'x', i][i % 3], 'list': [None, i][: i % 3],
    'map': {'k%d' % j: j for j in range(i % 4)}, 'enum': ['red', 'green'][i % 2], 'again': 'green', 'fixed': b'%04d' % (i % 9999),
    'date': datetime.date(1969, 12, 1) + datetime.timedelta(days=i), 'time_ms': datetime.time(i % 24, 1, 2, 3000),
    'time_us': datetime.time(i % 24, 1, 2, i), 'ts_ms': datetime.datetime(2026, 11, 24, i % 24, tzinfo=utc),
    'ts_us': datetime.datetime(1960, 1, 1, 0, 0, 0, i, utc), 'local_us': datetime.datetime(2026, 1, 1, i % 24),
    'decimal': decimal.Decimal(i - 1500) / 1000, 'uuid': uuid.UUID(int=i), 'tree': tree(i % 4),
} for i in range(N)]
for codec in ['null', 'deflate', 'bzip2', 'xz', 'snappy', 'zstandard']:
    path = os.path.join(out, codec + '.avro')
    with open(path, 'wb') as f:
        fastavro.writer(f, schema, rows, codec=codec, sync_interval=4000)
    with open(path, 'rb') as f:
        expect(path, list(fastavro.reader(f)), digits)
