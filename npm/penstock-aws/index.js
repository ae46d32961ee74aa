'use strict';

const { spawn } = require('node:child_process');
const { randomBytes, randomInt } = require('node:crypto');
const { existsSync } = require('node:fs');
const http = require('node:http');
const os = require('node:os');

/** The path of the penstock program: that of PENSTOCK_PROGRAM, or of the package for this platform. */
function programPath() {
  const named = process.env.PENSTOCK_PROGRAM;
  if (named) {
    if (!existsSync(named)) throw new Error(`PENSTOCK_PROGRAM names ${named}, which is not there`);
    return named;
  }
  const name = process.platform === 'win32' ? 'penstock.exe' : 'penstock';
  const from = `penstock-aws-${process.platform}-${process.arch}`;
  try {
    return require.resolve(`${from}/bin/${name}`);
  } catch {
    throw new Error(`there is no penstock program: install ${from}, or name a program with PENSTOCK_PROGRAM`);
  }
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const keyId = (prefix) => prefix + Array.from({ length: 16 }, () => LETTERS[randomInt(LETTERS.length)]).join('');
const secret = (bytes) => randomBytes(bytes).toString('base64url');

const PARTITIONS = [
  ['cn-', 'aws-cn'], ['us-gov-', 'aws-us-gov'], ['us-isob-', 'aws-iso-b'], ['us-isof-', 'aws-iso-f'],
  ['us-iso-', 'aws-iso'], ['eu-isoe-', 'aws-iso-e'], ['eusc-', 'aws-eusc'],
];

/** As many documents as an index gives at once. */
const PAGE = 10_000;

/** A domain that runs. It has one user and one role, who may do everything until allow, deny or policy say otherwise. */
class Domain {
  #child;
  #said = [];
  #token = secret(30);
  #statements;
  #narrowed = false;
  #sessions = [];

  constructor({ region = 'eu-west-1', account = '123456789012', name = 'penstock' } = {}) {
    const partition = PARTITIONS.find(([prefix]) => region.startsWith(prefix))?.[1] ?? 'aws';
    this.region = region;
    this.arn = `arn:${partition}:es:${region}:${account}:domain/${name}`;
    this.userArn = `arn:${partition}:iam::${account}:user/test`;
    this.roleArn = `arn:${partition}:iam::${account}:role/test`;
    this.credentials = { accessKeyId: keyId('AKIA'), secretAccessKey: secret(30) };
    this.url = '';
    this.#statements = [this.#statement('Allow', 'es:*', '*')];
  }

  async start(options) {
    const flag = (name, value) => (value === undefined ? [] : [`--${name}=${value}`]);
    const [, , , , account] = this.arn.split(':');
    const args = [
      'domain', '--attached', '--listen=127.0.0.1:0', `--region=${this.region}`, `--account=${account}`,
      ...flag('name', options.name), ...flag('compat', options.compat), ...flag('mode', options.mode),
      ...flag('fault', options.fault), ...flag('engine', options.engine), ...flag('data', options.data),
    ];
    const env = Object.fromEntries(Object.entries(process.env).filter(([k]) => !/^(AWS|PENSTOCK)_/i.test(k)));
    // The domain ends when its standard input does: with this process, however that ends.
    const child = spawn(programPath(), args, { env, detached: process.platform !== 'win32', windowsHide: true });
    this.#child = child;
    child.stdin.on('error', () => {}); // it ended before it read; the exit says why
    child.stdin.write(JSON.stringify({
      identities: this.#identities(), access_policy: this.#policy(), admin_token: this.#token,
    }) + '\n');
    child.stderr.setEncoding('utf8').on('data', (text) => {
      this.#said.push(text);
      if (this.#said.length > 2000) this.#said.shift();
    });
    this.url = await new Promise((resolve, reject) => {
      let out = '';
      child.on('error', reject);
      child.stdout.setEncoding('utf8').on('data', (text) => {
        out += text;
        const said = /^listening on (\S+)$/m.exec(out);
        if (said) resolve(said[1]);
      });
      child.on('close', (code) => {
        const error = /^penstock: error: (.*)$/m.exec(this.log());
        const hint = /^penstock: hint: (.*)$/m.exec(this.log());
        reject(new Error(`start a domain: ${error ? error[1] : `exit code ${code}`}${hint ? `\nhint: ${hint[1]}` : ''}`));
      });
    });
    // A test that forgets to stop it may end nevertheless.
    for (const handle of [child, child.stdin, child.stdout, child.stderr]) handle.unref();
    return this;
  }

  /** Ends the domain. Its documents are gone. */
  async stop() {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.ref();
    child.stdin.end();
    const late = setTimeout(() => child.kill('SIGKILL'), 5000);
    await ended;
    clearTimeout(late);
  }

  /** Ends the domain with the block, for "await using". */
  async [Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]() {
    await this.stop();
  }

  /** What it refused, and why: a line of JSON each. */
  log() {
    return this.#said.join('');
  }

  /** The AWS variables of a program that is to sign as the domain's user, or as the session with these credentials. */
  environment(credentials = this.credentials) {
    return {
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      AWS_SESSION_TOKEN: credentials.sessionToken ?? '',
      AWS_REGION: this.region,
      AWS_DEFAULT_REGION: this.region,
      AWS_CONFIG_FILE: os.devNull,
      AWS_SHARED_CREDENTIALS_FILE: os.devNull,
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_ENDPOINT_URL_STS: this.url,
      PENSTOCK_DOMAIN: this.url,
    };
  }

  /** Credentials of a session of the role, which lives so many seconds: fewer than STS gives, if you like. */
  async roleSession({ name = 'test', lifetime = 3600 } = {}) {
    const now = Date.now();
    const credentials = { accessKeyId: keyId('ASIA'), secretAccessKey: secret(30), sessionToken: secret(120) };
    const session = { credentials, name, issued: now, expires: now + lifetime * 1000 };
    this.#sessions.push(session);
    try {
      await this.#putIdentities();
    } catch (err) {
      this.#sessions = this.#sessions.filter((s) => s !== session);
      throw err;
    }
    return credentials;
  }

  /** Ends a session now: the domain answers that its token has expired. */
  async expire(credentials) {
    const session = this.#sessions.find((s) => s.credentials.accessKeyId === credentials.accessKeyId);
    if (!session) throw new Error('expire a session: it is not one of this domain');
    session.expires = Date.now() - 1000;
    session.issued = Math.min(session.issued, session.expires - 1000);
    await this.#putIdentities();
  }

  /** Allows actions, such as es:ESHttpGet, on a path. The first call narrows everything down to it. */
  async allow(actions, resource = '*') {
    if (!this.#narrowed) this.#statements = this.#statements.filter((s) => s.Effect === 'Deny');
    this.#narrowed = true;
    await this.#add('Allow', actions, resource);
  }

  /** Denies actions on a path, whatever else allows them. */
  async deny(actions = 'es:*', resource = '*') {
    await this.#add('Deny', actions, resource);
  }

  /** Puts an access policy in the place of all that was allowed and denied; without one, as at the start. */
  async policy(document) {
    if (document === undefined) {
      this.#narrowed = false;
      this.#statements = [this.#statement('Allow', 'es:*', '*')];
      return this.#putPolicy();
    }
    await this.#admin('PUT', '/_penstock/policy', JSON.stringify(document));
    this.#narrowed = true;
    this.#statements = [].concat(document.Statement);
  }

  /** Makes the domain misbehave, as in "429@10%", until the next call; none does an empty one. */
  async fault(spec) {
    await this.#admin('PUT', '/_penstock/faults', spec);
  }

  /** How often each fault has struck since it was set. */
  async fired() {
    return JSON.parse(await this.#admin('GET', '/_penstock/faults')).fired;
  }

  /** All documents of the indexes that the pattern matches, at most 10,000, past policy and faults. */
  async documents(index = '*') {
    const path = `/_penstock/engine/${encodeURIComponent(index)}`;
    const quiet = '?ignore_unavailable=true&allow_no_indices=true';
    await this.#admin('POST', `${path}/_refresh${quiet}`);
    const { hits } = JSON.parse(await this.#admin('POST', `${path}/_search${quiet}`, JSON.stringify({ size: PAGE })));
    if ((hits.total.value ?? hits.total) > hits.hits.length) throw new Error(`${index} has more than ${PAGE} documents`);
    return hits.hits.map((hit) => ({ index: hit._index, id: hit._id, fields: hit._source ?? {} }));
  }

  async #add(effect, actions, resource) {
    const before = this.#statements;
    this.#statements = [...before, this.#statement(effect, actions, resource)];
    try {
      await this.#putPolicy();
    } catch (err) {
      this.#statements = before;
      throw err;
    }
  }

  #statement(effect, actions, resource) {
    const below = resource.startsWith('arn:') ? [resource] : [`${this.arn}/${resource.replace(/^\//, '')}`];
    const what = resource === '*' ? [this.arn, `${this.arn}/*`] : below;
    return { Effect: effect, Principal: { AWS: [this.userArn, this.roleArn] }, Action: actions, Resource: what };
  }

  #policy() {
    return { Version: '2012-10-17', Statement: this.#statements };
  }

  #identities() {
    const { accessKeyId, secretAccessKey } = this.credentials;
    return {
      users: [{ arn: this.userArn, access_keys: [{ id: accessKeyId, secret: secretAccessKey }] }],
      roles: [{ arn: this.roleArn }],
      sessions: this.#sessions.map((s) => ({
        access_key_id: s.credentials.accessKeyId, secret: s.credentials.secretAccessKey, token: s.credentials.sessionToken,
        of: this.roleArn, name: s.name, issued: new Date(s.issued).toISOString(), expires: new Date(s.expires).toISOString(),
      })),
    };
  }

  #putPolicy() {
    return this.#admin('PUT', '/_penstock/policy', JSON.stringify(this.#policy()));
  }

  #putIdentities() {
    return this.#admin('PUT', '/_penstock/identities', JSON.stringify(this.#identities()));
  }

  #admin(method, path, body = '') {
    if (!this.#child) return Promise.reject(new Error(`${method} ${path.split('?')[0]}: the domain does not run any more`));
    const headers = { Authorization: `Bearer ${this.#token}`, 'Content-Length': Buffer.byteLength(body) };
    if (body) headers['Content-Type'] = 'application/json';
    return new Promise((resolve, reject) => {
      const request = http.request(new URL(path, this.url), { method, headers, agent: false }, (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (part) => { text += part; }).on('error', reject).on('end', () => {
          if (answer.statusCode < 400) resolve(text);
          else reject(new Error(`${method} ${path.split('?')[0]}: ${text.trim()}`));
        });
      });
      request.on('error', reject).end(body);
    });
  }
}

const OPTIONS = ['region', 'account', 'name', 'compat', 'mode', 'fault', 'engine', 'data'];

/** Starts a domain on loopback, on a port of its own, and returns it when it answers. */
async function startDomain(options = {}) {
  const unknown = Object.keys(options).find((name) => !OPTIONS.includes(name));
  if (unknown) throw new TypeError(`start a domain: unknown option ${JSON.stringify(unknown)}: want ${OPTIONS.join(', ')}`);
  return new Domain(options).start(options);
}

module.exports = { startDomain, programPath };
