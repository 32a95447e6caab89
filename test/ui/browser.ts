import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { findTool } from '../support/external.ts';

/** A page, and what went wrong on it: errors of scripts, failed requests, refusals of the content security policy. */
export interface Watched {
  readonly page: Page;
  readonly problems: string[];
}

/** The Chromium of this machine, without a window. Root has no sandbox of its own. */
export const launch = (): Promise<Browser> =>
  chromium.launch({
    executablePath: findTool('chromium') ?? 'chromium',
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
    timeout: 120_000,
  });

export const openPage = async (browser: Browser, url: string, scheme: 'light' | 'dark' = 'light'): Promise<Watched> => {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, colorScheme: scheme });
  page.setDefaultTimeout(120_000);
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') problems.push(message.text());
  });
  await page.goto(url);
  return { page, problems };
};

/** Where screenshots go: `SHOAL_UI_SHOTS`, or a new folder that stays. */
export const shotsFolder = async (): Promise<string> =>
  process.env['SHOAL_UI_SHOTS'] ?? mkdtemp(path.join(tmpdir(), 'shoal-ui-'));
