// Uses Dashboards through a signing proxy as a person would, while pages of others try to write through it.
// Standard input: {chromium, login, none, cognito, foreign: [origin…]}; standard output: what was seen.
'use strict';

const fs = require('fs');
const os = require('os');
const path = require('path');
const { chromium } = require('playwright-core');

const input = JSON.parse(fs.readFileSync(0, 'utf8'));

async function main() {
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'penstock-browser-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: input.chromium, headless: true,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update',
      '--disable-sync', '--no-first-run', '--disable-dev-shm-usage'],
  });
  context.setDefaultTimeout(60000);
  const seen = {};
  try {
    const page = await context.newPage();
    await page.goto(input.login + '/_dashboards/');
    seen.loginAt = new URL(page.url()).pathname;
    await page.fill('#user', 'grace');
    await page.fill('#password', 'wrong');
    await page.click('#go');
    await page.waitForSelector('#refused');
    await page.fill('#password', 'right');
    await page.click('#go');
    await page.waitForSelector('#who');
    seen.who = await page.textContent('#who');
    seen.after = [];
    for (let i = 0; i < 3; i++) {
      await page.reload();
      seen.after.push(await page.textContent('#who'));
    }
    seen.saved = await page.evaluate(async () => (await fetch('/_dashboards/api/saved_objects/x', {
      method: 'POST', headers: { 'osd-xsrf': 'osd', 'content-type': 'application/json' }, body: '{}',
    })).status);
    seen.notice = await page.locator('#penstock-role').count();
    seen.cookies = (await context.cookies()).map((c) => [c.name, c.domain, c.path, c.secure, c.httpOnly]);

    for (const origin of input.foreign) {
      const other = await context.newPage();
      await other.goto(origin + '/attack?to=' + encodeURIComponent(input.login));
      await other.waitForSelector('#done', { state: 'attached' });
      await other.close();
    }

    await page.click('#out');
    await page.waitForSelector('#user');
    seen.loggedOut = new URL(page.url()).pathname;

    await page.goto(input.none + '/_dashboards/app/home');
    seen.role = await page.textContent('#penstock-role');
    await page.reload();
    seen.roleAgain = await page.locator('#penstock-role').count();

    const answer = await page.goto(input.cognito + '/_dashboards/');
    seen.cognitoStatus = answer.status();
    seen.cognitoPage = await page.textContent('body');
  } finally {
    await context.close();
    fs.rmSync(profile, { recursive: true, force: true });
  }
  process.stdout.write(JSON.stringify(seen));
}

main().catch((err) => { console.error(err); process.exitCode = 1; });
