// Sends requests with one of the JavaScript clients that sign for Amazon OpenSearch Service.
//
// Usage: node clients.js CLIENT < {"endpoint":…, "region":…, "requests":[{"method":…, "target":…, "body":…}]}
// Also "service", es without, and "headers" of a request, by name. Credentials come from the usual variables. Prints [{"status":…, "body":…}].
'use strict'
const http = require('http')

const credentials = {
  accessKeyId: process.env.AWS_ACCESS_KEY_ID,
  secretAccessKey: process.env.AWS_SECRET_ACCESS_KEY,
  sessionToken: process.env.AWS_SESSION_TOKEN || undefined,
}

function withAWS4 (given) {
  const aws4 = require('aws4')
  const url = new URL(given.endpoint)
  return r => new Promise((resolve, reject) => {
    const options = {
      host: url.host, hostname: url.hostname, port: url.port, path: r.target, method: r.method, service: given.service || 'es', region: given.region,
      headers: { Host: url.host, ...r.headers }, body: r.body || undefined,
    }
    if (r.body) options.headers['Content-Type'] = 'application/json'
    aws4.sign(options, credentials)
    const req = http.request({ hostname: url.hostname, port: url.port, path: options.path, method: r.method, headers: options.headers }, res => {
      let body = ''
      res.on('data', part => { body += part })
      res.on('end', () => resolve({ status: res.statusCode, body }))
    })
    req.on('error', reject)
    req.end(r.body || undefined)
  })
}

function unsigned (given) {
  const url = new URL(given.endpoint)
  return r => new Promise((resolve, reject) => {
    const headers = r.body ? { 'Content-Type': 'application/json' } : {}
    const req = http.request({ hostname: url.hostname, port: url.port, path: r.target, method: r.method, headers }, res => {
      let body = ''
      res.on('data', part => { body += part })
      res.on('end', () => resolve({ status: res.statusCode, body }))
    })
    req.on('error', reject)
    req.end(r.body || undefined)
  })
}

function withOpenSearchJS (given) {
  const { AwsSigv4Signer } = require('@opensearch-project/opensearch/aws')
  return openSearchJS(given, AwsSigv4Signer({ region: given.region, service: given.service || 'es', getCredentials: async () => credentials }))
}

function openSearchJS (given, signer) {
  const { Client } = require('@opensearch-project/opensearch')
  const client = new Client({ ...signer, node: given.endpoint, maxRetries: 0 })
  return async r => {
    const [path, query] = r.target.split(/\?(.*)/s)
    try {
      const params = { method: r.method, path }
      if (query) params.querystring = query
      if (r.body) params.body = r.body
      const res = await client.transport.request(params, { headers: { ...(r.body ? { 'content-type': 'application/json' } : {}), ...r.headers } })
      return { status: res.statusCode, body: typeof res.body === 'string' ? res.body : JSON.stringify(res.body) }
    } catch (e) {
      if (!e.statusCode) throw e
      return { status: e.statusCode, body: typeof e.body === 'string' ? e.body : JSON.stringify(e.body) }
    }
  }
}

const clients = {
  aws4: withAWS4,
  'opensearch-js': withOpenSearchJS,
  'http unsigned': unsigned,
  'opensearch-js unsigned': given => openSearchJS(given, {}),
}

async function main () {
  let text = ''
  for await (const part of process.stdin) text += part
  const given = JSON.parse(text)
  const send = clients[process.argv[2]](given)
  const answers = []
  for (const r of given.requests) {
    try {
      answers.push(await send(r))
    } catch (e) {
      answers.push({ status: 0, body: String(e) }) // what a client cannot send is a result too
    }
  }
  process.stdout.write(JSON.stringify(answers))
}

main()
