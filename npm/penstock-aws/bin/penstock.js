#!/usr/bin/env node
'use strict';

const { spawn } = require('node:child_process');
const { constants } = require('node:os');
const { programPath } = require('..');

let program;
try {
  program = programPath();
} catch (err) {
  console.error(`penstock: error: ${err.message}`);
  process.exit(2);
}
const child = spawn(program, process.argv.slice(2), { stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM']) {
  // A terminal sends an interrupt to both; whoever signals this process alone means the program.
  process.on(signal, () => signal === 'SIGTERM' && child.kill(signal));
}
child.on('error', (err) => {
  console.error(`penstock: error: start ${program}: ${err.message}`);
  process.exit(1);
});
child.on('exit', (code, signal) => process.exit(signal ? 128 + constants.signals[signal] : code));
