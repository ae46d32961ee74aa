'use strict';

const assert = require('node:assert');
const { spawn, spawnSync } = require('node:child_process');
const http = require('node:http');
const { after, before, beforeEach, test } = require('node:test');
const aws4 = require('aws4');
const { startDomain, programPath } = require('penstock-aws');

let domain;
before(async () => { domain = await startDomain(); });
after(() => domain.stop());
beforeEach(async () => {
  await domain.policy();
  await domain.fault('');
});

/** Sends a request, signed with the credentials. */
function send(method, path, body, credentials = domain.credentials, to = domain) {
  const { hostname, port } = new URL(to.url);
  const options = aws4.sign({
    method, path, body, host: `${hostname}:${port}`, service: 'es', region: to.region,
    headers: body ? { 'Content-Type': 'application/json' } : {},
  }, credentials);
  return new Promise((resolve, reject) => {
    http.request({ ...options, hostname, port, agent: false }, (answer) => {
      let text = '';
      answer.on('data', (part) => { text += part; });
      answer.on('end', () => resolve({ status: answer.statusCode, text }));
    }).on('error', reject).end(body);
  });
}

test('it admits its user and knows what is stored', async () => {
  assert.strictEqual((await send('PUT', '/logs/_doc/a%2Fb', '{"n":1}')).status, 201);
  await domain.deny();
  await domain.fault('503');
  assert.deepStrictEqual(await domain.documents('log*'), [{ index: 'logs', id: 'a/b', fields: { n: 1 } }]);
  assert.deepStrictEqual(await domain.documents('none'), []);
});

test('what is allowed changes at once', async () => {
  await domain.allow('es:ESHttpGet', 'logs/*');
  assert.strictEqual((await send('GET', '/logs/_search')).status, 200);
  assert.strictEqual((await send('GET', '/other/_search')).status, 403);
  await domain.deny(['es:ESHttpGet'], 'logs/_search');
  assert.match((await send('GET', '/logs/_search')).text, /explicit deny/);
  await assert.rejects(domain.deny('no action'), /policy/);
  await domain.policy({ Version: '2012-10-17', Statement: [] }).catch(() => {});
  await domain.policy();
  assert.strictEqual((await send('GET', '/other/_search')).status, 404);
  assert.match(domain.log(), /request refused/);
});

test('faults strike and are counted', async () => {
  await domain.fault('429');
  assert.strictEqual((await send('GET', '/')).status, 429);
  assert.deepStrictEqual(await domain.fired(), { 429: 1 });
  await assert.rejects(domain.fault('418'), /unknown fault/);
});

test('sessions end', async () => {
  await assert.rejects(domain.roleSession({ name: 'no name' }), /is not a role session name/);
  const session = await domain.roleSession();
  assert.strictEqual((await send('GET', '/', undefined, session)).status, 200);
  await domain.expire(session);
  assert.match((await send('GET', '/', undefined, session)).text, /token included in the request is expired/);
  assert.strictEqual(domain.environment(session).AWS_SESSION_TOKEN, session.sessionToken);
});

test('a domain of another partition admits its user', async () => {
  const other = await startDomain({ region: 'us-iso-east-1' });
  try {
    await other.allow('es:ESHttpPut', 'logs/*');
    assert.match(other.arn, /^arn:aws-iso:es:us-iso-east-1:/);
    assert.strictEqual((await send('PUT', '/logs/_doc/1', '{}', other.credentials, other)).status, 201);
  } finally {
    await other.stop();
  }
});

test('two domains have nothing in common', async () => {
  const other = await startDomain({ compat: '2015-10', name: 'sandbox01' });
  try {
    assert.strictEqual((await send('GET', '/', undefined, domain.credentials, other)).status, 403);
    const answer = await fetch(`${other.url}/`);
    assert.match((await answer.json()).Message, /on resource: arn:aws:es:eu-west-1:123456789012:domain\/sandbox01\/$/);
  } finally {
    await other.stop();
    await other.stop();
    await assert.rejects(other.documents(), /the domain does not run any more/);
  }
});

test('a start that fails says why', async () => {
  await assert.rejects(startDomain({ compat: '1999' }), /1999.*\nhint: --compat takes one of/);
  await assert.rejects(startDomain({ compatibility: '2015-10' }), /unknown option "compatibility": want region, /);
});

test('it ends when its parent is killed, and lets it end', { skip: process.platform !== 'linux' }, async () => {
  const script = "require('penstock-aws').startDomain().then((d) => console.log(d.url))";
  const quiet = spawnSync(process.execPath, ['-e', script], { timeout: 20_000 });
  assert.strictEqual(quiet.status, 0); // nobody stopped the domain
  const parent = spawn(process.execPath, ['-e', `${script}; setInterval(() => {}, 1000)`]);
  const url = await new Promise((resolve) => { parent.stdout.once('data', (data) => resolve(String(data).trim())); });
  assert.strictEqual((await fetch(url)).status, 403);
  parent.kill('SIGKILL');
  for (let tries = 0; ; tries++) {
    try {
      await fetch(url);
    } catch {
      break;
    }
    assert.ok(tries < 500);
    await new Promise((resolve) => { setTimeout(resolve, 20); });
  }
});

test('the command runs the program', () => {
  const run = spawnSync(process.execPath, [require.resolve('penstock-aws/bin/penstock.js'), 'version']);
  assert.match(String(run.stdout), /^penstock /);
  assert.strictEqual(spawnSync(process.execPath, [require.resolve('penstock-aws/bin/penstock.js'), 'nothing']).status, 2);
  process.env.PENSTOCK_PROGRAM = '/none';
  assert.throws(programPath, /PENSTOCK_PROGRAM names \/none/);
  delete process.env.PENSTOCK_PROGRAM;
});
