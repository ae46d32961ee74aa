// An independent reading of the rules in docs/cloudwatch-logs.md, "What compat means", for the golden test: one payload
// a line on standard input, for each of its log events one line with the index and one with the document.
const lines = require('fs').readFileSync(0, 'utf8').split('\n').filter((l) => l !== '');

const parses = (text) => {
  try { return { value: JSON.parse(text) }; } catch { return null; }
};
const fromFirstBrace = (text) => {
  const at = text.indexOf('{');
  return at < 0 ? null : parses(text.slice(at));
};
const looksNumeric = (text) => !Number.isNaN(parseFloat(text)) && isFinite(text);

function fields(event) {
  const named = event.extractedFields;
  if (!named) {
    const found = fromFirstBrace(event.message);
    return found ? found.value : {};
  }
  const doc = {};
  for (const key of Object.keys(named)) {
    const value = named[key];
    if (!value) continue;
    if (looksNumeric(value)) { doc[key] = 1 * value; continue; }
    const found = fromFirstBrace(value);
    if (found) doc['$' + key] = found.value;
    doc[key] = value;
  }
  return doc;
}

const two = (n) => String(n).padStart(2, '0');
const out = [];
for (const line of lines) {
  const payload = JSON.parse(line);
  for (const event of payload.logEvents) {
    const when = new Date(1 * event.timestamp);
    const doc = fields(event);
    doc['@id'] = event.id;
    doc['@timestamp'] = when.toISOString();
    doc['@message'] = event.message;
    doc['@owner'] = payload.owner;
    doc['@log_group'] = payload.logGroup;
    doc['@log_stream'] = payload.logStream;
    out.push(`cwl-${when.getUTCFullYear()}.${two(when.getUTCMonth() + 1)}.${two(when.getUTCDate())}`, JSON.stringify(doc));
  }
}
process.stdout.write(out.join('\n') + '\n');
