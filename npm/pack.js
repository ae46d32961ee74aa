// Packs the npm packages: penstock-aws, and one with the program for each platform that is named.
//
// Usage: node pack.js [--licences FILE] VERSION DIRECTORY [linux-x64=PROGRAM …]
//
// FILE has the terms of what the programs contain, and goes along with them.
'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const args = process.argv.slice(2);
const terms = args[0] === '--licences' ? args.splice(0, 2)[1] : undefined;
const [tag = '', out, ...programs] = args;
const version = tag.replace(/^v/, '');
if (!version || !out || programs.some((p) => !/^[a-z0-9]+-[a-z0-9]+=./.test(p))) {
  console.error('usage: node pack.js [--licences FILE] VERSION DIRECTORY [linux-x64=PROGRAM …]');
  process.exit(2);
}

const main = JSON.parse(fs.readFileSync(path.join(__dirname, 'penstock-aws', 'package.json'), 'utf8'));
const work = fs.mkdtempSync(path.join(os.tmpdir(), 'penstock-npm-'));
try {
  fs.mkdirSync(out, { recursive: true });
  const platforms = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64', 'win32-x64', 'win32-arm64'];
  main.version = version;
  main.optionalDependencies = Object.fromEntries(platforms.map((p) => [`${main.name}-${p}`, version]));
  pack(main.name, main, (dir) => {
    fs.cpSync(path.join(__dirname, 'penstock-aws'), dir, { recursive: true, dereference: true });
  });
  for (const given of programs) {
    const platform = given.slice(0, given.indexOf('='));
    if (!platforms.includes(platform)) throw new Error(`${platform} is none of ${platforms.join(', ')}`);
    const [system, processor] = platform.split('-');
    const { license, repository } = main;
    const manifest = {
      name: `${main.name}-${platform}`, version, description: `The penstock program for ${platform}`,
      license, repository, os: [system], cpu: [processor], files: ['bin', 'LICENSE', 'THIRD-PARTY.txt'],
    };
    pack(manifest.name, manifest, (dir) => {
      fs.mkdirSync(path.join(dir, 'bin'));
      const program = path.join(dir, 'bin', system === 'win32' ? 'penstock.exe' : 'penstock');
      fs.copyFileSync(given.slice(given.indexOf('=') + 1), program);
      fs.chmodSync(program, 0o755);
      fs.copyFileSync(path.join(__dirname, '..', 'LICENSE'), path.join(dir, 'LICENSE'));
      if (terms) fs.copyFileSync(terms, path.join(dir, 'THIRD-PARTY.txt'));
    });
  }
} finally {
  fs.rmSync(work, { recursive: true });
}

/** Packs one package, whose files fill writes. */
function pack(name, manifest, fill) {
  const dir = path.join(work, name);
  fs.mkdirSync(dir);
  fill(dir);
  fs.writeFileSync(path.join(dir, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  execFileSync('npm', ['pack', '--silent', '--pack-destination', path.resolve(out)], { cwd: dir, stdio: 'inherit' });
}
