// Signs request targets with two npm packages. Standard input is one JSON object: credentials, region, service, host,
// date and targets. Standard output is one JSON object: for each package, what it made of each target.
import { createHash, createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { SignatureV4 } from "@smithy/signature-v4";
import aws4 from "aws4";

// Sha256 is the hash constructor that @smithy/signature-v4 asks for.
class Sha256 {
  constructor(secret) {
    this.hash = secret ? createHmac("sha256", secret) : createHash("sha256");
  }
  update(data) {
    this.hash.update(data);
  }
  async digest() {
    return new Uint8Array(this.hash.digest());
  }
}

const input = JSON.parse(readFileSync(0, "utf8"));
const credentials = { accessKeyId: input.accessKeyId, secretAccessKey: input.secretAccessKey };

function signAWS4(target) {
  const signer = new aws4.RequestSigner(
    {
      service: input.service, region: input.region, host: input.host, method: "GET", path: target,
      headers: { "X-Amz-Date": input.date },
    },
    credentials,
  );
  const signed = signer.sign();
  return { authorization: signed.headers.Authorization, canonical: signer.canonicalString() };
}

class Recorder extends SignatureV4 {
  createCanonicalRequest(...args) {
    this.canonical = super.createCanonicalRequest(...args);
    return this.canonical;
  }
}

// The smithy signer takes a parsed query; URLSearchParams parses it as a browser does.
function queryOf(search) {
  const query = {};
  for (const [name, value] of new URLSearchParams(search)) {
    (query[name] ??= []).push(value);
  }
  return query;
}

async function signSmithy(target) {
  const [path, ...rest] = target.split("?");
  const signer = new Recorder({
    credentials, region: input.region, service: input.service, sha256: Sha256, applyChecksum: false,
  });
  const signed = await signer.sign(
    { method: "GET", protocol: "https:", hostname: input.host, path, query: queryOf(rest.join("?")), headers: { host: input.host } },
    { signingDate: new Date(input.isoDate) },
  );
  return { authorization: signed.headers.authorization, canonical: signer.canonical };
}

const attempt = async (sign, target) => {
  try {
    return await sign(target);
  } catch (err) {
    return { error: String(err) };
  }
};

const output = { aws4: [], "@smithy/signature-v4": [] };
for (const target of input.targets) {
  output.aws4.push(await attempt(signAWS4, target));
  output["@smithy/signature-v4"].push(await attempt(signSmithy, target));
}
process.stdout.write(JSON.stringify(output));
